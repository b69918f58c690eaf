"""Facts and names from a stranger: each forgery is one BundleError, and names stay text wherever they are shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forging import ARCH, VOCAB, facts_of, forge_facts, make_bundle, refused

from petbreeds.bundle.pixels import PixelRule
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.bundle.tensors import read_layout
from petbreeds.errors import BundleError
from petbreeds.models.build import build_model
from petbreeds.predictions import Predictions


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "pets")


JSONS: list[tuple[str, Callable[[str], str | bytes], str]] = [
    ("deep", lambda text: '{"arch":' * 200_000, "nested"),
    ("deep list", lambda text: "[" * 1_000_000, "nested"),
    ("50 MB", lambda text: text[:-1] + " " * 50_000_000 + "}", "at most 8,388,608"),
    ("NaN in mean", lambda text: text.replace("0.5", "NaN", 1), "not finite"),
    ("infinity in std", lambda text: text.replace("0.5", "1e400"), "not finite"),
    ("duplicate keys", lambda text: text.replace("{", '{"arch": "resnet18",', 1), "twice"),
    ("empty", lambda text: "", "not JSON"),
    ("binary", lambda text: b"\x80\x04\x95\xff", "not text"),
    ("a list", lambda text: "[]", "expected a JSON object"),
    ("cut", lambda text: text[: len(text) // 2], "not JSON"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in JSONS], ids=[row[0] for row in JSONS])
def test_forged_facts(bundle: Path, change: Callable[[str], str | bytes], reason: str) -> None:
    forged = change((bundle / "bundle.json").read_text())
    (bundle / "bundle.json").write_bytes(forged if isinstance(forged, bytes) else forged.encode())
    refused(bundle, reason)


@pytest.mark.parametrize("name", ["bundle.json", "model.safetensors"])
def test_any_changed_bytes_are_refused_or_harmless(bundle: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    original = (bundle / name).read_bytes()
    head = min(len(original), 8000)  # of the weights, the header
    refusals = 0
    for _ in range(300):
        content = bytearray(original)
        for place in rng.integers(0, head, size=rng.integers(1, 4)):
            content[place] = rng.integers(0, 256)
        try:
            if name == "bundle.json":
                BundleInfo.from_json(content.decode("utf-8", "replace"))
            else:
                read_layout(bytes(content), name)
        except BundleError:
            refusals += 1
    assert refusals > 50


@pytest.mark.parametrize(
    "arch",
    [
        "hf-hub:evil/model",
        "hf_hub:evil/model",
        "local-dir:/tmp/x",
        "timm/resnet18",
        "../x",
        "resnet18;x",
        "os.system",
        "eval",
    ],
)
def test_an_architecture_that_is_an_address_or_unknown(
    bundle: Path, arch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", no_network)
    forge_facts(bundle, arch=arch)
    refused(bundle, "'arch'|Unknown architecture")


def test_a_vocab_of_another_length(bundle: Path) -> None:
    for vocab in (VOCAB[:2], [*VOCAB, "more"], [f"breed {number}" for number in range(100_000)]):
        forge_facts(bundle, vocab=vocab)
        refused(bundle, "does not fit its network|needs at most")


def test_photos_of_a_size_the_network_cannot_take(bundle: Path, tmp_path: Path) -> None:
    info = BundleInfo("test_vit", "linear", VOCAB, PixelRule(160).to_dict())
    saved = save_bundle(build_model("test_vit", len(VOCAB), weights=None), info, tmp_path / "vit")
    forge_facts(saved, pixels={**info.pixels, "size": 100})
    refused(saved, "cannot read photos of 100 pixels")


def test_a_network_larger_than_its_file_is_never_built(bundle: Path) -> None:
    forge_facts(bundle, arch="vit_giant_patch14_224", pixels={**facts_of(bundle)["pixels"], "size": 224})
    refused(bundle, "does not fit its network")  # a billion numbers, four gigabytes: only described, never allocated


def test_breed_names_in_the_card_are_text(tmp_path: Path) -> None:
    vocab = ["<img src=x onerror=alert(1)>", "[pug](javascript:alert(1))", "![x](http://e.vil/a.png)"]
    info = dataclasses.replace(BundleInfo(ARCH, "linear", vocab, PixelRule(64).to_dict()))
    card = (save_bundle(build_model(ARCH, 3, weights=None), info, tmp_path / "pets") / "README.md").read_text()
    assert "<img" not in card
    assert "](" not in card
    assert "http://" not in card


def test_breed_names_are_no_formulas_in_a_table(tmp_path: Path) -> None:
    vocab = ['=HYPERLINK("http://e.vil")', "+1+cmd|' /C calc'!A0", "@SUM(1)"]
    found = Predictions(["-2.jpg", "\ta.jpg", "b.jpg"], vocab, np.eye(3))
    for all_classes in (False, True):
        lines = found.to_csv(tmp_path / "found.csv", all_classes=all_classes).read_text().splitlines()
        cells = [cell.strip('"') for line in lines for cell in line.split(",")]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "-")]
