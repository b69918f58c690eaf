"""What a device gains from: answers of the right kind on any processor, and no gradients in fast inference."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from petbreeds.models.devices import cpu_gains_from_bf16, describe_device, device_of, half_precision, has_depthwise

CPU = torch.device("cpu")


def test_the_processor_gives_the_same_answer_twice() -> None:
    assert cpu_gains_from_bf16() in (True, False)
    assert cpu_gains_from_bf16() is cpu_gains_from_bf16()


def test_a_torch_without_the_probes_means_no_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, probe, raising=False)
    assert cpu_gains_from_bf16.__wrapped__() is False


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(8, 8, 3, groups=8), True),
        (nn.Conv2d(8, 16, 3, groups=8), True),  # depthwise with a multiplier
        (nn.Conv2d(8, 8, 3, groups=2), False),
        (nn.Conv2d(1, 8, 3), False),  # one channel is one group, but an ordinary convolution
        (nn.Linear(8, 8), False),
    ],
)
def test_has_depthwise(layer: nn.Module, expected: bool) -> None:
    assert has_depthwise(nn.Sequential(nn.Conv2d(3, 8, 1), layer)) is expected


def test_device_of_a_model() -> None:
    assert device_of(nn.Linear(2, 2)) == CPU
    assert device_of(nn.Linear(2, 2, device="meta")) == torch.device("meta")


def test_a_device_is_described_for_a_person() -> None:
    assert describe_device(CPU) == f"cpu ({torch.get_num_threads()} threads)"
    assert describe_device(torch.device("mps")) == "mps"


@pytest.mark.parametrize("gains", [True, False])
def test_half_precision_is_bf16_only_where_it_pays(gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("petbreeds.models.devices.cpu_gains_from_bf16", lambda: gains)
    layer = nn.Linear(16, 4)
    photos = torch.randn(8, 16)
    with torch.no_grad(), half_precision(CPU):
        fast = layer(photos)
    exact = layer(photos)
    assert fast.dtype == (torch.bfloat16 if gains else torch.float32)
    assert not fast.requires_grad and exact.requires_grad and exact.dtype == torch.float32
    assert torch.allclose(fast.float(), exact, atol=0.05)
    assert not torch.is_autocast_enabled("cpu")


def test_half_precision_is_left_when_the_block_fails() -> None:
    with pytest.raises(KeyError), half_precision(CPU):
        raise KeyError("in the block")
    assert not torch.is_autocast_enabled("cpu")
