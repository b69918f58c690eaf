"""The weights file: written from a model, and read back only if every tensor is the one the named network asks for.

What a file declares is compared with a network built without memory (torch's meta device) before anything of its size
is read or allocated. Networks whose code keeps tensors outside of its weights are built a second time for real.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from petbreeds.bundle.files import read_listed_file
from petbreeds.bundle.schema import MODEL_FILE, BundleInfo
from petbreeds.bundle.strict_json import read_strict_json, short
from petbreeds.errors import BundleError, PetBreedsError, examples
from petbreeds.models.build import build_model

MAX_HEADER = 32 * 2**20
DTYPES = {  # safetensors' names for the kinds of numbers that a state dict holds once half precision became float32
    torch.float64: "F64",
    torch.float32: "F32",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

State = dict[str, torch.Tensor]
Layout = dict[str, tuple[str, list[int]]]  # tensor name -> kind of numbers, shape


def plain_state(model: nn.Module) -> State:
    """Return a model's tensors as contiguous copies on the CPU, half precision as float32; not finite is refused."""
    state = {}
    for name, tensor in model.state_dict().items():
        half = tensor.dtype in (torch.float16, torch.bfloat16)
        copy = tensor.detach().to("cpu", torch.float32 if half else tensor.dtype, copy=True).contiguous()
        state[name] = copy
    _check_finite(state, "This model")
    return state


def blank_model(info: BundleInfo) -> nn.Module:
    """Build the network a bundle names, without memory for its numbers where its code allows that.

    Raises BundleError for an architecture or a head that this machine does not know.
    """
    try:
        with torch.device("meta"):
            return build_model(info.arch, len(info.vocab), info.head, weights=None)
    except PetBreedsError as error:
        raise BundleError(f"Its network cannot be built here.\n{error}") from error
    except Exception:  # a few networks compute with numbers while being built, and fail in as many ways
        return _real_model(info)


def _real_model(info: BundleInfo) -> nn.Module:
    try:
        with torch.random.fork_rng(devices=[]):  # loading must not move the user's random numbers
            return build_model(info.arch, len(info.vocab), info.head, weights=None)
    except Exception as error:  # each library has its own for a network it lists but cannot build alone
        raise BundleError(f"The network {info.arch!r} cannot be built here: {short(str(error))}.") from error


def _check_answer(model: nn.Module, info: BundleInfo) -> None:
    size, device = info.pixels["size"], next(model.parameters()).device
    try:
        with torch.no_grad():
            shape = tuple(model.eval()(torch.zeros(1, 3, size, size, device=device)).shape)
    except Exception as error:  # whatever a network says to photos of a size that it was not made for
        raise BundleError(f"{info.arch} cannot read photos of {size} pixels: {short(str(error))}.") from error
    if shape != (1, len(info.vocab)):
        raise BundleError(
            f"{info.arch} answers with {shape}, not with one number for each of {len(info.vocab)} classes."
        )


def layout_of(state: State) -> Layout:
    """Return the kind of numbers and the shape of every tensor.

    >>> layout_of({"weight": torch.zeros(2, 3)})
    {'weight': ('F32', [2, 3])}
    """
    return {name: (DTYPES.get(tensor.dtype, str(tensor.dtype)), list(tensor.shape)) for name, tensor in state.items()}


def check_layout(found: Layout, wanted: Layout, origin: str) -> None:
    """Raise BundleError unless both layouts agree in every name, kind and shape."""
    for what, names in (("missing", wanted.keys() - found.keys()), ("not wanted", found.keys() - wanted.keys())):
        if names:
            listed = examples(short(name) for name in sorted(names))
            raise BundleError(f"{origin} does not fit its network: tensors {what}: {listed}.\nExport the model again.")
    for name, expected in wanted.items():
        if found[name] != expected:
            raise BundleError(
                f"{origin} does not fit its network: {short(name)} is {short(found[name])}, not {short(expected)}.\n"
                "Its architecture, head or number of classes is another one. Export the model again."
            )


def load_model(info: BundleInfo, folder: Path) -> nn.Module:
    """Build the network of a bundle with the weights of its folder, in eval mode; every tensor is checked first."""
    model = blank_model(info)
    _check_answer(model, info)
    wanted = layout_of(model.state_dict())
    room = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()) + MAX_HEADER + 8
    content = read_listed_file(folder, MODEL_FILE, info.files, most=room)
    check_layout(read_layout(content, MODEL_FILE), wanted, MODEL_FILE)
    state = _parse(content, MODEL_FILE)
    del content
    if _has_other_tensors(model):
        model = _real_model(info)
    model.load_state_dict(state, assign=True)
    return model.eval().requires_grad_(False)


def _has_other_tensors(model: nn.Module) -> bool:
    """Tell whether the network keeps tensors that no weights file carries, such as tables of relative positions."""
    buffers = {name for name, _ in model.named_buffers()} - model.state_dict().keys()
    return bool(buffers) or any(
        isinstance(value, torch.Tensor) for part in model.modules() for value in vars(part).values()
    )


def _parse(content: bytes, origin: str) -> State:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state = load(content)
    except SafetensorError as error:
        raise BundleError(
            f"{origin} is no valid safetensors file: {short(str(error))}.\nExport the model again."
        ) from error
    _check_finite(state, origin)
    return state


def _check_finite(state: State, origin: str) -> None:
    bad = [
        name for name, tensor in state.items() if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if bad:
        raise BundleError(
            f"{origin} holds weights that are not finite numbers: {examples(bad)}.\n"
            "Its answers would mean nothing. The training diverged: train again with a lower learning rate."
        )


def read_layout(content: bytes, origin: str) -> Layout:
    """Read the names, kinds and shapes a safetensors file declares, without believing its lengths."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 10 or length > min(MAX_HEADER, len(content) - 8):
        raise BundleError(
            f"{origin} is no safetensors file: {len(content):,} bytes, and its header claims {length:,}.\n"
            "A file that torch.save or pickle wrote is never opened: it could run code. Export the model again."
        )
    try:
        header = read_strict_json(content[8 : 8 + length])
    except BundleError as error:
        raise BundleError(f"{origin} is no safetensors file: its header is damaged.\n{error}") from None
    rows = header.items() if isinstance(header, dict) else [("header", header)]
    return {str(name): _declared(row) for name, row in rows if name != "__metadata__"}


def _declared(row: Any) -> tuple[str, Any]:
    return (str(row.get("dtype")), row.get("shape")) if isinstance(row, dict) else ("no tensor", short(row))
