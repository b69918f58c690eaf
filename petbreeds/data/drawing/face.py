"""Eyes, nose, mouth and whiskers of the drawn pets: small shapes stamped onto the finished fur.

Each shape is given in the head's frame and seen through the same camera as the clay, so it turns and shortens with the
head. A part that looks away or lies behind something is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from petbreeds.data.drawing.breeds import Traits
from petbreeds.data.drawing.clay import EMPTY, Frame, View, cross
from petbreeds.data.drawing.coat import rgb
from petbreeds.data.drawing.head import Face

FINE = 4  # stamps are drawn this much larger and reduced: smooth edges
Colour = tuple[int, int, int]


def tint(colour: str, factor: float = 1.0) -> Colour:
    """Return a hex colour made lighter or darker, as whole numbers."""
    red, green, blue = (int(v) for v in np.clip(rgb(colour) * factor, 0, 255))
    return red, green, blue


@dataclass
class Stamp:
    """Draws flat shapes of the head's frame on a picture.

    `depth` is what the camera sees, in the pixels of `near`, the view that made it: it tells what is hidden.
    """

    image: Image.Image
    head: Frame
    view: View
    depth: np.ndarray
    near: View

    def place(self, centre: Sequence[float], normal: Sequence[float]) -> Plane | None:
        """Return a plane that touches the head at `centre`, or None where it cannot be seen."""
        ahead = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
        right = cross(np.array([0.0, 1.0, 0.0]), ahead)
        right /= np.linalg.norm(right)
        facing = float((self.view.axes @ self.head.axes @ ahead)[2])
        x, y, height = self.near.project(self.head.to_world(centre)[None])[0]
        rows, columns = self.depth.shape
        if facing < 0.22 or not (0 <= x < columns and 0 <= y < rows):
            return None
        surface = self.depth[int(y), int(x)]
        if surface <= EMPTY or surface - height > 0.35 * self.head.unit * self.near.scale:
            return None
        return Plane(self, np.asarray(centre, dtype=float), right, cross(ahead, right))

    def polygon(self, points: np.ndarray, colour: Colour, strength: float = 1.0) -> None:
        """Fill a polygon given in picture pixels, with smooth edges."""
        self._stamp(points, colour, strength, 0)

    def line(self, points: np.ndarray, colour: Colour, width: float, strength: float = 1.0) -> None:
        """Draw a line of `width` picture pixels through points."""
        self._stamp(points, colour, strength, max(1, round(width * FINE)))

    def _stamp(self, points: np.ndarray, colour: Colour, strength: float, width: int) -> None:
        low = np.floor(points.min(axis=0)).astype(int) - 2
        size = np.ceil(points.max(axis=0)).astype(int) + 3 - low
        if (size > 600).any() or (low > self.image.size).any() or (low + size < 0).any():
            return
        mask = Image.new("L", (int(size[0]) * FINE, int(size[1]) * FINE))
        shape = [(float(px), float(py)) for px, py in (points - low) * FINE]
        pen = ImageDraw.Draw(mask)
        level = round(255 * strength)
        if width:
            pen.line(shape, fill=level, width=width, joint="curve")
        else:
            pen.polygon(shape, fill=level)
        self.image.paste(colour, (int(low[0]), int(low[1])), mask.reduce(FINE))


@dataclass
class Plane:
    """A flat piece of the head with its own right and up, in head radii."""

    stamp: Stamp
    centre: np.ndarray
    right: np.ndarray
    up: np.ndarray

    def points(self, across: Sequence[float] | np.ndarray, along: Sequence[float] | np.ndarray) -> np.ndarray:
        """Return picture pixels of points given across and upwards."""
        flat = self.centre + np.outer(across, self.right) + np.outer(along, self.up)
        head = self.stamp.head
        world = head.origin + (flat * head.unit) @ head.axes.T
        return self.stamp.view.project(world)[:, :2]

    def oval(self, x: float, y: float, wide: float, high: float, tilt: float = 0.0, point: float = 1.0) -> np.ndarray:
        """Return an oval's outline; `point` above 1 draws its ends out to corners."""
        angle = np.linspace(0, 2 * np.pi, 25)[:-1]
        across, along = wide * np.cos(angle), high * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** point
        return self.points(
            x + across * np.cos(tilt) - along * np.sin(tilt), y + across * np.sin(tilt) + along * np.cos(tilt)
        )


def draw_face(
    stamp: Stamp, traits: Traits, face: Face, eye_colour: str, nose_colour: str, rng: np.random.Generator
) -> None:
    """Stamp eyes, nose, mouth and whiskers."""
    widen = rng.uniform(0.45, 1.0)
    gaze = rng.uniform(-0.25, 0.25)
    lid = rng.choice([0.0, 0.0, 0.15, 0.3])
    for side in (-1, 1):
        place = (face.eye[0] * side, face.eye[1], face.eye[2] + 0.12)
        plane = stamp.place(place, (0.42 * side, 0.08, 1.0))
        if plane:
            draw_eye = _draw_cat_eye if face.cat else _draw_dog_eye
            draw_eye(plane, side, traits.eye, face.eye_tilt, eye_colour, widen, gaze, float(lid))
    (_draw_cat_nose if face.cat else _draw_dog_nose)(stamp, face, nose_colour)
    _draw_mouth(stamp, face, traits)
    if face.cat and traits.fur > 0:
        _draw_whiskers(stamp, face, rng)


