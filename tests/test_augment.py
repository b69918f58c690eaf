"""Augmentation: training photos only, at the size asked for; and the book's picture of presizing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.torch_core import TensorCategory, TensorImage
from PIL import Image

from petbreeds.augment import AUGMENTS, TrainingOnly, batch_transforms, presizing_views
from petbreeds.data.photos import find_photos, open_photo
from petbreeds.errors import ChoiceError


@pytest.fixture
def batch(drawn: Path) -> tuple[Any, Any]:
    photos = [open_photo(path).resize((64, 64)) for path in find_photos(drawn)[:6]]
    pixels = torch.from_numpy(np.stack([np.asarray(photo) for photo in photos])).permute(0, 3, 1, 2).float() / 255
    return TensorImage(pixels), TensorCategory(torch.arange(6))


@pytest.mark.parametrize("name", AUGMENTS)
def test_a_recipe_changes_training_photos_and_no_others(name: str, batch: tuple[Any, Any]) -> None:
    (step,) = batch_transforms(name, size=48, min_scale=0.75)
    photos, labels = step(batch, split_idx=0)
    assert photos.shape == (6, 3, 48, 48) and torch.equal(labels, batch[1])
    assert photos.isfinite().all() and float(photos.min()) >= -0.01 and float(photos.max()) <= 1.01
    same, _ = step(batch, split_idx=1)
    assert same is batch[0]
    assert step.name.startswith("training only: ") and repr(step) == step.name


@pytest.mark.parametrize("name", AUGMENTS)
def test_chance_decides_except_where_nothing_is_to_change(name: str, batch: tuple[Any, Any]) -> None:
    (step,) = batch_transforms(name, size=48, min_scale=0.75)
    seen = [step(batch, split_idx=0)[0] for _ in range(4)]
    assert all(torch.equal(seen[0], other) for other in seen) is (name == "none")


def test_colour_leaves_the_geometry(batch: tuple[Any, Any]) -> None:
    torch.manual_seed(0)
    (colour,), (none,) = batch_transforms("colour", 48, 0.75), batch_transforms("none", 48, 0.75)
    ours, plain = colour(batch, split_idx=0)[0], none(batch, split_idx=0)[0]
    for one, other in zip(ours.mean(dim=1).flatten(1), plain.mean(dim=1).flatten(1), strict=True):
        assert np.corrcoef(one.numpy(), other.numpy())[0, 1] > 0.95  # edges stay where they are


def test_flip_mirrors_some(batch: tuple[Any, Any]) -> None:
    torch.manual_seed(0)
    (step,) = batch_transforms("flip", 64, 1.0)
    mirrored = set()
    for photo, original in zip(step(batch, split_idx=0)[0], batch[0], strict=True):
        distances = [float((photo - version).abs().mean()) for version in (original, original.flip(-1))]
        mirrored.add(distances[1] < distances[0])
        assert min(distances) < 0.02
    assert mirrored == {True, False}


def test_an_unknown_recipe() -> None:
    with pytest.raises(ChoiceError, match="Did you mean 'standard'"):
        batch_transforms("standart", 48, 0.75)


def test_steps_run_in_their_order() -> None:
    (step,) = batch_transforms("standard", 48, 0.75)
    assert isinstance(step, TrainingOnly)
    orders = [inner.order for inner in step.steps]
    assert orders == sorted(orders) and step.order == max(orders)


def test_presizing_is_sharper_than_step_by_step(drawn: Path) -> None:
    from petbreeds.data.drawing.pet import draw_pet

    photo = draw_pet("Birman", 3, 42, size=(400, 300))
    before = photo.tobytes()
    presized, stepwise = presizing_views(photo, item_size=300, size=128)
    assert presized.size == stepwise.size == (128, 128) and photo.tobytes() == before
    assert isinstance(presized, Image.Image) and presized.mode == "RGB"

    def sharpness(view: Image.Image) -> float:
        grey = np.asarray(view.convert("L"), dtype=float)[32:96, 32:96]
        return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())

    assert sharpness(presized) > 1.1 * sharpness(stepwise)
    again, _ = presizing_views(photo, item_size=300, size=128)
    assert again.tobytes() == presized.tobytes()  # nothing is left to chance
