"""The photos a model got most wrong, which are the first to look at: many turn out to be mislabelled.

A table only; `plots.plot_top_losses` shows it. The loss is the cross-entropy in nats, whatever loss the model learnt with.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from petbreeds.errors import ChoiceError
from petbreeds.predictions import Predictions


def top_losses(predictions: Predictions, k: int | None = None, largest: bool = True) -> pd.DataFrame:
    """Return the `k` photos of largest (or smallest) loss: `path, truth, label, probability, loss`; all for None.

    `probability` is that of `label`, the class given. The index is each photo's place in `predictions`, so that
    `predictions[table.index]` is the same choice. Photos that could not be read have no loss and come last.

    >>> found = Predictions(["a.jpg", "b.jpg"], ["cat", "dog"], np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1]))
    >>> top_losses(found, 1).values.tolist()
    [['b.jpg', 'dog', 'cat', 0.8, 1.6094379124341003]]
    """
    if k is not None and (isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 0):
        raise ChoiceError(f"k is {k!r}; allowed: a whole number of at least 0, or None for all photos.")
    table = pd.DataFrame(
        {
            "path": predictions.paths,
            "truth": predictions.truths,
            "label": predictions.labels,
            "probability": predictions.confidences,
            "loss": predictions.losses,
        }
    )
    ranked = table.sort_values("loss", ascending=not largest, kind="stable", na_position="last")
    return ranked if k is None else ranked.head(k)
