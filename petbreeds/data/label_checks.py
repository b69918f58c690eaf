"""What can be wrong with labels, classes and twins: a function each, over one frame; no file is opened here.

The frame holds readable photos: `path, label` ("" for none), `twins` (group numbers) and, where it was split, `split`.
Pairs are those of `twins.find_twins`, as row numbers of that frame.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from petbreeds.data.findings import Finding
from petbreeds.data.twins import ALONE, TWINS

FEW_PHOTOS = 5  # of a class; with fewer, one or none is left to check with
MOST_TIMES = 5  # the largest class may be so many times a class's size
KINDS = {"copy": "the same file as", "near": "the same picture as", "mirror": "the mirror image of"}


def find_duplicates(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Photos that are the same file, byte for byte, as another."""
    yield from _twin_findings(frame, pairs[pairs["kind"] == "copy"], "duplicate")


def find_near_duplicates(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Photos that show the same picture as another, changed a little or mirrored."""
    yield from _twin_findings(frame, pairs[pairs["kind"] != "copy"], "near-duplicate")


def find_leaks(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Twins in different parts of the split: what is checked was learnt before."""
    if "split" not in frame:
        return
    for group in _groups(frame[frame["split"] != ""]):
        part_of = dict(zip(group["path"], group["split"]))
        for path, part in part_of.items():
            twin = next((other for other, its_part in part_of.items() if its_part != part), None)
            if twin is not None:
                why = f"it is in the {part} part, and its twin {_short(twin)} in the {part_of[twin]} part"
                yield Finding(path, "leak", 1.0, why)


def find_label_conflicts(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Twins under different labels: one of them is wrong."""
    sure = set(pairs.loc[pairs["kind"] == "copy", ["first", "second"]].to_numpy().ravel().tolist())
    for group in _groups(frame[frame["label"] != ""]):
        label_of = dict(zip(group["path"], group["label"]))
        for row, (path, label) in zip(group.index, label_of.items()):
            twin = next((other for other, its_label in label_of.items() if its_label != label), None)
            if twin is not None:
                why = f"labelled {label!r}, and its twin {_short(twin)} {label_of[twin]!r}"
                yield Finding(path, "label-conflict", 0.95 if row in sure else 0.8, why)


def find_rare_classes(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Classes of fewer than FEW_PHOTOS photos, or with none in the training part: a finding for each photo."""
    counts = Counter(frame.loc[frame["label"] != "", "label"])
    in_training = Counter(frame.loc[frame["split"] == "train", "label"]) if "split" in frame else counts
    for path, label in zip(frame["path"], frame["label"]):
        n = counts[label]
        if n == 1:
            yield Finding(path, "rare-class", 1.0, f"the only photo of {label!r}: it cannot be learnt and checked")
        elif n and not in_training[label]:
            yield Finding(path, "rare-class", 1.0, f"none of the {n} photos of {label!r} would be learnt from")
        elif n and n < FEW_PHOTOS:
            yield Finding(path, "rare-class", 1.0 - n / (FEW_PHOTOS + 1), f"one of only {n} photos of {label!r}")


def find_imbalance(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Classes far smaller than the largest: a finding for each class, at its first photo."""
    labelled: Any = frame[frame["label"] != ""]
    counts = Counter(labelled["label"])
    if len(counts) == 1:
        only = next(iter(counts))
        yield Finding(labelled["path"].iloc[0], "imbalance", 1.0, f"every photo is {only!r}: nothing to tell apart")
    for label, n in counts.items():
        largest, most = counts.most_common(1)[0]
        if most > MOST_TIMES * n:
            first = labelled.loc[labelled["label"] == label, "path"].iloc[0]
            why = f"photos of {label!r}: {n:,}, of {largest!r}: {most:,}, {most / n:.0f} times as many"
            yield Finding(first, "imbalance", min(1.0 - n / most, 0.99), why)


def find_label_spellings(frame: pd.DataFrame, pairs: pd.DataFrame) -> Iterator[Finding]:
    """Labels that differ from a commoner one only in case, spaces, underscores or hyphens."""
    counts = Counter(frame.loc[frame["label"] != "", "label"])
    usual: dict[str, str] = {}
    for label, _ in counts.most_common():  # the commonest first
        usual.setdefault(plain_label(label), label)
    for path, label in zip(frame["path"], frame["label"]):
        common = usual.get(plain_label(label), label)
        if common != label:
            why = f"labelled {label!r} ({counts[label]:,} photos), elsewhere {common!r} ({counts[common]:,} photos)"
            yield Finding(path, "label-spelling", 0.9, why)


def plain_label(label: str) -> str:
    """Return a label without what people write differently: case, spaces, underscores, hyphens, forms of a letter.

    >>> plain_label("Great Pyrenees") == plain_label("great_pyrenees")
    True
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", label).casefold()) or label


LABEL_CHECKS: dict[str, Callable[[pd.DataFrame, pd.DataFrame], Iterator[Finding]]] = {
    "duplicate": find_duplicates,
    "near-duplicate": find_near_duplicates,
    "leak": find_leaks,
    "label-conflict": find_label_conflicts,
    "rare-class": find_rare_classes,
    "imbalance": find_imbalance,
    "label-spelling": find_label_spellings,
}


def _twin_findings(frame: pd.DataFrame, pairs: Any, issue: str) -> Iterator[Finding]:
    """Yield one finding for each photo of the pairs, which names its likest twin."""
    best: dict[int, tuple[float, int, str]] = {}
    for first, second, kind, score in pairs.itertuples(index=False):
        for row, twin in ((first, second), (second, first)):
            if row not in best or score > best[row][0]:
                best[row] = (score, twin, kind)
    paths = frame["path"].tolist()
    for row, (score, twin, kind) in best.items():
        yield Finding(paths[row], issue, float(score), f"{KINDS[kind]} {_short(paths[twin])}")


def _groups(frame: Any) -> Iterator[Any]:
    """Yield the rows of each group of twins."""
    if TWINS in frame:
        yield from (group for _, group in frame[frame[TWINS] != ALONE].groupby(TWINS))


def _short(path: str) -> str:
    """Return the last folder and the name: enough to find it, and the line stays short."""
    return "/".join(Path(path).parts[-2:])
