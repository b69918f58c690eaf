"""Figures, judged by what their axes hold: the numbers, the names, the marks."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from petbreeds.errors import ChoiceError
from petbreeds.insight import plots, plots_canvas
from petbreeds.insight.plots_canvas import legible

HOSTILE = ["<script>alert(1)</script>", "$math$ ^_{", "\\frac{$", "x" * 300, "猫咪", "🐱🐶", "a\nb\t\x00", "\udcff", ""]


def square(counts: object, names: list[str] | None = None) -> pd.DataFrame:
    array = np.asarray(counts)
    labels = names or [f"class_{i}" for i in range(len(array))]
    return pd.DataFrame(array, index=labels, columns=labels)


def written(ax: Axes) -> dict[tuple[float, float], str]:
    return {(text.get_position()[1], text.get_position()[0]): text.get_text() for text in ax.texts}


def figure_of(ax: Axes) -> Figure:
    assert isinstance(ax.figure, Figure)
    return ax.figure


def image_of(ax: Axes) -> np.ndarray:
    return np.asarray(ax.images[0].get_array())


def line_of(ax: Axes, i: int = 0) -> tuple[list[float], list[float]]:
    x, y = ax.lines[i].get_data()
    return np.asarray(x).tolist(), np.asarray(y).tolist()


def tick_names(ax: Axes) -> tuple[list[str], list[str]]:
    return [text.get_text() for text in ax.get_xticklabels()], [text.get_text() for text in ax.get_yticklabels()]


def test_matrix_shows_counts_names_and_which_axis_is_which() -> None:
    table = square([[8, 2, 0], [0, 9, 1], [0, 0, 10]], ["cat", "dog", "fox"])
    ax = plots.plot_confusion_matrix(table)
    assert np.array_equal(image_of(ax), table.to_numpy())
    assert ax.get_ylabel() == "Actual (rows)" and ax.get_xlabel() == "Predicted (columns)"
    assert tick_names(ax) == (["cat", "dog", "fox"], ["cat", "dog", "fox"])
    assert written(ax) == {(0, 0): "8", (0, 1): "2", (1, 1): "9", (1, 2): "1", (2, 2): "10"}, "zeros stay blank"
    bold = {text.get_text() for text in ax.texts if text.get_fontweight() == "bold"}
    assert bold == {"2", "1"}, "confusions stand out without colour"
    assert ax.yaxis_inverted(), "the first class is at the top"


def test_matrix_in_percent_of_rows() -> None:
    ax = plots.plot_confusion_matrix(square([[3, 1], [0, 0]]), normalize=True)
    assert image_of(ax).tolist() == [[0.75, 0.25], [0, 0]], "an empty row is no division by zero"
    assert written(ax) == {(0, 0): "75", (0, 1): "25"}
    assert "percent of each row" in ax.get_title()
    finer = plots.plot_confusion_matrix(square([[2, 1], [0, 3]]), normalize=True, norm_dec=3)
    assert written(finer)[(0, 1)] == "33.3"


def test_matrix_takes_the_books_arguments_and_given_axes() -> None:
    ax = plots.plot_confusion_matrix(
        square(np.eye(37, dtype=int)), figsize=(12, 12), dpi=60, title="Mine", plot_txt=False
    )
    assert figure_of(ax).get_size_inches().tolist() == [12, 12] and ax.figure.dpi == 60
    assert ax.get_title() == "Mine" and not ax.texts
    mine = plt.subplots()[1]
    assert plots.plot_confusion_matrix(square([[1, 0], [0, 1]]), ax=mine) is mine


@pytest.mark.parametrize("n_classes", [2, 37, 120])
def test_matrix_is_legible_at_any_number_of_classes(n_classes: int) -> None:
    names = [f"breed_number_{i}_terrier" for i in range(n_classes)]
    ax = plots.plot_confusion_matrix(square(np.eye(n_classes, dtype=int) * 250, names))
    assert tick_names(ax) == (names, names), "every class is named"
    figure_of(ax).draw_without_rendering()
    cell = abs(ax.transData.transform([(0, 0), (0, 1)])[1] - ax.transData.transform([(0, 0), (0, 0)])[1])[1]
    for text in [*ax.get_yticklabels(), ax.texts[0]]:
        pixels = float(text.get_fontsize()) * ax.figure.dpi / 72
        assert 5 <= pixels <= 1.05 * cell, f"{text.get_text()} is {pixels:.1f} pixels in a cell of {cell:.1f}"
    number = ax.texts[0].get_window_extent()
    assert number.width <= cell, "a count of three digits stays in its cell"


def test_matrix_too_small_for_its_classes_names_only_some() -> None:
    names = [f"class_{i}" for i in range(120)]
    ax = plots.plot_confusion_matrix(square(np.eye(120, dtype=int), names), figsize=(12, 12), dpi=60)
    shown = tick_names(ax)[0]
    assert 40 <= len(shown) < 120 and set(shown) < set(names)
    assert not ax.texts, "counts too small to read are left out"
    places = ax.get_xticks()
    assert [names[int(place)] for place in places] == shown, "a name stands at its own class"


def test_matrix_counts_are_readable_on_their_colour() -> None:
    ax = plots.plot_confusion_matrix(square([[100, 50, 10], [1, 90, 30], [0, 5, 2]]), cmap="Greys")
    colors: Any = ax.images[0].to_rgba(image_of(ax))
    for (y, x), text in written(ax).items():
        behind = float(np.mean(colors[int(y), int(x), :3]))
        ink = next(item.get_color() for item in ax.texts if item.get_position() == (x, y))
        contrast = (1 - behind) if ink == "white" else behind
        assert contrast > 0.4, f"{text} in {ink} on {behind:.2f}"


def test_matrix_says_how_many_photos_are_left_out() -> None:
    table = square([[1, 0], [0, 1]])
    table.attrs["left_out"] = 3
    assert "3 unreadable left out" in plots.plot_confusion_matrix(table).get_title()


def test_hostile_names_are_drawn_as_they_are() -> None:
    ax = plots.plot_confusion_matrix(square(np.ones((len(HOSTILE), len(HOSTILE)), dtype=int), HOSTILE), title="$x$ {")
    with pytest.warns() as caught:
        figure_of(ax).savefig(io.BytesIO(), format="svg")
    assert all("Glyph" in str(warning.message) for warning in caught), "only a missing font may be remarked on"
    shown = tick_names(ax)[1]
    assert shown[:2] == HOSTILE[:2] and shown[4:6] == HOSTILE[4:6]
    assert len(shown[3]) == 28 and "…" in shown[3]
    assert all(not text.get_parse_math() for text in ax.get_yticklabels())
    assert all(text.isprintable() for text in shown)


def test_legible_keeps_both_ends() -> None:
    assert legible("short") == "short"
    assert legible("a" * 50 + "/photo_12.jpg", limit=20) == "aaaaaaaaaa…to_12.jpg"
    assert len(legible("x" * 300)) == 28


def test_a_font_that_has_the_signs_is_used_where_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots_canvas, "FALLBACK_FONTS", ("STIXGeneral", "No Such Font"))
    assert plots_canvas.as_written()["family"][-1] == "STIXGeneral"


def test_history_draws_what_was_measured() -> None:
    history = pd.DataFrame(
        {
            "epoch": [0, 1, 2],
            "train_loss": [2.0, 1.0, 0.5],
            "valid_loss": [1.5, 1.2, 1.3],
            "error_rate": [0.5, 0.3, 0.2],
        }
    )
    losses, errors = plots.plot_history(history)
    assert [line.get_label() for line in losses.lines] == ["training", "validation"]
    assert line_of(losses, 1)[1] == [1.5, 1.2, 1.3]
    styles = {(line.get_linestyle(), line.get_marker()) for line in losses.lines}
    assert len(styles) == 2, "told apart without colour"
    assert line_of(errors)[1] == [0.5, 0.3, 0.2] and errors.get_ylim()[0] == 0
    assert losses.get_xlabel() == "epoch"


def test_history_numbers_on_where_epochs_start_again() -> None:
    history = pd.DataFrame(
        {"epoch": [0, 0, 1], "train_loss": [3.0, 2.0, 1.0], "valid_loss": [np.nan] * 3, "lr": [1e-3] * 3}
    )
    losses, rates = plots.plot_history(history)
    assert line_of(losses)[0] == [0, 1, 2]
    assert len(losses.lines) == 1, "a column without a number is not drawn"
    assert rates.get_title() == "learning rate"


def test_history_with_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ChoiceError, match="accuracy(.|\n)*Allowed: train_loss"):
        plots.plot_history(pd.DataFrame({"accuracy": [0.5]}))


def test_lr_find_marks_each_suggestion_on_the_curve() -> None:
    lrs = np.logspace(-6, 0, 61)
    losses = np.concatenate([np.linspace(4, 2, 41), np.geomspace(2, 60, 20)])
    ax = plots.plot_lr_find(lrs, losses, {"minimum": 1e-3, "steep": 10**-3.55, "$valley$": 1e-4})
    assert ax.get_xscale() == "log"
    assert line_of(ax)[1] == losses.tolist()
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "minimum: 1.0e-03",
        "steep: 2.8e-04",
        "$valley$: 1.0e-04",
    ]
    marks = [tuple(np.asarray(marks.get_offsets())[0]) for marks in ax.collections]
    assert marks[0] == pytest.approx((1e-3, losses[30])), "on the curve"
    assert marks[1] == pytest.approx((10**-3.55, (losses[24] + losses[25]) / 2)), "halfway is the geometric mean"
    shapes = {np.asarray(marks.get_paths()[0].vertices).tobytes() for marks in ax.collections}
    assert len(shapes) == 3, "told apart without colour"
    assert ax.get_ylim()[1] < 10, "the explosion leaves the frame"
    ax.figure.canvas.draw()


def test_lr_find_leaves_out_what_is_no_number() -> None:
    ax = plots.plot_lr_find([1e-4, 1e-3, 1e-2, 1e-1], [2.0, 1.0, np.nan, np.inf])
    assert line_of(ax)[0] == [1e-4, 1e-3]
    for lrs, losses in ([1e-3], [1.0, 2.0]), ([], []), ([1e-3], [np.nan]):
        with pytest.raises(ChoiceError, match="learning rates and .* losses(.|\n)*Allowed"):
            plots.plot_lr_find(lrs, losses)
    with pytest.raises(ChoiceError, match="valley"):
        plots.plot_lr_find([1e-3, 1e-2], [1.0, 2.0], {"valley": 0.0})


def test_nothing_is_shown_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plt, "show", lambda *_: pytest.fail("a plot called plt.show()"))
    plots.plot_confusion_matrix(square([[1]]))
    plots.plot_history(pd.DataFrame({"train_loss": [1.0]}))
    plots.plot_lr_find([1e-3, 1e-2], [1.0, 2.0])
    plots.plot_photos([np.zeros((4, 4))])
