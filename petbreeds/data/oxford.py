"""The Oxford-IIIT pets: how the real data set is laid out, what is wrong in it, and how to fetch it safely.

Source: O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar, "Cats and Dogs", CVPR 2012. Where it is fetched from is
decided by the caller. An archive is a stranger's file: it is checked as a whole before anything of it is written.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import pandas as pd

from petbreeds.data.photos import is_oxford
from petbreeds.data.splits import split_frame
from petbreeds.errors import DataError

N_PHOTOS = 7_390
N_BREEDS = 37
N_TRAINVAL, N_TEST = 3_680, 3_669  # 41 photos are in neither list
FOLDER_NAME = "oxford-iiit-pet"

_CORRUPT = "its JPEG data are corrupt: some readers warn, others stop"
_DISGUISED = "a PNG or GIF that is named .jpg"
KNOWN_BAD: dict[str, str] = {  # tensorflow/models#2194; the same twelve are mended by tensorflow/datasets#5349
    "beagle_116": _CORRUPT,
    "chihuahua_121": _CORRUPT,
    **dict.fromkeys(["Abyssinian_5", "Abyssinian_34"], _DISGUISED),
    **{f"Egyptian_Mau_{i}": _DISGUISED for i in (14, 139, 145, 156, 167, 177, 186, 191)},
}

MAX_MEMBERS = 100_000  # the real archive holds about 26,000
MAX_UNPACKED_BYTES = 4 * 2**30  # the real one is 0.8 GB


class Archive(NamedTuple):
    """What a checked archive holds: how many files, and how many bytes once unpacked."""

    n_files: int
    n_bytes: int


def find_oxford(folder: str | os.PathLike[str]) -> Path | None:
    """Return the folder that holds `images/` and `annotations/`: the given one or `oxford-iiit-pet` in it; else None.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("images", "annotations"):
    ...         Path(folder, "oxford-iiit-pet", name).mkdir(parents=True)
    ...     find_oxford(folder).name
    'oxford-iiit-pet'
    """
    places = [Path(folder).expanduser(), Path(folder).expanduser() / FOLDER_NAME]
    return next((place for place in places if is_oxford(place)), None)


def official_split(frame: pd.DataFrame, folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Divide as the authors did: `annotations/trainval.txt` to learn from, `annotations/test.txt` to check with.

    Photos in neither list (41 of the full set) are set aside as "test". Raises DataError where a list is missing.
    """
    root = find_oxford(folder)
    if root is None:
        raise DataError(
            f"{folder} holds no images/ beside annotations/, so the authors' split cannot be read.\n"
            "Give the folder of the unpacked data set, or divide by chance (valid=0.2)."
        )
    lists = [root / "annotations" / name for name in ("trainval.txt", "test.txt")]
    return split_frame(frame, valid=lists, split="list", root=root)


def known_bad(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `path, why` of the photos that are known to be faulty in the published data set.

    >>> known_bad(pd.DataFrame({"path": ["images/beagle_116.jpg", "images/pug_1.jpg"]}))["path"].tolist()
    ['images/beagle_116.jpg']
    """
    rows = [(path, KNOWN_BAD[Path(path).stem]) for path in frame["path"] if Path(path).stem in KNOWN_BAD]
    return pd.DataFrame(rows, columns=pd.Index(["path", "why"]))


def check_archive(archive: str | os.PathLike[str]) -> Archive:
    """Read through a tar file and raise DataError unless every member is a plain file or folder inside it.

    Refused are absolute paths, `..`, links, devices, and more members or bytes than MAX_MEMBERS and MAX_UNPACKED_BYTES.
    """
    n_files = n_bytes = 0
    try:
        with tarfile.open(archive, "r:*") as opened:
            for n, member in enumerate(opened, start=1):
                n_files += member.isfile()
                n_bytes += member.size
                fault = _fault(member)
                if n > MAX_MEMBERS or n_bytes > MAX_UNPACKED_BYTES:
                    fault = f"it unpacks to more than {MAX_MEMBERS:,} files or {MAX_UNPACKED_BYTES:,} bytes"
                if fault:
                    raise DataError(
                        f"{archive} is refused: {fault}.\nNothing was unpacked. Fetch it from its source again."
                    )
    except FileNotFoundError:
        raise DataError(
            f"There is no archive {archive}.\nFetch it first, or give the folder it was unpacked to."
        ) from None
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise DataError(
            f"{archive} is no complete tar archive ({error}).\nDelete it and fetch it again; fetching may have broken off."
        ) from error
    if n_files == 0:
        raise DataError(f"{archive} holds no file.\nDelete it and fetch it again.")
    return Archive(n_files, n_bytes)


def extract_archive(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Check an archive, unpack it beside `folder` and rename: the folder appears whole or not at all. Returns it."""
    target = Path(folder)
    if target.exists():
        raise DataError(f"{target} exists already.\nUse it as it is, or delete it to unpack again.")
    check_archive(archive)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:*") as opened:
            # Early 3.10 has no filters; there check_archive alone has refused what the filter would.
            safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            opened.extractall(temporary, **safely)
        temporary.replace(target)
    except (tarfile.TarError, OSError) as error:
        raise DataError(
            f"Cannot unpack {archive} to {target}: {error}.\nIs there room and the right to write?"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _fault(member: tarfile.TarInfo) -> str:
    name, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if not (member.isfile() or member.isdir()):
        return f"{member.name!r} is a link or a device"
    if name.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        return f"{member.name!r} would be written outside the folder"
    return ""
