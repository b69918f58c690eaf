"""Figures: each takes a table or photos already computed, draws on the axes it is given and returns them.

Nothing here computes a result, and nothing calls `plt.show()`. Every figure must be legible in greyscale, and a class may bear
any name: names are drawn as they are, never read as formulas.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, PowerNorm
from matplotlib.ticker import MaxNLocator

from petbreeds.errors import ChoiceError
from petbreeds.insight.plots_canvas import as_written, legible, new_axes, new_grid, points
from petbreeds.insight.plots_photos import plot_photos, plot_presizing, plot_top_losses

__all__ = [
    "plot_confusion_matrix",
    "plot_history",
    "plot_lr_find",
    "plot_photos",
    "plot_presizing",
    "plot_top_losses",
]

HISTORY_PANELS: dict[str, dict[str, str]] = {  # panel -> column of the history -> what the legend calls it
    "loss": {"train_loss": "training", "valid_loss": "validation"},
    "error rate": {"error_rate": "validation"},
    "learning rate": {"lr": "learning rate"},
}
LINES = (  # told apart by dash and marker, so also without colour
    {"color": "tab:blue", "linestyle": "-", "marker": "o"},
    {"color": "tab:orange", "linestyle": "--", "marker": "s"},
)
MARKERS = "osD^vP*X"
LEAST_PIXELS = 5.0  # a letter lower than this is noise


def plot_confusion_matrix(
    table: pd.DataFrame,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    dpi: float = 60,
    normalize: bool = False,
    cmap: str | Colormap = "Blues",
    title: str = "Confusion matrix",
    norm_dec: int = 2,
    plot_txt: bool = True,
) -> Axes:
    """Draw a confusion table: rows are actual, columns predicted, zeros are blank, confusions are bold.

    figsize: inches; None is 12 × 12, and larger from 48 classes on. normalize: percent of each row instead of photos,
    to `norm_dec` decimals of the share. The shade grows with the square root, so that one photo among forty still shows.
    Where the figure is too small for its classes, only every second (third, ...) class is named and counts are left out.
    """
    side = max(12.0, len(table) / 4)
    axes = new_axes(ax, figsize or (side, side), dpi)
    cells = table.to_numpy(dtype=float)
    if normalize:
        cells = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    colors = plt.get_cmap(cmap)
    norm = PowerNorm(0.5, vmin=0, vmax=max(float(cells.max(initial=0)), 1e-9))
    axes.imshow(cells, cmap=colors, norm=norm, interpolation="nearest")
    _name_classes(axes, table)
    if plot_txt:
        _write_cells(axes, cells, colors, norm, f".{max(norm_dec - 2, 0)}%" if normalize else ".0f")
    notes = ["percent of each row"] if normalize else []
    notes += [f"{left_out} unreadable left out"] if (left_out := table.attrs.get("left_out")) else []
    axes.set_title("\n".join([title, *([", ".join(notes)] if notes else [])]), fontsize=15, **as_written())
    return axes


def plot_history(history: pd.DataFrame, axes: Any = None, figsize: tuple[float, float] | None = None) -> np.ndarray:
    """Draw what each epoch measured: one panel for the losses, one for the error rate, one for the learning rate.

    history: columns `epoch, train_loss, valid_loss, error_rate, lr`, any of which may be missing. Epochs that start again
    (a frozen round, then a free one) are numbered on, so that no line runs backwards. Returns one axes a panel.

    >>> tiles = plot_history(pd.DataFrame({"epoch": [0, 1], "train_loss": [2.0, 1.0], "error_rate": [0.5, 0.2]}))
    >>> [tile.get_title() for tile in tiles]
    ['loss', 'error rate']
    """
    measured = {
        panel: {column: name for column, name in columns.items() if _is_measured(history, column)}
        for panel, columns in HISTORY_PANELS.items()
    }
    panels = {panel: columns for panel, columns in measured.items() if columns}
    if not panels:
        allowed = ", ".join(column for columns in HISTORY_PANELS.values() for column in columns)
        raise ChoiceError(f"Nothing to draw in a history with the columns {list(history)}.\nAllowed: {allowed}.")
    x = np.arange(len(history))
    if "epoch" in history and history["epoch"].is_unique and history["epoch"].is_monotonic_increasing:
        x = history["epoch"].to_numpy()
    tiles = new_grid(len(panels), 1, None, figsize or (4.5 * len(panels), 3.5), axes)
    for tile, (panel, columns) in zip(tiles, panels.items(), strict=True):
        for style, (column, name) in zip(LINES, columns.items(), strict=False):
            tile.plot(x, history[column].to_numpy(dtype=float), label=name, **style)
        tile.set(title=panel, xlabel="epoch", ylim=(min(0.0, float(history[list(columns)].min().min())), None))
        tile.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        tile.grid(color="0.9")
        if len(columns) > 1:
            tile.legend()
    return tiles


def plot_lr_find(
    lrs: Sequence[float] | np.ndarray,
    losses: Sequence[float] | np.ndarray,
    suggestions: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of the mock training over the learning rate (log axis), with each suggested rate marked by name.

    Rates at which the loss was no number are left out, and the explosion at the end leaves the frame, so that the valley
    keeps its height. Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.
    """
    if wrong := {name: rate for name, rate in (suggestions or {}).items() if not rate > 0}:
        raise ChoiceError(f"Suggested learning rates {wrong}.\nAllowed: numbers above 0.")
    x, y = np.asarray(lrs, dtype=float), np.asarray(losses, dtype=float)
    if x.shape != y.shape or not (kept := np.isfinite(x) & (x > 0) & np.isfinite(y)).any():
        raise ChoiceError(
            f"Got {x.size} learning rates and {y.size} losses.\nAllowed: as many of each, and at least one finite pair."
        )
    x, y = x[kept], y[kept]
    axes = new_axes(ax, (7, 4.5))
    axes.plot(x, y, color="0.35", zorder=1)
    axes.set_xscale("log")
    axes.set(xlabel="learning rate (log scale)", ylabel="loss", title="Learning-rate finder")
    before = float(y[: y.argmin() + 1].max())
    depth = before - float(y.min())
    if depth > 0 and y.max() > before + depth:
        axes.set_ylim(top=before + depth, bottom=float(y.min()) - 0.15 * depth)
    _mark_rates(axes, x, y, suggestions or {})
    return axes


