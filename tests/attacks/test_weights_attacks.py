"""Weights files from a stranger: each is refused with one WeightsError, runs nothing and loads nothing."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from petbreeds.errors import WeightsError
from petbreeds.models.backbones import build_body, find_backbone
from petbreeds.models.build import build_model
from petbreeds.models.weights import read_state


def refused(file: Path, match: str = "cannot be read safely") -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        read_state(file)
    message = str(caught.value)
    assert str(file) in message and len(message.splitlines()) <= 5 and len(message) < 1000


class Burglar:
    """Pickled, it leaves a folder behind as soon as somebody unpickles it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".pkl", ".bin", ".safetensors", ""])
@pytest.mark.parametrize("writer", ["pickle", "torch", "torch legacy"])
def test_a_file_that_would_run_code(tmp_path: Path, suffix: str, writer: str) -> None:
    marker, file = tmp_path / "burgled", tmp_path / f"net{suffix}"
    content = {"0.weight": torch.ones(2), "state_dict": Burglar(marker)}
    if writer == "pickle":
        file.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=writer == "torch")
    refused(file)
    with pytest.raises(WeightsError):
        build_model("test_resnet", 3, weights=str(file))
    assert not marker.exists()


def test_the_trap_works_where_somebody_steps_into_it(tmp_path: Path) -> None:
    torch.save(Burglar(tmp_path / "burgled"), tmp_path / "net.pth")
    torch.load(tmp_path / "net.pth", weights_only=False)
    assert (tmp_path / "burgled").exists()


def test_a_whole_pickled_model(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "net.pth")
    refused(tmp_path / "net.pth")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file(tmp_path: Path, suffix: str) -> None:
    whole, file = tmp_path / f"whole{suffix}", tmp_path / f"net{suffix}"
    state = {"weight": torch.randn(64, 64)}
    save_file(state, whole) if suffix == ".safetensors" else torch.save(state, whole)
    content = whole.read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:length])
        refused(file)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"not weights at all", b"\0" * 4096, b"\xff" * 4096, b"<html>404</html>", b"\n"])
def test_a_file_of_something_else(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"net{suffix}").write_bytes(content)
    refused(tmp_path / f"net{suffix}")


def test_an_error_without_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise EOFError

    (tmp_path / "net.pth").write_bytes(b"x")
    monkeypatch.setattr(torch, "load", fail)
    refused(tmp_path / "net.pth", "cannot be read safely: EOFError")


@pytest.mark.parametrize("name", ["nowhere.pth", "", "../nowhere.safetensors", "a\0b.pth", "x" * 5000])
def test_a_file_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="There is no weights file") as caught:
        read_state(f"{tmp_path}/{name}")
    assert len(str(caught.value)) < 500


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "net.pth").mkdir()
    refused(tmp_path / "net.pth", "There is no weights file")


@pytest.mark.skipif(os.name != "posix", reason="named pipes are a matter of POSIX")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.pth")
    refused(tmp_path / "net.pth", "There is no weights file")


SELF: dict[str, Any] = {}
SELF["model"] = SELF
NO_STATES: dict[str, Any] = {
    "a number": 3,
    "a list": [torch.ones(2)],
    "a tensor": torch.ones(2),
    "empty": {},
    "an empty wrapper": {"state_dict": {}},
    "text among the tensors": {"weight": torch.ones(2), "note": "hello"},
    "numbers as names": {0: torch.ones(2), 1: torch.zeros(2)},
    "wrappers only": {"state_dict": {"model": {"state_dict": {"model": {"state_dict": {"weight": torch.ones(1)}}}}}},
    "itself": SELF,
    "a tensor without numbers": {"weight": torch.ones(2, device="meta")},
    "a sparse tensor": {"weight": torch.eye(2).to_sparse()},
}


@pytest.mark.parametrize("kind", NO_STATES)
def test_what_is_no_state_dict(tmp_path: Path, kind: str) -> None:
    torch.save(NO_STATES[kind], tmp_path / "net.pth")
    refused(tmp_path / "net.pth", "does not hold a state dict")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    import timm

    return dict(timm.create_model("test_resnet", pretrained=False).state_dict())


def build_with(state: dict[str, torch.Tensor], folder: Path) -> nn.Module:
    torch.save(state, folder / "net.pth")
    return build_body(find_backbone("test_resnet"), str(folder / "net.pth"))[0]


def test_wrong_shapes_and_missing_tensors(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    name = "layer1.0.conv1.weight"
    for forged in (
        {**state, name: torch.zeros(1)},
        {**state, name: torch.zeros(())},
        {**state, name: torch.zeros(1).expand(1_000_000, 1_000_000, 1_000)},  # four bytes that claim to be petabytes
        {key: value for key, value in state.items() if key != name},
    ):
        with pytest.raises(WeightsError, match=f"1 of {len(state)} tensors are missing or differ.*{name}") as caught:
            build_with(forged, tmp_path)
        assert "net.pth" in str(caught.value)


def test_weights_of_another_network(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    with pytest.raises(WeightsError, match="does not fit"):
        build_with({f"strange.{name}": value for name, value in list(state.items())[1:]}, tmp_path)


def test_a_classifier_of_the_wrong_shape_does_no_harm(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    body = build_with({**state, "fc.weight": torch.zeros(3, 3), "fc.bias": torch.zeros(3)}, tmp_path)
    assert torch.equal(body.state_dict()["0.0.weight"], state["conv1.0.weight"])
