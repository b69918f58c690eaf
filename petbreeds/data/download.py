"""Fetch one large file over HTTP, going on where an earlier try broke off.

The file appears under its name only when it is whole. Which file, and whether to ask the network at all, is the caller's
choice.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from petbreeds.errors import DataError

OFFLINE_HELP = (
    "Without a network: fetch the file on another machine and put it at the path above, or give a folder of photos,\n"
    "or call petbreeds.train() with no path: it draws its own pets.\n"
    "A download that broke off goes on from there at the next call."
)
TIMEOUT = 30  # seconds without a byte: the server of the pets is known to stall
_CHUNK = 1 << 20

Progress = Callable[[int, int], object]  # called with (bytes done, bytes in all; 0 where unknown)


def download(
    url: str,
    target: str | os.PathLike[str],
    *,
    size: int | None = None,
    md5: str | None = None,
    opener: Callable[..., Any] = urllib.request.urlopen,
    progress: Progress | None = None,
    attempts: int = 3,
) -> Path:
    """Fetch `url` to `target` and return it; a file that is already there is kept.

    size, md5: what the file must have. Bytes gather in `target` + `.part`; a later try asks for the missing rest (HTTP
    Range) and starts anew where the server sends all. Raises DataError: offline, not found, or not the file expected.
    """
    if not url.startswith(("https://", "http://")):
        raise DataError(f"Cannot fetch {url}.\nGive an address that begins with https:// or http://.")
    path = Path(target)
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    for attempt in range(attempts):
        try:
            _fetch_rest(url, part, opener, progress)
            break
        except (OSError, http.client.HTTPException) as error:  # URLError, HTTPError and timeouts are OSErrors
            gone = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 416
            if gone or attempt == attempts - 1:
                raise DataError(f"Cannot fetch {url}\nto {path}: {error}.\n{OFFLINE_HELP}") from error
    _check_whole(part, url, size, md5)
    os.replace(part, path)
    return path


def _fetch_rest(url: str, part: Path, opener: Callable[..., Any], progress: Progress | None) -> None:
    """Append what is missing; ConnectionError where fewer bytes come than were promised."""
    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-"} if done else {}
    try:
        response = opener(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # what is here reaches beyond the file: it is whole, or another file
            if _total_of(error.headers.get("Content-Range")) == done:
                return
            part.unlink()
        raise
    with response:
        if response.status != 206:
            done = 0
        promised = response.headers.get("Content-Length")
        total = done + int(promised) if promised else 0
        with part.open("ab" if done else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
    if done < total:
        raise ConnectionError(f"the connection broke off after {done:,} of {total:,} bytes")


def _total_of(content_range: str | None) -> int:
    total = (content_range or "").rpartition("/")[2]
    return int(total) if total.isdigit() else -1


def _check_whole(part: Path, url: str, size: int | None, md5: str | None) -> None:
    found = part.stat().st_size
    fault = f"it has {found:,} bytes, expected {size:,}" if size is not None and found != size else ""
    if not fault and md5 is not None and _md5_of(part) != md5.lower():
        fault = f"its MD5 sum is {_md5_of(part)}, expected {md5}"
    if fault:
        part.unlink()  # going on from wrong bytes would never end well
        raise DataError(
            f"{url} did not send the file expected: {fault}.\nTry again; if it persists, the file has changed."
        )


def _md5_of(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
