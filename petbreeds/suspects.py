"""Find wrong labels with features that do not know them: of a frame of photos, or of a learner's.

Imports no fastai until a learner is given, so a data set can be checked without it. Every photo must be readable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from petbreeds.bundle.pixels import PixelRule
from petbreeds.data.checks import SEEN_TO
from petbreeds.data.findings import Finding, findings_table
from petbreeds.data.labels import label_frame
from petbreeds.errors import DataError
from petbreeds.head_start import compute_features
from petbreeds.insight.label_issues import label_issues
from petbreeds.models.backbones import find_backbone
from petbreeds.models.build import build_model

ARCH, SIZE = "efficientnet_lite0", 224  # its weights come with petbreeds, and it is good at pets


def label_suspects(frame: pd.DataFrame, arch: str = ARCH, size: int = SIZE, seed: int = 42) -> pd.DataFrame:
    """Return the rows of a frame `path, label` whose label is probably wrong, surest first; unlabelled ones are left out.

    A table `path, issue, score, why, label, suggested, confidence`; see `petbreeds.insight.label_issues`. About 10 ms a
    photo on two cores. Raises DataError for an unreadable photo, and where there are too few to compare.
    """
    known = frame[frame["label"].notna()]
    labels = pd.Categorical(known["label"].astype(str))
    paths = [Path(path) for path in known["path"]]
    features = untouched_features(paths, arch, size)
    return label_issues(features, np.array(labels.codes), list(labels.categories), list(known["path"]), seed)


def add_suspects(found: pd.DataFrame, path: Any, labels: Any = "auto", seed: int = 42, **columns: str) -> pd.DataFrame:
    """Return a table of `check_data` with the label suspects of the same photos added, in the same order of weight.

    Photos that cannot be read are passed over. Where there are too few to compare, the reason becomes a note.
    """
    frame: Any = label_frame(path, labels, **columns).frame
    unread = set(found.loc[found["issue"].isin(SEEN_TO), "path"])
    try:
        suspects = label_suspects(frame[~frame["path"].astype(str).isin(unread)], seed=seed)
    except DataError as error:
        found.attrs["notes"] = [*found.attrs["notes"], f"Label suspects were not looked for: {error}"]
        return found
    rows = [*found.itertuples(index=False), *suspects[list(Finding._fields)].itertuples(index=False)]
    table = findings_table(Finding(*row) for row in rows)
    table.attrs = {**found.attrs, "counts": dict(Counter(table["issue"]))}
    return table


def learner_suspects(learn: Any, seed: int = 42) -> pd.DataFrame:
    """Return the training and validation photos of a PetLearner whose label is probably wrong, surest first.

    It takes the features the head start has cached while the body is as it was loaded. A body trained since knows the
    wrong labels by heart, so a fresh one is asked; for a network trained from random weights, the one of `ARCH`.
    """
    from petbreeds.datablock import photo_paths  # fastai: only a learner needs it

    paths = [*photo_paths(learn.dls, 0), *photo_paths(learn.dls, 1)]
    numbers = np.concatenate([learn.class_numbers(0), learn.class_numbers(1)])
    if learn.weights is None:
        features = untouched_features(paths)
    elif learn.history_rows:
        features = untouched_features(paths, learn.backbone.name, learn.rule.size, learn.weights)
    else:
        features = learn.features(paths)
    return label_issues(features, numbers, learn.vocab, paths, seed)


def untouched_features(paths: Sequence[Path], arch: str = ARCH, size: int = SIZE, weights: str = "auto") -> np.ndarray:
    """Return the features `(n, features)` of photos by a pretrained backbone that has learnt none of their labels.

    Measured on 370 photos with 30 wrong labels: five epochs later a backbone's features gave away 18 of them, not 29.
    """
    backbone = find_backbone(arch)
    return compute_features(build_model(arch, 2, weights=weights), paths, PixelRule(size, backbone.mean, backbone.std))
