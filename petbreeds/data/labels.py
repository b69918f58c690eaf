"""Turn file names, folders, a table or a function into labels.

Opens no photo and imports no fastai: a labelling mistake must show within a second, before any training starts.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Union

import pandas as pd

from petbreeds.data.labellers import LABELLERS, NEXT_STEP, Labelled, by_function, by_pattern, by_table
from petbreeds.data.photos import find_photos
from petbreeds.errors import DataError, examples, unknown

LabelChoice = Union[str, "os.PathLike[str]", pd.DataFrame, Callable[[Path], object]]

TABLE_NAME = "labels.csv"


def label_frame(
    path: str | os.PathLike[str],
    labels: LabelChoice = "auto",
    *,
    label_column: str = "label",
    path_column: str = "path",
) -> Labelled:
    """Find the photos below `path` and label each.

    labels: "auto" (the one reading that fits every photo), "folder" (the name of its folder), "name" (NAME_PATTERNS), a
    regular expression whose first group is the label (searched in the file name, as fastai's RegexLabeller does), a
    function of the Path, or a table: a CSV file or a DataFrame with the two columns named last. `path` may itself be a CSV.
    Raises DataError, saying what was seen, where no reading fits or two disagree.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("great_pyrenees_1.jpg", "great_pyrenees_2.jpg", "Birman_1.jpg", "Birman_2.jpg"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     found = label_frame(folder)
    >>> found.kind, sorted(set(found.frame["label"]))
    ('name', ['Birman', 'great_pyrenees'])
    """
    root = Path(path).expanduser()
    columns = {"label_column": label_column, "path_column": path_column}
    if root.suffix.lower() == ".csv" and isinstance(labels, str) and labels == "auto":
        return by_table(root, root.parent, **columns)
    if _is_table(labels):
        return by_table(labels, root, **columns)  # pyright: ignore[reportArgumentType]
    photos = find_photos(root)
    if callable(labels):
        return by_function(photos, labels)
    if not isinstance(labels, str):
        raise DataError(f"Cannot take labels from a {type(labels).__name__}.\n{NEXT_STEP}")
    if labels == "auto":
        return _choose(photos, root, columns)
    if labels in LABELLERS:
        return LABELLERS[labels](photos, root)
    if re.fullmatch(r"[\w-]*", labels):  # a word: no one means it as a pattern
        raise unknown("labels", labels, ["auto", *LABELLERS], NEXT_STEP)
    return by_pattern(photos, labels)


def check_labels(frame: pd.DataFrame) -> None:
    """Raise DataError unless there are two classes or more, each with two photos or more, and no label is empty.

    >>> check_labels(pd.DataFrame({"path": ["a.jpg", "b.jpg"], "label": ["pug", "pug"]}))
    Traceback (most recent call last):
    petbreeds.errors.DataError: All 2 photos have the same label, 'pug': there is nothing to tell apart.
    Give photos of at least two classes, or other labels (labels="folder", labels="name", a pattern, a CSV file).
    """
    empty = frame["label"].isna() | (frame["label"].astype(str).str.strip() == "")
    if empty.any():
        raise DataError(
            f"{int(empty.sum()):,} photos have no label: {examples(frame.loc[empty, 'path'])}.\n"
            "Label them, or leave them out."
        )
    counts = Counter(frame["label"])
    if len(counts) < 2:
        only = f" have the same label, {next(iter(counts))!r}" if counts else ""
        raise DataError(
            f"All {len(frame):,} photos{only}: there is nothing to tell apart.\nGive photos of at least two classes, "
            'or other labels (labels="folder", labels="name", a pattern, a CSV file).'
        )
    rows = zip(frame["path"], frame["label"])
    alone = [f"{label} ({Path(path).name})" for path, label in rows if counts[label] == 1]
    if alone:
        raise DataError(
            f"{len(alone):,} of {len(counts):,} classes have a single photo: {examples(alone)}.\n"
            "One photo cannot be both learnt from and checked with.\n"
            "Add photos of these classes, leave them out, or mend a misspelt label."
        )


def _choose(photos: list[Path], root: Path, columns: dict[str, str]) -> Labelled:
    """Take the one reading that fits every photo; refuse when none does, or when two of them disagree."""
    readings: list[Labelled] = []
    refused: list[str] = []
    if (root / TABLE_NAME).is_file():
        readings.append(by_table(root / TABLE_NAME, root, **columns))  # written on purpose: its mistakes are shown
    for name, labeller in LABELLERS.items():
        try:
            reading = labeller(photos, root)
        except DataError as error:
            refused.append(str(error).splitlines()[0])
            continue
        doubt = _doubt(reading)
        if doubt:
            refused.append(f"By {name}: {doubt}.")
        else:
            readings.append(reading)
    if not readings:
        raise DataError("\n".join([f"Cannot tell the labels of the photos in {root}.", *refused, NEXT_STEP]))
    first, *others = readings
    for other in others:
        if not _same_classes(first, other):
            raise DataError(_disagreement(first, other, root))
    why = f"; labels by {others[0].kind} agree" if others else "; no other reading fits every photo"
    return replace(first, how=first.how + why)


def _doubt(reading: Labelled) -> str:
    classes, n = len(set(reading.frame["label"])), len(reading.frame)
    if reading.unlabelled:
        return f"{len(reading.unlabelled):,} photos have none ({examples(p.name for p in reading.unlabelled)})"
    if classes < 2:
        return f"all {n:,} photos would be {reading.frame['label'].iloc[0]!r}"
    return f"{classes:,} classes for {n:,} photos are too many" if n < 2 * classes else ""


def _same_classes(one: Labelled, other: Labelled) -> bool:
    """Say whether two readings put the same photos together, whatever they call them."""
    first, second = _by_path(one), _by_path(other)
    pairs = {(first[path], second[path]) for path in first if path in second}
    return len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs})


def _disagreement(one: Labelled, other: Labelled, root: Path) -> str:
    first, second = _by_path(one), _by_path(other)
    path = next(path for path in first if path in second and first[path] != second[path])
    ways = [str(root / TABLE_NAME) if reading.kind == "table" else reading.kind for reading in (one, other)]
    return (
        f"The photos can be labelled in two ways that disagree, for example {path}:\n"
        f"by {one.kind} it is {first[path]!r} (of {len(set(first.values())):,} classes), "
        f"by {other.kind} it is {second[path]!r} (of {len(set(second.values())):,}).\n"
        f'Say labels="{ways[0]}" or labels="{ways[1]}".'
    )


def _by_path(reading: Labelled) -> dict[str, str]:
    return {os.path.abspath(path): label for path, label in zip(reading.frame["path"], reading.frame["label"])}


def _is_table(labels: Any) -> bool:
    is_csv = isinstance(labels, (str, os.PathLike)) and str(labels).lower().endswith(".csv")
    return is_csv or isinstance(labels, pd.DataFrame)
