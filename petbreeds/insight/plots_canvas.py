"""What every figure stands on: names fit to be drawn, fonts, and axes laid out as fastai lays them out.

Of this room, only the files named plots* import matplotlib.
"""

from __future__ import annotations

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes

from petbreeds.errors import ChoiceError

# Latin fonts lack Chinese, Japanese, Korean and emoji: where one of these is installed, it fills the gap.
FALLBACK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Arial Unicode MS",
    "Noto Emoji",
)


def legible(text: object, limit: int = 28) -> str:
    """Return a name fit to be drawn: on one line, without control signs, its middle replaced by … beyond `limit`.

    >>> legible("a" * 30 + "z" * 30, limit=9)
    'aaaa…zzzz'
    """
    line = "".join(sign if sign.isprintable() else " " for sign in str(text))
    ahead = limit // 2
    return line if len(line) <= limit else f"{line[:ahead]}…{line[len(line) - (limit - ahead - 1) :]}"


def as_written() -> dict[str, Any]:
    """Return the settings of a text from outside: `$x$` is a name and no formula, and 猫 finds a font if there is one."""
    installed = set(font_manager.get_font_names())
    fonts = [*plt.rcParams["font.family"], *(name for name in FALLBACK_FONTS if name in installed)]
    return {"parse_math": False, "usetex": False, "family": fonts}


def new_axes(ax: Axes | None, figsize: tuple[float, float], dpi: float | None = None) -> Axes:
    """Return the axes given, or those of a new figure."""
    return ax if ax is not None else plt.subplots(figsize=figsize, dpi=dpi, layout="constrained")[1]


def new_grid(
    n: int, nrows: int | None, ncols: int | None, figsize: tuple[float, float] | None, axes: Any, side: float = 3.0
) -> np.ndarray:
    """Return `n` axes: the first of those given, or of a new figure with fastai's rows and columns; the rest are off.

    side: inches of one tile where `figsize` is None. Raises ChoiceError where the axes are fewer than `n`.
    """
    if axes is None:
        rows = nrows or (math.ceil(n / ncols) if ncols else int(math.sqrt(n)))
        columns = ncols or math.ceil(n / rows)
        size = figsize or (side * columns, 1.1 * side * rows)
        axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")[1]
    tiles = np.asarray(axes, dtype=object).reshape(-1)
    if len(tiles) < n:
        raise ChoiceError(f"There are {n} panels to draw and only {len(tiles)} axes; give more rows, columns or axes.")
    for tile in tiles[n:]:
        tile.set_axis_off()
    return tiles[:n]


def points(ax: Axes) -> tuple[float, float]:
    """Return width and height of the axes in points, the unit of font sizes, before any layout."""
    width, height = 72 / ax.figure.dpi * np.asarray(ax.bbox.size)
    return float(width), float(height)
