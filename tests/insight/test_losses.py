"""The worst losses: their order, their columns, and the photos that have no loss."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from petbreeds.errors import ChoiceError
from petbreeds.insight.losses import top_losses
from petbreeds.predictions import Predictions


def random_predictions(n: int, seed: int, n_classes: int = 4) -> Predictions:
    random = np.random.default_rng(seed)
    probs = random.dirichlet(np.ones(n_classes), n)
    vocab = [f"class_{i}" for i in range(n_classes)]
    return Predictions([f"{i}.jpg" for i in range(n)], vocab, probs, random.integers(0, n_classes, n))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 40), seed=st.integers(0, 2**16))
def test_losses_are_scikit_learns_and_fall(n: int, seed: int) -> None:
    found = random_predictions(n, seed)
    table = top_losses(found)
    assert list(table) == ["path", "truth", "label", "probability", "loss"]
    assert table["loss"].tolist() == sorted(table["loss"], reverse=True)
    assert sorted(table.index) == list(range(n))
    theirs = log_loss(found.targets, found.probs, labels=range(4))
    assert np.mean(table["loss"].tolist()) == pytest.approx(theirs)
    chosen = found[table.index.to_numpy()]
    assert chosen.paths == table["path"].tolist() and chosen.labels == table["label"].tolist()


def test_order_agrees_with_fastais_topk() -> None:
    torch = pytest.importorskip("torch")
    found = random_predictions(50, seed=1)
    for largest in (True, False):
        losses, places = torch.tensor(found.losses).topk(9, largest=largest)
        table = top_losses(found, 9, largest=largest)
        assert table.index.tolist() == places.tolist()
        np.testing.assert_allclose(table["loss"], losses)


def test_probability_is_that_of_the_class_given() -> None:
    found = Predictions(["a.jpg"], ["cat", "dog"], np.array([[0.2, 0.8]]), np.array([0]))
    row = top_losses(found, 1).iloc[0]
    assert (row["truth"], row["label"], row["probability"]) == ("cat", "dog", 0.8)
    assert row["loss"] == pytest.approx(-math.log(0.2))


@pytest.mark.parametrize("largest", [True, False])
def test_unreadable_photos_come_last(largest: bool) -> None:
    probs = np.array([[np.nan, np.nan], [0.9, 0.1], [0.3, 0.7]])
    found = Predictions(
        ["bad.jpg", "b.jpg", "c.jpg"], ["cat", "dog"], probs, np.array([0, 0, 0]), ["truncated", "", ""]
    )
    table = top_losses(found, largest=largest)
    assert table["path"].tolist()[-1] == "bad.jpg"
    assert table["label"].tolist()[-1] == "" and math.isnan(table["loss"].tolist()[-1])


def test_k_beyond_the_photos_gives_all_and_a_wrong_k_is_refused() -> None:
    found = random_predictions(3, seed=0)
    assert len(top_losses(found, 99)) == 3 and len(top_losses(found, 0)) == 0
    for wrong in (-1, 2.5, True, "9"):
        with pytest.raises(ChoiceError, match="k is .*allowed: a whole number"):
            top_losses(found, wrong)  # type: ignore[arg-type]
