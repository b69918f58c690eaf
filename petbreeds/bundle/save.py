"""Write a model as a folder that anyone may open: weights, facts and a card, and no pickle.

The folder appears whole or not at all; an older bundle of that name stays until the new one is complete.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from torch import nn

from petbreeds.bundle.card import write_card
from petbreeds.bundle.files import describe, read_plain_file
from petbreeds.bundle.schema import CARD_FILE, INFO_FILE, MAX_JSON_BYTES, MODEL_FILE, BundleInfo
from petbreeds.bundle.tensors import blank_model, check_layout, layout_of, plain_state
from petbreeds.errors import BundleError, examples


def save_bundle(model: nn.Module, info: BundleInfo, folder: str | os.PathLike[str]) -> Path:
    """Write `model.safetensors`, `bundle.json` and `README.md` into `folder`, and return its path.

    `info.files` is filled in here. Half precision is stored as float32. Raises BundleError, and leaves everything as it
    was, for a model that `info` does not describe, and for a folder that holds anything but a bundle.

    >>> import tempfile
    >>> from petbreeds.bundle.pixels import PixelRule
    >>> from petbreeds.models.build import build_model
    >>> info = BundleInfo("resnet18", "linear", ["cat", "dog"], PixelRule().to_dict())
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     saved = save_bundle(build_model("resnet18", 2, weights=None), info, f"{parent}/pets")
    ...     sorted(path.name for path in saved.iterdir())
    ['README.md', 'bundle.json', 'model.safetensors']
    """
    from safetensors.torch import save

    target = Path(os.path.realpath(os.path.expanduser(folder)))
    state = plain_state(model)
    check_layout(layout_of(state), layout_of(blank_model(info).state_dict()), "This model")
    weights = save(state, metadata={"format": "pt"})
    complete = dataclasses.replace(info, files={MODEL_FILE: describe(weights)})
    contents = {
        MODEL_FILE: weights,
        INFO_FILE: complete.to_json().encode(),
        CARD_FILE: write_card(complete).encode(),
    }
    try:
        refuse_other_folder(target)
        with new_folder(target) as fresh:
            for name, content in contents.items():
                _write_through(fresh / name, content)
    except OSError as error:
        why = error.strerror or error
        raise BundleError(f"{target} cannot be written: {why}.\nNothing was changed there.") from error
    return target


def refuse_other_folder(folder: Path) -> None:
    """Raise BundleError if something other than a bundle or an empty folder lies at `folder`: it would be lost."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BundleError(f"{folder} is a file. Export to a folder of another name.")
    names = {path.name for path in folder.iterdir()}
    strangers = sorted(names - _names_of_bundle(folder)) if INFO_FILE in names else sorted(names)
    if strangers:
        raise BundleError(
            f"{folder} holds {examples(strangers)}, which is no part of a bundle and would be lost.\n"
            "Export to a new folder, or move these away first."
        )


def _names_of_bundle(folder: Path) -> set[str]:
    names = {INFO_FILE, MODEL_FILE, CARD_FILE}
    try:
        text = read_plain_file(folder / INFO_FILE, MAX_JSON_BYTES).decode()
        return names | set(BundleInfo.from_json(text).files)
    except (BundleError, UnicodeDecodeError):
        return names  # damaged, or of another version: then only the names that every bundle has


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder beside `target` to fill; at the end it takes the place of `target` whole.

    If filling it fails, it is removed and `target` is as it was. Between two renames `target` is away for an instant.
    """
    mark = uuid.uuid4().hex[:8]
    fresh, old = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in ("new", "old"))
    fresh.mkdir(parents=True)
    try:
        yield fresh
        _sync_folder(fresh)
        _swap(fresh, target, old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
    _sync_folder(target.parent)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    if not target.exists():
        fresh.rename(target)
        return
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if not target.exists():  # else another process was quicker, and its bundle is as good
            old.rename(target)
        raise


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # Windows opens no folders and some network drives cannot sync them; the files in it are safe by now
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
