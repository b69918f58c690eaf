"""A bundle appears whole or not at all, and never over something that is no bundle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

import petbreeds.bundle.save as save_room
from petbreeds.bundle.card import as_text, write_card
from petbreeds.bundle.predictor import load_predictor
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.errors import BundleError


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folder_holds_weights_facts_and_card(bundle: Path) -> None:
    assert entries(bundle) == ["README.md", "bundle.json", "model.safetensors"]
    assert entries(bundle.parent) == ["pets"]  # nothing temporary stays
    listed = json.loads((bundle / "bundle.json").read_text())["files"]["model.safetensors"]
    content = (bundle / "model.safetensors").read_bytes()
    assert listed == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_card_says_error_interval_and_use(bundle: Path) -> None:
    card = (bundle / "README.md").read_text()
    assert "**13.5 %** (95 % interval 7.5 to 23.1 %)" in card
    assert "on 74 photos" in card
    assert "learned once more" in card
    assert "petbreeds.load(" in card


def test_card_without_a_measurement_claims_none(info: BundleInfo) -> None:
    card = write_card(dataclasses.replace(info, metrics={"error_rate": None}))
    assert "not measured" in card
    assert "%" not in card


def test_card_of_many_classes_stays_short(info: BundleInfo) -> None:
    card = write_card(dataclasses.replace(info, vocab=[f"breed {number}" for number in range(5000)]))
    assert "and 4,800 more" in card
    assert len(card) < 10_000


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>", "&lt;script&gt;"),
        ("![x](http://e.vil)", r"\!\[x\]\(http\:\/\/e\.vil\)"),
        ("a|b", r"a\|b"),
        ("`code`", r"\`code\`"),
        ("www.evil.com", r"www\.evil\.com"),
        ("great_pyrenees", r"great\_pyrenees"),
        ("a\n# b", r"a \# b"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_names_in_the_card_are_text(name: str, shown: str) -> None:
    assert as_text(name) == shown


def test_saving_again_replaces_the_bundle(bundle: Path, model: nn.Module, info: BundleInfo) -> None:
    other = dataclasses.replace(info, vocab=["a", "b", "c"])
    assert save_bundle(model, other, bundle) == bundle
    assert load_predictor(bundle).vocab == ["a", "b", "c"]
    assert entries(bundle.parent) == ["pets"]


def test_an_empty_folder_is_filled(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert load_predictor(save_bundle(model, info, tmp_path / "new")).vocab == info.vocab


def test_missing_parents_are_made(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    assert (save_bundle(model, info, tmp_path / "a" / "b") / "bundle.json").is_file()


@pytest.mark.parametrize("files", [["thesis.txt"], ["bundle.json", "thesis.txt"], ["model.safetensors"]])
def test_a_folder_with_other_things_is_not_replaced(
    model: nn.Module, info: BundleInfo, tmp_path: Path, files: list[str]
) -> None:
    target = tmp_path / "work"
    target.mkdir()
    for name in files:
        (target / name).write_text("dear to me")
    with pytest.raises(BundleError, match="would be lost"):
        save_bundle(model, info, target)
    assert entries(target) == sorted(files)
    assert entries(tmp_path) == ["work"]


def test_a_file_is_not_replaced(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    (tmp_path / "pets").write_text("mine")
    with pytest.raises(BundleError, match="is a file"):
        save_bundle(model, info, tmp_path / "pets")
    assert (tmp_path / "pets").read_text() == "mine"


def test_a_failed_write_leaves_the_old_bundle(
    bundle: Path, model: nn.Module, info: BundleInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in bundle.iterdir()}

    def full_disk(path: Path, content: bytes) -> None:
        path.write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(save_room, "_write_through", full_disk)
    with pytest.raises(BundleError, match="No space left"):
        save_bundle(model, info, bundle)
    assert {path.name: path.read_bytes() for path in bundle.iterdir()} == before
    assert entries(bundle.parent) == ["pets"]


def test_a_failed_swap_puts_the_old_bundle_back(
    bundle: Path, model: nn.Module, info: BundleInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (bundle / "bundle.json").read_bytes()
    rename = Path.rename

    def no_new_name(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", no_new_name)
    with pytest.raises(BundleError, match="Permission denied"):
        save_bundle(model, info, bundle)
    assert (bundle / "bundle.json").read_bytes() == before
    assert entries(bundle.parent) == ["pets"]


def test_several_writers_leave_one_whole_bundle(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    def write(number: int) -> bool:
        try:
            save_bundle(
                model, dataclasses.replace(info, vocab=[f"{number}{letter}" for letter in "abc"]), tmp_path / "pets"
            )
        except BundleError:
            return False  # another one was quicker
        return True

    with ThreadPoolExecutor(4) as pool:
        assert any(pool.map(write, range(12)))
    assert len(load_predictor(tmp_path / "pets").vocab) == 3
    assert entries(tmp_path) == ["pets"]


@pytest.mark.skipif(os.name == "nt", reason="Windows needs a privilege to make links")
def test_a_linked_folder_keeps_its_link(bundle: Path, model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to(bundle, target_is_directory=True)
    save_bundle(model, dataclasses.replace(info, vocab=["a", "b", "c"]), link)
    assert link.is_symlink()
    assert load_predictor(bundle).vocab == ["a", "b", "c"]


def test_half_precision_is_stored_as_float32(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    saved = save_bundle(model.half(), info, tmp_path / "half")
    loaded = load_predictor(saved).model.state_dict()
    assert {tensor.dtype for tensor in loaded.values()} == {torch.float32, torch.int64}
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded[name], tensor.to(loaded[name].dtype)), name


def test_a_model_that_the_facts_do_not_describe_is_refused(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    for wrong in ({"vocab": ["a", "b"]}, {"head": "fastai"}, {"arch": "test_resnet"}):
        with pytest.raises(BundleError, match="does not fit its network"):
            save_bundle(model, dataclasses.replace(info, **wrong), tmp_path / "pets")
    assert entries(tmp_path) == []


def test_a_diverged_model_is_refused(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    next(model.parameters()).data[0] = float("nan")
    with pytest.raises(BundleError, match="not finite"):
        save_bundle(model, info, tmp_path / "pets")


def test_channels_last_weights_are_saved(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    expected = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    saved = save_bundle(model.to(memory_format=torch.channels_last), info, tmp_path / "pets")  # type: ignore[call-overload]
    loaded = load_predictor(saved).model.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())


def test_saving_does_not_touch_the_model(model: nn.Module, info: BundleInfo, tmp_path: Path) -> None:
    model.train()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    save_bundle(model, info, tmp_path / "pets")
    load_predictor(tmp_path / "pets")
    assert torch.rand(1) == expected  # nor the user's random numbers
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
