"""What bundle.json says: every field, its type and its limits, checked by hand before anything acts on it.

The text may come from a stranger: it is bounded in length and depth, numbers are finite, keys stand once, and names
can neither leave the folder nor reach the network. Another schema version is refused, never guessed at.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any, NamedTuple

from petbreeds.bundle.strict_json import read_strict_json, short
from petbreeds.errors import BundleError, examples

SCHEMA_VERSION = 1
INFO_FILE = "bundle.json"
MODEL_FILE = "model.safetensors"
CARD_FILE = "README.md"
MAX_JSON_BYTES = 8 * 2**20
MAX_CLASSES = 100_000
MAX_NAME = 300
ACTIVATIONS = ("softmax", "sigmoid")
TASKS = ("single-label",)
RESAMPLES = ("bilinear", "bicubic")
PACKAGES = ("petbreeds", "torch", "torchvision", "timm", "fastai", "safetensors", "numpy", "pillow")

# No "/" and no ":": timm would take "hf-hub:..." to the network and "local-dir:..." to a folder.
_ARCH = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages whose code decides what a model answers; a missing one is left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True)
class BundleInfo:
    """Everything a bundle says of its model; an impossible value is a BundleError when the object is made.

    vocab: class names in the order of the model's outputs. pixels: `PixelRule.to_dict()`. metrics: measured on the
    validation photos; refit: the head learned from these too, after the measuring. temperature: divides the logits.
    files: name -> {"sha256", "bytes"}, filled in by `save_bundle`.

    >>> pixels = {"size": 224, "mean": [0.5] * 3, "std": [0.5] * 3, "crop": 1.0, "resample": "bicubic"}
    >>> info = BundleInfo("efficientnet_lite0", "linear", ["cat", "dog"], pixels)
    >>> BundleInfo.from_json(info.to_json()) == info
    True
    """

    arch: str
    head: str
    vocab: list[str]
    pixels: dict[str, Any]
    recipe: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    refit: bool = False
    activation: str = "softmax"
    temperature: float = 1.0
    reject: dict[str, Any] | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=installed_versions)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    task: str = "single-label"
    petbreeds: str = field(default_factory=lambda: installed_versions().get("petbreeds", "unknown"))
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        _check_fields(dataclasses.asdict(self))

    def to_json(self) -> str:
        """Return the fields as JSON text; a metric that is not finite (no photo to measure on) becomes null."""
        values = dataclasses.asdict(self)
        values["metrics"] = {name: _finite_or_none(value) for name, value in self.metrics.items()}
        try:
            text = json.dumps(values, indent=2, allow_nan=False, default=_plain_number)
        except (TypeError, ValueError) as error:
            raise BundleError(f"These facts of a model cannot be written as JSON: {error}.") from error
        if len(text) > MAX_JSON_BYTES:
            raise BundleError(
                f"{INFO_FILE} would have {len(text):,} bytes; allowed: {MAX_JSON_BYTES:,}. Shorten the class names."
            )
        return text

    @classmethod
    def from_json(cls, text: str) -> BundleInfo:
        """Read what `to_json` wrote; raises BundleError for anything else, naming the field."""
        values = read_strict_json(text)
        if not isinstance(values, dict):
            raise BundleError(f"{INFO_FILE} holds {short(values)}; expected a JSON object with the facts of a model.")
        _check_version(values)
        wrong = sorted(set(values) ^ set(FIELD_RULES))
        if wrong:
            state = "unknown" if wrong[0] in values else "missing"
            raise BundleError(
                f"{INFO_FILE}: {state} field {short(wrong[0])} ({len(wrong)} such). Export the model again."
            )
        _check_fields(values)
        return cls(**values)


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain_number(value: Any) -> Any:
    if hasattr(value, "tolist"):  # numpy and torch numbers
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} ({short(value)}) is not a plain value")


class Rule(NamedTuple):
    """One field: its type, what it may be, and the words for that."""

    kind: type | tuple[type, ...]
    fits: Callable[[Any], bool]
    allowed: str


def is_plain_name(name: object) -> bool:
    """Tell whether a file name is safe inside a folder: no separator, no drive, no leading dot, at most 100 characters.

    >>> is_plain_name("model.safetensors"), is_plain_name("../model"), is_plain_name("C:model")
    (True, False, False)
    """
    return isinstance(name, str) and _FILE.fullmatch(name) is not None


def _is_label(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME and not _UNPRINTABLE.search(name)


def _is_short_text(value: str) -> bool:
    return len(value) <= MAX_NAME and not _UNPRINTABLE.search(value)


def _is_vocab(names: Any) -> bool:
    return 2 <= len(names) <= MAX_CLASSES and all(_is_label(name) for name in names) and len(set(names)) == len(names)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_channels(values: object, low: float) -> bool:
    return (
        isinstance(values, (list, tuple)) and len(values) == 3 and all(_is_number(x) and low < x <= 1e6 for x in values)
    )


def _is_file(entry: object) -> bool:
    if not isinstance(entry, dict) or set(entry) != {"sha256", "bytes"}:
        return False
    size, digest = entry["bytes"], entry["sha256"]
    whole = isinstance(size, int) and not isinstance(size, bool)
    return whole and 0 <= size < 2**50 and isinstance(digest, str) and _SHA256.fullmatch(digest) is not None


def _are_files(files: dict[str, Any]) -> bool:
    return len(files) <= 100 and all(is_plain_name(name) and _is_file(entry) for name, entry in files.items())


def _are_texts(values: dict[str, Any]) -> bool:
    return all(isinstance(value, str) and _is_short_text(value) for value in values.values())


PIXEL_RULES: dict[str, Rule] = {
    "size": Rule(int, lambda value: 8 <= value <= 4096, "a whole number from 8 to 4096"),
    "mean": Rule((list, tuple), lambda value: _is_channels(value, low=-1e6), "3 finite numbers"),
    "std": Rule((list, tuple), lambda value: _is_channels(value, low=0.0), "3 finite numbers above 0"),
    "crop": Rule((int, float), lambda value: 0.01 <= value <= 1.0, "a number from 0.01 to 1"),
    "resample": Rule(str, lambda value: value in RESAMPLES, " or ".join(RESAMPLES)),
}
_ANY = (dict, lambda value: True, "a JSON object")
FIELD_RULES: dict[str, Rule] = {
    "arch": Rule(str, lambda value: bool(_ARCH.fullmatch(value)), "a torchvision or timm name of A-Z a-z 0-9 _ . -"),
    "head": Rule(str, lambda value: bool(_ARCH.fullmatch(value)), "the name of a head"),
    "vocab": Rule(list, _is_vocab, f"2 to {MAX_CLASSES:,} different printable names of 1 to {MAX_NAME} characters"),
    "pixels": Rule(dict, lambda value: set(value) == set(PIXEL_RULES), "exactly " + ", ".join(PIXEL_RULES)),
    "recipe": Rule(*_ANY),
    "metrics": Rule(*_ANY),
    "refit": Rule(bool, lambda value: True, "true or false"),
    "activation": Rule(str, lambda value: value in ACTIVATIONS, " or ".join(ACTIVATIONS)),
    "temperature": Rule((int, float), lambda value: 1e-3 <= value <= 1e3, "a number from 0.001 to 1000"),
    "reject": Rule((dict, type(None)), lambda value: True, "a JSON object or null"),
    "counts": Rule(*_ANY),
    "versions": Rule(dict, _are_texts, "package names with their versions"),
    "files": Rule(dict, _are_files, "plain file names, each with sha256 (64 hex digits) and bytes"),
    "task": Rule(str, lambda value: value in TASKS, " or ".join(TASKS)),
    "petbreeds": Rule(str, _is_short_text, "a version"),
    "schema_version": Rule(int, lambda value: value == SCHEMA_VERSION, str(SCHEMA_VERSION)),
}


def _check_fields(values: dict[str, Any]) -> None:
    for name, rule in FIELD_RULES.items():
        _check(name, values[name], rule)
    for name, rule in PIXEL_RULES.items():
        _check(f"pixels.{name}", values["pixels"][name], rule)


def _check(name: str, value: Any, rule: Rule) -> None:
    kinds = rule.kind if isinstance(rule.kind, tuple) else (rule.kind,)
    right_type = isinstance(value, rule.kind) and (bool in kinds or not isinstance(value, bool))
    if right_type and rule.fits(value):
        return
    shown = short(value)
    if name == "vocab" and isinstance(value, list) and not all(_is_label(item) for item in value):
        shown = f"a list with {examples(short(item) for item in value if not _is_label(item))}"
    raise BundleError(f"{INFO_FILE}: the field {name!r} is {shown}; allowed: {rule.allowed}.\nExport the model again.")


def _check_version(values: dict[str, Any]) -> None:
    got = values.get("schema_version")
    if isinstance(got, bool) or got != SCHEMA_VERSION:
        raise BundleError(
            f"{INFO_FILE} has schema version {short(got)}; this petbreeds reads version {SCHEMA_VERSION}.\n"
            "Install the petbreeds that wrote it, or export the model again with this one."
        )
