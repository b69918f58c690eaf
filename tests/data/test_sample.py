"""The drawn pets: the same pictures for the same choices, the layouts promised, and nothing overwritten."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from petbreeds.data.drawing.body import POSES, TAILS
from petbreeds.data.drawing.breeds import BREEDS, COATS, is_cat, trait_distance
from petbreeds.data.drawing.coat import PATTERNS, TILES, pattern_tile
from petbreeds.data.drawing.head import EARS
from petbreeds.data.drawing.pet import FRAMINGS, draw_pet
from petbreeds.data.sample import LAYOUTS, cache_folder, cached_sample, list_entries, make_sample
from petbreeds.errors import ChoiceError, DataError

TINY = (96, 72)
PHOTOS = Path("../shared/data/pets/images")


def pixels(*args: Any, **choices: Any) -> bytes:
    return draw_pet(*args, **choices).tobytes()


def test_there_are_oxfords_37_breeds_12_of_them_cats() -> None:
    assert len(BREEDS) == 37
    assert sum(is_cat(breed) for breed in BREEDS) == 12
    assert {"Birman", "great_pyrenees", "english_cocker_spaniel", "British_Shorthair"} <= set(BREEDS)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the real photos are not at hand")
def test_names_are_those_of_the_real_files() -> None:
    assert {path.stem.rpartition("_")[0] for path in PHOTOS.glob("*.jpg")} == set(BREEDS)


@pytest.mark.parametrize("breed", BREEDS)
def test_every_row_names_rows_of_the_other_tables(breed: str) -> None:
    traits = BREEDS[breed]
    assert traits.ears in EARS and traits.tail in TAILS
    assert traits.coats and all(coat in COATS for coat in traits.coats)


def test_every_coat_is_worn_and_every_pattern_and_tile_exists() -> None:
    worn = {coat for traits in BREEDS.values() for coat in traits.coats}
    assert worn == set(COATS)
    assert {coat.pattern for coat in COATS.values()} == set(PATTERNS)
    for pattern in PATTERNS.values():
        assert not pattern.tile or pattern.tile in TILES
    assert set(FRAMINGS) == {"portrait", *POSES}


@pytest.mark.parametrize("name", TILES)
def test_tiles_are_square_and_have_no_seam(name: str) -> None:
    tile = pattern_tile(name)
    assert tile.shape == (256, 256) and np.isfinite(tile).all()
    inside = np.abs(np.diff(tile, axis=1)).mean()
    assert np.abs(tile[:, 0] - tile[:, -1]).mean() < 3 * inside + 0.02


@pytest.mark.parametrize("breed", BREEDS)
def test_every_breed_is_drawn_and_fills_some_of_the_picture(breed: str) -> None:
    image = draw_pet(breed, 1, size=TINY)
    assert image.mode == "RGB" and image.size == TINY
    assert np.asarray(image).std() > 8


def test_same_arguments_same_pixels_and_other_arguments_others() -> None:
    assert pixels("pug", 3, size=TINY) == pixels("pug", 3, size=TINY)
    assert len({pixels("pug", 3, size=TINY), pixels("pug", 4, size=TINY), pixels("pug", 3, 7, TINY)}) == 3


def test_sizes_vary_as_in_life_and_can_be_asked_for() -> None:
    sizes = {draw_pet("Bombay", i).size for i in range(12)}
    assert len(sizes) >= 3 and all(300 <= side <= 500 for size in sizes for side in size)
    assert draw_pet("Bombay", 1, size=(700, 900)).size == (700, 900)
    assert draw_pet("Bombay", 1, size=(8, 8)).size == (8, 8)


def test_unknown_breed_names_its_neighbour() -> None:
    with pytest.raises(ChoiceError, match="Did you mean 'Birman'"):
        draw_pet("birman", 1)
    with pytest.raises(ChoiceError, match="at least 8"):
        draw_pet("Birman", 1, size=(4, 100))


@pytest.mark.parametrize(
    "pair",
    [("Birman", "Ragdoll"), ("american_pit_bull_terrier", "staffordshire_bull_terrier"), ("Bengal", "Egyptian_Mau")],
)
def test_close_breeds_are_closer_than_most(pair: tuple[str, str]) -> None:
    near = trait_distance(*pair)
    others = sorted(trait_distance(pair[0], breed) for breed in BREEDS if breed != pair[0])
    assert 0 < near <= others[2]
    assert trait_distance(*pair) == trait_distance(*reversed(pair))


@pytest.mark.parametrize("n", [4, 5, 36, 37, 73, 74, 75, 740])
def test_n_is_kept_exactly_with_two_of_each_breed(n: int) -> None:
    entries = list_entries(n)
    counts = Counter(entry.breed for entry in entries)
    assert len(entries) == n == len({entry.name for entry in entries})
    assert min(counts.values()) >= 2 and max(counts.values()) - min(counts.values()) <= 1
    assert len(counts) == min(37, n // 2)
    assert {is_cat(breed) for breed in counts} == {True, False}


@pytest.mark.parametrize("n", [3, 0, -1, 7.5, True, "74", None])
def test_a_wrong_n_is_refused(n: Any, tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="at least 4"):
        make_sample(tmp_path / "pets", n)
    assert not list(tmp_path.iterdir())


def test_wrong_layout_and_seed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="Did you mean 'folders'"):
        make_sample(tmp_path / "pets", 4, layout="folder")
    with pytest.raises(ChoiceError, match="seed"):
        make_sample(tmp_path / "pets", 4, seed=-1)


def test_flat_layout_holds_files_only(tmp_path: Path) -> None:
    folder = make_sample(tmp_path / "new" / "pets", 5)
    assert folder == tmp_path / "new" / "pets"
    assert sorted(path.name for path in folder.iterdir()) == sorted(entry.name for entry in list_entries(5))
    assert [path.name for path in folder.parent.iterdir()] == ["pets"]  # no temporary folder stays


@pytest.mark.parametrize("layout", ["folders", "small"])
def test_class_folders_hold_train_and_test(layout: str, tmp_path: Path) -> None:
    folder = make_sample(tmp_path / "pets", 20, layout=layout)
    found = Counter(path.parent.parent.name for path in folder.glob("*/*/*.jpg"))
    assert found == {"train": 10, "test": 10}  # two a breed: one each
    assert {path.parent.name for path in folder.glob("train/*/*.jpg")} == {
        path.parent.name for path in folder.glob("test/*/*.jpg")
    }
    if layout == "small":
        assert {Image.open(path).size for path in folder.rglob("*.jpg")} == {(32, 32)}


def test_four_fifths_are_for_training() -> None:
    assert Counter(entry.part for entry in list_entries(370)) == {"train": 296, "test": 74}


def test_csv_layout_lists_every_file(tmp_path: Path) -> None:
    folder = make_sample(tmp_path / "pets", 4, layout="csv")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label"] and len(rows) == 4
    assert all((folder / row["path"]).is_file() and Path(row["path"]).name.startswith(row["label"]) for row in rows)
    assert set(LAYOUTS) == {"flat", "folders", "csv", "small"}


def test_a_picture_does_not_depend_on_the_size_of_the_set(tmp_path: Path) -> None:
    few, more = make_sample(tmp_path / "few", 4), make_sample(tmp_path / "more", 6)
    assert (few / "Abyssinian_2.jpg").read_bytes() == (more / "Abyssinian_2.jpg").read_bytes()


def test_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="never overwrite"):
        make_sample(tmp_path, 4)
    with pytest.raises(DataError, match=r"mine\.txt"):
        make_sample(tmp_path / "mine.txt", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "pets").mkdir()
    assert len(list(make_sample(tmp_path / "pets", 4).iterdir())) == 4


def test_a_stopped_run_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: Iterable[Any], total: int) -> Iterable[Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sample(tmp_path / "pets", 4, progress=stop)
    assert not list(tmp_path.iterdir())


def test_progress_sees_every_picture(tmp_path: Path) -> None:
    seen: list[Any] = []

    def watch(done: Iterable[Any], total: int) -> Iterable[Any]:
        for place in done:
            seen.append((place, total))
            yield place

    make_sample(tmp_path / "pets", 4, progress=watch)
    assert [total for _, total in seen] == [4, 4, 4, 4]


def test_the_cache_is_drawn_once_and_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PETBREEDS_CACHE", str(tmp_path / "cache"))
    folder = cached_sample(4)
    stamp = (folder / "english_cocker_spaniel_1.jpg").stat().st_mtime_ns
    assert folder.parent == cache_folder() == tmp_path / "cache"
    assert cached_sample(4) == folder and (folder / "english_cocker_spaniel_1.jpg").stat().st_mtime_ns == stamp
    assert cached_sample(4, seed=7) != folder
    lost = folder / "english_cocker_spaniel_1.jpg"
    before = lost.read_bytes()
    lost.unlink()
    (folder / "mine.txt").write_text("keep")
    assert cached_sample(4) == folder and lost.read_bytes() == before
    assert sorted(path.suffix for path in folder.iterdir()) == [".jpg"] * 4 + [".txt"]


def test_makers_at_the_same_time_do_not_break_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PETBREEDS_CACHE", str(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cached_sample(4), range(4)))
    assert len(set(found)) == 1 and [path.name for path in tmp_path.iterdir()] == [found[0].name]
    assert len(list(found[0].glob("*.jpg"))) == 4


def test_a_closed_cache_falls_back_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PETBREEDS_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.warns(UserWarning, match="PETBREEDS_CACHE"):
        folder = cached_sample(4)
    assert len(list(folder.iterdir())) == 4 and tmp_path in folder.parents


@pytest.mark.skipif(os.name != "posix", reason="the place differs on Windows")
def test_the_cache_follows_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PETBREEDS_CACHE", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "petbreeds"
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache_folder().parts[-3:] == ("Library", "Caches", "petbreeds")
