"""The DataBlock factory: the book's split and labels, validation photos by the PixelRule, loaders that never hang."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.data.block import DataBlock
from fastai.data.transforms import Normalize, RandomSplitter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from petbreeds import datablock
from petbreeds.bundle.pixels import PixelRule
from petbreeds.data.photos import find_photos, open_photo
from petbreeds.data.splits import split_frame
from petbreeds.datablock import (
    FrameLabels,
    Photo,
    Presize,
    choose_workers,
    frame_dataloaders,
    labelled_frame,
    normalize_for,
    pet_block,
    pet_dataloaders,
    photo_paths,
    rule_of,
)
from petbreeds.errors import ChoiceError, DataError
from petbreeds.models.backbones import find_backbone

PATTERN = r"(.+)_\d+.jpg$"


def test_the_block_labels_and_splits_as_the_book_does(drawn: Path) -> None:
    dls = pet_block(PATTERN, item_size=64, size=48).dataloaders(drawn, bs=16)
    photos = find_photos(drawn)
    train, valid = RandomSplitter(seed=42)(photos)
    assert list(dls.train_ds.items) == [photos[i] for i in train]
    assert list(dls.valid_ds.items) == [photos[i] for i in valid] and len(valid) == 12
    for photo, label in zip(dls.valid_ds.items, dls.valid_ds.tls[1], strict=True):
        assert dls.vocab[int(label)] == photo.stem.rpartition("_")[0]
    assert "great_pyrenees" in dls.vocab and isinstance(pet_block(), DataBlock)
    frame = split_frame(pd.DataFrame({"path": photos, "label": "x"}), 0.2, seed=42)
    assert set(frame.loc[frame["split"] == "valid", "path"]) == set(dls.valid_ds.items)


@pytest.mark.parametrize(("seed", "valid", "n"), [(42, 0.2, 12), (7, 0.2, 12), (42, 0.5, 30)])
def test_seed_and_share(seed: int, valid: float, n: int, drawn: Path) -> None:
    dls = pet_block(PATTERN, item_size=64, size=48, seed=seed, valid=valid).dataloaders(drawn, bs=8)
    expected = RandomSplitter(valid, seed=seed)(find_photos(drawn))[1]
    assert list(dls.valid_ds.items) == [find_photos(drawn)[i] for i in expected] and len(expected) == n


def test_other_labels(drawn: Path, tmp_path: Path) -> None:
    kind = pet_block(lambda path: "cat" if path.name[0].isupper() else "dog", item_size=32, size=32)
    assert list(kind.dataloaders(drawn, bs=8).vocab) == ["cat", "dog"]
    for photo in list(find_photos(drawn))[::6]:
        place = tmp_path / photo.stem.rpartition("_")[0] / "a.jpg"
        place.parent.mkdir(exist_ok=True)
        place.with_name(photo.name).write_bytes(photo.read_bytes())
    by_folder = pet_block("folder", item_size=32, size=32).dataloaders(tmp_path, bs=2)
    assert len(by_folder.vocab) == 5 and all(
        by_folder.vocab[int(label)] == path.parent.name
        for path, label in zip(by_folder.train_ds.items, by_folder.train_ds.tls[1], strict=True)
    )


def test_training_batches_are_augmented_and_validation_batches_are_the_pixel_rule(drawn: Path) -> None:
    dls = pet_dataloaders(drawn, item_size=64, size=48, bs=12, num_workers=0)
    backbone = find_backbone("resnet18")
    normalize_for(dls, backbone)
    rule: Any = rule_of(dls, backbone)
    assert rule == PixelRule(48, backbone.mean, backbone.std)
    x, y = dls.valid.one_batch()
    expected = np.stack([rule.array(open_photo(path)) for path in photo_paths(dls, 1)])
    assert np.abs(x.cpu().numpy() - expected).max() < 1e-6
    assert [dls.vocab[i] for i in y] == [path.stem.rpartition("_")[0] for path in photo_paths(dls, 1)]
    first, second = (dls.train.after_batch(dls.train.do_batch([dls.train.do_item(0)]))[0] for _ in range(2))
    assert first.shape == (1, 3, 48, 48) and not torch.equal(first, second)


def test_presize_is_large_for_training_and_final_for_validation(drawn: Path) -> None:
    photo = Photo.create(find_photos(drawn)[0])
    step = Presize(64, PixelRule(48))
    assert step(photo, split_idx=0).size == (64, 64) and step(photo, split_idx=1).size == (48, 48)
    assert np.array_equal(np.asarray(step(photo, split_idx=1)), np.asarray(PixelRule(48).square(photo)))
    assert "64" in repr(step) and "48" in repr(step)


def test_photos_come_through_the_one_door(tmp_path: Path) -> None:
    turned = Image.new("RGB", (40, 20), "red")
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "a.jpg", exif=exif)
    assert Photo.create(tmp_path / "a.jpg").size == (20, 40)
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "b.png")
    clear = Photo.create(tmp_path / "b.png")
    assert clear.mode == "RGB" and clear.getpixel((0, 0)) == (255, 255, 255)
    given_image = Image.new("RGB", (8, 8))
    assert Photo.create(given_image) is not given_image
    (tmp_path / "c.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match="c.jpg"):
        Photo.create(tmp_path / "c.jpg")


@pytest.mark.parametrize(
    ("system", "cores", "gpu", "workers"),
    [
        ("Windows", 16, True, 0),
        ("Darwin", 10, False, 0),
        ("Linux", 2, False, 0),
        ("Linux", 4, False, 0),
        ("Linux", 4, True, 3),
        ("Linux", 8, False, 7),
        ("Linux", 64, True, 8),
        ("Linux", None, False, 0),
    ],
)
def test_choose_workers(
    system: str, cores: int | None, gpu: bool, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert choose_workers() == workers


@given(st.integers(0, 64))
def test_a_number_of_workers_that_was_given_is_kept(n: int) -> None:
    assert choose_workers(n) == n


def test_num_workers_reaches_the_loaders(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = pet_block(PATTERN, item_size=32, size=32)
    monkeypatch.setattr(datablock, "choose_workers", lambda n=None: 3 if n is None else n)
    assert block.dataloaders(drawn, bs=8).train.fake_l.num_workers == 3
    assert block.dataloaders(drawn, bs=8, num_workers=1).valid.fake_l.num_workers == 1
    ours = pet_dataloaders(drawn, item_size=32, size=32, bs=8, num_workers=2)
    assert [loader.fake_l.num_workers for loader in ours.loaders] == [2, 2]
    assert pet_dataloaders(drawn, item_size=32, size=32).train.fake_l.num_workers == 3


def test_a_batch_larger_than_the_training_part_still_trains(drawn: Path) -> None:
    dls = pet_dataloaders(drawn, item_size=32, size=32, bs=500, num_workers=0)
    assert len(dls.train) == 1 and len(dls.train.one_batch()[0]) == 48 == dls.train.bs


def test_the_frame_decides(drawn: Path) -> None:
    frame = labelled_frame(drawn, verify=False)
    frame.loc[:9, "split"] = "test"
    vocab = [*sorted(set(frame["label"])), "unicorn"]  # a class without a photo keeps its place
    dls = frame_dataloaders(frame, item_size=32, size=32, bs=8, num_workers=0, vocab=vocab)
    used = {part: [str(path) for path in photo_paths(dls, i)] for i, part in enumerate(("train", "valid"))}
    for part, paths in used.items():
        assert paths == frame.loc[frame["split"] == part, "path"].tolist()
    assert list(dls.vocab) == vocab
    labels = FrameLabels({"a.jpg": "pug"})
    assert labels(Path("a.jpg")) == "pug"
    with pytest.raises(KeyError):
        labels(Path("b.jpg"))


def test_labelled_frame_tells_what_it_chose_and_left_out(drawn: Path, tmp_path: Path) -> None:
    for photo in find_photos(drawn):
        (tmp_path / photo.name).write_bytes(photo.read_bytes())
    (tmp_path / "pug_99.jpg").write_bytes(b"no photo")
    frame = labelled_frame(tmp_path)
    notes = frame.attrs["notes"]
    assert len(frame) == 60 and list(frame.columns) == ["path", "label", "split"]
    assert notes[0].startswith("Labels: ") and notes[-1].startswith("Split: random")
    assert any("unreadable: 1 photo:" in note and "pug_99.jpg" in note for note in notes)
    assert len(labelled_frame(tmp_path, verify=False)) == 61


def test_what_would_fail_in_mid_epoch_is_refused_before(drawn: Path, tmp_path: Path) -> None:
    for photo in find_photos(drawn)[:14]:
        (tmp_path / photo.name).write_bytes(photo.read_bytes())
    (tmp_path / "valid.txt").write_text("\n".join(photo.stem for photo in tmp_path.glob("Birman*")))
    with pytest.raises(DataError, match="in the validation part: 1 class: Birman"):
        pet_dataloaders(tmp_path, valid="valid.txt")
    with pytest.raises(DataError, match="No photo is left to check with"):
        pet_dataloaders(tmp_path, valid=0.01)
    with pytest.raises(ChoiceError, match="strong"):
        pet_dataloaders(drawn, augment="storng")
    for photo in tmp_path.glob("*.jpg"):
        photo.write_bytes(b"no photo")
    with pytest.raises(DataError, match="None of the 14 photos"):
        labelled_frame(tmp_path)


def test_tables_and_functions_label_too(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"file": [photo.name for photo in find_photos(drawn)], "coat": ["long", "short"] * 30})
    dls = pet_dataloaders(drawn, table, item_size=32, size=32, label_column="coat", path_column="file")
    assert list(dls.vocab) == ["long", "short"]
    assert capsys.readouterr().out.splitlines()[0].startswith("Labels: 60 photos of 2 classes")


def test_there_is_one_normalisation_whatever_came_before(tiny_dls: Any) -> None:
    for arch in ("resnet18", "efficientnet_lite0", "efficientnet_lite0"):
        normalize_for(tiny_dls, find_backbone(arch))
    for loader in tiny_dls.loaders:
        found = [step for step in loader.after_batch.fs if isinstance(step, Normalize)]
        assert len(found) == 1 and float(found[0].std.flatten()[0]) == 0.5


def test_items_without_a_path_are_refused(tiny_dls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(isinstance(path, Path) for path in photo_paths(tiny_dls, 0))
    monkeypatch.setattr(type(tiny_dls[1]), "items", property(lambda loader: [3, 4]), raising=False)
    with pytest.raises(DataError, match="int items"):
        photo_paths(tiny_dls, 1)


def test_real_photos_keep_the_split_of_the_book(real_pets: Path) -> None:
    frame = labelled_frame(real_pets, verify=False)
    photos = find_photos(real_pets)
    expected = {str(photos[i]) for i in RandomSplitter(seed=42)(photos)[1]}
    assert set(frame.loc[frame["split"] == "valid", "path"]) == expected and len(expected) == 74
    assert frame["label"].nunique() == 37
