"""Read a list of photos, such as Oxford's `test.txt`, and find them in a frame.

A list names photos in the way of whoever wrote it: by stem, by file name or by relative path. All three are understood;
names that fit no photo are counted, because a list for another data set must not pass unnoticed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from petbreeds.data.photos import PHOTO_EXTENSIONS
from petbreeds.errors import DataError, examples


def read_list(file: str | os.PathLike[str], root: Path | None = None) -> list[str]:
    """Return the first word of each line; empty lines and lines that open with `#` are passed over.

    A line that ends in a photo's extension counts whole, so that names may hold spaces. A relative `file` is also looked
    for below `root` and in its `annotations/`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "test.txt").write_text("# image class\\nAbyssinian_201 1 1 1\\nmy cat_1.jpg\\n")
    ...     read_list("test.txt", Path(folder))
    ['Abyssinian_201', 'my cat_1.jpg']
    """
    found = _existing_list(Path(file).expanduser(), root)
    try:
        lines = found.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise DataError(f"Cannot read the list {found}: {error}.\nSave it as UTF-8 text, one photo a line.") from error
    lines = [line.strip().replace("\\", "/") for line in lines]
    names = [_name_of(line) for line in lines if line and not line.startswith("#")]
    if not names:
        raise DataError(f"The list {found} is empty.\nWrite one photo a line: its name, or its path.")
    return names


class Listed(NamedTuple):
    """rows: mask of the photos of a frame that a list names. n_absent: how many of its names fit no photo."""

    rows: np.ndarray
    n_absent: int


def listed_rows(frame: pd.DataFrame, file: str | os.PathLike[str], root: Path | None = None) -> Listed:
    """Find the photos of `frame` that a list names.

    Some may be absent (a sample of a data set, unreadable ones left out). DataError where all are, or where a name fits
    several photos.
    """
    rows_of: dict[str, set[int]] = {}
    for row, path in enumerate(frame["path"]):
        for name in _names(str(path), root):
            rows_of.setdefault(name, set()).add(row)
    names = read_list(file, root)
    present = [name for name in names if name in rows_of]
    if not present:
        raise DataError(
            f"None of the {len(names):,} photos in the list {file} is in this data set.\n"
            f"Listed: {examples(names)}; here: {examples(Path(path).name for path in frame['path'])}.\n"
            "Give the list that belongs to these photos."
        )
    several = [name for name in present if len(rows_of[name]) > 1]
    if several:
        raise DataError(
            f"{len(several):,} names in the list {file} fit more than one photo, for example {examples(several)}.\n"
            "Write their paths, relative to the folder of the photos."
        )
    mask = np.zeros(len(frame), dtype=bool)
    mask[[row for name in present for row in rows_of[name]]] = True
    return Listed(mask, len(names) - len(present))


def _existing_list(file: Path, root: Path | None) -> Path:
    places = [file] if root is None else [file, root / file, root / "annotations" / file]
    for place in places:
        if place.is_file():
            return place
    tried = ", ".join(dict.fromkeys(str(place.absolute()) for place in places))
    raise DataError(
        f"There is no list file {file}.\nLooked for {tried}.\nGive the path of a text file, one photo a line."
    )


def _name_of(line: str) -> str:
    return line if Path(line).suffix.lower() in PHOTO_EXTENSIONS else line.split()[0]


def _names(path: str, root: Path | None) -> set[str]:
    """Return every way a list may name one photo: its stem, its name, its path, its path below root or root/images."""
    photo = Path(path)
    names = {photo.stem, photo.name, photo.as_posix()}
    for base in [root, root / "images"] if root is not None else []:
        if photo.is_relative_to(base):
            relative = photo.relative_to(base)
            names |= {relative.as_posix(), relative.with_suffix("").as_posix()}
    return names
