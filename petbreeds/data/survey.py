"""Label what can be labelled and name the rest, where training would rightly refuse the whole.

Training stops at the first doubt about labels; a check must go on and list every one. So this takes the strict way first,
and only where that refuses, the reading that fits most photos. Opens no photo.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from petbreeds.data.findings import Finding
from petbreeds.data.labellers import NAME_PATTERNS, folder_label
from petbreeds.data.labels import TABLE_NAME, LabelChoice, label_frame
from petbreeds.data.photos import find_photos
from petbreeds.data.tables import TableRow, survey_label_table
from petbreeds.errors import DataError

LEFT_OUT, REFUSED = 0.5, 1.0  # scores of "unlabelled": training goes on without the photo, or does not start


@dataclass(frozen=True)
class Survey:
    """frame: `path, label` of every photo found, label "" where there is none. refused: what training would say, or ""."""

    frame: pd.DataFrame
    how: str
    refused: str = ""
    findings: list[Finding] = field(default_factory=list)


def survey_labels(
    path: str | os.PathLike[str],
    labels: LabelChoice = "auto",
    *,
    label_column: str = "label",
    path_column: str = "path",
) -> Survey:
    """Find the photos below `path` and label as many as can be; arguments as for `label_frame`.

    Raises DataError only where there is nothing to look at: no such folder, no photo, a table without the columns.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("pug_1.jpg", "pug_2.jpg", "cat_1.jpg", "cat_2.jpg", "holiday.jpg"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     found = survey_labels(folder)
    >>> [Path(finding.path).name for finding in found.findings]
    ['holiday.jpg']
    """
    columns = {"label_column": label_column, "path_column": path_column}
    try:
        labelled = label_frame(path, labels, **columns)
    except DataError as error:
        return _as_far_as_possible(Path(path).expanduser(), labels, columns, error)
    without = pd.DataFrame({"path": [str(photo) for photo in labelled.unlabelled], "label": ""})
    findings = [Finding(str(photo), "unlabelled", LEFT_OUT, "it has no label") for photo in labelled.unlabelled]
    return Survey(pd.concat([labelled.frame, without], ignore_index=True), labelled.how, findings=findings)


def _as_far_as_possible(root: Path, labels: LabelChoice, columns: dict[str, str], error: DataError) -> Survey:
    table = _table_of(root, labels)
    if table is not None:
        rows = survey_label_table(table, root.parent if root.is_file() else root, **columns)
        return _survey_table(rows, _beside(root), str(error))
    if callable(labels) or not isinstance(labels, str):
        raise error
    photos = find_photos(root)
    guesses = [guess for guess in _guesses(photos, root, labels) if _is_likely(guess)]
    if not guesses:
        frame = pd.DataFrame({"path": [str(photo) for photo in photos], "label": ""})
        return Survey(frame, "none could be found", str(error))
    best = max(guesses, key=lambda guess: sum(map(bool, guess)))
    findings = [
        Finding(str(photo), "unlabelled", REFUSED, "its name or folder gives no label, unlike the others")
        for photo, label in zip(photos, best)
        if not label
    ]
    frame = pd.DataFrame({"path": [str(photo) for photo in photos], "label": best})
    return Survey(frame, f"{len(set(best) - {''}):,} classes, as far as they could be read", str(error), findings)


def _table_of(root: Path, labels: LabelChoice) -> Any:
    if isinstance(labels, pd.DataFrame) or str(labels).lower().endswith(".csv"):
        return labels
    if labels != "auto":
        return None
    return next((file for file in (root, root / TABLE_NAME) if file.suffix.lower() == ".csv" and file.is_file()), None)


def _survey_table(rows: list[TableRow], beside: Iterable[Path], refused: str) -> Survey:
    findings, labels = [], {}
    for row in rows:
        if not row.exists:
            findings.append(Finding(row.path, "missing", 1.0, "it is listed, but there is no such file"))
        elif not row.label:
            findings.append(Finding(row.path, "unlabelled", REFUSED, "its row has no label"))
        elif labels.setdefault(row.path, row.label) != row.label:
            why = f"listed as {labels[row.path]!r} and as {row.label!r}"
            findings.append(Finding(row.path, "label-conflict", 1.0, why))
    listed = {os.path.abspath(row.path) for row in rows}
    others = [str(photo) for photo in beside if os.path.abspath(photo) not in listed]
    findings += [Finding(photo, "unlabelled", LEFT_OUT, "the table does not list it") for photo in others]
    here = dict.fromkeys(row.path for row in rows if row.exists)
    frame = pd.DataFrame({"path": [*here, *others], "label": [labels.get(path, "") for path in [*here, *others]]})
    return Survey(frame, "the rows of the table that can be used", refused, findings)


def _beside(root: Path) -> list[Path]:
    try:
        return find_photos(root.parent if root.is_file() else root)
    except DataError:  # the photos of a table may lie anywhere
        return []


def _guesses(photos: list[Path], root: Path, labels: str) -> list[list[str]]:
    """Return the labels of all photos in each way that was asked for; "" where a way gives none."""
    patterns = list(NAME_PATTERNS) if labels in ("auto", "name") else [] if labels == "folder" else [labels]
    found = [
        [match.group(1) or "" if (match := re.search(p, photo.name)) else "" for photo in photos] for p in patterns
    ]
    if labels in ("auto", "folder"):
        found.append([folder_label(photo, root) for photo in photos])
    return found


def _is_likely(labels: list[str]) -> bool:
    """Say whether a reading gives most photos a label, and classes of two or more on the average."""
    labelled = [label for label in labels if label]
    return len(labelled) > len(labels) / 2 and 1 < len(set(labelled)) <= len(labelled) / 2
