"""Put a backbone and a head together: the model is `Sequential(body, head)`, as in fastai, and so are its groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import cast

from torch import nn

from petbreeds.models.backbones import Body, build_body, find_backbone
from petbreeds.models.heads import build_head


def build_model(
    arch: str | Callable[..., nn.Module],
    n_classes: int,
    head: str = "linear",
    weights: str | None = "auto",
) -> nn.Sequential:
    """Build `Sequential(body, head)` that maps photos `(n, 3, size, size)` to logits `(n, n_classes)`.

    weights: "auto" (the installed package, else the network), a `.pth` or `.safetensors` file, or None for random ones.

    >>> model = build_model("efficientnet_lite0", 37)
    >>> len(parameter_groups(model))
    3
    """
    body, n_features = build_body(find_backbone(arch), weights)
    return nn.Sequential(body, build_head(head, n_features, n_classes))


def parameter_groups(model: nn.Sequential) -> list[list[nn.Parameter]]:
    """Return the parameters as three groups: early stages, late stages, head; slices of learning rates go over these.

    Source: the discriminative learning rates of the fastai book, chapter 5 (its ResNets are cut in the same places).
    """
    body, head = cast(Body, model[0]), model[1]
    early = [parameter for stage in list(body)[: body.early] for parameter in stage.parameters()]
    if not early:
        early = _first_half(list(body.parameters()))
    late = list(body.parameters())[len(early) :]
    return [early, late, list(head.parameters())]


def _first_half(parameters: list[nn.Parameter]) -> list[nn.Parameter]:
    """Return the leading parameters that together hold at most half of the numbers, but at least one of them."""
    sizes = list(itertools.accumulate(parameter.numel() for parameter in parameters))
    n_first = sum(seen <= sizes[-1] / 2 for seen in sizes)
    return parameters[: max(1, n_first)]
