"""Draw one pet of any of the 37 breeds, so that petbreeds works with no data and no network.

The same breed, number and seed always give the same picture. These are illustrations that follow a table of traits,
meant for learning and testing; a model trained on them knows drawn pets, not real ones.
"""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
from PIL import Image

from petbreeds.data.drawing.body import POSES, model_neck, model_tail
from petbreeds.data.drawing.breeds import COATS, Coat, Traits, find_traits, is_cat
from petbreeds.data.drawing.clay import Clay, Frame, View, turn
from petbreeds.data.drawing.face import Stamp, draw_face
from petbreeds.data.drawing.fur import Pet, lay_fur
from petbreeds.data.drawing.head import Face, model_head, plan_face
from petbreeds.data.drawing.scene import cast_shadow, develop, draw_scene
from petbreeds.errors import ChoiceError

DRAWING_VERSION = 1  # raised when pictures change, so that no old cache is taken for new
SIZES = ((500, 375), (500, 375), (500, 375), (375, 500), (500, 333), (333, 500), (450, 450))
# How often each pose is drawn; a portrait is a pose seen from near.
FRAMINGS = {"portrait": 0.48, "sitting": 0.22, "standing": 0.16, "lying": 0.14}


def draw_pet(breed: str, number: int, seed: int = 42, size: tuple[int, int] | None = None) -> Image.Image:
    """Return an RGB picture of a breed; `size` is width and height in pixels, by default about 500 x 375.

    The same arguments give the same pixels. An unknown breed, or a side below 8 pixels, is a ChoiceError.

    >>> draw_pet("pug", 1, size=(64, 48)).size
    (64, 48)
    """
    traits, cat = find_traits(breed), is_cat(breed)
    rng = np.random.default_rng([seed, zlib.crc32(breed.encode()), number])
    wide, high = size or SIZES[int(rng.integers(len(SIZES)))]
    if min(wide, high) < 8:
        raise ChoiceError(f"size is {size!r}; allowed: width and height of at least 8 pixels.")
    traits = vary(traits, rng)
    coat = COATS[traits.coats[int(rng.integers(len(traits.coats)))]]
    face = plan_face(traits, cat, open_mouth=not cat and rng.random() < 0.35)
    pet = pose_pet(traits, rng, (wide, high), face)
    floor = float(pet.view.project(np.zeros((1, 3)))[0, 1])
    image = draw_scene(rng, (wide, high), min(max(floor, 0.55 * high), 1.1 * high))
    reach = pet.view.scale * traits.girth
    cast_shadow(image, (pet.view.shift[0], floor), (2.0 * reach, 0.5 * reach), rng.uniform(0.3, 0.6))
    nose = _nose_colour(coat, cat)
    depth, near = lay_fur(image, pet, traits, coat, nose, rng)
    eyes = traits.eyes[int(rng.integers(len(traits.eyes)))]
    draw_face(Stamp(image, pet.head, pet.view, depth, near), traits, face, eyes, nose, rng)
    return develop(image, rng)


def vary(traits: Traits, rng: np.random.Generator) -> Traits:
    """Return the traits of one individual: every length a little off its breed's."""
    changes = {}
    for name in ("ear", "muzzle", "snout", "skull", "fur", "eye", "leg", "girth", "length", "head"):
        changes[name] = getattr(traits, name) * float(np.exp(rng.normal(0, 0.05)))
    return dataclasses.replace(traits, **changes)


def pose_pet(traits: Traits, rng: np.random.Generator, size: tuple[int, int], face: Face) -> Pet:
    """Build one animal in a random pose and aim the camera at it."""
    framing = str(rng.choice(list(FRAMINGS), p=list(FRAMINGS.values())))
    pose = framing if framing in POSES else str(rng.choice(list(POSES)))
    clay = Clay()
    stance = POSES[pose](clay, traits)
    body_yaw = rng.choice([-1, 1]) * rng.uniform(0.1, 1.35) * (0.6 if pose == "sitting" else 1.0)
    look = np.clip(0.35 * body_yaw + rng.normal(0, 0.3), -0.95, 0.95)  # most animals look near the camera
    axes = turn(yaw=look - body_yaw, pitch=rng.normal(0.04, 0.13), roll=rng.normal(0, 0.12))
    head = Frame(np.asarray(stance.head, dtype=float), axes, traits.head)
    model_neck(clay, traits, stance, collar=rng.random() < 0.25)
    model_tail(clay, traits, stance, side=1 if body_yaw < 0 else -1)
    model_head(clay, head, traits, face)
    camera = turn(pitch=rng.uniform(0.02, 0.38)) @ turn(yaw=body_yaw)
    view = _frame_portrait(camera, head, rng, size) if framing == "portrait" else _frame_body(camera, clay, rng, size)
    return Pet(clay, head, stance.torso, view)


def _frame_portrait(camera: np.ndarray, head: Frame, rng: np.random.Generator, size: tuple[int, int]) -> View:
    """Aim at the head, with what fits of the body below it."""
    scale = min(size) * rng.uniform(0.2, 0.32) / head.unit
    x, y, _ = camera @ head.origin * scale
    across, down = rng.uniform(0.36, 0.64) * size[0], rng.uniform(0.36, 0.5) * size[1]
    return View(camera, scale, (across - x, down + y))


def _frame_body(camera: np.ndarray, clay: Clay, rng: np.random.Generator, size: tuple[int, int]) -> View:
    """Aim at the whole animal, so that it fills most of the picture."""
    low, high = View(camera, 1.0, (0.0, 0.0)).bounds(clay)
    scale = float((np.array(size) / (high - low)).min() * rng.uniform(0.78, 1.05))
    free = np.maximum(np.array(size) - (high - low) * scale, 0) / 2 * rng.uniform(-0.7, 0.7, 2)
    across, down = np.array(size) / 2 - (low + high) / 2 * scale + free
    return View(camera, scale, (float(across), float(down)))


def _nose_colour(coat: Coat, cat: bool) -> str:
    if coat.pattern in ("solid", "skin", "tabby", "tabby bicolour", "spots", "rosettes", "ticked") and cat:
        bright = int(coat.base[1:3], 16) + int(coat.base[3:5], 16)
        return "#b07468" if bright > 260 else "#3c3436"
    if cat:
        return "#6a4d4a"
    return "#4a2a22" if coat.dark in ("#38231a", "#4a2b20", "#331d15") else "#201d1f"
