"""What a device gains from, so that speed is asked for in one place.

Answers depend on the processor alone, never on a measurement: the same machine always takes the same path, and so gives
the same numbers.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import torch
from torch import nn


@functools.cache
def cpu_gains_from_bf16() -> bool:
    """Tell whether this processor multiplies bfloat16 in hardware (AVX-512 BF16 or AMX).

    Without it torch emulates bfloat16, which is slower than float32.
    """
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def has_depthwise(model: nn.Module) -> bool:
    """Tell whether a network has depthwise convolutions, whose backward pass is slow in bfloat16 on a CPU."""
    convolutions = [part for part in model.modules() if isinstance(part, nn.Conv2d)]
    return any(part.groups > 1 and part.groups == part.in_channels for part in convolutions)


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model's first parameter."""
    return next(model.parameters()).device


def describe_device(device: torch.device) -> str:
    """Name a device for a person: the graphics card's own name, or the number of CPU threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({torch.get_num_threads()} threads)" if device.type == "cpu" else device.type


@contextlib.contextmanager
def half_precision(device: torch.device) -> Iterator[None]:
    """Run the block in half precision (bfloat16 where there is a choice) if the device gains from it.

    For features, whose user (a regression, a later stage) does not notice a relative error of 1/256; never for reported
    probabilities.
    """
    half = device.type == "cuda" or (device.type == "cpu" and cpu_gains_from_bf16())
    dtype = torch.bfloat16 if device.type == "cpu" or not half or torch.cuda.is_bf16_supported() else torch.float16
    with torch.autocast(device.type if half else "cpu", dtype=dtype, enabled=half):
        yield
