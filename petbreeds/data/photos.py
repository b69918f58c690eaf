"""Find the photos of a folder and open any of them as plain RGB.

The one door for photos: training, checks, prediction and the pages all come through here, so they agree on what is a
photo and on every pixel of it. Colour profiles are not applied: nobody's training pipeline applies them either.
"""

from __future__ import annotations

import difflib
import os
import struct
import unicodedata
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, Union

import numpy as np
from PIL import Image

from petbreeds.errors import DataError

PHOTO_EXTENSIONS = frozenset(
    [".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"]
)
MAX_PIXELS = 100_000_000  # a file of a few kilobytes can ask for gigabytes, and hardly any camera makes this many
# Only these decoders may touch a file: others (EPS) start programs, and no photo of a pet needs them.
PHOTO_FORMATS = ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]
if find_spec("PIL.AvifImagePlugin"):  # Pillow 11.3 brought it
    PHOTO_FORMATS.append("AVIF")
STRANGE_FOLDERS = frozenset(["__MACOSX"])

PhotoSource = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, Image.Image, np.ndarray]
Made = TypeVar("Made")

_ORIENTATION_TAG = 0x0112
_BROKEN = (
    OSError,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
)  # what PIL raises on damage
_ORIENTATIONS = {  # EXIF 2.3, table 4: what to do so that the photo stands upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class TooManyPixels(DataError):
    """A photo larger than MAX_PIXELS, refused before a pixel of it is decoded."""


class FileFacts(NamedTuple):
    """What a photo's file says of itself, before it is turned upright and made RGB.

    mode: PIL's, followed by ";16" where a colour has 16 bits. orientation: EXIF's, 1 to 8 (1: upright).
    """

    format: str
    mode: str
    width: int
    height: int
    animated: bool
    orientation: int


def find_photos(folder: str | os.PathLike[str]) -> list[Path]:
    """Return every photo below a folder, in the same order on every machine.

    A photo has one of PHOTO_EXTENSIONS in its name; hidden files (also macOS's `._*`), hidden folders and strangers such
    as `.mat` are passed over. Where `images/` and `annotations/` lie side by side (the Oxford pets), only `images/`
    counts. The order is that of the path relative to `folder`, written with `/`. Linked folders are followed once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("pug_2.jpg", "pug_1.JPG", "pug_1.mat", "._pug_1.jpg"):
    ...         _ = Path(folder, name).write_bytes(b"")
    ...     [path.name for path in find_photos(folder)]
    ['pug_1.JPG', 'pug_2.jpg']
    """
    root = _existing_folder(Path(folder).expanduser())
    top = root / "images" if is_oxford(root) else root
    files = _walk(top)
    photos = [path for path in files if path.suffix.lower() in PHOTO_EXTENSIONS]
    if not photos:
        raise DataError(_no_photo_message(top, files))
    return sorted(photos, key=lambda path: unicodedata.normalize("NFC", path.relative_to(root).as_posix()))


def is_oxford(folder: Path) -> bool:
    """Say whether a folder is laid out like the Oxford pets: `images/` beside `annotations/`."""
    return (folder / "images").is_dir() and (folder / "annotations").is_dir()


def open_photo(source: PhotoSource) -> Image.Image:
    """Open a path, bytes, a PIL image or a uint8 array `(h, w)`, `(h, w, 1 | 3 | 4)` as an upright RGB image.

    The EXIF orientation is applied, transparency is laid on white, 16-bit greys are scaled to 8 bits, and of an animated
    file the first frame counts. An RGB image that needs none of this is handed on without a copy. Safe in threads.
    Raises TooManyPixels above MAX_PIXELS, and DataError (naming the file) for anything else that is no readable photo.

    >>> open_photo(np.zeros((2, 3), dtype=np.uint8)).size
    (3, 2)
    """
    if isinstance(source, np.ndarray):
        return _standard(_from_array(source), "this array")
    if isinstance(source, Image.Image):
        return _standard(source, str(getattr(source, "filename", "") or "this image"))
    if isinstance(source, (bytes, bytearray, memoryview)):
        name = f"these {len(source):,} bytes"
        return _decode(lambda: BytesIO(source), name, _standard)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return _decode(lambda: path.open("rb"), str(path), _standard)
    raise DataError(
        f"Cannot open a {type(source).__name__} as a photo. Give a path, bytes, a PIL image or a numpy array."
    )


def open_with_facts(path: str | os.PathLike[str]) -> tuple[Image.Image, FileFacts]:
    """Open a file as `open_photo` does, and tell what it was before: one decoding for both."""
    return _decode(lambda: Path(path).open("rb"), str(path), _standard_and_facts)


def _existing_folder(root: Path) -> Path:
    if root.is_dir():
        return root
    if root.exists():
        raise DataError(
            f"{root} is a file, not a folder.\n"
            "Give the folder that holds the photos; unpack an archive first. For one photo use `predict`."
        )
    beside = [path.name for path in root.parent.iterdir() if path.is_dir()] if root.parent.is_dir() else []
    near = difflib.get_close_matches(root.name, beside, n=1)
    hint = f" Did you mean {str(root.parent / near[0])!r}?" if near else ""
    raise DataError(
        f"There is no folder {root}.{hint}\n"
        f"Looked for {root.absolute()}; give the folder that holds the photos, or no folder for the drawn pets."
    )


def _walk(top: Path) -> list[Path]:
    """List the files below a folder; folders that cannot be listed are an error: photos would be missing unnoticed."""
    files: list[Path] = []
    seen: set[str] = set()
    for parent, folders, names in os.walk(top, onerror=_refuse_unreadable, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link back to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in STRANGE_FOLDERS)
        files += [Path(parent, name) for name in names if not name.startswith(".")]
    return files


def _refuse_unreadable(error: OSError) -> None:
    raise DataError(
        f"Cannot list the folder {error.filename}: {error.strerror or error}.\n"
        "Give yourself the right to read it, or move the photos to a folder you may read."
    ) from error


def _no_photo_message(folder: Path, files: list[Path]) -> str:
    kinds = Counter(path.suffix.lower() or "(no extension)" for path in files)
    seen = ", ".join(f"{kind} ({count:,})" for kind, count in kinds.most_common(5))
    found = f"It holds {len(files):,} other files: {seen}" if files else "It is empty"
    return (
        f"There is no photo in {folder}. {found}.\n"
        f"Photos end in {', '.join(sorted(PHOTO_EXTENSIONS))}.\n"
        "Give the folder that holds the photos, or the folder above its class folders."
    )


def _decode(open_file: Callable[[], Any], name: str, make: Callable[[Image.Image, str], Made]) -> Made:
    try:
        with open_file() as file, Image.open(file, formats=PHOTO_FORMATS) as image:
            return make(image, name)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels(_too_many(name, str(error))) from error
    except Exception as error:  # on damaged files PIL raises nearly every kind there is, from OSError to KeyError
        raise DataError(_unreadable_message(name, error)) from error


def _standard(image: Image.Image, name: str) -> Image.Image:
    """Check the size, decode, turn upright and convert: the same for every source."""
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise TooManyPixels(_too_many(name, f"{image.width:,} x {image.height:,} = {pixels:,} pixels"))
    try:
        image.load()
        turn = _ORIENTATIONS.get(_orientation(image))
        upright = _as_rgb(image)
    except Exception as error:  # see _decode
        raise DataError(_unreadable_message(name, error)) from error
    if turn is None:
        return upright
    upright = upright.transpose(turn)
    upright.info = {}  # else the next reader of its EXIF would turn it again
    return upright


def _standard_and_facts(image: Image.Image, name: str) -> tuple[Image.Image, FileFacts]:
    kind = "JPEG" if image.format == "MPO" else str(image.format)  # a camera's JPEG with a preview behind it
    deep = ";16" if image.mode in ("RGB", "RGBA") and ";16" in str(getattr(image, "tile", "")) else ""
    before = (kind, image.mode + deep, image.width, image.height, kind != "JPEG" and _is_animated(image))
    return _standard(image, name), FileFacts(*before, orientation=_orientation(image))


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except _BROKEN:
        return False  # what follows the first frame is cut off, and only the first frame counts


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except _BROKEN:
        return 1  # broken EXIF is common and says nothing about the pixels


def _as_rgb(image: Image.Image) -> Image.Image:
    """Convert any PIL mode to RGB so that what a person sees stays as it is."""
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa"):
        layered = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layered, mask=layered.getchannel("A"))
        return white
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey_as_rgb(np.asarray(image), image.mode)
    return image if image.mode == "RGB" else image.convert("RGB")


