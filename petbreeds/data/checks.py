"""What can be wrong with a data set: every check there is, run over one reading of the files.

A check is a small function over measures; it opens no file, changes nothing and replaces no photo. To add one, write a
function and a row of its table (PHOTO_CHECKS or LABEL_CHECKS), and name it in findings.ISSUES. `screen` is what training
asks for, `check_data` what a person does.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from petbreeds.data.findings import Finding, findings_table
from petbreeds.data.label_checks import LABEL_CHECKS
from petbreeds.data.labels import LabelChoice, check_labels
from petbreeds.data.measures import Progress, measure_photos
from petbreeds.data.photo_checks import PHOTO_CHECKS
from petbreeds.data.splits import Valid, check_split, split_frame
from petbreeds.data.survey import survey_labels
from petbreeds.data.twins import TWINS, find_twins, number_groups
from petbreeds.errors import DataError

CHECKS: dict[str, Any] = {**PHOTO_CHECKS, **LABEL_CHECKS}
SEEN_TO = frozenset(["unreadable", "bomb", "missing"])  # left out and listed by training, so no warning is needed


def check_data(
    path: str | os.PathLike[str],
    labels: LabelChoice = "auto",
    valid: Valid = 0.2,
    split: str = "auto",
    seed: int = 42,
    label_column: str = "label",
    path_column: str = "path",
    progress: Progress | None = None,
    workers: int | None = None,
) -> pd.DataFrame:
    """Return everything found wrong with the photos below `path`: `path, issue, score, why`, what matters most first.

    Each file is decoded once. `.attrs`: `folder`, `photos`, `classes`, `seconds`, `notes` (how labels and split were chosen),
    `counts` (findings of each issue) and `refused` (what training would say, or ""). Raises DataError only where there is
    nothing to look at.
    """
    began = time.perf_counter()
    survey = survey_labels(path, labels, label_column=label_column, path_column=path_column)
    measured = measure_photos(survey.frame["path"].tolist(), progress, workers)
    frame, pairs = _with_twins(survey.frame, measured)
    root = Path(path).expanduser()
    frame, note, refused = _split_as_training_would(frame, valid, split, seed, root.parent if root.is_file() else root)
    table = findings_table([*survey.findings, *_photo_findings(measured), *_label_findings(frame, pairs)])
    table.attrs = {
        "folder": str(root.parent if root.is_file() else root),
        "photos": len(survey.frame),
        "classes": len(set(survey.frame["label"]) - {""}),
        "seconds": round(time.perf_counter() - began, 2),
        "notes": [f"Labels: {survey.how}", *note],
        "counts": dict(Counter(table["issue"])),
        "refused": survey.refused or refused,
    }
    return table


def screen(
    frame: pd.DataFrame, progress: Progress | None = None, workers: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frame without its unreadable photos, and all findings that need no split.

    Where photos have twins, the frame gets the column `twins` that a grouped split goes by. Raises DataError where no
    photo is left.
    """
    measured = measure_photos([str(path) for path in frame["path"]], progress, workers)
    unread: Any = measured[measured["problem"] != ""]
    if len(frame) and len(unread) == len(frame):
        raise DataError(
            f"None of the {len(frame):,} photos can be read. The first is {unread['path'].iloc[0]}:\n"
            f"{unread['why'].iloc[0]}.\nCheck that they were copied or unpacked completely."
        )
    kept, pairs = _with_twins(frame, measured)
    findings = findings_table([*_photo_findings(measured), *_label_findings(kept, pairs)])
    return (kept if len(pairs) else kept.drop(columns=TWINS)), findings


def warn_in_one_line(findings: pd.DataFrame) -> str:
    """Return the line that training prints of all it found and does not see to itself, or "".

    >>> warn_in_one_line(findings_table([Finding("a.jpg", "dark", 0.7, ""), Finding("b.jpg", "dark", 0.6, "")]))
    'Also found: 2 dark. petbreeds.check names them.'
    """
    counts = Counter(issue for issue in findings["issue"] if issue not in SEEN_TO)
    listed = ", ".join(f"{n:,} {issue}" for issue, n in counts.items())
    return f"Also found: {listed}. petbreeds.check names them." if listed else ""


def find_crossing(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the "leak" findings of a split frame: twins that the chosen split puts on different sides."""
    return findings_table(LABEL_CHECKS["leak"](frame, pd.DataFrame()))


def _with_twins(frame: pd.DataFrame, measured: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the readable rows with their column `twins`, and the pairs as row numbers of these."""
    readable = (measured["problem"] == "").to_numpy()
    pairs = find_twins(measured.loc[readable].reset_index(drop=True))
    kept = frame.loc[readable].reset_index(drop=True)
    kept[TWINS] = number_groups(len(kept), pairs)
    return kept, pairs


def _photo_findings(measured: pd.DataFrame) -> list[Finding]:
    return [finding for check in PHOTO_CHECKS.values() for finding in check(measured)]


def _label_findings(frame: pd.DataFrame, pairs: pd.DataFrame) -> list[Finding]:
    return [finding for check in LABEL_CHECKS.values() for finding in check(frame, pairs)]


def _split_as_training_would(
    frame: pd.DataFrame, valid: Valid, split: str, seed: int, root: Path
) -> tuple[pd.DataFrame, list[str], str]:
    """Return the frame with `split` ("" for photos without a label), a note on it, and what training would object."""
    labelled: Any = frame[frame["label"] != ""]
    try:
        check_labels(labelled)
    except DataError as error:
        return frame, [], str(error)
    divided = split_frame(labelled, valid, split, seed, root=root)
    note = [f"Split: {divided.attrs['split']}"]
    whole = frame.assign(split=divided["split"].reindex(frame.index).fillna(""))
    try:
        check_split(divided)
    except DataError as error:
        return whole, note, str(error)
    return whole, note, ""
