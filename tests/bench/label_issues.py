"""Flip a known share of the labels of real photos and see which of them are found.

    python tests/bench/label_issues.py [FOLDER] [--rates 0.03 0.08 0.15] [--seeds 5]

Without a folder it takes ../shared/data/pets/images if that exists, else the drawn pets. A flipped label is any
other class, each as likely ("any"), or one that the photo's own class is often confused with ("alike", which is
harder). Seeds 0, 1, 2, ... draw the flips; the method was chosen on other seeds.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from petbreeds.insight.label_issues import held_out_probs, label_issues

REAL = Path(os.environ.get("PETBREEDS_REAL_PETS") or Path(__file__).parents[3] / "shared" / "data" / "pets" / "images")


class Photos(NamedTuple):
    """Features of labelled photos, and the seconds they took."""

    paths: list[Path]
    targets: np.ndarray
    vocab: list[str]
    features: np.ndarray
    seconds: float


class Score(NamedTuple):
    """What a list of suspects is worth: the share of flips in it, and the share of it that are flips."""

    recall: float
    precision: float
    listed: int
    seconds: float


def read_photos(folder: Path) -> Photos:
    """Label the photos of a folder and compute their features as the head start does."""
    from petbreeds.data.labels import label_frame
    from petbreeds.suspects import untouched_features

    frame = label_frame(folder).frame
    labels = pd.Categorical(frame["label"])
    paths = [Path(path) for path in frame["path"]]
    began = time.perf_counter()
    features = untouched_features(paths)
    seconds = time.perf_counter() - began
    return Photos(paths, np.array(labels.codes, dtype=int), list(labels.categories), features, seconds)


def any_other(n_classes: int) -> np.ndarray:
    """Return, per class, the chance of each other class, all equal."""
    return (1 - np.eye(n_classes)) / (n_classes - 1)


def alike(photos: Photos) -> np.ndarray:
    """Return, per class, the chance of each other class: the root of how much of it a regression sees in the photos."""
    probs = held_out_probs(photos.features, photos.targets, seed=1000)
    seen = np.stack([probs[photos.targets == i].mean(axis=0) for i in range(len(photos.vocab))]) ** 0.5
    np.fill_diagonal(seen, 0)
    return seen / seen.sum(axis=1, keepdims=True)


def flip(targets: np.ndarray, rate: float, chances: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets with a share `rate` of them changed, and a mask of the changed ones."""
    random = np.random.default_rng(seed)
    chosen = random.choice(len(targets), round(rate * len(targets)), replace=False)
    flipped = targets.copy()
    flipped[chosen] = [random.choice(len(chances), p=chances[i]) for i in targets[chosen]]
    return flipped, flipped != targets


def score(photos: Photos, flipped: np.ndarray, wrong: np.ndarray) -> Score:
    """Look for suspects once, and compare the list with the flips."""
    began = time.perf_counter()
    found = label_issues(photos.features, flipped, photos.vocab, photos.paths)
    seconds = time.perf_counter() - began
    listed = np.isin([str(path) for path in photos.paths], found["path"])
    hits = int((listed & wrong).sum())
    return Score(hits / max(int(wrong.sum()), 1), hits / max(len(found), 1), len(found), seconds)


def measure(photos: Photos, rate: float, chances: np.ndarray, seeds: range) -> Score:
    """Return the mean score over seeds."""
    scores = [score(photos, *flip(photos.targets, rate, chances, seed)) for seed in seeds]
    return Score(*np.mean(scores, axis=0).tolist())


def main() -> None:
    """Print one line a rate and kind of flip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0, 0.03, 0.08, 0.15])
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    from petbreeds.data.sample import cached_sample

    folder = options.folder or (REAL if REAL.is_dir() else cached_sample(370))
    photos = read_photos(folder)
    print(f"{folder.name}: {len(photos.paths)} photos, {len(photos.vocab)} classes, features {photos.seconds:.1f} s")
    print(f"mean of {options.seeds} seeds")
    print(f"{'flips':<6} {'rate':>5} {'recall':>7} {'precision':>9} {'listed':>7} {'seconds':>8}")
    for kind, chances in (("any", any_other(len(photos.vocab))), ("alike", alike(photos))):
        for rate in options.rates:
            found = measure(photos, rate, chances, range(options.seeds))
            row = f"{found.recall:7.0%} {found.precision:9.0%} {found.listed:7.1f} {found.seconds:8.1f}"
            print(f"{kind:<6} {rate:5.0%} {row}")


if __name__ == "__main__":
    main()
