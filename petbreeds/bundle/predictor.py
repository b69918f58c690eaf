"""Open a bundle and let it answer; without fastai, and without running anything that the bundle brings along.

A Predictor never changes after it was made, so threads may share it. It reads local photos only; addresses are refused.
"""

from __future__ import annotations

import glob
import html
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from petbreeds.bundle.files import read_plain_file
from petbreeds.bundle.pixels import PixelRule, decode_batches
from petbreeds.bundle.schema import INFO_FILE, MAX_JSON_BYTES, BundleInfo
from petbreeds.bundle.tensors import load_model
from petbreeds.data.photos import PhotoSource, find_photos
from petbreeds.errors import BundleError, ChoiceError, DataError, examples
from petbreeds.models.devices import device_of
from petbreeds.predictions import Predictions

BATCH_BYTES = 256 * 2**20  # of pixels in one batch, so that a bundle that asks for 4,096-pixel photos fits in memory
NOT_FINITE = "The model gave no finite answer for this photo."

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATHS = (str, os.PathLike)
_IN_MEMORY = (bytes, bytearray, memoryview, Image.Image)

Progress = Callable[[int, int], Any]


def load_predictor(path: str | os.PathLike[str]) -> Predictor:
    """Open a bundle folder, or a run folder with the bundle in `model/`, and return its Predictor.

    Sizes and checksums are compared before anything is parsed, and every tensor with the network before it is used; no
    code from the folder runs. Raises BundleError for anything else.
    """
    folder = _find_bundle(Path(os.path.expanduser(path)))
    try:
        info = read_info(folder)
        return Predictor(load_model(info, folder), info)
    except BundleError as error:
        raise BundleError(f"The bundle {folder} cannot be opened.\n{error}") from error


def read_info(folder: Path) -> BundleInfo:
    """Read and check the bundle.json of a folder, without looking at the weights."""
    content = read_plain_file(folder / INFO_FILE, MAX_JSON_BYTES)
    try:
        return BundleInfo.from_json(content.decode())
    except UnicodeDecodeError:
        raise BundleError(f"{INFO_FILE} is not text (UTF-8). Copy the whole folder of the model again.") from None


def _find_bundle(path: Path) -> Path:
    for folder in (path, path / "model"):
        if os.path.lexists(folder / INFO_FILE):
            return folder
    if path.is_dir():
        found = examples(sorted(entry.name for entry in path.iterdir())) or "nothing"
        state = f"{path} is no bundle: it holds {found}, and no {INFO_FILE}"
    else:
        state = f"{path} is {'a file, not a folder' if path.exists() else 'not there'}"
    pickled = path.suffix in (".pkl", ".pth", ".pt")
    hint = "\nPickled learners are not opened: they can run code. Load it where it was made." if pickled else ""
    raise BundleError(
        f'{state}.{hint}\nGive the folder that learn.export("FOLDER") or `petbreeds train PATH --out FOLDER` wrote.'
    )


