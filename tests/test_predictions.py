"""Predictions: labels, errors and tables that follow from the probabilities, whatever these are."""

from __future__ import annotations

import csv
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from petbreeds.errors import ChoiceError
from petbreeds.predictions import Predictions, wilson_interval

UNHURRIED = settings(deadline=None)  # the first example pays for imports, and machines are shared
NAN = math.nan


@st.composite
def predictions(draw: st.DrawFn, min_photos: int = 0) -> Predictions:
    n, n_classes = draw(st.integers(min_photos, 6)), draw(st.integers(1, 5))
    weights = draw(arrays.arrays(np.float64, (n, n_classes), elements=st.floats(0.01, 1)))
    probs = weights / weights.sum(axis=1, keepdims=True)
    errors = draw(st.lists(st.sampled_from(["", "", "cannot be read"]), min_size=n, max_size=n))
    probs[[bool(reason) for reason in errors]] = np.nan
    targets = draw(arrays.arrays(np.int64, n, elements=st.integers(0, n_classes - 1)))
    paths = [f"photo_{i}.jpg" for i in range(n)]
    return Predictions(paths, [f"class {i}" for i in range(n_classes)], probs, targets, errors)


@UNHURRIED
@given(predictions())
def test_labels_confidences_and_top_k_agree(found: Predictions) -> None:
    best = found.top_k(1)
    for i in range(len(found)):
        if not found.readable[i]:
            assert found.labels[i] == "" and found.label_ids[i] == -1 and best[i] == []
            assert math.isnan(found.confidences[i])
        else:
            assert best[i] == [(found.labels[i], found.confidences[i])]
            assert found.vocab[found.label_ids[i]] == found.labels[i]
            assert found.confidences[i] == found.probs[i].max()


@UNHURRIED
@given(predictions(), st.integers(1, 8))
def test_top_k_falls_and_never_repeats(found: Predictions, k: int) -> None:
    for row, readable in zip(found.top_k(k), found.readable, strict=True):
        shares = [share for _, share in row]
        assert len(row) == (min(k, len(found.vocab)) if readable else 0)
        assert shares == sorted(shares, reverse=True) and len({name for name, _ in row}) == len(row)


@UNHURRIED
@given(predictions())
def test_errors_are_counted_once(found: Predictions) -> None:
    assert found.n_errors == sum(label != truth for label, truth in zip(found.labels, found.truths, strict=True))
    assert found.n_errors == sum(single.n_errors for single in found)
    assert found.n_errors >= sum(map(bool, found.errors))  # no photo is left out because it could not be read
    if len(found):
        assert found.error_rate == found.n_errors / len(found)
        low, high = found.interval()
        assert 0 <= low <= found.error_rate + 1e-12 and found.error_rate - 1e-12 <= high <= 1


@UNHURRIED
@given(predictions(min_photos=1), st.data())
def test_choosing_photos(found: Predictions, data: st.DataObject) -> None:
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))))
    rows = np.flatnonzero(mask)
    for which in (mask, rows, rows.tolist(), mask.tolist()):
        part = found[which]
        assert part.paths == [found.paths[i] for i in rows] and part.errors == [found.errors[i] for i in rows]
        assert part.labels == [found.labels[i] for i in rows] and part.truths == [found.truths[i] for i in rows]
    assert found[::-1].paths == found.paths[::-1]
    assert found[-1].paths == [found.paths[-1]] and found[-1].label == found.labels[-1]
    assert [single.paths[0] for single in found] == found.paths


@UNHURRIED
@given(predictions())
def test_losses_are_cross_entropies(found: Predictions) -> None:
    assert found.targets is not None
    for i, loss in enumerate(found.losses):
        if found.readable[i]:
            assert loss == pytest.approx(-math.log(found.probs[i, found.targets[i]]))
        else:
            assert math.isnan(loss)


@UNHURRIED
@given(predictions(), st.booleans())
def test_the_table_has_its_stable_columns(found: Predictions, all_classes: bool) -> None:
    table = found.table(all_classes)
    names = ["path", "label", "probability", "known", "error", "truth"]
    assert list(table.columns) == names + (found.vocab if all_classes else [])
    assert len(table) == len(found) and table["known"].tolist() == found.readable.tolist()
    assert Predictions(found.paths, found.vocab, found.probs).table().columns.tolist() == names[:-1]


def two() -> Predictions:
    return Predictions(["a.jpg", "b.jpg"], ["cat", "dog"], np.array([[0.9, 0.1], [NAN, NAN]]), None, ["", "torn"])


def test_one_photo() -> None:
    assert (two()[0].label, two()[0].probability) == ("cat", 0.9)
    assert two()[1].label == "" and math.isnan(two()[1].probability)
    for attribute in ("label", "probability"):
        with pytest.raises(ChoiceError, match="predictions of 2 photos; use .labels"):
            getattr(two(), attribute)
    with pytest.raises(IndexError):
        two()[2]


