"""The heads of the drawn pets: how a row of traits becomes a skull, a muzzle and ears of clay.

Lengths are in head radii, from the middle of the skull; the animal looks along +z. Eyes and lips are only placed here;
they are drawn on the finished fur.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from petbreeds.data.drawing.breeds import Traits
from petbreeds.data.drawing.clay import Clay, Frame, turn


class Face(NamedTuple):
    """Where the parts of a face are, in the head's frame; drawn from by the clay and by the painter alike."""

    cat: bool
    eye: tuple[float, float, float]
    eye_tilt: float
    nose: tuple[float, float, float]
    nose_size: float
    lip: tuple[float, float, float]
    open_mouth: bool


def plan_face(traits: Traits, cat: bool, open_mouth: bool) -> Face:
    """Place eyes, nose and lip for a row of traits."""
    if cat:
        reach = 0.88 + 1.1 * traits.muzzle
        nose_y = -0.2 + (0.1 if traits.muzzle < 0 else 0.0)
        lip = (0.0, nose_y - 0.19, 0.86 + traits.muzzle)
        return Face(True, (0.4 * traits.skull, 0.07, 0.72), 0.22, (0.0, nose_y, reach), 0.105, lip, False)
    size = 0.19 + 0.3 * (traits.snout - 0.3)
    nose = (0.0, -0.1, 0.92 + traits.muzzle)
    lip = (0.0, -0.36 - 0.05 * traits.jowl, 0.84 + traits.muzzle)
    return Face(False, (0.37 * traits.skull, 0.15, 0.72), 0.08, nose, size, lip, open_mouth)


def model_head(clay: Clay, head: Frame, traits: Traits, face: Face) -> None:
    """Add skull, muzzle, nose, mouth and ears."""
    (_model_cat_face if face.cat else _model_dog_face)(clay, head, traits, face)
    ball = (0.0, face.nose[1], face.nose[2] - 0.06)
    clay.ball(head, "nose", ball, (face.nose_size, face.nose_size * 0.72, face.nose_size * 0.8))
    EARS[traits.ears](clay, head, traits)


def _model_cat_face(clay: Clay, head: Frame, traits: Traits, face: Face) -> None:
    skull, out, puff = traits.skull, traits.muzzle, 0.12 * traits.fur
    clay.ball(head, "head", (0, 0.1, 0), (0.95 * skull, 0.86, 0.86))
    clay.pair(head, "cheek", (0.48 * skull, -0.24, 0.22), (0.44 + puff, 0.42 + puff, 0.46))
    clay.ball(head, "head", (0, -0.02, 0.52 + 0.5 * out), (0.2, 0.34, 0.3 + 0.4 * max(out, 0)))
    clay.pair(head, "muzzle", (0.165, face.nose[1] - 0.15, 0.64 + out), (0.235, 0.175, 0.24))
    clay.ball(head, "chin", (0, face.nose[1] - 0.33, 0.58 + 0.8 * out), (0.19, 0.14, 0.2))
    clay.pair(head, "brow", (0.36 * skull, 0.3, 0.56), (0.26, 0.14, 0.18))


def _model_dog_face(clay: Clay, head: Frame, traits: Traits, face: Face) -> None:
    skull, out, wide, jowl, puff = traits.skull, traits.muzzle, traits.snout, traits.jowl, 0.15 * traits.fur
    clay.ball(head, "head", (0, 0.14, 0), (0.84 * skull, 0.78 + 0.5 * puff, 0.84))
    clay.pair(head, "cheek", (0.42 * skull, -0.2, 0.2), (0.4 + puff, 0.42 + puff, 0.45))
    clay.ball(head, "muzzle", (0, -0.2, 0.58 + out / 2), (wide * 0.86, wide * 0.74, 0.34 + out / 2))
    lip = (wide * 0.45, -0.34 - 0.12 * jowl, 0.58 + out * 0.7)
    clay.pair(head, "muzzle", lip, (wide * 0.6, 0.2 + 0.22 * jowl, 0.26 + 0.26 * out))
    clay.pair(head, "brow", (0.31 * skull, 0.33, 0.55), (0.25, 0.15 + 0.14 * traits.brows, 0.2 + 0.12 * traits.brows))
    drop = 0.16 if face.open_mouth else 0.0
    clay.ball(head, "chin", (0, -0.52 - drop, 0.5 + out * 0.42), (wide * 0.66, 0.16, 0.26 + 0.42 * out))
    if face.open_mouth:
        clay.ball(head, "mouth", (0, -0.5, 0.6 + out * 0.55), (wide * 0.62, 0.16, 0.22 + 0.3 * out))
        clay.ball(head, "tongue", (0.03, -0.62 - drop, 0.72 + out * 0.75), (wide * 0.42, 0.2, 0.2), turn(pitch=0.6))
    if traits.beard:
        hang = 0.3 * traits.beard
        clay.ball(head, "beard", (0, -0.5 - hang, 0.5 + out * 0.7), (wide * 1.1, 0.22 + hang, 0.26 + 0.3 * out))
        clay.pair(head, "beard", (wide * 0.7, -0.4, 0.56 + out * 0.6), (wide * 0.55, 0.22 + 0.4 * hang, 0.3))


