"""From a photo to the numbers a network sees, in numpy and PIL alone.

One rule for validation, prediction and export, so that they cannot disagree: the middle square of the photo, resized in
ONE antialiased step, scaled to 0..1 and normalised. (The book resizes twice, to 460 and then on the batch; for photos that
are not augmented one step is faster and sharper.)
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from petbreeds.data.photos import PhotoSource, open_photo
from petbreeds.errors import PetBreedsError, unknown

RESAMPLES = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class PixelRule:
    """How a photo becomes an array `(3, size, size)`.

    size: side in pixels. mean, std: per channel, for pixels between 0 and 1. crop: side of the middle square as a share
    of the photo's shorter side. resample: a name of RESAMPLES.

    >>> PixelRule(size=64).array(Image.new("RGB", (100, 80), "white"))[0, 0, 0]
    np.float32(1.0)
    """

    size: int = 224
    mean: Triple = (0.5, 0.5, 0.5)
    std: Triple = (0.5, 0.5, 0.5)
    crop: float = 1.0
    resample: str = "bicubic"

    def __post_init__(self) -> None:
        if self.resample not in RESAMPLES:
            raise unknown("resample", self.resample, RESAMPLES)

    def square(self, image: Image.Image) -> Image.Image:
        """Return the middle square of an RGB photo at `size` pixels a side."""
        side = min(image.size) * self.crop
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        return image.resize((self.size, self.size), RESAMPLES[self.resample], box=box)

    def array(self, image: Image.Image) -> np.ndarray:
        """Return the normalised float32 array `(3, size, size)` of an RGB photo."""
        scaled = np.asarray(self.square(image), dtype=np.float32) / np.float32(255)
        normal = (scaled - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        values = asdict(self)
        return {**values, "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PixelRule:
        """Read what `to_dict` gave."""
        return cls(**{**values, "mean": tuple(values["mean"]), "std": tuple(values["std"])})


Batch = tuple[int, np.ndarray, list[str]]


def decode_batches(
    sources: Sequence[PhotoSource],
    rule: PixelRule,
    batch_size: int = 32,
    workers: int | None = None,
) -> Iterator[Batch]:
    """Yield `(first index, float32 array (n, 3, size, size), errors)` for the photos in order, decoded by threads.

    `errors` holds one text per photo, empty where it was read; the array of an unreadable photo is zero and must not be
    shown as an answer. At most a few batches are held at a time, so memory does not grow with the number of photos.
    """
    count = workers if workers is not None else min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(max(1, count)) as pool:
        waiting: deque[tuple[int, list[Future[tuple[np.ndarray, str]]]]] = deque()
        for start in range(0, len(sources), batch_size):
            chunk = sources[start : start + batch_size]
            waiting.append((start, [pool.submit(_decode, source, rule) for source in chunk]))
            if len(waiting) > 2:
                yield _gather(*waiting.popleft())
        while waiting:
            yield _gather(*waiting.popleft())


def _decode(source: PhotoSource, rule: PixelRule) -> tuple[np.ndarray, str]:
    try:
        return rule.array(open_photo(source)), ""
    except PetBreedsError as error:
        return np.zeros((3, rule.size, rule.size), np.float32), str(error)


def _gather(start: int, futures: list[Future[tuple[np.ndarray, str]]]) -> Batch:
    decoded = [future.result() for future in futures]
    return start, np.stack([array for array, _ in decoded]), [error for _, error in decoded]
