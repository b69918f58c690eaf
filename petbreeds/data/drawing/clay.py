"""Solid shapes for the drawn pets: ellipsoids in space, seen from the front, melted into one another.

A pet is a few dozen ellipsoids. They are turned as one, so every pose and view comes from one model. Parallel
projection, no shadows between parts beyond what depth alone tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

Point = Sequence[float] | np.ndarray

TORSO, HEAD, EAR, LEG, TAIL, BARE = range(1, 7)

# Every region a coat may colour, with the part of the animal it belongs to. Row 0 is the background.
REGIONS: dict[str, int] = {
    "": 0, "torso": TORSO, "chest": TORSO, "belly": TORSO, "rump": TORSO, "head": HEAD, "cheek": HEAD, "muzzle": HEAD,
    "chin": HEAD, "brow": HEAD, "beard": HEAD, "ear": EAR, "inner": EAR, "leg": LEG, "paw": LEG, "tail": TAIL,
    "tip": TAIL, "nose": BARE, "tongue": BARE, "collar": BARE, "mouth": BARE,
}  # fmt: skip
REGION_IDS = {name: i for i, name in enumerate(REGIONS)}


class Frame(NamedTuple):
    """A place to build in: its origin, its axes as the columns of a 3x3 matrix, and the length of its unit."""

    origin: np.ndarray
    axes: np.ndarray
    unit: float = 1.0

    def to_world(self, point: Point) -> np.ndarray:
        """Return a point of this frame in the frame around it."""
        return self.origin + self.axes @ (np.asarray(point, dtype=float) * self.unit)


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Return the rotation for angles in radians: yaw to the viewer's right, pitch downwards, roll clockwise."""
    cos_y, sin_y, cos_p, sin_p, cos_r, sin_r = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    around_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    around_x = np.array([[1, 0, 0], [0, cos_p, -sin_p], [0, sin_p, cos_p]])
    around_z = np.array([[cos_r, sin_r, 0], [-sin_r, cos_r, 0], [0, 0, 1]])
    return around_y @ around_x @ around_z


@dataclass
class Clay:
    """Collects ellipsoids: `centres (n, 3)`, `spreads (n, 3, 3)` (axes · radii² · axesᵀ) and a region name each."""

    centres: list[np.ndarray] = field(default_factory=list)
    spreads: list[np.ndarray] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def ball(self, frame: Frame, region: str, centre: Point, radii: Point, tilt: np.ndarray | None = None) -> None:
        """Add one ellipsoid, in the units and along the axes of a frame (turned by `tilt`)."""
        axes = frame.axes if tilt is None else frame.axes @ tilt
        scaled = axes * (np.asarray(radii, dtype=float) * frame.unit)
        self.centres.append(frame.to_world(centre))
        self.spreads.append(scaled @ scaled.T)
        self.regions.append(region)

    def pair(self, frame: Frame, region: str, centre: Point, radii: Point, lean: float = 0.0) -> None:
        """Add an ellipsoid on either side of the frame's middle; `lean` turns their tops outwards."""
        for side in (-1, 1):
            place = (centre[0] * side, centre[1], centre[2])
            self.ball(frame, region, place, radii, turn(roll=lean * side) if lean else None)

    def limb(self, frame: Frame, region: str, points: Sequence[Point], radii: Sequence[float], end: str = "") -> None:
        """Add a row of ellipsoids along a line of points; the last takes the region `end`."""
        nodes = [np.asarray(point, dtype=float) for point in points]
        for i, (start, stop) in enumerate(zip(nodes, nodes[1:], strict=False)):
            along = stop - start
            half = float(np.linalg.norm(along)) / 2
            radius = (radii[i] + radii[i + 1]) / 2
            last = i == len(nodes) - 2
            tilt = _aim(along / (2 * half + 1e-9))
            self.ball(
                frame,
                end if last and end else region,
                (start + stop) / 2,
                (radius, 1.12 * half + 0.85 * radius, radius),
                tilt,
            )


def _aim(direction: np.ndarray) -> np.ndarray:
    """Return axes whose second column is `direction`."""
    first = cross(direction, np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0]))
    first /= np.linalg.norm(first)
    return np.column_stack([first, direction, cross(first, direction)])


def cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the cross product of two vectors; numpy's own takes ten times as long for a single pair."""
    (a, b, c), (d, e, f) = one.tolist(), other.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


