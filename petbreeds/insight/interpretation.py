"""Interpretation: where a model errs, asked in the words of fastai's `ClassificationInterpretation`.

It holds Predictions made once, so no method runs the model again and none needs fastai. Matplotlib is imported by the first
plot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from petbreeds.insight import confusion, losses
from petbreeds.predictions import Predictions

if TYPE_CHECKING:
    from petbreeds.insight.plots import Axes


@dataclass(frozen=True, eq=False)
class Interpretation:
    """The answers of a model to photos whose truth is known, and the questions worth asking of them.

    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> interp = Interpretation(Predictions(["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog"], probs, np.array([0, 1, 1])))
    >>> interp.most_confused(min_val=1)
    [('dog', 'cat', 1)]
    """

    predictions: Predictions

    def __post_init__(self) -> None:
        confusion.class_numbers(self.predictions)  # raises at once where the truth is not known

    def confusion_matrix(self) -> np.ndarray:
        """Return the counts as an array `(classes, classes)`: rows are actual, columns predicted."""
        return self.confusion_table().to_numpy()

    def confusion_table(self) -> pd.DataFrame:
        """Return the counts with their class names: index actual, columns predicted."""
        return confusion.confusion_table(self.predictions)

    def most_confused(self, min_val: int = 1) -> list[tuple[str, str, int]]:
        """List (actual, predicted, photos) of the pairs confused at least `min_val` times, most frequent first."""
        return confusion.most_confused(self.predictions, min_val)

    def per_class(self) -> pd.DataFrame:
        """Return `label, n, precision, recall, f1, errors, error_low, error_high`, one row a class."""
        return confusion.per_class(self.predictions)

    def top_losses(self, k: int | None = None, largest: bool = True) -> pd.DataFrame:
        """Return `path, truth, label, probability, loss` of the `k` worst (or best) photos.

        A table, where fastai returns two tensors: those are its columns `loss` and, as places, its index.
        """
        return losses.top_losses(self.predictions, k, largest)

    def plot_confusion_matrix(
        self,
        figsize: tuple[float, float] | None = None,
        dpi: float = 60,
        normalize: bool = False,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw the confusion matrix; further arguments are those of `plots.plot_confusion_matrix`."""
        from petbreeds.insight import plots

        return plots.plot_confusion_matrix(self.confusion_table(), ax, figsize, dpi, normalize, **kwargs)

    def plot_top_losses(self, k: int | Sequence[int], largest: bool = True, **kwargs: Any) -> np.ndarray:
        """Show the `k` worst (or best) photos, or those at the given ranks; `nrows`, `ncols`, `figsize` as in fastai."""
        from petbreeds.insight import plots

        if isinstance(k, (int, np.integer)):
            return plots.plot_top_losses(self.top_losses(int(k), largest), **kwargs)
        return plots.plot_top_losses(self.top_losses(None, largest).iloc[list(k)], **kwargs)

    def print_classification_report(self) -> None:
        """Print scikit-learn's report of precision, recall and f1; an undefined figure is printed as 0, as there."""
        from sklearn.metrics import classification_report

        truth, given = confusion.class_numbers(self.predictions)
        if not len(self.predictions):
            print("No photos, so there is nothing to report.")
            return
        vocab = self.predictions.vocab
        zero: Any = 0  # scikit-learn's own annotation allows text only
        print(classification_report(truth, given, labels=range(len(vocab)), target_names=vocab, zero_division=zero))

    def summary(self) -> str:
        """Return the one honest line: error, its 95 % interval and n."""
        return self.predictions.summary()

    def _repr_html_(self) -> str:
        pairs = pd.DataFrame(self.most_confused()[:10], columns=["actual", "predicted", "photos"])
        return f"<p>{escape(self.summary())}</p>{pairs.to_html(escape=True, index=False)}"
