"""What a forger of bundles does: a real bundle to start from, and hands to change its facts and its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from petbreeds.bundle.pixels import PixelRule
from petbreeds.bundle.predictor import load_predictor
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.errors import BundleError
from petbreeds.models.build import build_model

ARCH = "test_efficientnet"  # timm's smallest network
VOCAB = ["Birman", "Ragdoll", "pug"]


def make_bundle(folder: Path) -> Path:
    info = BundleInfo(ARCH, "linear", VOCAB, PixelRule(64).to_dict())
    return save_bundle(build_model(ARCH, len(VOCAB), weights=None), info, folder)


def everything_below(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def refused(bundle: Path, reason: str) -> str:
    """Open the bundle; it must be refused for `reason`, in few lines, and change nothing on the disk."""
    before = everything_below(bundle.parent)
    with pytest.raises(BundleError, match=reason) as caught:
        load_predictor(bundle)
    assert type(caught.value) is BundleError
    assert len(str(caught.value).splitlines()) <= 5
    assert str(bundle) in str(caught.value)
    assert everything_below(bundle.parent) == before
    return str(caught.value)


def facts_of(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "bundle.json").read_text())


def forge_facts(bundle: Path, **values: Any) -> None:
    (bundle / "bundle.json").write_text(json.dumps({**facts_of(bundle), **values}))


def forge_weights(bundle: Path, content: bytes) -> None:
    """Put other weights in place, with the size and checksum that belong to them: the forger knows how to count."""
    (bundle / "model.safetensors").write_bytes(content)
    forge_facts(
        bundle, files={"model.safetensors": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    )


def weights_of(bundle: Path) -> bytes:
    return (bundle / "model.safetensors").read_bytes()


def with_header(content: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    length = int.from_bytes(content[:8], "little")
    header = change(json.loads(content[8 : 8 + length]))
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return len(text).to_bytes(8, "little") + text + content[8 + length :]
