"""Interpretation answers the book's questions in the book's words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import classification_report

from petbreeds.errors import ChoiceError
from petbreeds.insight.interpretation import Interpretation
from petbreeds.predictions import Predictions


@pytest.fixture
def interp(tmp_path: Path) -> Interpretation:
    vocab = ["Birman", "Ragdoll", "beagle"]
    targets = np.array([0] * 6 + [1] * 6 + [2] * 2)
    given = [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 2, 2, 2]
    paths = []
    for i in range(len(given)):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.new("RGB", (8, 6), (i, 0, 0)).save(paths[-1])
    probs = np.full((len(given), 3), 0.1)
    probs[np.arange(len(given)), given] = 0.8 - 0.01 * np.arange(len(given))
    return Interpretation(Predictions(paths, vocab, probs, targets))


def test_the_books_lines_run_unchanged(interp: Interpretation) -> None:
    ax = interp.plot_confusion_matrix(figsize=(12, 12), dpi=60)
    assert isinstance(ax.figure, Figure)
    assert ax.figure.get_size_inches().tolist() == [12, 12] and ax.figure.dpi == 60
    assert np.array_equal(np.asarray(ax.images[0].get_array()), interp.confusion_matrix())
    assert interp.most_confused(min_val=5) == [("Birman", "Ragdoll", 5)]
    assert len(interp.plot_top_losses(9, nrows=3)) == 9
    assert len(interp.plot_top_losses(5)) == 5


def test_the_worst_photos_are_shown_worst_first(interp: Interpretation) -> None:
    worst = interp.top_losses(4)
    tiles = interp.plot_top_losses(4)
    shown = [int(np.asarray(tile.images[0].get_array())[0, 0, 0]) for tile in tiles]
    assert shown == worst.index.tolist()
    assert interp.predictions.losses[shown].tolist() == sorted(interp.predictions.losses, reverse=True)[:4]
    assert set(shown) < {1, 2, 3, 4, 5, 10, 11}, "only wrong answers are among the worst four"
    ranks = interp.plot_top_losses(range(1, 3))
    assert [tile.get_title() for tile in ranks] == [tile.get_title() for tile in tiles[1:3]]
    best = interp.plot_top_losses(1, largest=False)
    assert int(np.asarray(best[0].images[0].get_array())[0, 0, 0]) == 0


def test_matrix_and_table_agree(interp: Interpretation) -> None:
    assert interp.confusion_matrix().tolist() == [[1, 5, 0], [1, 4, 1], [0, 0, 2]]
    assert interp.confusion_table().loc["Birman", "Ragdoll"] == 5
    assert interp.per_class().set_index("label").loc["Ragdoll", "errors"] == 2
    assert interp.summary() == interp.predictions.summary()
    normalized = interp.plot_confusion_matrix(normalize=True, cmap="Greys")
    assert np.asarray(normalized.images[0].get_array())[2, 2] == 1


def test_report_is_scikit_learns(interp: Interpretation, capsys: pytest.CaptureFixture[str]) -> None:
    interp.print_classification_report()
    found = interp.predictions
    expected = classification_report(found.targets, found.label_ids, labels=range(3), target_names=found.vocab)
    assert capsys.readouterr().out == f"{expected}\n"
    Interpretation(
        Predictions([], ["cat", "dog"], np.zeros((0, 2)), np.zeros(0, dtype=int))
    ).print_classification_report()
    assert "No photos" in capsys.readouterr().out


def test_html_is_escaped() -> None:
    vocab = ["<script>alert(1)</script>", "<b>dog</b>"]
    html = Interpretation(Predictions(["a"], vocab, np.array([[0.1, 0.9]]), np.array([0])))._repr_html_()
    assert "&lt;script&gt;" in html and "<script>" not in html and "<b>" not in html
    assert "error 100.0 %" in html


def test_unknown_truth_is_refused_at_once() -> None:
    with pytest.raises(ChoiceError, match="not known"):
        Interpretation(Predictions(["a.jpg"], ["cat", "dog"], np.array([[0.1, 0.9]])))


def test_matplotlib_waits_for_the_first_plot() -> None:
    code = "import sys, petbreeds.insight.interpretation; sys.exit('matplotlib' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
