"""Backgrounds and light for the drawn pets: a room, a lawn, snow, and the weather of a cheap camera.

A scene is drawn small and enlarged, which gives the soft look of a background out of focus.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SMALL = 4  # a scene is drawn at a quarter of its size
GRAIN = 640  # pixels a side of the noise tile
SHOULDER = 190.0  # brighter tones are pressed together, so that a white coat keeps its shape


def _pick(rng: np.random.Generator, *colours: str) -> Colour:
    """Return one of some hex colours, a little changed."""
    chosen = colours[int(rng.integers(len(colours)))]
    level = rng.uniform(0.85, 1.12)
    red, green, blue = (int(np.clip(int(chosen[i : i + 2], 16) * level + rng.normal(0, 6), 0, 255)) for i in (0, 2, 4))
    return red, green, blue


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue


def _blobs(
    pen: ImageDraw.ImageDraw,
    rng: np.random.Generator,
    box: tuple[float, float, float, float],
    colours: list[Colour],
    count: int,
    size: float,
) -> None:
    for _ in range(count):
        x, y = rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])
        radius = size * rng.uniform(0.4, 1.3)
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colours[int(rng.integers(len(colours)))])


def _blades(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, top: float, high: int, colour: Colour
) -> None:
    for _ in range(160):
        x, y = rng.uniform(0, wide), rng.uniform(top, high)
        reach = 3 + 9 * (y - top) / max(high - top, 1)
        pen.line([x, y, x + rng.normal(0, 0.4 * reach), y - reach], fill=_shade(colour, rng.uniform(0.7, 1.35)))


def plain(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A studio: one colour, lighter towards the middle."""
    colour = _pick(rng, "b9c2c8", "d8d2c8", "e8e6e2", "7d8a96", "a8b8a0", "c8a8a0", "504a50", "f4f4f2")
    for step in range(10):
        pen.rectangle([0, high * step / 10, wide, high], fill=_shade(colour, 0.86 + 0.02 * step))


