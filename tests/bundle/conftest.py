"""A tiny real bundle: timm's smallest network, three breeds, 64-pixel photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from petbreeds.bundle.pixels import PixelRule
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.models.build import build_model

VOCAB = ["Birman", "Ragdoll", "pug"]


@pytest.fixture
def info() -> BundleInfo:
    metrics = {"error_rate": 0.135, "error_low": 0.075, "error_high": 0.231, "n_valid": 74, "n_train": 296}
    return BundleInfo("test_efficientnet", "linear", VOCAB, PixelRule(64).to_dict(), metrics=metrics, refit=True)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    network = build_model("test_efficientnet", len(VOCAB), weights=None)
    with torch.no_grad():  # random weights alone answer alike for every photo
        network.get_parameter("1.1.weight").normal_(std=3.0)
    return network.eval()


@pytest.fixture
def bundle(model: nn.Module, info: BundleInfo, tmp_path: Path) -> Path:
    return save_bundle(model, info, tmp_path / "pets")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(5):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((160, 120)).save(folder / f"pug_{number}.jpg", quality=95)
    return folder
