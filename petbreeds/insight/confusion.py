"""Which classes are taken for which: the confusion matrix and what follows from it.

Counts only, no pictures; scikit-learn does the arithmetic. A photo that could not be read was given no class: it is in no
column of the matrix, but it counts as an error of its class in `per_class`, as it does in `Predictions.error_rate`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from petbreeds.errors import ChoiceError
from petbreeds.predictions import Predictions, wilson_interval


def confusion_table(predictions: Predictions) -> pd.DataFrame:
    """Count the photos of each true class (rows, "actual") by the class they were given (columns, "predicted").

    Square, in the order of the vocab, classes without photos included. `table.attrs["left_out"]` is the number of photos
    that could not be read. Raises ChoiceError where the truth is not known.

    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> table = confusion_table(Predictions(["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog"], probs, np.array([0, 1, 1])))
    >>> int(table.loc["dog", "cat"])  # a dog taken for a cat
    1
    """
    truth, given = class_numbers(predictions)
    vocab = predictions.vocab
    counts = np.zeros((len(vocab), len(vocab)), dtype=int)
    if predictions.readable.any():
        from sklearn.metrics import confusion_matrix

        counts = confusion_matrix(truth, given, labels=range(len(vocab)))
    table = pd.DataFrame(counts, index=pd.Index(vocab, name="actual"), columns=pd.Index(vocab, name="predicted"))
    table.attrs["left_out"] = int((~predictions.readable).sum())
    return table


def most_confused(predictions: Predictions, min_val: int = 1) -> list[tuple[str, str, int]]:
    """List (actual, predicted, photos) for every pair confused at least `min_val` times, most frequent first.

    Equal counts stay in the order of the vocab, as in fastai's `ClassificationInterpretation.most_confused`.

    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> most_confused(Predictions(["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog"], probs, np.array([0, 1, 1])))
    [('dog', 'cat', 1)]
    """
    vocab, counts = predictions.vocab, confusion_table(predictions).to_numpy()
    wrong = ~np.eye(len(vocab), dtype=bool)
    pairs = np.argwhere(wrong & (counts >= min_val))
    found = [(vocab[actual], vocab[given], int(counts[actual, given])) for actual, given in pairs]
    return sorted(found, key=lambda pair: pair[2], reverse=True)


def per_class(predictions: Predictions) -> pd.DataFrame:
    """Return one row a class: `label, n, precision, recall, f1, errors, error_low, error_high`.

    `n` is the number of photos of the class, `errors` how many of them got another class; the last two columns are
    Wilson's 95 % interval of the class's error rate. What would divide by zero (the recall of a class without photos, the
    precision of a class never given) is NaN, not 0.

    >>> probs = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    >>> table = per_class(Predictions(["a.jpg", "b.jpg", "c.jpg"], ["cat", "dog"], probs, np.array([0, 1, 1])))
    >>> table[["label", "n", "recall", "errors"]].values.tolist()
    [['cat', 1, 1.0, 0], ['dog', 2, 0.5, 1]]
    """
    from sklearn.metrics import precision_recall_fscore_support

    truth, given = class_numbers(predictions)
    classes = range(len(predictions.vocab))
    if len(predictions):
        undefined: Any = np.nan  # scikit-learn's own annotation allows text only
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, given, labels=classes, zero_division=undefined
        )
    else:
        precision = recall = f1 = np.full(len(classes), np.nan)
    n = np.bincount(truth, minlength=len(classes))
    errors = np.bincount(truth[truth != given], minlength=len(classes))
    bounds = [wilson_interval(wrong, total) for wrong, total in zip(errors, n, strict=True)]
    return pd.DataFrame(
        {
            "label": predictions.vocab,
            "n": n,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "errors": errors,
            "error_low": [bound.low for bound in bounds],
            "error_high": [bound.high for bound in bounds],
        }
    )


def order_by_similarity(table: pd.DataFrame) -> pd.DataFrame:
    """Reorder a confusion table so that classes taken for each other stand side by side, as blocks on the diagonal.

    Source: average-linkage clustering on the share of photos two classes exchange, with optimal leaf ordering
    (Bar-Joseph et al., "Fast optimal leaf ordering for hierarchical clustering", Bioinformatics 2001).

    >>> names = ["Birman", "beagle", "Ragdoll"]
    >>> table = pd.DataFrame([[5, 0, 3], [0, 8, 0], [4, 0, 4]], index=names, columns=names)
    >>> order = list(order_by_similarity(table).index)
    >>> abs(order.index("Birman") - order.index("Ragdoll"))
    1
    """
    if len(table) < 3:
        return table
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    counts = table.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    distance = 2 - shares - shares.T  # a row adds up to 1 at most, so two classes exchange 2 at most
    np.fill_diagonal(distance, 0)
    order = leaves_list(linkage(squareform(distance, checks=False), method="average", optimal_ordering=True))
    return table.iloc[order, order]


def class_numbers(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Return the true and the given class number of each photo; a photo that could not be read was given -1."""
    if predictions.targets is None:
        raise ChoiceError(
            f"The true classes of these {len(predictions)} photos are not known, so nothing can be compared.\n"
            "Allowed: Predictions with targets. Next: take those of a validation part, whose labels are known."
        )
    return np.asarray(predictions.targets, dtype=int), predictions.label_ids