def _name_classes(axes: Axes, table: pd.DataFrame) -> None:
    n = len(table)
    size = min(13.0, 0.8 * _cell_points(axes, n))
    step = max(1, math.ceil(LEAST_PIXELS / _pixels_high(axes, size)))
    names = {"fontsize": step * size, **as_written()}
    axes.set_xticks(range(0, n, step), [legible(name) for name in table.columns[::step]], rotation=90, **names)
    axes.set_yticks(range(0, n, step), [legible(name) for name in table.index[::step]], **names)
    axes.set_xticks(np.arange(n - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(n - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="0.85", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    axes.set_xlabel("Predicted (columns)", fontsize=14)
    axes.set_ylabel("Actual (rows)", fontsize=14)


def _write_cells(axes: Axes, cells: np.ndarray, colors: Colormap, norm: PowerNorm, form: str) -> None:
    cell = _cell_points(axes, len(cells))
    if _pixels_high(axes, 0.75 * cell) < LEAST_PIXELS:
        return
    for y, x in np.argwhere(cells > 0):
        text = f"{cells[y, x]:{form}}".rstrip("%")
        size = min(16.0, 0.72 * cell, 1.4 * cell / len(text))  # a digit is about 0.62 of its size wide
        lightness = float(np.dot(colors(norm(cells[y, x]))[:3], (0.299, 0.587, 0.114)))
        color, weight = ("white" if lightness < 0.55 else "black"), ("normal" if x == y else "bold")
        axes.text(x, y, text, ha="center", va="center", fontsize=size, color=color, weight=weight)


def _cell_points(axes: Axes, n: int) -> float:
    """Return about how many points high a cell will be, once the names have taken their share of the figure."""
    return 0.95 * min(points(axes)) / max(n, 1)


def _pixels_high(axes: Axes, size: float) -> float:
    return max(size * axes.figure.dpi / 72, 1e-3)


def _is_measured(history: pd.DataFrame, column: str) -> bool:
    return column in history and bool(np.isfinite(history[column].to_numpy(dtype=float)).any())


def _mark_rates(axes: Axes, x: np.ndarray, y: np.ndarray, suggestions: Mapping[str, float]) -> None:
    for i, (name, rate) in enumerate(suggestions.items()):
        height = np.interp(math.log(rate), np.log(x), y)  # on a log axis, halfway is the geometric mean
        axes.axvline(rate, color="0.75", linestyle=":", zorder=0)
        marker: dict[str, Any] = {"marker": MARKERS[i % len(MARKERS)], "color": f"C{i}", "edgecolors": "black"}
        axes.scatter([rate], [height], s=70, zorder=2, label=f"{legible(name)}: {rate:.1e}", **marker)
    if suggestions:
        for text in axes.legend(title="suggested").get_texts():
            text.set(**as_written())