def _raise_ears(clay: Clay, head: Frame, traits: Traits, spread: float, wide: float, tall: float) -> None:
    """Add two upright ears: flattened ellipsoids that narrow to a tip, with a paler hollow in front."""
    for side in (-1, 1):
        root = np.array([0.56 * traits.skull * side, 0.58, 0.02])
        away = np.array([np.sin(spread) * side, np.cos(spread), -0.08])
        tilt = turn(yaw=0.25 * side, roll=spread * side)
        for step in np.linspace(0, 1, 7):
            size = wide * (1 - step) ** 0.8 + 0.045
            clay.ball(head, "ear", root + away * tall * step, (size, size * 0.75 + 0.1, 0.09 + 0.12 * (1 - step)), tilt)
        hollow = root + away * tall * 0.36 + np.array([-0.04 * side, 0, 0.13])
        clay.ball(head, "inner", hollow, (wide * 0.5, tall * 0.4, 0.1), tilt)


def _pricked(clay: Clay, head: Frame, traits: Traits) -> None:
    _raise_ears(clay, head, traits, spread=0.38, wide=0.36 * traits.ear**0.6, tall=0.72 * traits.ear)


def _bat(clay: Clay, head: Frame, traits: Traits) -> None:
    _raise_ears(clay, head, traits, spread=0.72, wide=0.4 * traits.ear**0.6, tall=0.72 * traits.ear)


def _tufted(clay: Clay, head: Frame, traits: Traits) -> None:
    _raise_ears(clay, head, traits, spread=0.26, wide=0.36 * traits.ear**0.6, tall=0.76 * traits.ear)
    for side in (-1, 1):
        root = np.array([0.56 * side + 0.2 * side, 0.58 + 0.72 * traits.ear, -0.03])
        clay.limb(head, "ear", [root, root + np.array([0.08 * side, 0.3, 0])], [0.05, 0.02])


def _hang_ears(clay: Clay, head: Frame, traits: Traits, drop: float, wide: float, high: float) -> None:
    """Add two flaps that hang from the side of the head."""
    for side in (-1, 1):
        top = np.array([0.74 * traits.skull * side, high, -0.02])
        low = np.array([0.96 * traits.skull * side, high - drop, 0.16])
        for step in np.linspace(0, 1, 6):
            size = wide * (0.66 + 0.5 * np.sin(np.pi * (0.15 + 0.62 * step)))
            centre = top + (low - top) * step + np.array([0.1 * side * np.sin(np.pi * step), 0, 0])
            clay.ball(
                head, "ear", centre, (0.09 + 0.14 * traits.fur, size, size), turn(yaw=-0.35 * side, roll=-0.12 * side)
            )


def _drop(clay: Clay, head: Frame, traits: Traits) -> None:
    _hang_ears(clay, head, traits, drop=0.82 * traits.ear, wide=0.17 + 0.14 * traits.ear, high=0.28)


def _flap(clay: Clay, head: Frame, traits: Traits) -> None:
    _hang_ears(clay, head, traits, drop=0.5 * traits.ear + 0.15 * traits.fur, wide=0.31, high=0.42)


def _fold(clay: Clay, head: Frame, traits: Traits, rise: float, out: float, fall: float, ahead: float) -> None:
    """Add two small ears that rise and fold over."""
    for side in (-1, 1):
        root = np.array([0.6 * traits.skull * side, 0.6, 0.1])
        bend = root + np.array([0.1 * side, rise, 0.03]) * traits.ear
        tip = bend + np.array([out * side, -fall, ahead]) * traits.ear
        tilt = turn(yaw=0.55 * side, pitch=-0.35, roll=0.5 * side)
        for start, stop, wide in ((root, bend, 0.27), (bend, tip, 0.26)):
            for step in (0.0, 0.25, 0.5, 0.75, 1.0) if stop is tip else (0.3, 0.8):
                size = wide * traits.ear * ((1 - 0.8 * step) if stop is tip else 1.0)
                clay.ball(head, "ear", start + (stop - start) * step, (size, size * 0.8 + 0.08, 0.12), tilt)


def _button(clay: Clay, head: Frame, traits: Traits) -> None:
    _fold(clay, head, traits, rise=0.1, out=0.2, fall=0.55, ahead=0.36)


def _rose(clay: Clay, head: Frame, traits: Traits) -> None:
    _fold(clay, head, traits, rise=0.16, out=0.48, fall=0.16, ahead=0.04)


EARS: dict[str, Callable[[Clay, Frame, Traits], None]] = {
    "pricked": _pricked, "bat": _bat, "tufted": _tufted, "drop": _drop, "flap": _flap, "button": _button, "rose": _rose,
}  # fmt: skip
