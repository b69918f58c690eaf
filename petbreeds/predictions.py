"""Predictions: what a model said of some photos, and, where known, what was true.

Plain numpy and pandas, so a report, a table or a test needs no model. Probabilities are kept as they were given; nothing
here changes them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from petbreeds.errors import ChoiceError


class Interval(NamedTuple):
    """A range of shares between 0 and 1 that holds the true value at the stated confidence."""

    low: float
    high: float


def wilson_interval(errors: int, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for a share of `errors` out of `n`.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.

    >>> low, high = wilson_interval(10, 74)
    >>> round(low, 3), round(high, 3)
    (0.075, 0.231)
    """
    if n == 0:
        return Interval(0.0, 1.0)
    from scipy.stats import binomtest

    interval = binomtest(int(errors), int(n)).proportion_ci(confidence, method="wilson")
    return Interval(float(interval.low), float(interval.high))


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities of `n` photos for `len(vocab)` classes, with the truth where it is known.

    paths: `n` names. vocab: class names in the order of the columns. probs: float array `(n, len(vocab))`; a photo that
    could not be read has a row of NaN and its reason in `errors`. targets: `n` class numbers, or None.

    >>> found = Predictions(["a.jpg", "b.jpg"], ["cat", "dog"], np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 0]))
    >>> found.labels, found.error_rate
    (['cat', 'dog'], 0.5)
    """

    paths: list[str]
    vocab: list[str]
    probs: np.ndarray
    targets: np.ndarray | None = None
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.errors:
            object.__setattr__(self, "errors", [""] * len(self.paths))
        expected = (len(self.paths), len(self.vocab))
        if self.probs.shape != expected:
            raise ChoiceError(f"probs has shape {self.probs.shape}; expected (photos, classes) = {expected}.")
        for name in ("targets", "errors"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.paths):
                raise ChoiceError(f"{name} has {len(values)} entries for {len(self.paths)} photos.")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: int | slice | Sequence[int] | np.ndarray) -> Predictions:
        """Return the chosen photos as Predictions of their own: a number, a slice, a mask or a list of numbers."""
        rows = np.arange(len(self))[which].reshape(-1)
        return Predictions(
            [self.paths[i] for i in rows],
            self.vocab,
            self.probs[rows],
            None if self.targets is None else self.targets[rows],
            [self.errors[i] for i in rows],
        )

    def __iter__(self) -> Iterator[Predictions]:
        return (self[i] for i in range(len(self)))

    @property
    def readable(self) -> np.ndarray:
        """Mask of the photos that were read and got an answer: no reason in `errors`, no probability that is not finite."""
        return np.array([not reason for reason in self.errors], dtype=bool) & np.isfinite(self.probs).all(axis=1)

    @property
    def label_ids(self) -> np.ndarray:
        """Class number of the largest probability; -1 for a photo that could not be read."""
        found = np.full(len(self), -1)
        rows = self.readable
        found[rows] = self.probs[rows].argmax(axis=1) if rows.any() else []
        return found

    @property
    def labels(self) -> list[str]:
        """Name of the likeliest class for each photo; empty for a photo that could not be read."""
        return [self.vocab[i] if i >= 0 else "" for i in self.label_ids]

    @property
    def label(self) -> str:
        """Name of the likeliest class, for the Predictions of a single photo."""
        return self._single(self.labels)

    @property
    def probability(self) -> float:
        """Probability of the likeliest class, for the Predictions of a single photo."""
        return float(self._single(self.confidences))

    @property
    def confidences(self) -> np.ndarray:
        """Probability of the likeliest class for each photo; NaN where it could not be read."""
        return self.probs.max(axis=1) if len(self) else np.zeros(0)

    @property
    def truths(self) -> list[str]:
        """Name of the true class for each photo."""
        return [self.vocab[i] for i in self._known_targets()]

    def top_k(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """Return, for each photo, the `k` likeliest classes with their probabilities, best first."""
        order = np.argsort(-self.probs, axis=1, kind="stable")[:, :k]
        return [
            [(self.vocab[c], float(self.probs[i, c])) for c in row] if self.readable[i] else []
            for i, row in enumerate(order)
        ]

    @property
    def correct(self) -> np.ndarray:
        """Mask of the photos whose likeliest class is the true one."""
        return self.label_ids == self._known_targets()

    @property
    def n_errors(self) -> int:
        """How many photos got a wrong class (a photo that could not be read counts as wrong)."""
        return int((~self.correct).sum())

    @property
    def error_rate(self) -> float:
        """Share of photos with a wrong class; NaN for no photo."""
        return self.n_errors / len(self) if len(self) else math.nan

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return Wilson's interval of the error rate at the stated confidence."""
        return wilson_interval(self.n_errors, len(self), confidence)

    @property
    def losses(self) -> np.ndarray:
        """Cross-entropy of each photo in nats: minus the logarithm of the probability of its true class."""
        chosen = self.probs[np.arange(len(self)), self._known_targets()]
        return -np.log(np.clip(chosen, 1e-12, None))

    def summary(self) -> str:
        """Return the one honest line: error, its 95 % interval and n.

        >>> Predictions(["a.jpg"], ["cat", "dog"], np.array([[0.9, 0.1]]), np.array([0])).summary()
        'error 0.0 % (95 % interval 0.0 to 79.3 %, n = 1 photo)'
        """
        low, high = self.interval()
        photos = "photo" if len(self) == 1 else "photos"
        share = f"error {100 * self.error_rate:.1f} %"
        return f"{share} (95 % interval {100 * low:.1f} to {100 * high:.1f} %, n = {len(self)} {photos})"

    def table(self, all_classes: bool = False) -> pd.DataFrame:
        """Return `path, label, probability, known, error` (+ `truth`; + one column per class with `all_classes`).

        `known` is False where no answer can be given: here, for a photo that could not be read.
        """
        columns: dict[str, Any] = {
            "path": self.paths,
            "label": self.labels,
            "probability": self.confidences,
            "known": self.readable,
            "error": self.errors,
        }
        if self.targets is not None:
            columns["truth"] = self.truths
        frame = pd.DataFrame(columns)
        if all_classes:
            frame = pd.concat([frame, pd.DataFrame(self.probs, columns=pd.Index(self.vocab))], axis=1)
        return frame

    def to_csv(self, path: str | Path, all_classes: bool = False) -> Path:
        """Write `table()` as CSV through a temporary name, and return the path.

        A text that a spreadsheet would run as a formula gets an apostrophe in front.
        """
        frame = self.table(all_classes)
        for name in ("path", "label", "error", "truth"):
            if name in frame:
                frame[name] = [_harmless_cell(str(text)) for text in frame[name]]
        frame = frame.rename(columns=_harmless_cell)
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        frame.to_csv(temporary, index=False)
        temporary.replace(target)
        return target

    def _repr_html_(self) -> str:
        return str(self.table().head(20).to_html(escape=True, index=False))

    def _known_targets(self) -> np.ndarray:
        if self.targets is None:
            raise ChoiceError("The true labels of these photos are not known, so no error can be counted.")
        return self.targets

    def _single(self, values: Any) -> Any:
        if len(self) != 1:
            raise ChoiceError(f"These are predictions of {len(self)} photos; use .labels or .table().")
        return values[0]


def _harmless_cell(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