@pytest.mark.parametrize("attribute", ["truths", "correct", "n_errors", "error_rate", "losses"])
def test_without_truth_no_error_is_invented(attribute: str) -> None:
    with pytest.raises(ChoiceError, match="true labels of these photos are not known"):
        getattr(two(), attribute)


def test_no_photo_at_all() -> None:
    empty = Predictions([], ["cat", "dog"], np.zeros((0, 2)), np.zeros(0, dtype=int))
    assert math.isnan(empty.error_rate) and empty.interval() == (0.0, 1.0)
    assert empty.labels == [] and empty.top_k() == [] and list(empty) == [] and len(empty.table()) == 0
    assert "n = 0 photos" in empty.summary()


def test_the_summary_is_one_honest_line() -> None:
    probs = np.array([[0.9, 0.1]] * 9 + [[0.2, 0.8]])
    found = Predictions([f"{i}.jpg" for i in range(10)], ["cat", "dog"], probs, np.zeros(10, dtype=int))
    assert found.summary() == "error 10.0 % (95 % interval 1.8 to 40.4 %, n = 10 photos)"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probs": np.zeros((3, 2))}, r"probs has shape \(3, 2\); expected \(photos, classes\) = \(2, 2\)"),
        ({"probs": np.zeros(2)}, "probs has shape"),
        ({"targets": np.zeros(3)}, "targets has 3 entries for 2 photos"),
        ({"errors": [""]}, "errors has 1 entries for 2 photos"),
    ],
)
def test_parts_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"paths": ["a", "b"], "vocab": ["cat", "dog"], "probs": np.zeros((2, 2)), **changes}
    with pytest.raises(ChoiceError, match=message):
        Predictions(**parts)


@UNHURRIED
@given(st.integers(1, 5000), st.data(), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_interval_by_its_formula(n: int, data: st.DataObject, confidence: float) -> None:
    errors = data.draw(st.integers(0, n))
    z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    share = errors / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = wilson_interval(errors, n, confidence)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-9)
    mirrored = wilson_interval(n - errors, n, confidence)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((low, high), abs=1e-9)


def test_wilson_interval_of_the_full_set_is_a_little_over_a_point() -> None:
    low, high = wilson_interval(80, 1478)
    assert (high - low) / 2 == pytest.approx(0.0116, abs=0.0005)


def test_csv_holds_no_formula(tmp_path: Path) -> None:
    vocab = ["=1+1", "plain"]
    paths = ["@SUM(A1).jpg", "-2.jpg", "ordinary.jpg"]
    probs = np.array([[0.9, 0.1], [0.2, 0.8], [NAN, NAN]])
    found = Predictions(paths, vocab, probs, np.array([0, 1, 1]), ["", "", '+cmd "x", torn\nhere'])
    target = found.to_csv(tmp_path / "new" / "predictions.csv", all_classes=True)
    with target.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["path", "label", "probability", "known", "error", "truth", "'=1+1", "plain"]
    assert [row[0] for row in rows[1:]] == ["'@SUM(A1).jpg", "'-2.jpg", "ordinary.jpg"]
    assert rows[1][1] == rows[1][5] == "'=1+1" and rows[3][4].startswith("'+cmd")
    assert [path.name for path in target.parent.iterdir()] == ["predictions.csv"]
    assert found.vocab == vocab and found.paths == paths


@UNHURRIED
@given(predictions(min_photos=1))
def test_csv_reads_back(found: Predictions) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        table = pd.read_csv(found.to_csv(Path(folder) / "p.csv", all_classes=True), keep_default_na=False)
    assert table["label"].tolist() == found.labels and table["truth"].tolist() == found.truths
    shares = [float(text or "nan") for text in table["probability"]]
    assert np.allclose(shares, found.confidences, equal_nan=True)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = two().to_csv(tmp_path / "p.csv")
    before = target.read_bytes()

    def fail(self: pd.DataFrame, path: Path, **options: Any) -> None:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        two().to_csv(target)
    assert target.read_bytes() == before


def test_the_notebook_table_is_escaped() -> None:
    html = Predictions(["<script>.jpg"], ["<b>", "dog"], np.array([[0.9, 0.1]]))._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "<b>" not in html


def test_an_answer_that_is_not_finite_is_no_answer() -> None:
    probs = np.array([[np.nan, np.nan], [0.2, 0.8]])
    found = Predictions(["a.jpg", "b.jpg"], ["cat", "dog"], probs, np.array([0, 1]))
    assert found.labels == ["", "dog"] and found.readable.tolist() == [False, True]
    assert found.n_errors == 1 and found.table()["known"].tolist() == [False, True]