class Predictor:
    """A model that answers for photos; it holds the network in eval mode, its facts and its pixel rule.

    The network may lie on any device; answers come back to the CPU. Nothing in it changes when it predicts. Give a copy
    of a model that is still to be trained: the network is put into eval mode here.
    """

    def __init__(self, model: nn.Module, info: BundleInfo) -> None:
        self.info = info
        self.vocab = list(info.vocab)
        self.rule = PixelRule.from_dict(info.pixels)
        self.model = model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def predict(
        self,
        source: PhotoSource | Iterable[PhotoSource],
        bs: int = 32,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> Predictions:
        """Answer for a photo, a folder, a pattern such as `"photos/*.jpg"`, or a list of these, in order.

        A photo is a path, bytes, a PIL image or a uint8 array `(h, w, 3)`. bs: photos per batch; answers do not depend
        on it. workers: decoding threads. progress: called with (photos done, photos in all) after each batch.
        An unreadable photo is a row with its reason in `errors`; a path given alone that does not exist is a DataError.
        """
        if not isinstance(bs, int) or bs < 1:
            raise ChoiceError(f"bs is {bs!r}; allowed: a whole number of at least 1.")
        photos = list_sources(source)
        probs = np.full((len(photos), len(self.vocab)), np.nan, dtype=np.float32)
        errors: list[str] = []
        for start, batch, reasons in decode_batches(photos, self.rule, self._batch_size(bs), workers):
            answers = self.probabilities(batch)
            for i, reason in enumerate(reasons):
                errors.append(reason or ("" if np.isfinite(answers[i]).all() else NOT_FINITE))
                if not errors[-1]:
                    probs[start + i] = answers[i]
            if progress is not None:
                progress(len(errors), len(photos))
        return Predictions([name_of(photo, i) for i, photo in enumerate(photos)], self.vocab, probs, None, errors)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Return float32 probabilities `(n, classes)` for normalised photos `(n, 3, size, size)`.

        Softmax rows add to 1; sigmoid rows hold one independent probability per class.
        """
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).to(device_of(self.model), memory_format=torch.channels_last)
            scaled = self.model(pixels).float() / self.info.temperature
            answers = scaled.sigmoid() if self.info.activation == "sigmoid" else scaled.softmax(dim=1)
        return answers.cpu().numpy()

    def _batch_size(self, bs: int) -> int:
        return max(1, min(bs, BATCH_BYTES // (12 * self.rule.size**2)))

    def __repr__(self) -> str:
        size = self.rule.size
        return f"Predictor({self.info.arch}, {len(self.vocab)} classes, {size} x {size} pixels{self._measured()})"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p><p>{html.escape(examples(self.vocab, limit=10))}</p>"

    def _measured(self) -> str:
        error = self.info.metrics.get("error_rate")
        return f", error {100 * error:.1f} %" if isinstance(error, (int, float)) else ""


def list_sources(source: Any) -> list[PhotoSource]:
    """Return the photos that a source stands for, in order: folders and patterns opened, all else as it is.

    >>> list_sources([b"one", b"two"])
    [b'one', b'two']
    """
    if isinstance(source, _PATHS):
        return _list_path(source, alone=True)
    one_array = isinstance(source, np.ndarray) and source.ndim < 4 and source.dtype.kind not in "OU"
    if one_array or isinstance(source, _IN_MEMORY):
        return [source]
    if not isinstance(source, Iterable):
        raise DataError(
            f"Cannot predict for a {type(source).__name__}.\n"
            "Give a path, a folder, a pattern, bytes, a PIL image, a uint8 array, or a list of these."
        )
    listed = [_list_path(item, alone=False) if isinstance(item, _PATHS) else [item] for item in source]
    return [photo for group in listed for photo in group]


def _list_path(source: str | os.PathLike[str], alone: bool) -> list[PhotoSource]:
    text = os.fspath(source)
    if _ADDRESS.match(text):
        raise DataError(
            f"{text[:200]} is an address, and petbreeds fetches nothing unasked.\nDownload the photo, give the file."
        )
    path = Path(os.path.expanduser(text))
    if os.path.isdir(path):  # unlike Path's, os.path's tests also take names too long for any file
        return list(find_photos(path))
    if os.path.exists(path):
        return [path]
    if isinstance(source, str) and glob.has_magic(source):
        found = sorted(name for name in glob.glob(str(path), recursive=True) if os.path.isfile(name))
        if found:
            return list(found)
        raise DataError(f"No file matches the pattern {source!r}.\nIt is read from the folder {Path.cwd()}.")
    if alone:
        raise DataError(
            f"There is no photo {text!r}.\nLooked for {path.absolute()}; give a photo, a folder or a pattern."
        )
    return [path]  # one missing photo of many is a row with its reason, and the others are answered


def name_of(photo: PhotoSource, number: int) -> str:
    """Return the name of a photo in a table: its path, or `<image 3>` for one that has none."""
    return os.fspath(photo) if isinstance(photo, _PATHS) else f"<image {number}>"