def indoor(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A wall with a picture or a window, a skirting board and a floor of wood or carpet."""
    wall, ground = (
        _pick(rng, "d9cfbd", "c5b8a8", "a9b5b0", "e5e0d6", "9a8f98"),
        _pick(rng, "8a6542", "a88560", "6e5a50", "9c9088"),
    )
    edge = floor - rng.uniform(0.12, 0.3) * high
    pen.rectangle([0, 0, wide, edge], fill=wall)
    x, y = rng.uniform(0, 0.7) * wide, rng.uniform(-0.1, 0.2) * high
    frame = [x, y, x + rng.uniform(0.15, 0.4) * wide, y + rng.uniform(0.2, 0.5) * high]
    pen.rectangle(frame, fill=_pick(rng, "e8f0f4", "6f5138", "3f4f63", "b0a080"), outline=_shade(wall, 0.6), width=2)
    pen.rectangle([0, edge, wide, high], fill=ground)
    if rng.random() < 0.6:
        for i in range(7):
            level = edge + (high - edge) * (i / 7) ** 1.4
            pen.line([0, level, wide, level], fill=_shade(ground, 0.78))
    pen.rectangle([0, edge - 3, wide, edge], fill=_shade(wall, 1.12))


def sofa(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A sofa: back, seat and cushions."""
    cloth = _pick(rng, "7a3b3a", "4f5d73", "8c7a62", "5d6b4f", "b9a78c", "3b3a44", "a0654a")
    pen.rectangle([0, 0, wide, high], fill=_pick(rng, "cfc4b4", "b5b9b4", "8f8a92"))
    top = rng.uniform(0.05, 0.3) * high
    pen.rounded_rectangle([-10, top, wide * rng.uniform(0.45, 0.6), floor], 8, fill=cloth)
    pen.rounded_rectangle([wide * 0.5, top + 2, wide + 10, floor], 8, fill=_shade(cloth, 0.93))
    pen.rectangle([0, floor - 0.14 * high, wide, high], fill=_shade(cloth, 1.14))
    pen.line([0, floor - 0.14 * high, wide, floor - 0.14 * high], fill=_shade(cloth, 0.6), width=2)
    x = rng.uniform(0, 0.8) * wide
    pen.rounded_rectangle(
        [x, floor - 0.5 * high, x + 0.28 * wide, floor - 0.1 * high],
        6,
        fill=_pick(rng, "d8b45c", "9fb3bd", "c26b58", "e6ddd0"),
    )


def grass(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A lawn with bushes behind."""
    green = _pick(rng, "6f9440", "5c8038", "86a052", "94924e")
    edge = floor - rng.uniform(0.2, 0.5) * high
    pen.rectangle([0, 0, wide, edge], fill=_pick(rng, "4a6337", "9fc0da", "38502f", "c5d5dc"))
    _blobs(
        pen,
        rng,
        (0, edge - 0.4 * high, wide, edge),
        [_shade(green, f) for f in (0.45, 0.6, 0.75, 0.95)],
        40,
        0.09 * wide,
    )
    pen.rectangle([0, edge, wide, high], fill=green)
    _blades(pen, rng, wide, edge, high, green)
    if rng.random() < 0.3:
        _blobs(pen, rng, (0, edge, wide, high), [(236, 228, 110), (235, 235, 235), (200, 120, 160)], 25, 1.6)


def street(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A pavement before a wall of bricks or a row of cars."""
    wall, ground = _pick(rng, "9a5f4c", "a8a29a", "7b7f86", "c7b299"), _pick(rng, "8e8c8a", "a8a6a2", "6d6c70")
    edge = floor - rng.uniform(0.15, 0.35) * high
    pen.rectangle([0, 0, wide, edge], fill=wall)
    for i in range(0, int(edge), 5):
        pen.line([0, i, wide, i], fill=_shade(wall, 0.85))
        for j in range((i % 2) * 5, wide, 11):
            pen.line([j, i, j, i + 5], fill=_shade(wall, 0.85))
    if rng.random() < 0.5:
        x = rng.uniform(-0.2, 0.7) * wide
        pen.rounded_rectangle(
            [x, edge - 0.3 * high, x + 0.6 * wide, edge + 3], 9, fill=_pick(rng, "a03030", "30507a", "d8d8d8", "2c2c30")
        )
    pen.rectangle([0, edge, wide, high], fill=ground)
    pen.line([0, edge + 3, wide, edge + 3], fill=_shade(ground, 1.25), width=2)


def snow(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """Snow with dark trees."""
    edge = floor - rng.uniform(0.2, 0.45) * high
    pen.rectangle([0, 0, wide, edge], fill=_pick(rng, "b9c8d8", "d5dde5", "8fa5bd"))
    for _ in range(9):
        x, top = rng.uniform(0, wide), edge - rng.uniform(0.2, 0.7) * high
        pen.polygon(
            [(x, top), (x - 0.07 * wide, edge), (x + 0.07 * wide, edge)], fill=_pick(rng, "3f5548", "55685f", "6f7f80")
        )
    pen.rectangle([0, edge, wide, high], fill=(228, 234, 242))
    _blobs(pen, rng, (0, edge, wide, high), [(238, 242, 247), (212, 221, 234), (220, 228, 238)], 30, 0.08 * wide)


def beach(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """Sky, sea and sand."""
    sand = _pick(rng, "d8c298", "c9ad80", "e2d3b2")
    edge = floor - rng.uniform(0.2, 0.4) * high
    sea = edge - rng.uniform(0.1, 0.25) * high
    pen.rectangle([0, 0, wide, sea], fill=_pick(rng, "9cc4e2", "c9dbe6", "e0c4a8"))
    pen.rectangle([0, sea, wide, edge], fill=_pick(rng, "4a86a5", "6aa3ae", "5f7f98"))
    for _ in range(6):
        x, y = rng.uniform(0, wide), rng.uniform(sea, edge)
        pen.line([x, y, x + 0.2 * wide, y], fill=(225, 235, 238))
    pen.rectangle([0, edge, wide, high], fill=sand)
    _blobs(pen, rng, (0, edge, wide, high), [_shade(sand, 0.9), _shade(sand, 1.06)], 30, 0.04 * wide)


def blanket(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A bed or a rug seen from above, with stripes, checks or dots."""
    cloth, other = (
        _pick(rng, "8c3f45", "d9cfc0", "4a6a85", "77986e", "c8a0b0", "6b5a7a"),
        _pick(rng, "e8e0d4", "35404f", "c99a50"),
    )
    pen.rectangle([0, 0, wide, high], fill=cloth)
    kind, step = int(rng.integers(4)), int(rng.integers(8, 20))
    for i in range(-high, wide + high, step):
        if kind in (0, 1):
            pen.line([i, 0, i + 0.4 * high, high], fill=other, width=3)
        if kind == 1:
            pen.line([0, i, wide, i], fill=other, width=3)
        if kind == 2:
            for j in range(0, high, step):
                pen.ellipse([i, j, i + 4, j + 4], fill=other)
    for _ in range(5):
        x = rng.uniform(0, wide)
        pen.line([x, 0, x + rng.normal(0, 0.3) * wide, high], fill=_shade(cloth, 0.75), width=2)


def night(pen: ImageDraw.ImageDraw, rng: np.random.Generator, wide: int, high: int, floor: float) -> None:
    """A dark room with a few lights."""
    dark = _pick(rng, "2a2422", "1f2430", "38302c")
    pen.rectangle([0, 0, wide, high], fill=dark)
    _blobs(pen, rng, (0, 0, wide, floor * 0.6), [(120, 90, 50), (150, 120, 80), (60, 70, 100)], 8, 0.06 * wide)
    pen.rectangle([0, floor - 0.15 * high, wide, high], fill=_shade(dark, 1.7))


SCENES: dict[str, Callable[[ImageDraw.ImageDraw, np.random.Generator, int, int, float], None]] = {
    "plain": plain, "indoor": indoor, "sofa": sofa, "grass": grass, "street": street, "snow": snow, "beach": beach,
    "blanket": blanket, "night": night,
}  # fmt: skip


def draw_scene(rng: np.random.Generator, size: tuple[int, int], floor: float) -> Image.Image:
    """Return a background of `size` pixels whose ground meets the animal's feet at row `floor`."""
    name = list(SCENES)[int(rng.integers(len(SCENES)))]
    wide, high = size[0] // SMALL, size[1] // SMALL
    small = Image.new("RGB", (wide, high), (120, 116, 110))
    SCENES[name](ImageDraw.Draw(small), rng, wide, high, floor / SMALL)
    small = small.filter(ImageFilter.BoxBlur(rng.uniform(0.6, 2.0)))
    return small.resize(size, Image.Resampling.BILINEAR)


@cache
def grain_tile(level: int) -> Image.Image:
    """Return camera noise around a grey of 128, RGB `GRAIN` pixels a side, of deviation about `level`."""
    noise = np.random.default_rng(9).standard_normal((GRAIN, GRAIN, 1)).astype(np.float32)
    colour = np.random.default_rng(10).standard_normal((GRAIN, GRAIN, 3)).astype(np.float32)
    grain = noise + 0.5 * np.roll(noise, 1, axis=1) + 0.35 * colour
    return Image.fromarray(np.clip(128 + 0.8 * level * grain, 0, 255).astype(np.uint8))


def cast_shadow(scene: Image.Image, centre: tuple[float, float], radii: tuple[float, float], strength: float) -> None:
    """Darken the ground under an animal, in place."""
    wide, high = scene.size[0] // SMALL, scene.size[1] // SMALL
    mask = Image.new("L", (wide, high))
    x, y, reach, flat = (value / SMALL for value in (*centre, *radii))
    ImageDraw.Draw(mask).ellipse([x - reach, y - flat, x + reach, y + flat], fill=round(255 * strength))
    soft = mask.filter(ImageFilter.BoxBlur(max(2.0, flat * 0.5))).resize(scene.size, Image.Resampling.BILINEAR)
    scene.paste((18, 15, 14), (0, 0), soft)


def develop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the picture as a camera saw it: coloured light, exposure, contrast, blur and noise."""
    blur = rng.uniform(0.4, 1.3)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.BoxBlur(blur))
    warm, green = rng.normal(0, 0.05), rng.normal(0, 0.015)
    gain = np.exp(rng.normal(0, 0.13)) * np.array([1 + warm, 1 + green, 1 - warm])
    middle, contrast = rng.uniform(95, 135), rng.uniform(0.85, 1.15)
    table = (np.arange(256)[None] * gain[:, None] - middle) * contrast + middle
    bright = np.maximum(table - SHOULDER, 0)
    table = np.minimum(table, SHOULDER) + (255 - SHOULDER) * (1 - np.exp(-bright / (255 - SHOULDER)))
    image = image.point([int(value) for value in np.clip(table, 0, 255).ravel()])
    grain = grain_tile(int(rng.integers(1, 6)))
    left, top = (int(rng.integers(0, max(1, GRAIN - side + 1))) for side in image.size)
    piece = grain.crop((left, top, min(left + image.size[0], GRAIN), min(top + image.size[1], GRAIN)))
    if piece.size != image.size:
        piece = piece.resize(image.size)
    return ImageChops.add(image, piece, 1, -128)
