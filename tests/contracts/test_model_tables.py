"""Every row of the tables of petbreeds.models keeps the contract of its table; a new row is tested unasked.

Photos are small where the network allows it: what is tested is the wiring, and that does not depend on the size.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from petbreeds.models.backbones import BACKBONES, FAMILIES, Body, Family, _library_model, build_body, find_backbone
from petbreeds.models.build import build_model, parameter_groups
from petbreeds.models.heads import HEADS, build_head
from petbreeds.models.weights import packaged_file, read_state

EXAMPLES = {  # architecture -> the family that cuts it, or None where only the classifier is taken away
    "resnet34": "resnet",
    "resnet10t": "resnet",  # timm's
    "efficientnet_lite0": "timm efficientnet",
    "vgg11": "features",
    "densenet121": "features",
    "mobilenet_v2": "features",
    "squeezenet1_0": "features",
    "alexnet": "features",
    "mobilenet_v3_small": None,
    "regnet_y_400mf": None,
    "shufflenet_v2_x0_5": None,
    "mnasnet0_5": None,
    "googlenet": None,
    "convnext_atto": None,
    "vit_tiny_patch16_224": None,
}
FIXED_SIZE = ("vit_tiny_patch16_224",)


@pytest.mark.parametrize("n_classes", [2, 37])
@pytest.mark.parametrize("name", HEADS)
def test_heads(name: str, n_classes: int) -> None:
    head = build_head(name, 16, n_classes)
    for shape in ((4, 16, 7, 5), (4, 16, 1, 1), (4, 16)):
        features = torch.randn(shape, requires_grad=True)
        head.zero_grad()
        logits = head(features)
        assert logits.shape == (4, n_classes) and logits.dtype == torch.float32
        logits.square().sum().backward()
        assert features.grad is not None and features.grad.shape == shape
        assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in head.parameters())
    head.eval()
    photo = torch.randn(1, 16, 3, 3)
    assert torch.equal(head(photo), head(photo)) and head(photo).isfinite().all()  # one photo is enough, and no dropout


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones(name: str) -> None:
    row = BACKBONES[name]
    assert row.name == name and find_backbone(name) is row
    assert row.source in ("timm", "torchvision") and 32 <= row.size <= 1024
    assert len(row.mean) == len(row.std) == 3 and all(0 < value < 1 for value in (*row.mean, *row.std))
    theirs = find_backbone(row.library_name)
    assert theirs.source == row.source and theirs.package == ""


@pytest.mark.parametrize("name", [row.name for row in BACKBONES.values() if row.package])
def test_packaged_weights(name: str) -> None:
    row = BACKBONES[name]
    pytest.importorskip(row.package)
    body, n_features = build_body(replace(row, size=64), "auto")
    packaged = read_state(packaged_file(row.package))
    loaded = list(body.state_dict().values())
    assert len(loaded) == len(packaged) - 2  # all but the classifier's weight and bias
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(loaded, packaged.values(), strict=False))
    assert n_features == list(packaged.values())[-2].shape[1]


def test_every_family_has_an_example() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert set(EXAMPLES.values()) == {*names, None}


@pytest.mark.parametrize("name", EXAMPLES)
def test_architectures(name: str) -> None:
    row = find_backbone(name)
    side = row.size if name in FIXED_SIZE else 64
    torch.manual_seed(0)
    model = build_model(name, 5, "linear", weights=None)
    body = model[0]
    assert isinstance(body, Body) and (body.early > 0) == (EXAMPLES[name] is not None) and body.early < len(body)
    check_groups(model)
    logits = model(torch.randn(2, 3, side, side))
    assert logits.shape == (2, 5)
    nn.functional.cross_entropy(logits, torch.tensor([1, 4])).backward()
    without = [key for key, parameter in model.named_parameters() if parameter.grad is None]
    assert not without  # a part that never learns would stop training in several processes
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def check_groups(model: nn.Sequential) -> None:
    """Three groups that hold every parameter exactly once, in the order of the model, none of them empty."""
    groups = parameter_groups(model)
    assert len(groups) == 3 and all(groups)
    assert [id(x) for group in groups for x in group] == [id(x) for x in model.parameters()]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_families(family: Family) -> None:
    """An example is matched by its own family alone, so the order of the table does not matter."""
    name = next(arch for arch, cut_by in EXAMPLES.items() if cut_by == family.name)
    model = _library_model(find_backbone(name))
    assert [row for row in FAMILIES if row.matches(model)] == [family]
    stages = family.stages(model)
    own = {id(x) for x in model.parameters()}
    assert 0 < family.early(len(stages)) < len(stages)
    assert all(id(x) in own for stage in stages for x in stage.parameters())
