"""How the coats of the drawn pets are painted: regions, marks, stripes and spots, and the hairs themselves.

Stripes, spots and hairs are read from a few tiles that are made once; nothing here knows a breed.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from petbreeds.data.drawing.breeds import Coat
from petbreeds.data.drawing.clay import REGIONS
from petbreeds.data.drawing.patterns import PATTERNS, Mark, Pattern

TILE = 256  # pixels of a pattern tile
STRANDS = 768  # pixels of the fur tile


def rgb(colour: str) -> np.ndarray:
    """Return a hex colour as three float32 numbers from 0 to 255.

    >>> rgb("#ff8000").tolist()
    [255.0, 128.0, 0.0]
    """
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)


def region_colours(coat: Coat, nose: str) -> np.ndarray:
    """Return one RGB row per region of the clay, float32 `(regions, 3)`."""
    plan = PATTERNS[coat.pattern].regions
    rows = np.array([rgb(getattr(coat, plan.get(name, "base"))) for name in REGIONS], dtype=np.float32)
    fixed = {"nose": nose, "tongue": "#d9788a", "mouth": "#4a2a2e", "collar": "#a03038"}
    for i, name in enumerate(REGIONS):
        if name in fixed:
            rows[i] = rgb(fixed[name])
        if name == "inner":
            rows[i] = 0.42 * rows[i] + 0.58 * rgb("#c9958c")
    return rows


def paint_marks(colours: np.ndarray, spot: np.ndarray, marks: list[Mark], coat: Coat, wobble: np.ndarray) -> None:
    """Lay marks over `colours (n, 3)` at `spot (3, n)`, in place; `wobble (n,)` frays their edges."""
    wobble = 1.15 + 0.24 * wobble
    for mark in marks:
        for side in (1, -1) if mark.both else (1,):
            middle = np.array([mark.centre[0] * side, mark.centre[1], mark.centre[2]], dtype=np.float32)
            near = np.flatnonzero(np.abs(spot[0] - middle[0]) < 1.7 * mark.radii[0])  # most marks are narrow
            away = (spot[:, near] - middle[:, None]) / np.array(mark.radii, dtype=np.float32)[:, None]
            cover = np.clip((wobble[near] - np.sqrt((away * away).sum(axis=0))) * 2.8, 0, 1) * np.float32(mark.strength)
            old = colours[near]
            colours[near] = old + cover[:, None] * (rgb(getattr(coat, mark.colour)) - old)


def paint_tile(colours: np.ndarray, spot: np.ndarray, pattern: Pattern, coat: Coat, shift: np.ndarray) -> None:
    """Lay a tile's stripes or spots over `colours`, along the animal (z) and around it, in place."""
    tile = pattern_tile(pattern.tile)
    along = (spot[2] * np.float32(90 / pattern.tile_size) + shift[0]).astype(np.int32) & (TILE - 1)
    around = ((spot[1] + 0.35 * np.abs(spot[0])) * np.float32(70 / pattern.tile_size) + shift[1]).astype(np.int32) & (
        TILE - 1
    )
    cover = tile[around, along] * np.float32(pattern.tile_strength)
    colours += cover[:, None] * (rgb(getattr(coat, pattern.tile_colour)) - colours)


def _noise(rng: np.random.Generator, coarse: int) -> np.ndarray:
    """Return smooth tileable noise of mean 0 and deviation 1 with `coarse` waves a side."""
    grid = rng.standard_normal((coarse, coarse)).astype(np.float32)
    grid = np.pad(grid, 4, mode="wrap")
    step = TILE / coarse
    size = round(TILE + 8 * step)
    smooth = np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))
    edge = round(4 * step)
    tile = smooth[edge : edge + TILE, edge : edge + TILE]
    return (tile - tile.mean()) / tile.std()


def _dots(rng: np.random.Generator, count: int, size: float, ring: bool) -> np.ndarray:
    image = Image.new("L", (TILE, TILE))
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = rng.integers(0, TILE, 2)
        wide, high = rng.uniform(0.7, 1.4, 2) * size * (1.25, 0.85)
        for dx in (-TILE, 0, TILE):
            for dy in (-TILE, 0, TILE):
                box = [x + dx - wide, y + dy - high, x + dx + wide, y + dy + high]
                pen.ellipse(box, fill=90 if ring else 255, outline=255, width=max(2, round(size * 0.38)))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float32) / 255


@cache
def pattern_tile(name: str) -> np.ndarray:
    """Return a tile of cover between 0 and 1, float32 `(256, 256)`, seamless: across the animal, along the animal."""
    rng = np.random.default_rng(sorted(TILES).index(name))
    return np.ascontiguousarray(TILES[name](rng).astype(np.float32))


def _bands(rng: np.random.Generator, waves: int, bend: float, low: float) -> np.ndarray:
    along = np.arange(TILE, dtype=np.float32) / TILE * 2 * np.pi * waves
    bent = np.sin(along[None, :] + bend * _noise(rng, 4)) + 0.45 * _noise(rng, 16)
    return np.clip((bent - low) * 1.6, 0, 1)


TILES = {
    "stripes": lambda rng: _bands(rng, 5, 1.1, 0.2),
    "brindle": lambda rng: _bands(rng, 12, 1.6, 0.25),
    "folds": lambda rng: _bands(rng, 9, 1.8, 0.75),
    "spots": lambda rng: _dots(rng, 60, 9.0, ring=False),
    "rosettes": lambda rng: _dots(rng, 48, 14.0, ring=True),
    "flecks": lambda rng: np.clip((_noise(rng, 64) + 0.5 * _noise(rng, 20) - 0.5) * 1.2, 0, 1),
    "ticking": lambda rng: np.clip(0.5 + 0.5 * _noise(rng, 120), 0, 1),
    "fray": lambda rng: np.clip(0.35 * (_noise(rng, 24) + 0.7 * _noise(rng, 64)), -1.5, 1.5),
    "patches": lambda rng: np.clip((_noise(rng, 4) + 0.3 * _noise(rng, 24) - 0.55) * 4, 0, 1),
}


@lru_cache(maxsize=1)
def fur_tiles() -> tuple[np.ndarray, np.ndarray]:
    """Return two fields of hanging strands, float32 `(768, 768)` of mean 0: long hair and short hair."""
    return _strands(24000, 15.0, 1), _strands(60000, 5.0, 2)


def _strands(count: int, length: float, seed: int) -> np.ndarray:
    """Draw many short strokes that hang downwards and sway together."""
    rng = np.random.default_rng(seed)
    image = Image.new("L", (STRANDS, STRANDS), 128)
    pen = ImageDraw.Draw(image)
    starts = rng.uniform(-20, STRANDS, (count, 2))
    sway = 0.6 * np.sin(starts[:, 0] / 61) * np.cos(starts[:, 1] / 83) + rng.normal(0, 0.3, count)
    ends = starts + length * rng.uniform(0.5, 1.3, count)[:, None] * np.column_stack([np.sin(sway), np.cos(sway)])
    shades = np.clip(128 + 62 * rng.standard_normal(count), 0, 255).astype(int)
    for start, end, shade in zip(starts.tolist(), ends.tolist(), shades.tolist(), strict=True):
        pen.line([*start, *end], fill=shade)
    field_ = np.asarray(image.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)
    return (field_ - field_.mean()) / field_.std()
