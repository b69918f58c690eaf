"""Backbones: one plain table for those with packaged weights, one rule for every torchvision and timm name.

A backbone becomes a `Body`: a sequence of stages that maps photos to features. What differs between architectures is
where to cut and which stages are early; FAMILIES says that, and nothing else in the house asks for an architecture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from petbreeds.errors import WeightsError, unknown
from petbreeds.models.devices import half_precision
from petbreeds.models.weights import State, load_state, offline_error, packaged_file, read_state, require_network

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Backbone:
    """What must be known of an architecture before it is built.

    `size` is the input side in pixels; `mean` and `std` are per channel for pixels between 0 and 1; `package` names the
    Python package that carries the weights, or is empty.
    """

    name: str
    source: str  # "timm" | "torchvision"
    library_name: str
    size: int = 224
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    package: str = ""


_LITE = "efficientnet_lite"
BACKBONES: dict[str, Backbone] = {
    row.name: row
    for row in (
        Backbone("efficientnet_lite0", "timm", "tf_efficientnet_lite0", 224, HALF, HALF, f"{_LITE}0_pytorch_model"),
        Backbone("efficientnet_lite1", "timm", "tf_efficientnet_lite1", 240, HALF, HALF, f"{_LITE}1_pytorch_model"),
        Backbone("efficientnet_lite2", "timm", "tf_efficientnet_lite2", 260, HALF, HALF, f"{_LITE}2_pytorch_model"),
    )
}


def find_backbone(arch: str | Callable[..., nn.Module]) -> Backbone:
    """Return the row for a name, or for a torchvision function such as `resnet34`.

    The table above comes first, then torchvision, then timm. Raises ChoiceError with the nearest name.

    >>> find_backbone("efficientnet_lite0").mean
    (0.5, 0.5, 0.5)
    """
    name = arch if isinstance(arch, str) else getattr(arch, "__name__", str(arch))
    if name in BACKBONES:
        return BACKBONES[name]
    import torchvision.models as library

    if name in library.list_models(module=library):
        preset = library.get_model_weights(name).DEFAULT.transforms()  # type: ignore[attr-defined]
        return Backbone(name, "torchvision", name, int(preset.crop_size[0]), tuple(preset.mean), tuple(preset.std))
    import timm

    base = name.partition(".")[0]
    if "/" not in name and ":" not in name and timm.is_model(base):
        config = _timm_config(name)
        if config is not None:
            return Backbone(name, "timm", name, config.input_size[-1], tuple(config.mean), tuple(config.std))
    names = [*BACKBONES, *library.list_models(module=library), *timm.list_models()]
    raise unknown("architecture", name, names, "Any torchvision or timm classification name works.")


def _timm_config(name: str) -> Any:
    import timm

    try:
        return timm.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # a known architecture with an unknown tag of weights, such as `resnet18.nobody_in1k`
        return None


class Body(nn.Sequential):
    """The stages of a backbone in order; the first `early` of them form the slowest group of learning rates."""

    def __init__(self, *stages: nn.Module, early: int = 0) -> None:
        super().__init__(*stages)
        self.early = early

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map photos to features; in training on a CPU, frozen early stages run fast: no gradients, half precision."""
        stages = list(self)
        if self.training and self.early and x.device.type == "cpu" and _is_frozen(stages[: self.early]):
            with torch.no_grad(), half_precision(x.device):
                for stage in stages[: self.early]:
                    x = stage(x)
            x, stages = x.float(), stages[self.early :]
        for stage in stages:
            x = stage(x)
        return x


def _is_frozen(stages: list[nn.Module]) -> bool:
    return not any(parameter.requires_grad for stage in stages for parameter in stage.parameters())


@dataclass(frozen=True)
class Family:
    """How architectures of one build are cut: which attributes they have, their stages, and how many are early."""

    name: str
    matches: Callable[[nn.Module], bool]
    stages: Callable[[nn.Module], list[nn.Module]]
    early: Callable[[int], int]


def _has(*names: str) -> Callable[[nn.Module], bool]:
    return lambda model: all(hasattr(model, name) for name in names)


def _first_activation(model: nn.Module) -> nn.Module:
    return getattr(model, "relu", None) or model.get_submodule("act1")  # torchvision's name, and timm's


def _features(model: nn.Module) -> list[nn.Module]:
    last = [nn.ReLU()] if type(model).__name__ == "DenseNet" else []  # torchvision applies it outside of `features`
    return [*model.features, *last]  # type: ignore[misc]


def _is_map_of_features(model: nn.Module) -> bool:
    # ConvNeXt, Swin and MaxViT normalise after `features`; without that their features are worth little.
    plain = ("VGG", "AlexNet", "DenseNet", "SqueezeNet", "MobileNetV2", "EfficientNet")
    return isinstance(getattr(model, "features", None), nn.Sequential) and type(model).__name__ in plain


