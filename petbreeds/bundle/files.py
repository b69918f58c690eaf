"""Files of a bundle: only ordinary ones, of the size and checksum that bundle.json lists.

A file is read once, and what was checked is what is used: nobody can exchange it in between.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any

from petbreeds.errors import BundleError


def describe(content: bytes) -> dict[str, Any]:
    """Return checksum and size of a file's content, as bundle.json lists them.

    >>> describe(b"pets")["bytes"]
    4
    """
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def read_listed_file(folder: Path, name: str, files: dict[str, dict[str, Any]], most: int) -> bytes:
    """Read a file of a bundle, of at most `most` bytes, and compare it with the size and checksum bundle.json lists."""
    path = folder / name
    if name not in files:
        raise BundleError(
            f"{folder / 'bundle.json'} lists no file {name!r}, so it cannot be checked. Export the model again."
        )
    listed = files[name]
    if listed["bytes"] > most:
        raise BundleError(
            f"{path} should have {listed['bytes']:,} bytes; its network needs at most {most:,}. It is forged."
        )
    content = read_plain_file(path, most)
    if describe(content) != listed:
        raise BundleError(
            f"{path} is not the file that was exported: its size or checksum differs ({len(content):,} bytes; "
            f"{listed['bytes']:,} listed).\nIt was damaged or changed on the way. Copy the whole folder again."
        )
    return content


def read_plain_file(path: Path, most: int) -> bytes:
    """Read an ordinary file of at most `most` bytes; a link, a device or anything larger is a BundleError.

    A link could show a stranger's folder any file of this machine; a pipe would never end.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise BundleError(f"{path} is a link or no ordinary file; put the file itself there.")
        with os.fdopen(os.open(path, flags), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise BundleError(f"{path} has {size:,} bytes; at most {most:,} are read. It is damaged or forged.")
            return file.read(most + 1)[:most]
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror or error}.\nCopy the whole folder of the model again."
        ) from error
