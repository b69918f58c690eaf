"""What training does with findings: twins on one side, unreadable files out and listed, the rest in one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from petbreeds.data.drawing.pet import draw_pet
from petbreeds.datablock import labelled_frame


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    for breed in ("pug", "Birman"):
        for number in range(1, 9):
            draw_pet(breed, number, size=(150, 120)).save(tmp_path / f"{breed}_{number}.jpg")
    return tmp_path


def test_without_twins_the_split_is_the_books(pets: Path) -> None:
    frame = labelled_frame(pets)
    assert list(frame.columns) == ["path", "label", "split"]
    assert frame["split"].tolist() == labelled_frame(pets, verify=False)["split"].tolist()
    assert len(frame.attrs["notes"]) == 2 and "random (valid=0.2, seed=42)" in frame.attrs["notes"][1]


@pytest.mark.parametrize("seed", range(6))
def test_twins_are_kept_on_one_side(pets: Path, seed: int) -> None:
    for n, number in enumerate((1, 3, 5)):
        shutil.copy(pets / f"pug_{number}.jpg", pets / f"pug_{90 + n}.jpg")
    with Image.open(pets / "Birman_2.jpg") as image:
        image.resize((100, 80)).save(pets / "Birman_92.jpg")
    frame = labelled_frame(pets, seed=seed)
    sides = frame[frame["twins"] >= 0].groupby("twins")["split"].nunique()
    assert len(sides) == 4 and (sides == 1).all() and set(frame["split"]) == {"train", "valid"}
    assert "4 groups of twins kept together" in frame.attrs["notes"][1]
    assert frame.attrs["notes"][2] == "Also found: 6 duplicate, 2 near-duplicate. petbreeds.check names them."


def test_a_split_of_ones_own_is_kept_and_its_leak_told(pets: Path) -> None:
    shutil.copy(pets / "pug_1.jpg", pets / "pug_91.jpg")
    (pets / "valid.txt").write_text("pug_1.jpg\nBirman_1.jpg\n")
    frame = labelled_frame(pets, valid="valid.txt")
    assert (frame["split"] == "valid").sum() == 2
    assert any(note.startswith("2 photos have a twin on the other side of this split") for note in frame.attrs["notes"])


def test_unreadable_files_are_listed_and_not_warned_of_again(pets: Path) -> None:
    (pets / "pug_91.jpg").write_bytes(b"")
    frame = labelled_frame(pets)
    assert "Left out, unreadable: 1 photo:" in frame.attrs["notes"][1] and len(frame.attrs["notes"]) == 3
    assert len(frame) == 16
