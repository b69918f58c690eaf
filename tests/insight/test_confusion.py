"""The counts must be scikit-learn's and fastai's, whatever the answers were."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from petbreeds.errors import ChoiceError
from petbreeds.insight.confusion import confusion_table, most_confused, order_by_similarity, per_class
from petbreeds.predictions import Predictions, wilson_interval


def answers(targets: list[int], given: list[int], n_classes: int) -> Predictions:
    """Predictions that give the stated classes; -1 stands for a photo that could not be read."""
    probs = np.full((len(given), n_classes), 0.5 / n_classes)
    for row, choice in zip(probs, given, strict=True):
        row[choice] = 0.9
        if choice < 0:
            row[:] = np.nan
    names = [f"{i}.jpg" for i in range(len(given))]
    errors = ["truncated" if choice < 0 else "" for choice in given]
    return Predictions(names, [f"class_{i}" for i in range(n_classes)], probs, np.array(targets, dtype=int), errors)


@st.composite
def random_answers(draw: st.DrawFn, unreadable: bool = False, min_photos: int = 0) -> Predictions:
    n_classes = draw(st.integers(2, 6))
    n = draw(st.integers(min_photos, 30))
    classes = st.integers(0, n_classes - 1)
    choices = st.integers(-1 if unreadable else 0, n_classes - 1)
    targets = draw(st.lists(classes, min_size=n, max_size=n))
    return answers(targets, draw(st.lists(choices, min_size=n, max_size=n)), n_classes)


class FastaiLearner:
    """Just enough of a Learner for fastai's ClassificationInterpretation to count with."""

    def __init__(self, predictions: Predictions) -> None:
        torch = pytest.importorskip("torch")
        self.answers = [None, torch.tensor(predictions.targets), torch.tensor(predictions.label_ids)]

    def get_preds(self, **_: object) -> list[object]:
        return self.answers


@settings(max_examples=40, deadline=None)
@given(found=random_answers(min_photos=1), min_val=st.integers(1, 4))
def test_counts_and_pairs_are_those_of_fastai(found: Predictions, min_val: int) -> None:
    interpret = pytest.importorskip("fastai.interpret")
    vocab = interpret.CategoryMap(found.vocab, sort=False)
    theirs = interpret.ClassificationInterpretation(FastaiLearner(found), SimpleNamespace(vocab=vocab), losses=None)
    assert np.array_equal(confusion_table(found).to_numpy(), theirs.confusion_matrix())
    assert most_confused(found, min_val) == theirs.most_confused(min_val)


@settings(max_examples=60, deadline=None)
@given(found=random_answers(unreadable=True))
def test_table_counts_every_readable_photo_once(found: Predictions) -> None:
    table = confusion_table(found)
    assert table.index.name == "actual" and table.columns.name == "predicted"
    assert list(table.index) == list(table.columns) == found.vocab
    assert table.to_numpy().sum() == found.readable.sum()
    assert table.attrs["left_out"] == (~found.readable).sum()
    assert np.trace(table.to_numpy()) == found.correct.sum()


@settings(max_examples=60, deadline=None)
@given(found=random_answers(unreadable=True, min_photos=1))
def test_per_class_is_scikit_learns(found: Predictions) -> None:
    table = per_class(found)
    assert found.targets is not None
    arguments = {"labels": range(len(found.vocab)), "zero_division": np.nan}
    theirs = metrics.precision_recall_fscore_support(found.targets, found.label_ids, **arguments)
    for column, expected in zip(["precision", "recall", "f1", "n"], theirs, strict=True):
        np.testing.assert_allclose(table[column], np.asarray(expected, dtype=float))
    assert sum(table["errors"].tolist()) == found.n_errors, "a photo that could not be read is an error of its class"
    for row in table.to_dict("records"):
        assert (row["error_low"], row["error_high"]) == pytest.approx(wilson_interval(row["errors"], row["n"]))


def test_rows_are_actual_and_columns_predicted() -> None:
    table = confusion_table(answers([0, 0, 0, 1], [1, 1, 0, 1], 2))
    assert table.loc["class_0", "class_1"] == 2
    assert table.loc["class_1", "class_0"] == 0


def test_most_confused_sorts_and_keeps_ties_in_order() -> None:
    found = answers([2, 2, 0, 1, 1, 0, 0], [0, 0, 1, 2, 2, 0, 2], 3)
    expected = [
        ("class_1", "class_2", 2),
        ("class_2", "class_0", 2),
        ("class_0", "class_1", 1),
        ("class_0", "class_2", 1),
    ]
    assert most_confused(found) == expected
    assert most_confused(found, min_val=2) == expected[:2]
    assert most_confused(found, min_val=3) == []
    assert all(actual != predicted for actual, predicted, _ in most_confused(found, min_val=0))


def test_per_class_says_nan_where_nothing_is_defined() -> None:
    table = per_class(answers([0, 0], [0, 0], 3)).set_index("label")
    assert table.loc["class_0", ["precision", "recall", "f1"]].tolist() == [1, 1, 1]
    assert table.loc["class_2", ["precision", "recall", "f1"]].isna().all()
    assert table.loc["class_2", ["n", "errors", "error_low", "error_high"]].tolist() == [0, 0, 0, 1]


def test_no_photos_and_only_unreadable_photos() -> None:
    assert confusion_table(answers([], [], 2)).to_numpy().tolist() == [[0, 0], [0, 0]]
    assert per_class(answers([], [], 2))["n"].tolist() == [0, 0]
    lost = answers([0, 1], [-1, -1], 2)
    assert confusion_table(lost).to_numpy().sum() == 0
    assert per_class(lost)["errors"].tolist() == [1, 1]


def test_unknown_truth_is_refused_with_a_next_step() -> None:
    unlabelled = Predictions(["a.jpg"], ["cat", "dog"], np.array([[0.5, 0.5]]))
    for analyse in (confusion_table, most_confused, per_class):
        with pytest.raises(ChoiceError, match="true classes of these 1 photos are not known(.|\n)*Next:"):
            analyse(unlabelled)


def test_similar_classes_stand_side_by_side() -> None:
    names = list("abcdef")
    table = pd.DataFrame(np.eye(6, dtype=int) * 5, index=names, columns=names)
    for one, other in ("ad", "be", "cf"):
        table.loc[one, other] = 3
        table.loc[other, one] = 2
    ordered = order_by_similarity(table)
    places = {name: place for place, name in enumerate(ordered.index)}
    assert all(abs(places[one] - places[other]) == 1 for one, other in ("ad", "be", "cf"))
    assert list(ordered.index) == list(ordered.columns)
    assert ordered.loc["a", "d"] == 3 and ordered.loc["d", "a"] == 2
    assert order_by_similarity(table.iloc[:2, :2]).equals(table.iloc[:2, :2])
