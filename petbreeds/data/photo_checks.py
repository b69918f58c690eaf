"""What can be wrong with one photo: a function each, over the measures; no file is opened here.

Each takes the table of measures and yields findings. Thresholds were set so that none of 370 real photos is called dark,
bright, blurred, blank, tiny or odd, and planted faults are found (tests/data/test_planted.py prints how many).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from petbreeds.data.findings import Finding
from petbreeds.data.twins import FLAT

SHORT_SIDE = 64  # pixels; a network sees 224
LEAST_RATIO = 0.35  # of the short side to the long one; cleanvision's limit
DARKEST = 0.32  # brightness that 99 % of the pixels stay below; cleanvision's limit
BRIGHTEST = 0.95  # brightness that 95 % of the pixels exceed; cleanvision's limit
PALE, FAINT = 0.75, 0.25  # so bright and with so little contrast is washed out, too; a white cat on white has dark eyes
LEAST_DETAIL = 0.08  # see measures: sharp photos have 0.17 and more, photos blurred by 4 pixels 0.06 at most

FORMATS = {
    **dict.fromkeys([".jpg", ".jpeg", ".jpe", ".jfif"], "JPEG"),
    **dict.fromkeys([".tif", ".tiff"], "TIFF"),
    **{f".{name.lower()}": name for name in ("PNG", "GIF", "BMP", "WEBP", "PPM", "AVIF")},
}
MODES = {  # PIL's name -> for people
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "a palette of colours",
    "PA": "a palette with transparency",
    "RGBA": "colour with transparency",
    "CMYK": "the printer's CMYK",
}
TURNS = {
    2: "mirrored",
    3: "upside down",
    4: "mirrored and upside down",
    5: "mirrored and lying on its side",
    6: "lying on its left side",
    7: "mirrored and lying on its side",
    8: "lying on its right side",
}


def find_unread(measured: pd.DataFrame) -> Iterator[Finding]:
    """Files that cannot be read at all: unreadable, bomb or missing, as the reading said."""
    unread: Any = measured[measured["problem"] != ""]
    for row in unread.itertuples():
        yield Finding(row.path, row.problem, 1.0, row.why)


def find_wrong_format(measured: pd.DataFrame) -> Iterator[Finding]:
    """Files of another format than their extension says."""
    for row in _readable(measured):
        ending = os.path.splitext(row.path)[1].lower()
        if FORMATS.get(ending, row.format) != row.format:
            yield Finding(row.path, "wrong-format", 1.0, f"its name says {FORMATS[ending]}, it is {row.format}")


def find_animated(measured: pd.DataFrame) -> Iterator[Finding]:
    """Files of more than one frame."""
    for row in _readable(measured):
        if row.animated:
            yield Finding(row.path, "animated", 1.0, f"an animated {row.format}: only its first frame is used")


def find_colour_mode(measured: pd.DataFrame) -> Iterator[Finding]:
    """Files that are not plain 8-bit RGB."""
    for row in _readable(measured):
        if row.mode != "RGB":
            kind = "16 bits a colour" if "16" in row.mode else MODES.get(row.mode, "an unusual mode")
            yield Finding(row.path, "colour-mode", 1.0, f"{kind} ({row.mode}): converted to plain RGB")


def find_rotated(measured: pd.DataFrame) -> Iterator[Finding]:
    """Files whose EXIF says to turn them."""
    for row in _readable(measured):
        if row.orientation in TURNS:
            why = f"stored {TURNS[row.orientation]} (EXIF orientation {row.orientation}): turned upright"
            yield Finding(row.path, "rotated", 1.0, why)


def find_tiny(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos with a side shorter than SHORT_SIDE."""
    short = measured[["width", "height"]].min(axis=1)
    for row, side in _rows(measured, short, short < SHORT_SIDE):
        why = f"{row.width} x {row.height} pixels; the shorter side should have {SHORT_SIDE} or more"
        yield Finding(row.path, "tiny", 1.0 - side / (2 * SHORT_SIDE), why)


def find_odd_shape(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos nearly three times as long as wide, or more."""
    sides = measured[["width", "height"]]
    ratio = sides.min(axis=1) / sides.max(axis=1).clip(lower=1)
    for row, share in _rows(measured, ratio, ratio < LEAST_RATIO):
        why = f"{row.width} x {row.height} pixels: only its middle will be seen"
        yield Finding(row.path, "odd-shape", 1.0 - share, why)


def find_blank(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos whose pixels are all about equally bright."""
    for row, spread in _rows(measured, measured["spread"], _blank(measured)):
        why = f"98 % of its pixels differ by {spread:.0%} in brightness at most"
        yield Finding(row.path, "blank", 1.0 - spread / (2 * FLAT), why)


def find_dark(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos with hardly a bright pixel."""
    for row, dark in _rows(measured, measured["dark"], (measured["dark"] < DARKEST) & ~_blank(measured)):
        why = f"99 % of its pixels are darker than {dark:.0%} of white"
        yield Finding(row.path, "dark", 1.0 - dark / (2 * DARKEST), why)


def find_bright(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos with hardly a dark pixel, or washed out."""
    pale = (measured["bright"] > PALE) & (measured["spread"] < FAINT)
    glaring = ((measured["bright"] > BRIGHTEST) | pale) & ~_blank(measured)
    for row, bright in _rows(measured, measured["bright"], glaring):
        yield Finding(row.path, "bright", bright, f"95 % of its pixels are brighter than {bright:.0%} of white")


def find_blurred(measured: pd.DataFrame) -> Iterator[Finding]:
    """Photos without fine detail: out of focus, moved, or enlarged from a small one."""
    soft = (measured["detail"] < LEAST_DETAIL) & ~_blank(measured)
    for row, detail in _rows(measured, measured["detail"], soft):
        why = f"a further slight blur takes {detail:.0%} of its detail; from a sharp photo it takes 17 % and more"
        yield Finding(row.path, "blurred", 1.0 - detail / (2 * LEAST_DETAIL), why)


PHOTO_CHECKS: dict[str, Callable[[pd.DataFrame], Iterator[Finding]]] = {
    "unreadable": find_unread,
    "wrong-format": find_wrong_format,
    "animated": find_animated,
    "colour-mode": find_colour_mode,
    "rotated": find_rotated,
    "tiny": find_tiny,
    "odd-shape": find_odd_shape,
    "blank": find_blank,
    "dark": find_dark,
    "bright": find_bright,
    "blurred": find_blurred,
}


def _readable(measured: pd.DataFrame) -> Iterator[Any]:
    yield from measured[measured["problem"] == ""].itertuples()


def _blank(measured: pd.DataFrame) -> pd.Series:
    return measured["spread"] < FLAT


def _rows(measured: pd.DataFrame, values: pd.Series, where: pd.Series) -> Iterator[tuple[Any, float]]:
    """Yield the readable rows that meet a condition, each with its value."""
    chosen = np.flatnonzero((where & (measured["problem"] == "")).to_numpy())
    for row, value in zip(measured.iloc[chosen].itertuples(), values.iloc[chosen]):
        yield row, float(value)