class View(NamedTuple):
    """A camera: rotation, pixels per unit, and where the world's origin falls in the picture (pixels)."""

    axes: np.ndarray
    scale: float
    shift: tuple[float, float]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Return `(n, 3)` points as columns x and y in pixels (y downwards) and depth in pixels towards the viewer."""
        seen = np.atleast_2d(points) @ self.axes.T * self.scale
        return np.column_stack([seen[:, 0] + self.shift[0], self.shift[1] - seen[:, 1], seen[:, 2]])

    def resize(self, ratio: float) -> View:
        """Return the same view on a picture of another size."""
        return View(self.axes, self.scale * ratio, (self.shift[0] * ratio, self.shift[1] * ratio))

    def move(self, left: float, top: float) -> View:
        """Return the same view in a window that begins at this column and row."""
        return View(self.axes, self.scale, (self.shift[0] - left, self.shift[1] - top))

    def measure(self, clay: Clay) -> tuple[np.ndarray, np.ndarray]:
        """Return the centres and the spreads of all parts in pixels, y downwards."""
        axes = np.array([[1.0], [-1.0], [1.0]]) * self.axes * self.scale
        return self.project(np.array(clay.centres)), axes @ np.array(clay.spreads) @ axes.T

    def bounds(self, clay: Clay) -> tuple[np.ndarray, np.ndarray]:
        """Return the left top and the right bottom corner of what the clay covers, in pixels."""
        centres, spreads = self.measure(clay)
        reach = np.sqrt(np.einsum("nii->ni", spreads))
        return (centres - reach).min(axis=0)[:2], (centres + reach).max(axis=0)[:2]


EMPTY = np.float32(-1e4)  # the depth where nothing stands


def sculpt(clay: Clay, view: View, width: int, height: int, melt: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the depth in pixels (float32) and the region number (uint8) of every pixel.

    Parts whose depths differ by less than `melt` pixels flow into one another (polynomial smooth maximum; I. Quilez).
    """
    depth = np.full((height, width), EMPTY, dtype=np.float32)
    region = np.zeros((height, width), dtype=np.uint8)
    centres, spreads = view.measure(clay)
    inverses = np.linalg.inv(spreads[:, :2, :2])
    leans = np.einsum("ni,nij->nj", spreads[:, 2, :2], inverses)
    thick = np.sqrt(np.maximum(spreads[:, 2, 2] - np.einsum("ni,ni->n", leans, spreads[:, :2, 2]), 1e-6))
    reach = np.sqrt(np.einsum("nii->ni", spreads))[:, :2]
    corners = np.clip(np.hstack([centres[:, :2] - reach, centres[:, :2] + reach + 2]), 0, [width, height] * 2).astype(
        int
    )
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    for i, (left, top, right, bottom) in enumerate(corners.tolist()):
        if left < right and top < bottom:
            window = (slice(top, bottom), slice(left, right))
            x, y = columns[left:right] - np.float32(centres[i, 0]), rows[top:bottom] - np.float32(centres[i, 1])
            near = _front(x, y, inverses[i], leans[i], float(thick[i]), float(centres[i, 2]))
            name = clay.regions[i]
            _press(depth[window], region[window], REGION_IDS[name], near, 0.0 if REGIONS[name] == BARE else melt)
    return depth, region


def _front(x: np.ndarray, y: np.ndarray, form: np.ndarray, lean: np.ndarray, thick: float, centre: float) -> np.ndarray:
    """Return the depth of an ellipsoid's near side on a grid, EMPTY outside its outline."""
    inside = np.float32(2 * form[0, 1]) * x * y
    inside += np.float32(form[0, 0]) * x * x
    inside += np.float32(form[1, 1]) * y * y
    np.subtract(1, inside, out=inside)
    near = np.sqrt(np.maximum(inside, 0))
    near *= np.float32(thick)
    near += np.float32(lean[0]) * x
    near += np.float32(lean[1]) * y + np.float32(centre)
    near[inside <= 0] = EMPTY
    return near


def _press(depth: np.ndarray, region: np.ndarray, number: int, near: np.ndarray, melt: float) -> None:
    """Lay a part over what is there, in place."""
    np.copyto(region, np.uint8(number), where=near > depth)
    if melt > 0:
        overlap = np.float32(melt) - np.abs(depth - near)
        np.maximum(overlap, 0, out=overlap)
        overlap *= overlap
        overlap *= np.float32(0.25 / melt)
        np.maximum(depth, near, out=depth)
        overlap[depth <= EMPTY] = 0
        depth += overlap
    else:
        np.maximum(depth, near, out=depth)