def _deep_grey_as_rgb(values: np.ndarray, mode: str) -> Image.Image:
    """Scale greys of 16 bits, 32 bits or floats to 8 bits; PIL itself would clip them to white.

    The full scale of 16 bits is known; otherwise it is the smallest usual one that holds the largest value.
    """
    top = float(np.nan_to_num(values).max())
    usual = [65535.0] if mode.startswith("I;16") else [1.0, 255.0, 65535.0] if mode == "F" else [255.0, 65535.0]
    scale = next((limit for limit in usual if top <= limit), top)
    greys = np.clip(np.nan_to_num(values) * (255.0 / scale), 0, 255).round().astype(np.uint8)
    return Image.fromarray(greys).convert("RGB")


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8:
        raise DataError(
            f"This array holds {array.dtype}; expected uint8 from 0 to 255. Scale it, then `.astype('uint8')`."
        )
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise DataError(
            f"This array has shape {array.shape}; expected (height, width), or (height, width, channels) with 1, 3 or 4."
        )
    return Image.fromarray(array)


def _too_many(name: str, found: str) -> str:
    return (
        f"{name} is too large: {found}.\n"
        f"At most {MAX_PIXELS:,} pixels are opened, so that a small file cannot fill the memory.\n"
        "Shrink it with an image editor, or leave it out."
    )


def _unreadable_message(name: str, error: Exception) -> str:
    return f"Cannot read {name}: {_reason(name, error)}.\nRepair or replace it, or leave it out."


def _reason(name: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    if isinstance(error, PermissionError):
        return "you may not read it (permission denied)"
    if isinstance(error, Image.UnidentifiedImageError):
        empty = name.startswith("these 0 bytes") or (os.path.isfile(name) and os.path.getsize(name) == 0)
        return "it is empty (0 bytes)" if empty else "it is no photo, whatever its name says"
    if "truncated" in str(error).lower():
        return f"it is cut short ({error})"
    return f"it is damaged ({type(error).__name__}: {str(error)[:120]})"
