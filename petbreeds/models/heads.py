"""Heads: what turns the features of a backbone into one logit per class.

A head takes a feature map `(n, features, height, width)` or features already pooled `(n, features)`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from petbreeds.errors import unknown


class AveragePool(nn.Module):
    """Average a feature map over its area; features that are pooled already pass through."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `(n, features, height, width)` or `(n, features)` to `(n, features)`."""
        return x.mean(dim=(2, 3)) if x.ndim == 4 else x


class ConcatPool(nn.Module):
    """Maximum and average over the area, one after the other: twice as many features (the book's pooling)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map `(n, features, height, width)` to `(n, 2 * features)`; pooled features are doubled as they are."""
        if x.ndim == 2:
            return torch.cat([x, x], dim=1)
        return torch.cat([x.amax(dim=(2, 3)), x.mean(dim=(2, 3))], dim=1)


def linear_head(n_features: int, n_classes: int) -> nn.Sequential:
    """Average pooling and one linear layer: the only head that the head start can solve exactly."""
    return nn.Sequential(AveragePool(), nn.Linear(n_features, n_classes))


def fastai_head(n_features: int, n_classes: int) -> nn.Sequential:
    """The head of the fastai book (`create_head`): concat pooling, then twice batch norm, dropout and linear.

    Source: Howard and Gugger, Deep Learning for Coders, chapter 15; weights start as fastai starts them (Kaiming).
    """
    head = nn.Sequential(
        ConcatPool(),
        nn.BatchNorm1d(2 * n_features),
        nn.Dropout(0.25),
        nn.Linear(2 * n_features, 512, bias=False),
        nn.ReLU(inplace=True),
        nn.BatchNorm1d(512),
        nn.Dropout(0.5),
        nn.Linear(512, n_classes, bias=False),
    )
    for part in head:
        if isinstance(part, nn.Linear):
            nn.init.kaiming_normal_(part.weight)
    return head


def mlp_head(n_features: int, n_classes: int) -> nn.Sequential:
    """Average pooling, 128 hidden units with ReLU and dropout 0.2: the classifier of the cats-and-dogs notes."""
    return nn.Sequential(
        AveragePool(),
        nn.Linear(n_features, 128),
        nn.ReLU(inplace=True),
        nn.Dropout(0.2),
        nn.Linear(128, n_classes),
    )


HEADS: dict[str, Callable[[int, int], nn.Sequential]] = {
    "linear": linear_head,
    "fastai": fastai_head,
    "mlp": mlp_head,
}


def build_head(name: str, n_features: int, n_classes: int) -> nn.Sequential:
    """Build the head called `name`; it maps features to `(n, n_classes)` logits.

    >>> build_head("linear", 512, 37)(torch.zeros(2, 512, 7, 7)).shape
    torch.Size([2, 37])
    """
    if name not in HEADS:
        raise unknown("head", name, HEADS)
    return HEADS[name](n_features, n_classes)
