"""Fetch the Oxford pets from where fastai fetches them, into fastai's own data folder.

The download itself is ours, because fastai's starts anew where it broke off, and the server is known to stall.
"""

from __future__ import annotations

from pathlib import Path

from fastai.data.external import URLs, fastai_path

from petbreeds.data.download import download
from petbreeds.data.oxford import FOLDER_NAME, extract_archive, find_oxford
from petbreeds.progress import progress_counter


def fetch_oxford() -> Path:
    """Return the folder of the Oxford pets, fetched and unpacked on first use; offline a DataError says what to do."""
    data = Path(fastai_path("data"))
    found = find_oxford(data)
    if found is not None:
        return found
    archive = Path(fastai_path("archive")) / f"{FOLDER_NAME}.tgz"
    download(URLs.PETS, archive, progress=progress_counter("bytes of the Oxford pets"))
    unpacked = extract_archive(archive, data / f"{FOLDER_NAME}-unpacked")
    (find_oxford(unpacked) or unpacked).rename(data / FOLDER_NAME)
    return find_oxford(data) or data / FOLDER_NAME
