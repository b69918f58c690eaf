"""Grids of photos: the right photo in each tile, its words above it, and no crash over a bad one."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from PIL import Image

from petbreeds.errors import ChoiceError
from petbreeds.insight import plots

REAL = Path(__file__).parents[2] / "../shared/data/pets/images"


def photo(color: tuple[int, int, int], size: tuple[int, int] = (20, 10)) -> Image.Image:
    return Image.new("RGB", size, color)


def pixel(tile: Axes) -> list[int]:
    return np.asarray(tile.images[0].get_array())[0, 0].tolist()


def losses_table(paths: list[Path | str], labels: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"path": [str(path) for path in paths], "truth": "truth", "label": labels, "probability": 0.913, "loss": 8.318}
    )


def test_each_tile_holds_its_photo_and_its_words(tmp_path: Path) -> None:
    photo((255, 0, 0)).save(tmp_path / "red.png")
    photo((0, 0, 255)).save(tmp_path / "blue.png")
    tiles = plots.plot_top_losses(losses_table([tmp_path / "red.png", tmp_path / "blue.png"], ["Birman", "Ragdoll"]))
    assert [tile.get_title() for tile in tiles] == ["Birman /\ntruth /\n8.32 / 0.91", "Ragdoll /\ntruth /\n8.32 / 0.91"]
    assert [pixel(tile) for tile in tiles] == [[255, 0, 0], [0, 0, 255]]
    assert tiles[0].figure.get_suptitle() == "Prediction / Actual / Loss / Probability"


@pytest.mark.parametrize(
    ("n", "asked", "expected"), [(9, {"nrows": 3}, (3, 3)), (5, {}, (2, 3)), (4, {"ncols": 1}, (4, 1))]
)
def test_grid_is_laid_out_as_fastai_does(n: int, asked: dict[str, int], expected: tuple[int, int]) -> None:
    tiles = plots.plot_photos([np.zeros((4, 4))] * n, **asked)  # type: ignore[arg-type]
    grid = tiles[0].get_subplotspec().get_gridspec()
    assert (grid.nrows, grid.ncols) == expected and len(tiles) == n
    spare = tiles[0].figure.axes[n:]
    assert not any(tile.axison for tile in spare), "tiles without a photo are off"


def test_unreadable_photos_leave_a_tile_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    photo((0, 255, 0)).save(tmp_path / "good.png")
    paths = [tmp_path / "broken.jpg", tmp_path / "$gone$.jpg", tmp_path / "good.png", tmp_path / ("y" * 300 + ".jpg")]
    tiles = plots.plot_photos(paths, ["one", "two", "three", "four"])
    assert [len(tile.images) for tile in tiles] == [0, 0, 1, 0]
    for tile in (tiles[0], tiles[1], tiles[3]):
        (text,) = tile.texts
        assert "annot" in text.get_text() and not text.get_parse_math()
    assert tiles[0].get_title() == "one"
    tiles[0].figure.canvas.draw()


def test_a_long_reason_does_not_squeeze_small_tiles() -> None:
    tiles = plots.plot_photos(["y" * 300 + ".jpg"] * 4, nrows=1, figsize=(4, 1.5))
    tiles[0].figure.canvas.draw()
    assert all(tile.get_window_extent().width > 0.2 * tile.figure.bbox.width for tile in tiles)


def test_photos_of_every_kind() -> None:
    stream = io.BytesIO()
    photo((1, 2, 3)).save(stream, format="PNG")
    kinds = [photo((1, 2, 3)), np.array(photo((1, 2, 3))), stream.getvalue(), np.zeros((4, 6)), np.zeros((5, 5, 7))]
    tiles = plots.plot_photos(kinds)
    assert [pixel(tile) for tile in tiles[:3]] == [[1, 2, 3]] * 3
    assert np.asarray(tiles[3].images[0].get_array()).shape == (4, 6)
    assert "(5, 5, 7)" in tiles[4].texts[0].get_text()


def test_a_huge_photo_is_shown_small_and_left_as_it_was() -> None:
    large = photo((9, 9, 9), (3000, 1500))
    (tile,) = plots.plot_photos([large])
    assert np.asarray(tile.images[0].get_array()).shape == (320, 640, 3)
    assert large.size == (3000, 1500)


def test_given_axes_are_used_and_too_few_are_refused() -> None:
    axes = plt.subplots(1, 3)[1]
    tiles = plots.plot_photos([np.zeros((4, 4))] * 2, axes=axes)
    assert list(tiles) == list(axes[:2]) and not axes[2].axison
    with pytest.raises(ChoiceError, match="3 panels .* only 2 axes"):
        plots.plot_photos([np.zeros((4, 4))] * 3, axes=axes[:2])


def test_no_photo_or_wrong_titles_are_refused() -> None:
    for photos, titles in ([], None), ([np.zeros((4, 4))], ["a", "b"]):
        with pytest.raises(ChoiceError, match="Allowed: at least one photo"):
            plots.plot_photos(photos, titles)


def test_presizing_stands_beside_the_step_by_step_way() -> None:
    original, one, other = photo((1, 1, 1)), photo((2, 2, 2)), photo((3, 3, 3))
    tiles = plots.plot_presizing(original, one, other)
    words = ["original", "presizing: one interpolation", "step by step: one after the other"]
    assert [tile.get_title() for tile in tiles] == words
    assert [pixel(tile)[0] for tile in tiles] == [1, 2, 3]
    assert len({tile.get_subplotspec().rowspan.start for tile in tiles}) == 1, "side by side"
    axes = plt.subplots(1, 2)[1]
    assert [tile.get_title() for tile in plots.plot_presizing(None, one, other, axes=axes)] == words[1:]


def test_hostile_titles_are_drawn_as_they_are() -> None:
    words = ["$x$ \\frac{", "<b>&amp;</b>", "x" * 300, "猫咪 🐱", "a\x00b", "\udcff"]
    tiles = plots.plot_photos([np.zeros((4, 4))] * len(words), words)
    with pytest.warns(UserWarning, match="Glyph"):
        tiles[0].figure.canvas.draw()
    assert tiles[0].get_title() == words[0] and tiles[1].get_title() == words[1]
    assert len(tiles[2].get_title()) == 40
    assert tiles[2].title.get_window_extent().width <= tiles[2].figure.bbox.width / 3, "a long name stays in its column"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not here (../shared/data/pets/images)")
def test_real_photos_are_shown() -> None:
    paths = sorted(REAL.glob("*.jpg"))[:6]
    tiles = plots.plot_top_losses(losses_table(list(paths), ["staffordshire_bull_terrier"] * 6), nrows=2)
    for tile, path in zip(tiles, paths, strict=True):
        with Image.open(path) as opened:
            ratio = opened.width / opened.height
        height, width = np.asarray(tile.images[0].get_array()).shape[:2]
        assert width / height == pytest.approx(ratio, rel=0.01)
