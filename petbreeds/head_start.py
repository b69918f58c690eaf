"""The head start: fit the head on cached features before any gradient step.

Every photo passes once through the frozen backbone; a multinomial logistic regression on these features is written into
the linear head. With few photos that is the whole training; with many, fine-tuning goes on from there without first
distorting the features. Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution", ICLR 2022 (linear probing, then fine-tuning).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from petbreeds.bundle.pixels import PixelRule, decode_batches
from petbreeds.errors import ChoiceError, DataError
from petbreeds.models.devices import device_of, half_precision
from petbreeds.models.heads import AveragePool
from petbreeds.progress import progress

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)  # scikit-learn's C: larger is freer
DEFAULT_STRENGTH = 0.1
MAX_TRIED_PHOTOS = 3000  # choosing the strength on more photos takes minutes and moves it no more


@dataclass(frozen=True)
class HeadStart:
    """What a head start did: photos used, the strength chosen (scikit-learn's C), and how it was chosen."""

    n_photos: int
    strength: float
    how: str

    def __str__(self) -> str:
        return f"Head start: logistic regression on the features of {self.n_photos:,} photos, C = {self.strength:g} ({self.how})"


def linear_layer(model: nn.Sequential) -> nn.Linear:
    """Return the one layer of a linear head; any other head is a ChoiceError."""
    parts = list(model[1].children())
    if len(parts) == 2 and isinstance(parts[0], AveragePool) and isinstance(parts[1], nn.Linear):
        return parts[1]
    raise ChoiceError(
        'A head start needs the linear head, the only one with an exact solution.\nBuild the learner with head="linear".'
    )


def compute_features(
    model: nn.Sequential,
    paths: Sequence[Path],
    rule: PixelRule,
    bs: int = 32,
    workers: int | None = None,
) -> np.ndarray:
    """Return the pooled features of each photo, float32 `(n, features)`; decoding runs beside the network.

    A photo that cannot be read is a DataError that names it.
    """
    device, was_training = device_of(model), model.training
    model.eval()
    found = []
    batches = decode_batches(paths, rule, bs, workers)
    for start, photos, errors in progress(batches, -(-len(paths) // bs), "batches through the backbone"):
        broken = [(paths[start + i], error) for i, error in enumerate(errors) if error]
        if broken:
            raise DataError(f"{broken[0][0]} cannot be read: {broken[0][1]}\nRemove it, or train with verify=True.")
        x = torch.from_numpy(photos).to(device, memory_format=torch.channels_last)
        with torch.inference_mode(), half_precision(device):
            pooled = AveragePool()(model[0](x))
        found.append(pooled.float().cpu().numpy())
    model.train(was_training)
    return np.concatenate(found)


def choose_strength(features: np.ndarray, targets: np.ndarray, seed: int = 42) -> tuple[float, str]:
    """Choose the strength of the regression by three-fold cross-validation of its log loss; return it and how.

    Only the given photos are used, so the validation photos stay untouched.
    """
    from sklearn.model_selection import StratifiedKFold, train_test_split

    if len(targets) > MAX_TRIED_PHOTOS:
        kept = train_test_split(np.arange(len(targets)), train_size=MAX_TRIED_PHOTOS, random_state=seed)[0]
        features, targets = features[kept], targets[kept]
    present = np.unique(targets, return_counts=True)[1]
    if present.min() < 3:
        return DEFAULT_STRENGTH, "fixed: a class has fewer than three photos"
    folds = list(StratifiedKFold(3, shuffle=True, random_state=seed).split(features, targets))
    tried = {strength: _log_loss(features, targets, folds, strength) for strength in STRENGTHS}
    return min(tried, key=lambda strength: tried[strength]), "chosen by three-fold log loss on the training photos"


def _log_loss(
    features: np.ndarray, targets: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]], strength: float
) -> float:
    losses = []
    for inside, outside in folds:
        model = _fit_regression(features[inside], targets[inside], strength)
        chosen = model.predict_proba(features[outside])[
            np.arange(len(outside)), np.searchsorted(model.classes_, targets[outside])
        ]
        losses.append(-np.log(np.clip(chosen, 1e-12, None)).mean())
    return float(np.mean(losses))


def _fit_regression(features: np.ndarray, targets: np.ndarray, strength: float) -> Any:
    """Fit on one thread: the matrices are small, and threads that wait for a busy core made it forty times slower."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return _regression(strength).fit(features, targets)


def _regression(strength: float):  # noqa: ANN202 (scikit-learn is imported only here)
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000)


def solve_head(
    features: np.ndarray, targets: np.ndarray, n_classes: int, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return weight `(n_classes, features)` and bias `(n_classes,)` of the multinomial logistic regression.

    A class without a photo gets the lowest bias found, minus ten: it is never answered.
    """
    model = _fit_regression(features, targets, strength)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn gives one row for two classes
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    full_weight = np.zeros((n_classes, features.shape[1]))
    full_bias = np.full(n_classes, bias.min() - 10.0)
    full_weight[model.classes_], full_bias[model.classes_] = weight, bias
    return full_weight, full_bias


def refine_head(
    features: np.ndarray, targets: np.ndarray, weight: np.ndarray, bias: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the same regression, but penalise the distance from a given head instead of from zero.

    For a head that fine-tuning made: new photos move it, photos that it fits already leave it where it is.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax
    from threadpoolctl import threadpool_limits

    rows = np.arange(len(targets))
    base = features @ weight.T + bias

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        change = flat.reshape(len(bias), -1)
        log_probs = log_softmax(base + features @ change[:, :-1].T + change[:, -1], axis=1)
        slope = np.exp(log_probs)
        slope[rows, targets] -= 1
        gradient = np.hstack([strength * slope.T @ features + change[:, :-1], strength * slope.sum(axis=0)[:, None]])
        loss = -strength * log_probs[rows, targets].sum() + 0.5 * (change[:, :-1] ** 2).sum()
        return float(loss), gradient.ravel()

    start = np.zeros(len(bias) * (features.shape[1] + 1))
    with threadpool_limits(1):  # see _fit_regression
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    change = found.x.reshape(len(bias), -1)
    return weight + change[:, :-1], bias + change[:, -1]


def write_head(model: nn.Sequential, weight: np.ndarray, bias: np.ndarray) -> None:
    """Write a solution into the model's linear head, in place."""
    layer = linear_layer(model)
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight, dtype=layer.weight.dtype))
        layer.bias.copy_(torch.as_tensor(bias, dtype=layer.bias.dtype))