FAMILIES: tuple[Family, ...] = (
    Family(
        "resnet",  # the book's cut: early is everything up to the second group of blocks
        _has("conv1", "bn1", "maxpool", "layer1", "layer2", "layer3", "layer4"),
        lambda m: [m.conv1, m.bn1, _first_activation(m), m.maxpool, m.layer1, m.layer2, m.layer3, m.layer4],  # type: ignore[list-item]
        lambda n_stages: 6,
    ),
    Family(
        "timm efficientnet",
        _has("conv_stem", "bn1", "blocks", "conv_head", "bn2"),
        lambda m: [m.conv_stem, m.bn1, *m.blocks, m.conv_head, m.bn2],  # type: ignore[list-item,misc]
        lambda n_stages: n_stages - 4,  # the last two groups of blocks and the last convolution are late
    ),
    Family("features", _is_map_of_features, _features, lambda n_stages: n_stages // 2),
)


def build_body(backbone: Backbone, weights: str | None = "auto") -> tuple[Body, int]:
    """Build the body of a backbone and return it with its number of features.

    weights: "auto" (the package, else the network), a file, or None for random weights.
    """
    model = _library_model(backbone)
    body = _cut(model, backbone)
    if weights is not None:
        load_state(model, body, *_find_weights(backbone, weights))
    return body, _count_features(body, backbone.size)


def _cut(model: nn.Module, backbone: Backbone) -> Body:
    for family in FAMILIES:
        if family.matches(model):
            stages = family.stages(model)
            return Body(*stages, early=family.early(len(stages)))
    return Body(_without_classifier(model, backbone), early=0)


def _library_model(backbone: Backbone) -> nn.Module:
    if backbone.source == "timm":
        import timm

        return timm.create_model(backbone.library_name, pretrained=False)
    import torchvision.models as library

    extra: dict[str, Any] = {}
    if backbone.library_name in ("googlenet", "inception_v3"):
        # No second answer while training; the weights were made for a normalisation that the network does by itself.
        extra = {"init_weights": True, "aux_logits": False, "transform_input": True}
    elif backbone.library_name.startswith("vit_"):
        extra = {"image_size": backbone.size}
    return library.get_model(backbone.library_name, weights=None, **extra)


def _find_weights(backbone: Backbone, weights: str) -> tuple[State, str]:
    if weights != "auto":
        file, origin = Path(weights), f"The weights file {str(weights)!r}"
    elif backbone.package:
        file, origin = packaged_file(backbone.package), f"The package {backbone.package!r}"
    else:
        file = _timm_file(backbone) if backbone.source == "timm" else _torchvision_file(backbone)
        origin = f"The file {str(file)!r}"
    return {_DENSE_LAYER.sub(r"\1\2", name): value for name, value in read_state(file).items()}, origin


# Torchvision's files of DenseNet still bear names such as `denselayer1.norm.1.weight`; the network says `norm1`.
_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def _torchvision_file(backbone: Backbone) -> Path:
    import torchvision.models as library

    row = library.get_model_weights(backbone.library_name).DEFAULT  # type: ignore[attr-defined]
    target = Path(torch.hub.get_dir()) / "checkpoints" / row.url.rpartition("/")[2]
    if not target.is_file():
        try:
            torch.hub.download_url_to_file(row.url, str(_made(target)), hash_prefix=target.stem.rpartition("-")[2])
        except (OSError, RuntimeError) as error:  # URLError is the one, a wrong checksum the other
            raise offline_error(backbone.name, row.url, target, error) from error
    return target


def _made(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _timm_file(backbone: Backbone) -> Path:
    import huggingface_hub as hub

    repository = _timm_config(backbone.library_name).hf_hub_id
    if not repository:
        raise WeightsError(
            f"Nobody publishes pretrained weights of {backbone.name!r} where timm could fetch them.\n"
            'Choose another architecture, or give a file: weights="FILE.pth"; or do without: pretrained=False.'
        )
    file = hub.try_to_load_from_cache(repository, "model.safetensors")
    if isinstance(file, str):
        return Path(file)
    url = f"{hub.constants.ENDPOINT}/{repository}/resolve/main/model.safetensors"
    try:
        require_network(hub.constants.ENDPOINT)
        return Path(hub.hf_hub_download(repository, "model.safetensors"))
    except OSError as error:  # so are the hub's own errors
        raise offline_error(backbone.name, url, None, error) from error


def _without_classifier(model: nn.Module, backbone: Backbone) -> nn.Module:
    if backbone.source == "timm":
        model.reset_classifier(0)  # type: ignore[operator]
        return model
    last = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)][-1]
    parent, _, child = last.rpartition(".")
    setattr(model.get_submodule(parent), child, nn.Identity())
    return model


def _count_features(body: Body, size: int) -> int:
    was_training = body.training
    body.eval()
    with torch.no_grad():
        features = int(body(torch.zeros(1, 3, size, size)).shape[1])
    body.train(was_training)
    return features
