"""From clay to fur: colour, light and hair for everything the camera sees of a drawn pet.

Works on a smaller copy of the picture and enlarges the result: hair is soft, and it takes half the time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from petbreeds.data.drawing.breeds import Coat, Traits
from petbreeds.data.drawing.clay import BARE, EMPTY, HEAD, LEG, REGIONS, TAIL, TORSO, Clay, Frame, View, sculpt
from petbreeds.data.drawing.coat import TILE, fur_tiles, paint_marks, paint_tile, pattern_tile, region_colours
from petbreeds.data.drawing.patterns import PATTERNS

COARSE = 0.75  # share of the picture's size at which fur is drawn
PART_OF = np.array(list(REGIONS.values()), dtype=np.uint8)
# How far hair stands out, by region, as a share of the coat's length; the rest has 1.
HAIR = {
    "": 0.0, "nose": 0.0, "tongue": 0.0, "mouth": 0.0, "collar": 0.15, "muzzle": 0.22, "paw": 0.4, "chin": 0.4,
    "inner": 0.4, "head": 0.42, "brow": 0.45, "ear": 0.5, "cheek": 0.7, "chest": 1.25, "beard": 1.3, "tail": 1.4,
    "tip": 1.4,
}  # fmt: skip


class Pet(NamedTuple):
    """One animal before the camera: its clay, the frames of its head and torso, and the view."""

    clay: Clay
    head: Frame
    torso: Frame
    view: View


def lay_fur(
    image: Image.Image, pet: Pet, traits: Traits, coat: Coat, nose: str, rng: np.random.Generator
) -> tuple[np.ndarray, View]:
    """Draw the animal on the picture, in place; return its depth in pixels and the view that this depth belongs to."""
    view = pet.view.resize(COARSE)
    left, top, right, bottom = _window(pet, view, image.size)
    view = view.move(left, top)
    wide, high = right - left, bottom - top
    depth, region = sculpt(pet.clay, view, wide, high, melt=0.22 * view.scale)
    colours = _colour(depth, region, pet, view, coat, nose, rng)
    hair = _pick_hair(traits, rng, wide, high)
    colours *= _light(depth, hair, traits, view.scale, rng)[..., None]
    pixels = np.empty((high, wide, 4), dtype=np.uint8)
    pixels[..., :3] = np.clip(colours, 0, 255, out=colours)
    pixels[..., 3] = (region > 0) * np.uint8(255)
    combed = Image.fromarray(_comb(pixels, region, traits, view.scale, rng))
    corner = (round(left / COARSE), round(top / COARSE))
    size = (round(right / COARSE) - corner[0], round(bottom / COARSE) - corner[1])
    fur = combed.convert("RGB").resize(size, Image.Resampling.BILINEAR)
    image.paste(fur, corner, combed.getchannel("A").resize(size, Image.Resampling.BILINEAR))
    return depth, view


def _window(pet: Pet, view: View, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what the animal covers, with room for its hair, in pixels of the copy."""
    low, high = view.bounds(pet.clay)
    room = 4 + 0.3 * view.scale
    wide, tall = (max(8, round(side * COARSE)) for side in size)
    left, top = (int(np.clip(v, 0, end - 8)) for v, end in zip(low - room, (wide, tall), strict=True))
    right, bottom = (int(np.clip(v, 8, end)) for v, end in zip(high + room, (wide, tall), strict=True))
    return left, top, max(right, left + 8), max(bottom, top + 8)


