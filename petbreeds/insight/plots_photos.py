"""Photos on a grid: the worst losses, any photos, and the picture of presizing.

A photo that cannot be opened never stops a figure: its tile says so. Photos are shown at most `SHOWN_SIDE` pixels large.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from petbreeds.errors import ChoiceError, DataError, PetBreedsError
from petbreeds.insight.plots_canvas import as_written, legible, new_grid, points

SHOWN_SIDE = 640  # a figure keeps its photos in memory, and nine phone photos of full size would be 300 MB


def plot_top_losses(
    table: pd.DataFrame,
    nrows: int | None = None,
    ncols: int | None = None,
    figsize: tuple[float, float] | None = None,
    axes: Any = None,
) -> np.ndarray:
    """Show the photos of a `top_losses` table, each under its prediction / actual / loss / probability.

    Returns the axes in the order of the table. A photo that cannot be opened is an empty tile that says so.
    """
    titles = [
        f"{legible(label) or '–'} /\n{legible(truth)} /\n{_figure(loss)} / {_figure(probability)}"
        for label, truth, loss, probability in table[["label", "truth", "loss", "probability"]].to_numpy()
    ]
    tiles = plot_photos(list(table["path"]), titles, nrows, ncols, figsize, axes)
    if axes is None:
        tiles[0].figure.suptitle("Prediction / Actual / Loss / Probability", weight="bold")
    return tiles


def plot_photos(
    photos: Iterable[Any],
    titles: Sequence[str] | None = None,
    nrows: int | None = None,
    ncols: int | None = None,
    figsize: tuple[float, float] | None = None,
    axes: Any = None,
) -> np.ndarray:
    """Show photos on a grid: paths, PIL images, bytes, or arrays `(height, width[, 3 or 4])`.

    Returns one axes a photo. A photo that cannot be opened is an empty tile that says so. Raises ChoiceError for no photo,
    or where titles or axes do not suffice.

    >>> tiles = plot_photos([np.zeros((8, 8)), np.ones((8, 8, 3))], ["dark", "bright"])
    >>> [tile.get_title() for tile in tiles]
    ['dark', 'bright']
    """
    shown = list(photos)
    names = [""] * len(shown) if titles is None else list(titles)
    if not shown or len(names) != len(shown):
        raise ChoiceError(
            f"There are {len(shown)} photos and {len(names)} titles.\n"
            "Allowed: at least one photo, and either no titles or one for each photo."
        )
    tiles = new_grid(len(shown), nrows, ncols, figsize, axes)
    for tile, photo, name in zip(tiles, shown, names, strict=True):
        _show_photo(tile, photo)
        _write_title(tile, str(name))
    return tiles


def plot_presizing(original: Any, presized: Any, stepwise: Any, axes: Any = None) -> np.ndarray:
    """Show one photo augmented both ways, after the original; without an original (None) the two alone."""
    pictures = {
        "original": original,
        "presizing: one interpolation": presized,
        "step by step: one after the other": stepwise,
    }
    shown = {title: picture for title, picture in pictures.items() if picture is not None}
    return plot_photos(shown.values(), list(shown), nrows=1, figsize=(4.5 * len(shown), 4.8), axes=axes)


def _show_photo(tile: Axes, photo: Any) -> None:
    tile.set(xticks=[], yticks=[], anchor="N")  # tops in line, so the titles of a row are in line too
    try:
        pixels = _pixels(photo)
    except (PetBreedsError, OSError) as error:
        tile.set_facecolor("0.92")
        tile.set_box_aspect(0.75)
        reason = textwrap.fill(legible(error, limit=120), width=26)
        # clipped, so that a long reason does not push the other tiles aside
        tile.text(0.5, 0.5, reason, ha="center", va="center", fontsize=9, clip_on=True, **as_written())
        return
    tile.imshow(pixels, cmap="gray")
    tile.set_axis_off()


def _write_title(tile: Axes, title: str) -> None:
    lines = [legible(line, limit=40) for line in title.split("\n")[:4]]
    longest = max(map(len, lines))
    fitting = points(tile)[0] / (0.55 * max(longest, 1))  # a letter is about 0.55 of its size wide
    tile.set_title("\n".join(lines), fontsize=min(10.0, max(5.0, fitting)), **as_written())


def _pixels(photo: Any) -> np.ndarray:
    if isinstance(photo, np.ndarray):
        if photo.ndim == 2 or (photo.ndim == 3 and photo.shape[2] in (3, 4)):
            return photo
        raise DataError(f"Cannot show an array of shape {photo.shape}; expected (height, width[, 3 or 4]).")
    from PIL import ImageOps

    from petbreeds.data.photos import open_photo

    image = open_photo(photo)
    small = ImageOps.contain(image, (SHOWN_SIDE, SHOWN_SIDE)) if max(image.size) > SHOWN_SIDE else image
    return np.asarray(small)


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
