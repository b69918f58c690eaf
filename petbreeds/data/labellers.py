"""The ways to read a label: one function each, and the table that names those which need no argument.

Opens no photo. Each takes the photos that were found and returns Labelled; to add a way, write a function and a row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from petbreeds.data.photos import find_photos
from petbreeds.data.tables import LabelTable, read_label_table
from petbreeds.errors import DataError, examples

NAME_PATTERNS = (
    r"(.+)_\d+\.[A-Za-z]+$",  # great_pyrenees_173.jpg
    r"(.+)\.\d+\.[A-Za-z]+$",  # cat.123.jpg
)
SPLIT_FOLDERS = {  # folders that say how a photo is used, never what it shows
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
}
NEXT_STEP = (
    'Say labels="folder" or labels="name", or give a regular expression such as r"(.+)_\\d+.jpg$", '
    "a CSV file with the columns path,label, or a function of the path."
)


@dataclass(frozen=True, eq=False)
class Labelled:
    """Photos with their labels, and how these were found.

    frame: one row per labelled photo: `path` (str, as found), `label` (str), and the other columns of a table. how: one
    line for people. kind: folder, name, pattern, function or table. pattern: the regular expression, where one was used.
    unlabelled: photos that were found but have no label.
    """

    frame: pd.DataFrame
    how: str
    kind: str
    pattern: str = ""
    unlabelled: list[Path] = field(default_factory=list)


def by_folder(photos: Sequence[Path], root: Path) -> Labelled:
    """Label each photo by its nearest folder below `root` that is not a split folder (train, valid, test ...)."""
    found = [folder_label(photo, root) for photo in photos]
    if not any(found):
        raise DataError(
            f"No photo in {root} lies in a class folder, for example {examples(photo.name for photo in photos)}.\n"
            'Put each class into a folder of its own, or take the labels from the names with labels="name".'
        )
    first = next(i for i, label in enumerate(found) if label)
    return _labelled(photos, found, "folder", f"the name of its folder ({_example(photos[first], found[first])})")


def by_name(photos: Sequence[Path], root: Path) -> Labelled:
    """Label each photo by the first of NAME_PATTERNS that fits every name."""
    fits = {pattern: sum(bool(re.search(pattern, photo.name)) for photo in photos) for pattern in NAME_PATTERNS}
    best = max(fits, key=lambda pattern: fits[pattern])
    if fits[best] == len(photos):
        return replace(by_pattern(photos, best), kind="name")
    strangers = [photo.name for photo in photos if not re.search(best, photo.name)]
    raise DataError(
        f"{len(strangers):,} of {len(photos):,} names in {root} do not look like breed_12.jpg or breed.12.jpg: "
        f"{examples(strangers)}.\n"
        "Rename them or move them away, or give a regular expression of your own with labels=."
    )


def by_pattern(photos: Sequence[Path], pattern: str) -> Labelled:
    """Label each photo by the first group of a regular expression, searched in its file name."""
    compiled = _compiled(pattern)
    matches = [compiled.search(photo.name) for photo in photos]
    found = [match.group(1) or "" if match else "" for match in matches]
    strangers = [photo.name for photo, label in zip(photos, found) if not label]
    if len(strangers) == len(photos):
        raise DataError(
            f"The pattern {pattern!r} matches none of the {len(photos):,} file names.\n"
            f"Names look like this: {examples(strangers)}.\n"
            r'Try labels="auto", or a pattern such as r"(.+)_\d+.jpg$" (mind upper and lower case).'
        )
    if strangers:
        raise DataError(
            f"The pattern {pattern!r} does not match {len(strangers):,} of {len(photos):,} file names:\n"
            f"{examples(strangers)}.\n"
            "Widen the pattern, or move these files away."
        )
    return _labelled(photos, found, "pattern", f"the pattern {pattern} ({_example(photos[0], found[0])})", pattern)


def by_function(photos: Sequence[Path], function: Callable[[Path], object]) -> Labelled:
    """Label each photo by calling `function(path)`; a photo for which it returns None or "" stays unlabelled."""
    name = getattr(function, "__name__", type(function).__name__)
    found = []
    for photo in photos:
        try:
            label = function(photo)
        except Exception as error:
            raise DataError(
                f"The label function {name} failed on {photo}:\n{type(error).__name__}: {error}\n"
                "Try it on this one path first; it gets a pathlib.Path."
            ) from error
        found.append("" if label is None else str(label))
    if not any(found):
        raise DataError(f"The label function {name} gave no label to any of {len(photos):,} photos.\nReturn a text.")
    return _labelled(photos, found, "function", f"the function {name} ({_example(photos[0], found[0])})")


def by_table(
    table: LabelTable,
    root: Path,
    *,
    label_column: str = "label",
    path_column: str = "path",
) -> Labelled:
    """Label the photos listed in a CSV file or DataFrame; photos below `root` that it leaves out stay unlabelled."""
    frame = read_label_table(table, root, label_column=label_column, path_column=path_column)
    listed = {os.path.abspath(path) for path in frame["path"]}
    try:
        beside = find_photos(root)
    except DataError:  # the photos of a table may lie anywhere
        beside = []
    unlabelled = [photo for photo in beside if os.path.abspath(photo) not in listed]
    name = "a table" if isinstance(table, pd.DataFrame) else str(table)
    return Labelled(frame, _how(frame, f"{name}, column {label_column!r}", unlabelled), "table", unlabelled=unlabelled)


LABELLERS: dict[str, Callable[[Sequence[Path], Path], Labelled]] = {"folder": by_folder, "name": by_name}


def folder_label(photo: Path, root: Path) -> str:
    """Return the nearest folder below `root` that is not a split folder, or "".

    >>> folder_label(Path("pets/train/pug/1.jpg"), Path("pets"))
    'pug'
    """
    folders = photo.relative_to(root).parts[:-1]
    return next((name for name in reversed(folders) if name.lower() not in SPLIT_FOLDERS), "")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"The pattern {pattern!r} is no regular expression: {error}.\n{NEXT_STEP}") from None
    if compiled.groups == 0:
        raise DataError(
            f"The pattern {pattern!r} has no group: put round brackets around the part that is the label,\n"
            r'for example r"(.+)_\d+.jpg$".'
        )
    return compiled


def _labelled(photos: Sequence[Path], found: Sequence[str], kind: str, how: str, pattern: str = "") -> Labelled:
    rows = [(str(photo), label) for photo, label in zip(photos, found) if label]
    unlabelled = [photo for photo, label in zip(photos, found) if not label]
    frame = pd.DataFrame(rows, columns=pd.Index(["path", "label"]))
    return Labelled(frame, _how(frame, how, unlabelled), kind, pattern, unlabelled)


def _how(frame: pd.DataFrame, how: str, unlabelled: Sequence[Path]) -> str:
    left_out = f", {len(unlabelled):,} without a label left out" if unlabelled else ""
    return f"{len(frame):,} photos of {frame['label'].nunique():,} classes{left_out}; label: {how}"


def _example(photo: Path, label: str) -> str:
    return f"{photo.name} is {label}"
