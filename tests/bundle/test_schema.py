"""BundleInfo refuses every impossible value, whether made in Python or read from a file."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

from petbreeds.bundle.pixels import RESAMPLES as RESAMPLE_TABLE
from petbreeds.bundle.pixels import PixelRule
from petbreeds.bundle.schema import FIELD_RULES, PIXEL_RULES, RESAMPLES, SCHEMA_VERSION, BundleInfo, is_plain_name
from petbreeds.bundle.strict_json import read_strict_json
from petbreeds.errors import BundleError


def changed(info: BundleInfo, **values: Any) -> str:
    """Return the JSON of `info` with some fields overwritten, as a forger would."""
    return json.dumps({**json.loads(info.to_json()), **values})


def test_json_keeps_every_field(info: BundleInfo) -> None:
    again = BundleInfo.from_json(info.to_json())
    assert again == info
    assert again.vocab == ["Birman", "Ragdoll", "pug"]
    assert again.versions["torch"]
    assert again.schema_version == SCHEMA_VERSION


def test_tables_cover_every_field(info: BundleInfo) -> None:
    assert set(FIELD_RULES) == {field.name for field in dataclasses.fields(BundleInfo)}
    assert set(PIXEL_RULES) == set(PixelRule().to_dict())
    assert set(RESAMPLES) == set(RESAMPLE_TABLE)


WRONG: list[tuple[str, Any]] = [
    ("arch", "hf-hub:evil/model"),
    ("arch", "hf_hub:evil/model"),
    ("arch", "local-dir:model"),
    ("arch", "a/b"),
    ("arch", "../resnet18"),
    ("arch", ""),
    ("arch", "resnet18\n"),
    ("arch", 3),
    ("head", "../linear"),
    ("vocab", ["cat"]),
    ("vocab", ["cat", "cat"]),
    ("vocab", ["cat", ""]),
    ("vocab", ["cat", "x" * 301]),
    ("vocab", ["cat", 7]),
    ("vocab", ["cat", "\x1b[2J"]),
    ("vocab", ["cat", "\ud800"]),
    ("vocab", ["cat", "\u202egud"]),
    ("vocab", "cat"),
    ("vocab", {"cat": 1, "dog": 2}),
    ("pixels", {}),
    ("pixels", [224]),
    ("recipe", []),
    ("metrics", None),
    ("refit", 1),
    ("activation", "argmax"),
    ("temperature", 0),
    ("temperature", -1.0),
    ("temperature", True),
    ("temperature", "1"),
    ("reject", "yes"),
    ("counts", 3),
    ("versions", {"torch": 2}),
    ("task", "segmentation"),
    ("petbreeds", 1),
    ("files", {"model.safetensors": {"sha256": "0" * 64}}),
    ("files", {"model.safetensors": {"sha256": "0" * 63, "bytes": 1}}),
    ("files", {"model.safetensors": {"sha256": "0" * 64, "bytes": -1}}),
    ("files", {"model.safetensors": {"sha256": "0" * 64, "bytes": True}}),
    ("files", {f"f{number}": {"sha256": "0" * 64, "bytes": 1} for number in range(101)}),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda value: str(value)[:30].encode("ascii", "ignore").decode())
def test_wrong_values_are_refused_and_named(info: BundleInfo, name: str, value: Any) -> None:
    with pytest.raises(BundleError) as caught:
        BundleInfo.from_json(changed(info, **{name: value}))
    message = str(caught.value)
    assert repr(name) in message
    assert len(message.splitlines()) <= 5
    message.encode()  # can be printed: no lone surrogate of the input in it


WRONG_PIXELS: list[tuple[str, Any]] = [
    ("size", 7),
    ("size", 4097),
    ("size", 224.0),
    ("size", True),
    ("mean", [0.5, 0.5]),
    ("mean", [0.5, 0.5, "0.5"]),
    ("mean", 0.5),
    ("std", [0.5, 0.5, 0.0]),
    ("std", [0.5, 0.5, -1]),
    ("crop", 0),
    ("crop", 1.5),
    ("crop", None),
    ("resample", "nearest"),
    ("resample", 2),
]


@pytest.mark.parametrize(("name", "value"), WRONG_PIXELS)
def test_wrong_pixels_are_refused_and_named(info: BundleInfo, name: str, value: Any) -> None:
    with pytest.raises(BundleError, match=f"pixels.{name}"):
        BundleInfo.from_json(changed(info, pixels={**info.pixels, name: value}))


def test_python_values_are_checked_too(info: BundleInfo) -> None:
    with pytest.raises(BundleError, match=r"pixels\.mean"):
        dataclasses.replace(info, pixels={**info.pixels, "mean": (math.nan, 0.5, 0.5)})
    with pytest.raises(BundleError, match="temperature"):
        dataclasses.replace(info, temperature=math.nan)


def test_unknown_and_missing_fields_are_named(info: BundleInfo) -> None:
    with pytest.raises(BundleError, match="unknown field 'run_this'"):
        BundleInfo.from_json(changed(info, run_this="rm"))
    values = json.loads(info.to_json())
    del values["vocab"]
    with pytest.raises(BundleError, match="missing field 'vocab'"):
        BundleInfo.from_json(json.dumps(values))


@pytest.mark.parametrize("version", [0, 2, "1", True, None, [1]])
def test_other_schema_versions_are_refused_with_the_one_that_is_read(info: BundleInfo, version: Any) -> None:
    with pytest.raises(BundleError, match="reads version 1"):
        BundleInfo.from_json(changed(info, schema_version=version))


@pytest.mark.parametrize("text", ["[]", "3", "null", '"text"', "", "{", "\ufeff{}", "{'a': 1}", "{} {}"])
def test_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BundleError):
        BundleInfo.from_json(text)


def test_metrics_without_a_value_become_null_and_numpy_numbers_plain(info: BundleInfo) -> None:
    odd = dataclasses.replace(
        info, metrics={"error_rate": math.nan, "n_valid": np.int64(74), "seconds": np.float32(1.5)}
    )
    assert BundleInfo.from_json(odd.to_json()).metrics == {"error_rate": None, "n_valid": 74, "seconds": 1.5}


def test_values_that_are_not_json_are_a_bundle_error(info: BundleInfo) -> None:
    with pytest.raises(BundleError, match="cannot be written as JSON"):
        dataclasses.replace(info, recipe={"labels": print}).to_json()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NaN", "not finite"),
        ("[Infinity]", "not finite"),
        ("-Infinity", "not finite"),
        ("1e999", "not finite"),
        ("9" * 5000, "too long"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": {"b": 1, "b": 1}}', "twice"),
        ("[" * 100_000, "nested"),
        ("[" * 20 + "]" * 20, "nested"),
        ('{"a":' * 17 + "1" + "}" * 17, "nested"),
        (b"\xff\xfe\xfa", "not JSON"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_strict_json_refuses(text: str | bytes, reason: str) -> None:
    with pytest.raises(BundleError, match=reason):
        read_strict_json(text)


def test_strict_json_reads_what_is_plain() -> None:
    assert read_strict_json('{"a": [1, 2.5, null, true, "x"], "b": {"a": {}}}') == {
        "a": [1, 2.5, None, True, "x"],
        "b": {"a": {}},
    }
    assert read_strict_json("[" * 15 + "]" * 15) != 0


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "C:x",
        "C:\\x",
        "..",
        ".",
        ".hidden",
        "",
        "a\0b",
        "a\n",
        "x.",
        "x" * 101,
        "ä",
        3,
    ],
)
def test_names_that_could_leave_the_folder_are_not_plain(name: object) -> None:
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["model.safetensors", "model.int8.onnx", "a", "A-1_b.c"])
def test_plain_names(name: str) -> None:
    assert is_plain_name(name)