def _crop(tile: np.ndarray, rng: np.random.Generator, wide: int, high: int) -> np.ndarray:
    """Return a random piece of a tile, repeated where the picture is larger."""
    if high > tile.shape[0] or wide > tile.shape[1]:
        tile = np.tile(tile, (-(-high // tile.shape[0]), -(-wide // tile.shape[1])))
    top, left = rng.integers(0, tile.shape[0] - high + 1), rng.integers(0, tile.shape[1] - wide + 1)
    return tile[top : top + high, left : left + wide]


def _pick_hair(traits: Traits, rng: np.random.Generator, wide: int, high: int) -> np.ndarray:
    """Return the light and dark of single hairs for a coat's length."""
    long_hair, short_hair = fur_tiles()
    share = np.float32(np.clip(traits.fur * 1.6, 0, 1))
    return share * _crop(long_hair, rng, wide, high) + (1 - share) * _crop(short_hair, rng, wide, high)


def _colour(
    depth: np.ndarray, region: np.ndarray, pet: Pet, view: View, coat: Coat, nose: str, rng: np.random.Generator
) -> np.ndarray:
    """Return the coat's colours without light, float32 `(h, w, 3)`."""
    table = region_colours(coat, nose)
    table[0] = table[1]  # what blurs in from outside must look like coat
    flat = Image.fromarray(table.astype(np.uint8)[region])
    colours = np.asarray(flat.filter(ImageFilter.BoxBlur(max(0.5, 0.07 * view.scale)))).astype(np.float32)
    part = PART_OF[region]
    bare = part == BARE
    colours[bare] = table[region[bare]]
    pattern = PATTERNS[coat.pattern]
    fray = _crop(pattern_tile("fray"), rng, depth.shape[1], depth.shape[0]).ravel()
    shift = rng.integers(0, TILE, 2) + 40 * TILE  # whole tiles more: numbers to read from stay positive
    rows = colours.reshape(-1, 3)
    for number in (TORSO, HEAD, LEG, TAIL):
        marks = [mark for mark in pattern.marks if mark.part == number or (mark.part == TORSO and number == TAIL)]
        tiled = bool(pattern.tile) and number in pattern.tile_parts
        chosen = np.flatnonzero(part == number) if marks or tiled else np.zeros(0, dtype=int)
        if len(chosen):
            spot = _in_frame(depth, chosen, pet.head if number == HEAD else pet.torso, view)
            layer = rows[chosen]
            if tiled:
                paint_tile(layer, spot, pattern, coat, shift)
            paint_marks(layer, spot, marks, coat, fray[chosen])
            rows[chosen] = layer
    return colours


def _in_frame(depth: np.ndarray, chosen: np.ndarray, frame: Frame, view: View) -> np.ndarray:
    """Return where chosen pixels lie in a frame, float32 `(3, n)`."""
    wide = depth.shape[1]
    back = np.linalg.inv(frame.axes * frame.unit) @ view.axes.T / view.scale
    offset = np.linalg.inv(frame.axes * frame.unit) @ frame.origin
    seen = np.stack(
        [chosen % wide - np.float32(view.shift[0]), np.float32(view.shift[1]) - chosen // wide, depth.ravel()[chosen]]
    )
    return (back.astype(np.float32) @ seen.astype(np.float32)) - offset[:, None].astype(np.float32)


def _light(depth: np.ndarray, hair: np.ndarray, traits: Traits, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Return the brightness of every pixel: a lamp, the sky, shadows in the folds, and single hairs."""
    high, wide = depth.shape
    filled = depth > EMPTY
    solid = np.maximum(depth, depth[filled].min() if filled.any() else np.float32(0))
    step = max(2.0, 0.16 * scale)  # folds are looked for at the size of a muzzle
    rough = Image.fromarray(solid).resize((max(2, int(wide / step)), max(2, int(high / step))), Image.Resampling.BOX)
    around = np.asarray(rough.resize((wide, high), Image.Resampling.BILINEAR))
    fold = np.clip((around - solid) * np.float32(2.2 / scale), -0.3, 0.6)
    solid += hair * np.float32(scale * (0.0015 + 0.01 * traits.fur))
    down, across = np.gradient(solid)
    slope = 1 / np.sqrt(1 + down * down + across * across)
    lamp = np.array([rng.normal(0, 0.5), rng.uniform(0.35, 0.9), rng.uniform(0.6, 1.0)])
    lamp /= np.linalg.norm(lamp)
    facing = slope * (np.float32(lamp[2]) - np.float32(lamp[0]) * across + np.float32(lamp[1]) * down)
    np.clip(facing, 0, 1, out=facing)
    ambient = rng.uniform(0.46, 0.62)
    light = np.float32(ambient) + np.float32(1.15 - ambient) * facing
    gloss = max(0.0, 0.3 - 0.6 * traits.fur)  # a short coat shines
    light += np.float32(gloss) * facing**12
    light *= 1 - np.float32(0.75) * fold
    light *= 1 + np.float32(0.03 + 0.1 * min(traits.fur, 0.8)) * np.clip(hair, -2.5, 2.5)
    return light


def _comb(pixels: np.ndarray, region: np.ndarray, traits: Traits, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Return the picture with every pixel drawn from a hair's breadth away, so that outlines turn to fur."""
    high, wide = region.shape
    reach = np.array([HAIR.get(name, 1.0) for name in REGIONS], dtype=np.float32)[region]
    cover = Image.fromarray(reach).resize((max(2, wide // 6), max(2, high // 6)), Image.Resampling.BOX)
    amount = np.asarray(cover.resize((wide, high), Image.Resampling.BILINEAR)) * np.float32(
        scale * (0.006 + 0.09 * traits.fur)
    )
    amount[(PART_OF[region] == BARE)] *= np.float32(0.1)
    long_hair, short_hair = fur_tiles()
    first, second = _crop(long_hair, rng, wide, high), _crop(short_hair, rng, wide, high)
    rows = np.arange(high, dtype=np.int32)[:, None] - (amount * (np.abs(first) * 0.9 + 0.4 * second)).astype(np.int32)
    columns = np.arange(wide, dtype=np.int32) + (amount * 0.7 * (first + 0.5 * second)).astype(np.int32)
    np.clip(rows, 0, high - 1, out=rows)
    np.clip(columns, 0, wide - 1, out=columns)
    packed = np.ascontiguousarray(pixels).view(np.uint32).reshape(-1)
    return packed[rows * wide + columns].view(np.uint8).reshape(high, wide, 4)
