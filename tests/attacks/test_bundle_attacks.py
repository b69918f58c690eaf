"""Weights from a stranger: each forgery is refused with one BundleError, runs nothing, and writes nothing."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forging import facts_of, forge_facts, forge_weights, make_bundle, refused, weights_of, with_header
from safetensors.torch import load, save

from petbreeds.bundle.predictor import load_predictor
from petbreeds.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "pets")


class Burglar:
    """Pickled, it leaves a file behind as soon as somebody unpickles it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("checksum", ["old", "new"])
@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_pickle_in_disguise_runs_nothing(bundle: Path, tmp_path: Path, checksum: str, writer: str) -> None:
    marker = tmp_path / "burgled"
    target = bundle / "model.safetensors"
    if writer == "pickle":
        target.write_bytes(pickle.dumps(Burglar(marker)))
    else:
        torch.save({"weights": Burglar(marker)}, target)
    if checksum == "new":
        forge_weights(bundle, target.read_bytes())
    refused(bundle, "size or checksum" if checksum == "old" else "no safetensors file")
    assert not marker.exists()
    assert pickle.loads(pickle.dumps(Burglar(marker))) is None  # the trap does work where somebody steps into it
    assert marker.exists()


def test_a_truncated_file(bundle: Path) -> None:
    content = weights_of(bundle)
    for length in (0, 7, 8, 100, len(content) - 1):
        (bundle / "model.safetensors").write_bytes(content[:length])
        refused(bundle, "size or checksum")
        forged = bundle.parent / f"forged_{length}"
        forged.mkdir()
        (forged / "bundle.json").write_bytes((bundle / "bundle.json").read_bytes())
        forge_weights(forged, content[:length])
        refused(forged, "safetensors file")


@pytest.mark.parametrize("place", [0, 8, 200, -1])
def test_a_flipped_byte(bundle: Path, place: int) -> None:
    content = bytearray(weights_of(bundle))
    content[place] ^= 1
    (bundle / "model.safetensors").write_bytes(content)
    refused(bundle, "size or checksum")


def test_a_larger_file_is_not_read_to_its_end(bundle: Path) -> None:
    with (bundle / "model.safetensors").open("ab") as file:
        file.truncate(2**40)  # a sparse file: a terabyte that takes no space
    with pytest.raises(BundleError, match="bytes"):
        load_predictor(bundle)
    forge_facts(bundle, files={"model.safetensors": {"sha256": "0" * 64, "bytes": 2**40}})
    with pytest.raises(BundleError, match="needs at most"):
        load_predictor(bundle)


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, 2**31, 33 * 2**20, 10**6])
def test_a_header_bomb(bundle: Path, length: int) -> None:
    forge_weights(bundle, length.to_bytes(8, "little") + weights_of(bundle)[8:200])
    refused(bundle, "header claims")


HEAD = "1.1.weight"
HEADERS: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("huge shape", lambda rows: {**rows, HEAD: {**rows[HEAD], "shape": [2**40, 2**20]}}, "does not fit its network"),
    ("negative shape", lambda rows: {**rows, HEAD: {**rows[HEAD], "shape": [-3, 256]}}, "does not fit its network"),
    ("shape is a text", lambda rows: {**rows, HEAD: {**rows[HEAD], "shape": "3x256"}}, "does not fit its network"),
    ("no shape", lambda rows: {**rows, HEAD: {"dtype": "F32"}}, "does not fit its network"),
    ("wrong dtype", lambda rows: {**rows, HEAD: {**rows[HEAD], "dtype": "F16"}}, "does not fit its network"),
    ("unknown dtype", lambda rows: {**rows, HEAD: {**rows[HEAD], "dtype": "PICKLE"}}, "does not fit its network"),
    ("missing", lambda rows: {name: row for name, row in rows.items() if name != HEAD}, "tensors missing"),
    ("extra", lambda rows: {**rows, "evil\x1b[2J": rows[HEAD]}, "not wanted"),
    ("outside offsets", lambda rows: {**rows, HEAD: {**rows[HEAD], "data_offsets": [0, 2**40]}}, "safetensors file"),
    ("negative offsets", lambda rows: {**rows, HEAD: {**rows[HEAD], "data_offsets": [-8, 0]}}, "safetensors file"),
    ("a hole", lambda rows: {**rows, HEAD: {**rows[HEAD], "data_offsets": [4, 4]}}, "safetensors file"),
    ("row is a list", lambda rows: {**rows, HEAD: []}, "does not fit its network"),
    ("header is a list", lambda rows: [rows], "tensors missing"),
    ("no JSON", lambda rows: b"\x80\x04\x95", "header is damaged"),
    ("deep", lambda rows: b"[" * 100_000, "header is damaged"),
    ("twice", lambda rows: b'{"a": {}, "a": {}}', "header is damaged"),
    ("empty", lambda rows: b"{}", "tensors missing"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_a_forged_header(bundle: Path, change: Callable[[dict[str, Any]], Any], reason: str) -> None:
    forge_weights(bundle, with_header(weights_of(bundle), change))
    assert "\x1b" not in refused(bundle, reason)


def test_a_huge_shape_never_reaches_the_parser(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*args: Any) -> None:
        raise AssertionError("tensors were made before their shapes were compared")

    monkeypatch.setattr("safetensors.torch.load", parse)
    forge_weights(bundle, with_header(weights_of(bundle), HEADERS[0][1]))
    refused(bundle, "does not fit its network")


def test_weights_of_another_network_or_kind(bundle: Path) -> None:
    state = load(weights_of(bundle))
    forge_weights(bundle, save({name: tensor.double() for name, tensor in state.items()}))
    refused(bundle, "does not fit its network")
    forge_weights(bundle, save({**state, HEAD: torch.zeros(4, state[HEAD].shape[1])}))
    refused(bundle, "does not fit its network")
    forge_weights(bundle, save({**state, HEAD: torch.full_like(state[HEAD], float("nan"))}))
    refused(bundle, "not finite")


@pytest.mark.parametrize(
    "name",
    ["../model.safetensors", "/etc/passwd", "C:\\model", "a/../../b", "..", "model\0.safetensors", "//host/share/x"],
)
def test_file_names_that_leave_the_folder(bundle: Path, name: str) -> None:
    files = facts_of(bundle)["files"]
    forge_facts(bundle, files={**files, name: files["model.safetensors"]})
    refused(bundle, "plain file names")


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege to make links")
@pytest.mark.parametrize("name", ["model.safetensors", "bundle.json"])
def test_a_linked_file(bundle: Path, tmp_path: Path, name: str) -> None:
    (bundle / name).rename(tmp_path / "elsewhere")
    (bundle / name).symlink_to(tmp_path / "elsewhere")
    refused(bundle, "is a link")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("name", ["model.safetensors", "bundle.json"])
def test_a_pipe_does_not_hang(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    refused(bundle, "no ordinary file")


@pytest.mark.parametrize("name", ["model.safetensors", "bundle.json"])
def test_a_folder_in_place_of_a_file(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    (bundle / name).mkdir()
    refused(bundle, "no ordinary file")


def test_missing_weights(bundle: Path) -> None:
    (bundle / "model.safetensors").unlink()
    refused(bundle, "cannot be read")


def test_weights_that_are_not_listed(bundle: Path) -> None:
    forge_facts(bundle, files={})
    refused(bundle, "lists no file")
