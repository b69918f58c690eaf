"""The bodies of the drawn pets: how a row of traits becomes a torso, a neck, legs and a tail of clay, in three poses.

Lengths are in torso radii. The animal looks along +z, the ground is y = 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from petbreeds.data.drawing.breeds import Traits
from petbreeds.data.drawing.clay import Clay, Frame, Point, turn

WORLD = Frame(np.zeros(3), np.eye(3))


class Stance(NamedTuple):
    """Where a pose puts things: the head's centre, the neck's root, the tail's root, and the torso's own frame."""

    head: Point
    neck: Point
    tail: Point
    torso: Frame
    tail_free: bool  # False: the tail lies along the ground


def _torso(clay: Clay, traits: Traits, balls: list[tuple[str, Point, Point]]) -> None:
    fluff = 0.16 * traits.fur
    for region, centre, radii in balls:
        clay.ball(WORLD, region, centre, [radius + fluff for radius in radii])


def _thick(traits: Traits) -> float:
    return (0.55 + 0.45 * traits.girth) * (1 + 0.35 * traits.fur)


def _feet(clay: Clay, x: float, z: float, thick: float) -> None:
    clay.pair(WORLD, "paw", (x, 0.15, z), (0.25 * thick, 0.16, 0.33))


def _legs(clay: Clay, region_points: list[Point], radii: list[float]) -> None:
    for side in (-1, 1):
        clay.limb(WORLD, "leg", [(p[0] * side, p[1], p[2]) for p in region_points], radii, end="leg")


def stand(clay: Clay, traits: Traits) -> Stance:
    """Pose on four legs."""
    wide, half, leg, thick = traits.girth, traits.length, traits.leg, _thick(traits)
    mid = leg + 0.8 * wide
    _torso(clay, traits, [
        ("chest", (0, mid, half * 0.55), (0.9 * wide, 1.0 * wide, 0.9)),
        ("torso", (0, mid + 0.06, 0), (0.84 * wide, 0.82 * wide, half * 0.85)),
        ("belly", (0, mid - 0.3 * wide, 0), (0.7 * wide, 0.55 * wide, half * 0.7)),
        ("rump", (0, mid + 0.1, -half * 0.62), (0.82 * wide, 0.86 * wide, 0.8)),
    ])  # fmt: skip
    x = 0.5 * wide
    _legs(clay, [(x, mid - 0.2, half * 0.66), (x, leg * 0.5, half * 0.66), (x, 0.2, half * 0.7)],
          [0.36 * thick, 0.24 * thick, 0.2 * thick])  # fmt: skip
    _feet(clay, x, half * 0.7 + 0.16, thick)
    clay.pair(WORLD, "leg", (x, mid - 0.35 * wide, -half * 0.66), (0.38 * thick, 0.72 * wide, 0.56))
    _legs(clay, [(x, leg * 0.8, -half * 0.6), (x, leg * 0.42, -half * 0.6 - 0.4), (x, 0.2, -half * 0.6 - 0.25)],
          [0.34 * thick, 0.22 * thick, 0.19 * thick])  # fmt: skip
    _feet(clay, x, -half * 0.6 - 0.08, thick)
    head = (0, mid + 0.62 * wide + 0.4 + 0.62 * traits.head, half + 0.4)
    torso = Frame(np.array([0, mid, 0]), np.diag([wide, wide, half + 0.4]))
    return Stance(head, (0, mid + 0.3 * wide, half * 0.7), (0, mid + 0.5 * wide, -half * 0.62 - 0.7), torso, True)


def sit(clay: Clay, traits: Traits) -> Stance:
    """Pose on the haunches, forelegs straight."""
    wide, leg, thick = traits.girth, traits.leg * 0.85 + 0.15, _thick(traits)
    _torso(clay, traits, [
        ("chest", (0, leg + 0.75 * wide, 0.35), (0.86 * wide, 0.98 * wide, 0.8 * wide)),
        ("belly", (0, leg * 0.6 + 0.45 * wide, 0.05), (0.8 * wide, 0.9 * wide, 0.75 * wide)),
        ("torso", (0, leg * 0.6 + 0.55 * wide, -0.3), (0.92 * wide, 1.05 * wide, 0.85 * wide)),
        ("rump", (0, 0.86 * wide, -0.75), (1.02 * wide, 0.9 * wide, 0.95 * wide)),
    ])  # fmt: skip
    clay.pair(WORLD, "leg", (0.78 * wide, 0.62 * wide, -0.15), (0.4 * wide, 0.6 * wide, 0.75 * wide))
    clay.pair(WORLD, "paw", (0.82 * wide, 0.15, 0.6), (0.24 * thick, 0.15, 0.4))
    _legs(clay, [(0.46 * wide, leg + 0.5 * wide, 0.72), (0.42 * wide, leg * 0.5 + 0.1, 0.95), (0.4 * wide, 0.2, 0.95)],
          [0.36 * thick, 0.24 * thick, 0.2 * thick])  # fmt: skip
    _feet(clay, 0.4 * wide, 1.1, thick)
    head = (0, leg + 1.5 * wide + 0.3 + 0.62 * traits.head, 0.75)
    spine = np.arctan2(leg, 1.1)
    axes = turn(pitch=-spine) @ np.diag([wide, wide, 1.5 * wide])
    torso = Frame(np.array([0, leg * 0.5 + 0.75 * wide, -0.2]), axes)
    return Stance(head, (0, leg + 1.0 * wide, 0.42), (0, 0.3, -1.4 * wide), torso, False)


def lie(clay: Clay, traits: Traits) -> Stance:
    """Pose on the belly, forelegs stretched out."""
    wide, half, thick = traits.girth, traits.length, _thick(traits)
    _torso(clay, traits, [
        ("chest", (0, 0.86 * wide, half * 0.55), (0.92 * wide, 0.86 * wide, 0.85)),
        ("torso", (0, 0.8 * wide, 0), (0.98 * wide, 0.8 * wide, half * 0.85)),
        ("rump", (0, 0.8 * wide, -half * 0.6), (1.02 * wide, 0.84 * wide, 0.85)),
    ])  # fmt: skip
    clay.pair(WORLD, "leg", (0.85 * wide, 0.52 * wide, -half * 0.42), (0.38 * wide, 0.54 * wide, 0.8))
    clay.pair(WORLD, "paw", (0.98 * wide, 0.15, -half * 0.42 + 0.85), (0.22 * thick, 0.15, 0.4))
    reach = half * 0.7 + 0.35 + 0.4 * min(traits.leg, 1.6)
    shoulder, elbow = (0.5 * wide, 0.5 * wide, half * 0.65), (0.46 * wide, 0.22, half * 0.7 + 0.35)
    _legs(clay, [shoulder, elbow, (0.4 * wide, 0.2, reach)], [0.34 * thick, 0.24 * thick, 0.2 * thick])
    _feet(clay, 0.4 * wide, reach + 0.15, thick)
    head = (0, 1.35 * wide + 0.35 + 0.62 * traits.head, half * 0.75 + 0.45)
    torso = Frame(np.array([0, 0.85 * wide, 0]), np.diag([wide, wide, half + 0.4]))
    return Stance(head, (0, 1.1 * wide, half * 0.6), (0, 0.35, -half * 0.6 - 0.75), torso, False)


POSES: dict[str, Callable[[Clay, Traits], Stance]] = {"standing": stand, "sitting": sit, "lying": lie}

# Each tail's line from its root, raised and lying on the ground, and its radius.
TAILS: dict[str, tuple[list[Point], list[Point], float]] = {
    "long": ([(0, 0, 0), (0.1, 0.1, -0.6), (0.25, 0.6, -1.0), (0.4, 1.2, -1.1), (0.6, 1.6, -1.0)],
             [(0, 0, 0), (0.9, -0.1, -0.1), (1.45, -0.1, 0.6), (1.4, -0.1, 1.3), (1.0, -0.1, 1.7)], 0.17),
    "plume": ([(0, 0, 0), (0.1, 0.2, -0.5), (0.25, 0.7, -0.9), (0.4, 1.2, -0.9), (0.5, 1.5, -0.7)],
              [(0, 0, 0), (0.9, 0, -0.1), (1.5, 0, 0.5), (1.5, 0, 1.2), (1.2, 0, 1.6)], 0.2),
    "whip": ([(0, 0, 0), (0, -0.05, -0.5), (0.1, 0.0, -1.0), (0.2, 0.3, -1.4)],
             [(0, 0, 0), (0.8, -0.15, -0.2), (1.4, -0.2, 0.3), (1.6, -0.2, 0.9)], 0.1),
    "sabre": ([(0, 0, 0), (0, 0.4, -0.35), (0.05, 0.9, -0.5), (0.1, 1.35, -0.4)],
              [(0, 0, 0), (0.7, -0.1, -0.3), (1.3, -0.15, 0.1), (1.6, -0.15, 0.6)], 0.13),
    "curl": ([(0, 0, 0), (0.05, 0.45, -0.2), (0.15, 0.75, 0.15), (0.3, 0.7, 0.55), (0.4, 0.4, 0.7)],
             [(0, 0, 0), (0.4, 0.5, -0.1), (0.7, 0.85, 0.2), (0.9, 0.7, 0.55), (0.9, 0.4, 0.6)], 0.2),
    "stub": ([(0, 0, 0), (0, 0.3, -0.2)], [(0, 0, 0), (0.2, 0.2, -0.2)], 0.13),
}  # fmt: skip


def model_tail(clay: Clay, traits: Traits, stance: Stance, side: int) -> None:
    """Add the tail, to the left (-1) or to the right (1)."""
    raised, lying, thin = TAILS[traits.tail]
    line = [(p[0] * side, p[1], p[2]) for p in (raised if stance.tail_free else lying)]
    radius = thin + (0.16 * traits.fur if traits.tail in ("plume", "curl", "long") else 0.04 * traits.fur)
    root = Frame(np.asarray(stance.tail, dtype=float), np.eye(3))
    radii = [radius * (1.0 - 0.3 * i / (len(line) - 1)) for i in range(len(line))]
    clay.limb(root, "tail", line, radii, end="tip")


def model_neck(clay: Clay, traits: Traits, stance: Stance, collar: bool) -> None:
    """Add the neck, the mane of a long coat and, on request, a collar."""
    root, head = np.asarray(stance.neck, dtype=float), np.asarray(stance.head, dtype=float)
    top = head + np.array([0, -0.35, -0.25]) * traits.head
    thick = 0.62 * traits.head + 0.1 * traits.fur
    clay.limb(WORLD, "torso", [root, top], [0.72 * traits.girth, thick])
    if traits.ruff:
        middle = root + (top - root) * 0.6
        size = 0.78 * traits.head + 0.38 * traits.ruff
        clay.ball(WORLD, "chest", middle + np.array([0, -0.1, 0.18]), (size * 1.05, size * 1.0, size * 0.8))
        clay.ball(WORLD, "chest", root + np.array([0, -0.2, 0.3]), (size * 0.85, size * 0.95, size * 0.8))
    elif collar:
        tilt = turn(pitch=0.35)
        place = root + (top - root) * 0.62
        clay.ball(WORLD, "collar", place, (thick * 1.12, 0.12, thick * 1.14), tilt)