def _draw_cat_eye(
    plane: Plane, side: int, size: float, tilt: float, colour: str, widen: float, gaze: float, lid: float
) -> None:
    stamp, wide, high = plane.stamp, 0.185 * size, 0.145 * size * (1 - 0.6 * lid)
    lean = tilt * side
    stamp.polygon(plane.oval(0, 0, wide * 1.2, high * 1.28, lean, 1.25), (28, 22, 22))
    stamp.polygon(plane.oval(0, 0, wide, high, lean, 1.15), tint(colour, 0.72))
    stamp.polygon(plane.oval(0, -0.015, wide * 0.8, high * 0.82, lean), tint(colour, 1.12))
    stamp.polygon(plane.oval(gaze * 0.12, 0, wide * (0.2 + 0.45 * widen), high * 0.86), (12, 10, 12))
    stamp.line(plane.oval(0, 0, wide * 1.1, high * 1.15, lean, 1.25)[:13], (25, 20, 20), 1.2, 0.9)
    stamp.polygon(plane.oval(gaze * 0.12 - 0.05, 0.06 * size, 0.035, 0.035), (250, 250, 250), 0.95)


def _draw_dog_eye(
    plane: Plane, side: int, size: float, tilt: float, colour: str, widen: float, gaze: float, lid: float
) -> None:
    stamp, wide, high = plane.stamp, 0.142 * size, 0.125 * size * (1 - 0.6 * lid)
    lean = tilt * side
    stamp.polygon(plane.oval(0, 0, wide * 1.3, high * 1.28, lean, 1.2), (28, 21, 20), 0.9)
    stamp.polygon(plane.oval(0, 0, wide, high, lean, 1.1), (178, 166, 156))
    stamp.polygon(plane.oval(gaze * 0.1, 0.005, wide * 0.93, high * 1.0), tint(colour))
    stamp.polygon(plane.oval(gaze * 0.1, -0.03, wide * 0.6, high * 0.55), tint(colour, 1.7), 0.6)
    stamp.polygon(plane.oval(gaze * 0.1, 0.005, wide * (0.42 + 0.14 * widen), high * 0.64), (12, 10, 10))
    stamp.line(plane.oval(0, 0, wide * 1.1, high * 1.15, lean, 1.2)[:13], (24, 18, 18), 1.4, 0.95)
    stamp.polygon(plane.oval(gaze * 0.1 - 0.045, 0.05 * size, 0.034, 0.034), (250, 250, 250), 0.95)


def _draw_cat_nose(stamp: Stamp, face: Face, colour: str) -> None:
    x, y, z = face.nose
    plane = stamp.place((x, y, z + 0.03), (0, 0.1, 1))
    if plane:
        size = face.nose_size
        shape = plane.points(
            np.array([-1.15, -0.6, 0.6, 1.15, 0.5, 0, -0.5]) * size,
            np.array([0.5, 0.75, 0.75, 0.5, -0.45, -0.8, -0.45]) * size,
        )
        stamp.polygon(shape, tint(colour))
        for side in (-1, 1):
            stamp.polygon(
                plane.oval(0.5 * size * side, -0.02, size * 0.28, size * 0.2, 0.5 * side), tint(colour, 0.4), 0.8
            )


def _draw_dog_nose(stamp: Stamp, face: Face, colour: str) -> None:
    x, y, z = face.nose
    plane = stamp.place((x, y, z + 0.06), (0, 0.25, 1))
    if plane:
        size = face.nose_size
        stamp.polygon(plane.oval(0, 0, size, size * 0.76), tint(colour))
        stamp.polygon(plane.oval(0, 0.36 * size, size * 0.55, size * 0.16), tint(colour, 2.1), 0.55)
        for side in (-1, 1):
            stamp.polygon(
                plane.oval(0.45 * size * side, -0.12 * size, size * 0.26, size * 0.2, -0.4 * side), (8, 6, 6), 0.9
            )


def _draw_mouth(stamp: Stamp, face: Face, traits: Traits) -> None:
    plane = stamp.place(face.lip, (0, -0.15, 1))
    if plane is None:
        return
    wide = 0.2 if face.cat else traits.snout * 0.62
    top = face.nose[1] - face.lip[1] - 0.6 * face.nose_size
    curve = np.linspace(-1, 1, 15)
    thick = max(1.0, 0.022 * stamp.head.unit * stamp.view.scale)
    stamp.line(plane.points([0, 0], [top, 0.0]), (40, 26, 26), thick, 0.6)
    if not face.open_mouth:
        fall = 0.09 + 0.12 * traits.jowl
        stamp.line(plane.points(curve * wide, -fall * np.sin(np.pi * np.abs(curve))), (40, 26, 26), thick, 0.65)


def _draw_whiskers(stamp: Stamp, face: Face, rng: np.random.Generator) -> None:
    for side in (-1, 1):
        plane = stamp.place((0.2 * side, face.nose[1] - 0.12, face.nose[2] - 0.06), (0.5 * side, 0, 1))
        if plane:
            for lift in (0.22, 0.08, -0.06, -0.2):
                reach = rng.uniform(0.6, 0.95)
                bend = np.linspace(0, 1, 6)
                line = plane.points(side * (0.08 + reach * bend), lift * bend - 0.16 * bend**2 + 0.1 * lift)
                stamp.line(line, (238, 236, 232), 0.8, 0.55)
