"""Augmentation recipes by name, and the two ways of resizing that the book compares.

Only training photos are augmented. Every recipe ends at `size` pixels and runs on whole batches, so that rotation, zoom,
warp and crop cost one interpolation together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastai.basics import Pipeline, Transform
from fastai.torch_core import TensorImage
from fastai.vision.augment import Flip, RandomResizedCropGPU, Rotate, Warp, Zoom, aug_transforms, setup_aug_tfms
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from petbreeds.errors import unknown


class TrainingOnly(Transform):
    """Apply transforms to training batches; validation photos come at their final size, and a second interpolation blurs.

    One object holds all steps, because a DataBlock keeps only one transform of each class.
    """

    def __init__(self, steps: list[Transform]) -> None:
        super().__init__()
        self.steps = sorted(steps, key=lambda step: step.order)
        self.order = max(step.order for step in steps)

    def __call__(self, b: Any, split_idx: int | None = None, **kwargs: Any) -> Any:
        """Transform a batch `(photos, labels)` of the training part."""
        for step in [] if split_idx else self.steps:
            b = step(b, split_idx=0, **kwargs)
        return b

    @property
    def name(self) -> str:
        """The steps by name, for `summary` and the pipeline's text."""
        return f"training only: {', '.join(type(step).__name__ for step in self.steps)}"

    __repr__ = name.fget  # type: ignore[assignment]


def _standard(size: int, min_scale: float) -> list[Any]:
    return list(aug_transforms(size=size, min_scale=min_scale))


def _strong(size: int, min_scale: float) -> list[Any]:
    return list(aug_transforms(mult=2.0, max_zoom=1.3, size=size, min_scale=min_scale))


def _colour(size: int, min_scale: float) -> list[Any]:
    light = aug_transforms(do_flip=False, max_rotate=0, max_zoom=1.0, max_warp=0, max_lighting=0.4)
    return [RandomResizedCropGPU(size, min_scale=1.0, ratio=(1, 1)), *light]


def _flip(size: int, min_scale: float) -> list[Any]:
    return [RandomResizedCropGPU(size, min_scale=min_scale, ratio=(1, 1)), Flip(p=0.5)]


def _none(size: int, min_scale: float) -> list[Any]:
    return [RandomResizedCropGPU(size, min_scale=1.0, ratio=(1, 1))]


AUGMENTS: dict[str, Callable[[int, float], list[Any]]] = {
    "standard": _standard,  # the book's aug_transforms
    "strong": _strong,
    "colour": _colour,
    "flip": _flip,
    "none": _none,
}


def batch_transforms(name: str, size: int, min_scale: float) -> list[Any]:
    """Return the batch transforms of the recipe `name`, for training photos only.

    size: side in pixels after them. min_scale: smallest area of the random crop, as a share.
    """
    if name not in AUGMENTS:
        raise unknown("augmentation", name, AUGMENTS)
    return [TrainingOnly(AUGMENTS[name](size, min_scale))]


def presizing_views(photo: Image.Image, item_size: int = 460, size: int = 224) -> tuple[Image.Image, Image.Image]:
    """Return one photo rotated by 30 degrees, zoomed by 1.2 and warped by -0.2 / 0.2: presized, and step by step.

    The first is cut at `item_size` and transformed in one interpolation; the second is made small first and interpolated
    at every step, which blurs it and mirrors its borders into view. Source: the fastai book, chapter 5, "Presizing".
    """
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = photo.crop((left, top, left + side, top + side)).resize((item_size, item_size), Image.Resampling.BILINEAR)
    large: Any = TensorImage(pil_to_tensor(square)[None].float() / 255)
    steps = large.clone().affine_coord(sz=size)
    centre: dict[str, Any] = {
        "draw_x": 0.5,
        "draw_y": 0.5,
    }  # left out, chance decides, and the two views show different parts
    steps = steps.rotate(draw=30, p=1.0).zoom(draw=1.2, p=1.0, **centre).warp(draw_x=-0.2, draw_y=0.2, p=1.0)
    at_once = Pipeline(
        setup_aug_tfms(
            [
                Rotate(draw=30, p=1.0, size=size),
                Zoom(draw=1.2, p=1.0, size=size, **centre),
                Warp(draw_x=-0.2, draw_y=0.2, p=1.0, size=size),
            ]
        )
    )(large)
    presized, stepwise = (to_pil_image(view[0].clamp(0, 1).as_subclass(type(large.data))) for view in (at_once, steps))
    return presized, stepwise
