"""Twins are found however they were saved, strangers are not, and many of them cost no memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from petbreeds.data import twins
from petbreeds.data.drawing.pet import draw_pet
from petbreeds.data.measures import Measures, measure_photos
from petbreeds.data.twins import find_twins, n_groups, number_groups


def measured_images(folder: Path, images: list[Image.Image], **options: object) -> pd.DataFrame:
    paths = [folder / f"{i:03d}.png" for i in range(len(images))]
    for path, image in zip(paths, images):
        image.save(path)
    return measure_photos([str(path) for path in paths])


def test_kinds_and_scores(tmp_path: Path) -> None:
    pet, other = draw_pet("pug", 1), draw_pet("Birman", 2)
    measured_images(tmp_path, [pet, pet.resize((150, 120)), ImageOps.mirror(pet), other])
    shutil.copy(tmp_path / "000.png", tmp_path / "004.png")
    found = find_twins(measure_photos([str(path) for path in sorted(tmp_path.glob("*.png"))]))
    kinds = {(int(first), int(second)): kind for first, second, kind in found.iloc[:, :3].to_numpy().tolist()}
    assert kinds == {(0, 4): "copy", (0, 1): "near", (0, 2): "mirror", (1, 2): "mirror"}
    assert found["score"].between(twins.LEAST_CORRELATION, 1).all()
    groups = number_groups(5, found)
    assert groups.tolist() == [0, 0, 0, -1, 0] and n_groups(groups) == 1


def test_blank_pictures_are_no_near_twins_but_equal_files_are(tmp_path: Path) -> None:
    shades = [Image.new("RGB", (80, 80), shade) for shade in ("white", "black", "#808080", "white")]
    found = find_twins(measured_images(tmp_path, shades))
    assert found[["first", "second", "kind"]].to_numpy().tolist() == [[0, 3, "copy"]]


def forged(n: int, picture: int | None = None) -> pd.DataFrame:
    """Measures of n photos that were never taken: random hashes, or all of them one picture."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        if picture is not None:
            rng = np.random.default_rng(picture)
        hashes, thumb = rng.bytes(8), rng.bytes(twins.THUMB**2)
        rows.append(Measures(f"{i}.jpg", content=str(i), seen=hashes, mirrored=rng.bytes(8), thumb=thumb))
    return pd.DataFrame(rows, columns=pd.Index(Measures._fields))


def test_strangers_are_no_twins() -> None:
    assert find_twins(forged(1500)).empty


def test_a_film_of_one_picture_is_one_group_with_few_pairs() -> None:
    found = find_twins(forged(700, picture=1))
    assert len(found) <= 700 * twins._MOST_LINKS and n_groups(number_groups(700, found)) == 1
    assert (number_groups(700, found) == 0).all()


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one_have_no_twins(n: int) -> None:
    assert find_twins(forged(n)).columns.tolist() == ["first", "second", "kind", "score"]
    assert number_groups(n, find_twins(forged(n))).tolist() == [-1] * n
