"""Read every photo once and keep a few numbers of it, so that all checks need no second look at the files.

Decoding, hashing and measuring run in threads, one per core; a photo leaves about 700 bytes behind, so memory does not
grow with the size of the photos. Two packages do what they do well: cleanvision's brightness percentiles and imagehash's
perceptual hash, both on a much reduced picture, which costs a tenth and moves no score by what a threshold would notice.

cleanvision's own pass (Imagelab) is not used: it decodes every file twice (10 ms of one core a photo against 2.7 here),
calls 66 of 370 real photos odd in size, and its blur score cannot tell sharp photos (0.28 and up) from the same blurred by
12 pixels (up to 0.95). `detail` can: sharp ones have 0.17 and more, blurred by 4 pixels 0.06 at most.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageChops, ImageFilter, ImageStat

from petbreeds.data.photos import FileFacts, TooManyPixels, open_with_facts
from petbreeds.errors import DataError

Progress = Callable[[int, int], object]  # called with (photos done, photos in all)

THUMB = 16  # pixels a side of the small grey picture that confirms a near duplicate
_HASHED = 32  # pixels a side that imagehash's phash works on (8 x 4)
_DETAILED, _LIGHTED = 256, 64  # pixels a side, for detail (about what a network sees) and for brightness


class Measures(NamedTuple):
    """What the checks know of one photo.

    problem: "" where it could be read, else the issue (unreadable, bomb, missing) that `why` explains. dark, bright: the
    brightness that 1 % and 95 % of the pixels exceed, 0 to 1. spread: between the darkest and the brightest 1 %. detail:
    share of the fine differences that a further slight blur removes. content: a hash of the file. seen, mirrored:
    perceptual hashes (64 bits) of the photo and of its mirror image; thumb: its THUMB x THUMB greys.
    """

    path: str
    problem: str = ""
    why: str = ""
    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    animated: bool = False
    orientation: int = 1
    dark: float = 1.0
    bright: float = 0.0
    spread: float = 1.0
    detail: float = 1.0
    content: str = ""
    seen: bytes = b""
    mirrored: bytes = b""
    thumb: bytes = b""


def measure_photos(paths: Sequence[str], progress: Progress | None = None, workers: int | None = None) -> pd.DataFrame:
    """Return one row of Measures for each path, in the same order.

    progress: called after each photo with (done, in all). workers: threads; by default one per core, at most 8.

    >>> measure_photos(["nowhere.jpg"])[["problem", "why"]].iloc[0].tolist()
    ['missing', 'there is no such file']
    """
    rows = []
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:  # PIL decodes without holding the GIL
        for done, row in enumerate(pool.map(measure_photo, paths), start=1):
            rows.append(row)
            if progress is not None:
                progress(done, len(paths))
    return pd.DataFrame(rows, columns=pd.Index(Measures._fields))


def measure_photo(path: str) -> Measures:
    """Decode one photo and measure it; a photo that cannot be read is a row with a `problem`, never an error."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return Measures(path, "unreadable", "it is no ordinary file")  # opening a pipe would wait for ever
        image, facts = open_with_facts(path)
        content = _content(path)
    except FileNotFoundError:
        return Measures(path, "missing", "there is no such file")
    except OSError as error:
        return Measures(path, "unreadable", f"it cannot be opened ({error.strerror or error})")
    except DataError as error:
        return Measures(path, "bomb" if isinstance(error, TooManyPixels) else "unreadable", _why(error, path))
    return _measured(path, image, facts, content)


def _measured(path: str, image: Image.Image, facts: FileFacts, content: str) -> Measures:
    from cleanvision.issue_managers.image_property import calc_percentile_brightness

    fine = _reduced(image.convert("L"), _DETAILED)
    grey = _reduced(fine, 4 * _HASHED).resize((_HASHED, _HASHED), Image.Resampling.LANCZOS)
    lowest, low, high = (float(value) for value in calc_percentile_brightness(_reduced(image, _LIGHTED), [1, 5, 99]))
    return Measures(
        path,
        **facts._asdict(),
        dark=high,
        bright=low,
        spread=high - lowest,
        detail=_detail(fine),
        content=content,
        seen=_hashed(grey),
        mirrored=_hashed(grey.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
        thumb=grey.resize((THUMB, THUMB), Image.Resampling.BOX).tobytes(),
    )


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Average whole blocks of pixels until about side x side are left; much quicker than any resize."""
    return image.reduce(max(1, int((image.width * image.height) ** 0.5 / side)))


def _hashed(grey: Image.Image) -> bytes:
    import imagehash

    return np.packbits(imagehash.phash(grey).hash).tobytes()


def _detail(grey: Image.Image) -> float:
    """Return the share of the horizontal differences that a 3 x 3 mean removes; contrast cancels out.

    Source: the idea of Crete et al., "The blur effect", SPIE 2007: what is blurred already loses little by another blur.
    """
    before = _differences(grey)
    return 1.0 - _differences(grey.filter(ImageFilter.BoxBlur(1))) / before if before else 1.0


def _differences(grey: Image.Image) -> float:
    """Return the sum of the differences between neighbours in a row; PIL counts them in a fifth of numpy's time."""
    width, height = grey.size
    left, right = grey.crop((0, 0, width - 1, height)), grey.crop((1, 0, width, height))
    return float(ImageStat.Stat(ImageChops.difference(left, right)).sum[0]) if width > 1 else 0.0


def _content(path: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _why(error: DataError, path: str) -> str:
    first_line = str(error).splitlines()[0].rstrip(".")
    return first_line.removeprefix(f"Cannot read {path}: ").removeprefix(f"{path} ")
