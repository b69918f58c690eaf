"""What can be wrong with photos: one function each, one table shape for all.

A check takes the frame and returns findings `path, issue, score, why`; it changes nothing and replaces no photo. `score`
runs from 0 (fine) to 1 (certainly wrong). To add a check, write a function and a row of CHECKS.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pandas as pd

from petbreeds.data.photos import TooManyPixels, open_photo
from petbreeds.errors import DataError

Progress = Callable[[int, int], object]  # called with (photos done, photos in all)


class Finding(NamedTuple):
    """One thing wrong with one photo."""

    path: str
    issue: str
    score: float
    why: str


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table `path, issue, score, why`, also when there are none.

    >>> findings_table([Finding("a.jpg", "unreadable", 1.0, "it is empty")]).columns.tolist()
    ['path', 'issue', 'score', 'why']
    """
    return pd.DataFrame(list(findings), columns=pd.Index(Finding._fields)).astype({"score": float})


def unreadable(frame: pd.DataFrame, progress: Progress | None = None, workers: int | None = None) -> pd.DataFrame:
    """Decode every photo in full and report those that cannot be: "unreadable", or "bomb" for too many pixels.

    progress: called after each photo with (done, in all). workers: threads; by default one per core, at most 8.
    """
    paths = [str(path) for path in frame["path"]]
    found = []
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:  # PIL decodes without holding the GIL
        for done, finding in enumerate(pool.map(_try_to_read, paths), start=1):
            if finding is not None:
                found.append(finding)
            if progress is not None:
                progress(done, len(paths))
    return findings_table(found)


def drop_unreadable(
    frame: pd.DataFrame, progress: Progress | None = None, workers: int | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frame without its unreadable photos, and the findings that say which these were and why.

    Raises DataError where no photo is left.
    """
    findings = unreadable(frame, progress, workers)
    bad = set(findings["path"])
    kept = [str(path) not in bad for path in frame["path"]]
    if bad and not any(kept):
        raise DataError(
            f"None of the {len(frame):,} photos can be read. The first is {findings['path'].iloc[0]}:\n"
            f"{findings['why'].iloc[0]}.\nCheck that they were copied or unpacked completely."
        )
    return frame.loc[kept].reset_index(drop=True), findings


CHECKS: dict[str, Callable[..., pd.DataFrame]] = {"unreadable": unreadable}


def _try_to_read(path: str) -> Finding | None:
    try:
        open_photo(path)
    except DataError as error:
        issue = "bomb" if isinstance(error, TooManyPixels) else "unreadable"
        first_line = str(error).splitlines()[0].rstrip(".")
        why = first_line.removeprefix(f"Cannot read {path}: ").removeprefix(f"{path} ")
        return Finding(path, issue, 1.0, why)
    return None
