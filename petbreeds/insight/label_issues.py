"""Photos whose label is probably wrong, found by asking a model that has not seen the photo what it shows.

Works on features, opens no photo and needs no torch. It knows a label only by its neighbours: a mistake made in the
same way throughout a class looks like that class, and is not found.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from petbreeds.errors import ChoiceError, DataError

COLUMNS = ("path", "issue", "score", "why", "label", "suggested", "confidence")
FOLDS = 5  # ten were no better
REPEATS = 3  # draws of folds; their mean raises fewer false alarms than one draw does
MOST_REPEATED = 3000  # photos; beyond it one draw must do (7,400 photos: 7 seconds each)
STRENGTH = 0.1  # scikit-learn's C; 0.03 to 0.3 differ by a few points of precision
SPREAD = 150.0  # the variance, all features together, at which STRENGTH was measured: EfficientNet-Lite0's own
SURE = 0.6  # with few classes cleanlab counts too few; cats and dogs, 8 % flipped: recall 78 % without this, 98 % with
FEWEST_PHOTOS = 3  # of a class: with one held out, two are left to compare it with


def label_issues(
    features: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    vocab: Sequence[str],
    paths: Sequence[str | os.PathLike[str]],
    seed: int = 42,
) -> pd.DataFrame:
    """Return the photos whose label is probably wrong, surest first: a table `COLUMNS`, empty where none is.

    features: `(n, features)`, from a backbone that has not learnt these labels. labels: `n` numbers of classes in
    `vocab`. `score` is 1 less the probability of the photo's own label, `confidence` the probability of the suggested
    one, both said by regressions that never saw the photo. How many are listed is estimated too; of 370 photos
    with nothing flipped it lists ten. Photos of a class with fewer than three are not judged. Raises ChoiceError where
    the arguments do not fit, DataError where there is nothing to compare. Source: Northcutt, Jiang and
    Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 2021, through cleanlab.

    >>> features = np.repeat(np.eye(2), 10, axis=0) + np.random.default_rng(0).normal(0, 0.1, (20, 2))
    >>> labels = np.repeat([0, 1], 10)
    >>> labels[3] = 1
    >>> found = label_issues(features, labels, ["cat", "dog"], [f"{i}.jpg" for i in range(20)])
    >>> found[["path", "issue", "label", "suggested"]].values.tolist()
    [['3.jpg', 'label-suspect', 'dog', 'cat']]
    """
    numbers = _check(features, labels, vocab, paths)
    judged = np.flatnonzero(np.bincount(numbers, minlength=len(vocab))[numbers] >= FEWEST_PHOTOS)
    present, given = np.unique(numbers[judged], return_inverse=True)
    if len(present) < 2:
        raise DataError(
            f"Label suspects need two classes of at least {FEWEST_PHOTOS} photos; here are {len(present)}.\n"
            "Add photos, or mend labels that are spelt in several ways."
        )
    probs = held_out_probs(features[judged], given, seed)
    suspects = _rank_suspects(given, probs)
    return _table(
        paths=[str(paths[i]) for i in judged[suspects]],
        labels=[str(vocab[i]) for i in present[given[suspects]]],
        suggested=[str(vocab[i]) for i in present[probs[suspects].argmax(axis=1)]],
        own=probs[suspects, given[suspects]],
        confidence=probs[suspects].max(axis=1),
    )


def held_out_probs(features: np.ndarray, targets: np.ndarray, seed: int = 42) -> np.ndarray:
    """Return probabilities `(n, classes)`, each photo's by regressions fitted without it; the mean of a few draws.

    targets: `n` class numbers from 0, every class at least three times.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    scaled = (features * np.sqrt(SPREAD / max(features.var(axis=0).sum(), 1e-12))).astype(np.float32)
    counts = np.bincount(targets)
    repeats = REPEATS if len(targets) <= MOST_REPEATED else 1
    probs = np.zeros((len(targets), len(counts)))
    with threadpool_limits(1), warnings.catch_warnings():  # threads that wait for a busy core: see head_start
        warnings.filterwarnings(
            "ignore", "The least populated class", UserWarning
        )  # three photos in five folds are fine
        for repeat in range(repeats):
            folds = StratifiedKFold(min(FOLDS, int(counts.max())), shuffle=True, random_state=(seed + repeat) % 2**32)
            for inside, outside in folds.split(scaled, targets):
                model = LogisticRegression(C=STRENGTH, max_iter=1000, tol=1e-3).fit(scaled[inside], targets[inside])
                probs[outside] += model.predict_proba(scaled[outside]) / repeats
    return probs


def _rank_suspects(given: np.ndarray, probs: np.ndarray) -> np.ndarray:
    """Return the suspects, least probable label first: as many as cleanlab counts, and all surely of another class.

    Of cleanlab's seven ways this one found most of the labels flipped in real photos, with fewest false alarms.
    """
    from cleanlab.filter import find_label_issues

    own, other = probs[np.arange(len(given)), given], probs.argmax(axis=1)
    counted = find_label_issues(given, probs, filter_by="low_self_confidence", n_jobs=1)
    suspect = (counted | (probs.max(axis=1) >= SURE)) & (other != given)  # without another label to suggest it is none
    return np.flatnonzero(suspect)[np.argsort(own[suspect], kind="stable")]


def _table(
    paths: list[str], labels: list[str], suggested: list[str], own: np.ndarray, confidence: np.ndarray
) -> pd.DataFrame:
    rows = zip(labels, suggested, own, confidence, strict=True)
    why = [f"labelled {label} ({at:.0%}), looks like {other} ({sure:.0%})" for label, other, at, sure in rows]
    columns = (paths, ["label-suspect"] * len(paths), 1.0 - own, why, labels, suggested, confidence)
    kinds = {name: float if name in ("score", "confidence") else object for name in COLUMNS}
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).astype(kinds)


def _check(
    features: np.ndarray, labels: Sequence[int] | np.ndarray, vocab: Sequence[str], paths: Sequence[object]
) -> np.ndarray:
    """Return the labels as an array of class numbers, after checking that all arguments speak of the same photos."""
    numbers = np.asarray(labels)
    if features.ndim != 2 or not len(features) == len(numbers) == len(paths):
        raise ChoiceError(
            f"features has shape {features.shape}, with {len(numbers)} labels and {len(paths)} paths.\n"
            "Allowed: features (photos, numbers), and one label and one path a photo."
        )
    if len(numbers) and not (
        np.issubdtype(numbers.dtype, np.integer) and 0 <= numbers.min() <= numbers.max() < len(vocab)
    ):
        raise ChoiceError(
            f"labels must be class numbers from 0 to {len(vocab) - 1}; got {numbers[:3].tolist()} and others."
        )
    broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(broken):
        raise DataError(f"{paths[broken[0]]} has features that are no numbers.\nLeave it out, or compute them again.")
    return numbers.astype(int)
