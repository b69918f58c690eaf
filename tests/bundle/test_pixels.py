"""From a photo to numbers: by hand on tiny photos, against torchvision, and in batches with unreadable ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from petbreeds.bundle import pixels
from petbreeds.bundle.pixels import RESAMPLES, PixelRule, decode_batches
from petbreeds.errors import ChoiceError

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def test_normalising_by_hand() -> None:
    photo = Image.new("RGB", (20, 10), (255, 0, 51))
    found = PixelRule(8, *IMAGENET).array(photo)
    assert found.shape == (3, 8, 8) and found.dtype == np.float32 and found.flags["C_CONTIGUOUS"]
    expected = [(1.0 - 0.485) / 0.229, (0.0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]
    assert found[:, 3, 5] == pytest.approx(expected, rel=1e-5)
    assert np.ptp(found, axis=(1, 2)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("size", [(24, 8), (8, 24)])
def test_the_middle_square_is_taken(size: tuple[int, int]) -> None:
    photo = Image.new("RGB", size, "red")
    middle = tuple((side - 8) // 2 for side in size)
    photo.paste((0, 0, 255), (middle[0], middle[1], middle[0] + 8, middle[1] + 8))
    assert PixelRule(8).square(photo).getcolors() == [(64, (0, 0, 255))]


def test_a_smaller_crop_is_the_middle_of_the_middle() -> None:
    photo = noise(16, 16)
    found = PixelRule(8, crop=0.5).square(photo)
    assert np.array_equal(np.asarray(found), np.asarray(photo)[4:12, 4:12])


def test_one_step_is_antialiased() -> None:
    """A board of single pixels becomes an even grey, not a pattern."""
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    found = np.asarray(PixelRule(32).square(Image.fromarray(board).convert("RGB")))
    assert found.min() >= 120 and found.max() <= 135


@pytest.mark.parametrize("resample", RESAMPLES)
def test_against_torchvision(resample: str) -> None:
    transforms = pytest.importorskip("torchvision.transforms.v2")
    photo = noise(90, 90)
    mode = transforms.InterpolationMode(resample)
    theirs = transforms.Compose(
        [
            transforms.Resize((48, 48), interpolation=mode, antialias=True),
            transforms.PILToTensor(),
            transforms.ToDtype(torch.float32, scale=True),
            transforms.Normalize(*IMAGENET),
        ]
    )
    ours = PixelRule(48, *IMAGENET, resample=resample).array(photo)
    assert np.allclose(ours, theirs(photo).numpy(), atol=1e-5)


def test_an_unknown_resample() -> None:
    with pytest.raises(ChoiceError, match="Unknown resample 'bicubik'. Did you mean 'bicubic'"):
        PixelRule(resample="bicubik")


@settings(deadline=None, max_examples=30)
@given(
    size=st.integers(8, 64),
    mean=st.tuples(*[st.floats(0, 1)] * 3),
    crop=st.floats(0.1, 1),
    resample=st.sampled_from(sorted(RESAMPLES)),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_json_round_trip_gives_the_same_pixels(
    size: int, mean: tuple[float, float, float], crop: float, resample: str, shape: tuple[int, int]
) -> None:
    rule = PixelRule(size, mean, (0.2, 0.3, 0.4), crop, resample)
    again = PixelRule.from_dict(json.loads(json.dumps(rule.to_dict())))
    assert again == rule and hash(again) == hash(rule)
    found = rule.array(noise(*shape))
    assert found.shape == (3, size, size) and np.isfinite(found).all()
    assert np.array_equal(found, again.array(noise(*shape)))


@pytest.mark.parametrize("workers", [None, 0, 1, 3])
@pytest.mark.parametrize("n", [0, 1, 3, 4, 13])
def test_batches_come_in_order_and_whole(n: int, workers: int | None) -> None:
    photos = [noise(12, 10, seed=i) for i in range(n)]
    rule = PixelRule(8)
    batches = list(decode_batches(photos, rule, batch_size=4, workers=workers))
    assert [start for start, _, _ in batches] == list(range(0, n, 4))
    assert [len(arrays) for _, arrays, _ in batches] == [min(4, n - start) for start in range(0, n, 4)]
    for start, arrays, errors in batches:
        assert arrays.dtype == np.float32 and errors == [""] * len(arrays)
        assert all(np.array_equal(found, rule.array(photos[start + i])) for i, found in enumerate(arrays))


def test_an_unreadable_photo_costs_only_itself(tmp_path: Path) -> None:
    noise(9, 9).save(tmp_path / "good.png")
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    sources = [tmp_path / "good.png", tmp_path / "bad.jpg", b"", tmp_path / "nowhere.jpg", noise(9, 9)]
    ((start, arrays, errors),) = decode_batches(sources, PixelRule(8))
    assert start == 0 and arrays.shape == (5, 3, 8, 8)
    assert [bool(error) for error in errors] == [False, True, True, True, False]
    assert "bad.jpg" in errors[1] and "nowhere.jpg" in errors[3]
    assert not arrays[1:4].any() and np.array_equal(arrays[0], arrays[4])


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: object) -> Image.Image:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(pixels, "open_photo", fail)
    with pytest.raises(ZeroDivisionError, match="ours"):
        list(decode_batches([noise(9, 9)], PixelRule(8)))


def test_only_a_few_batches_are_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    monkeypatch.setattr(pixels, "open_photo", lambda photo: opened.append(photo) or photo)
    batches = decode_batches([noise(9, 9)] * 40, PixelRule(8), batch_size=2)
    next(batches)
    assert len(opened) <= 6
