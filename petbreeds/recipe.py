"""Recipe: every choice that changes a result, frozen, to and from JSON.

A run is repeated by its Recipe and its photos alone. Values are checked here, once, so that a negative number of epochs
or a share of 300 % is refused before a photo is opened. Names of backbones, heads and splits are checked by the rooms
that own those tables.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass
from typing import Any

from petbreeds.errors import ChoiceError, unknown

PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Recipe:
    """All choices of one training run; every field has the value that `petbreeds.train` uses unasked.

    Sizes are in pixels, learning rates per step of Adam, shares between 0 and 1.

    >>> Recipe(epochs=3).replace(size=160).size
    160
    >>> Recipe.from_json(Recipe(seed=7).to_json()).seed
    7
    """

    labels: str = "auto"
    label_column: str = "label"
    path_column: str = "path"
    valid: float | str = 0.2
    split: str = "auto"
    seed: int = 42
    arch: str = "efficientnet_lite0"  # the one good network whose weights a package index carries: no hub needed
    head: str = "linear"  # the only head with a closed solution, which the head start fits
    weights: str | None = "auto"  # None: random weights
    item_size: int = 460  # the book's presizing: large squares first, one interpolation later
    size: int = 224
    min_scale: float = 0.75
    augment: str = "standard"
    bs: int = 64
    num_workers: int | None = None  # None: chosen so that nothing hangs (see datablock.choose_workers)
    sample_size: int | None = None
    label_smoothing: float = 0.0
    mixup: float = 0.0
    epochs: int | str = "auto"
    minutes: float | None = None
    lr: float | None = None  # None: the default of the method that trains
    head_start: bool = True
    refit: bool = True  # after measuring, the delivered head learns from the validation photos too
    precision: str = "auto"

    def __post_init__(self) -> None:
        _check_choice("precision", self.precision, PRECISIONS)
        if self.epochs != "auto":
            _check_range("epochs", self.epochs, low=0, whole=True, also='"auto"')
        if self.minutes is not None:
            _check_range("minutes", self.minutes, low=0.05, high=525_600, also="None")  # a year
        if not isinstance(self.valid, str):
            _check_range("valid", self.valid, low=0.0, high=0.9, open_low=True)
        for name in ("item_size", "size"):
            _check_range(name, getattr(self, name), low=8, high=4096, whole=True)
        _check_range("bs", self.bs, low=1, whole=True)
        _check_range("min_scale", self.min_scale, low=0.01, high=1.0)
        _check_range("mixup", self.mixup, low=0.0, high=10.0)
        _check_range("label_smoothing", self.label_smoothing, low=0.0, high=0.9)
        _check_range("seed", self.seed, low=0, high=2**32 - 1, whole=True)
        for name in ("num_workers", "sample_size"):
            if getattr(self, name) is not None:
                _check_range(name, getattr(self, name), low=0, whole=True, also="None")
        if self.lr is not None:
            _check_range("lr", self.lr, low=0.0, high=100.0, open_low=True, also="None")

    def replace(self, **changes: Any) -> Recipe:
        """Return a copy with some fields changed; an unknown field is an error that names its neighbours."""
        for name in changes:
            if name not in FIELDS:
                raise unknown("setting", name, FIELDS)
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the fields as JSON text, two spaces indented."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """Read what `to_json` wrote; a field of the wrong name or type is refused."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:  # the last: brackets without end
            raise ChoiceError(f"This is not a Recipe: its text is not JSON ({error}).") from None
        if not isinstance(values, dict):
            raise ChoiceError(f"This is not a Recipe: expected a JSON object, got {type(values).__name__}.")
        hints = typing.get_type_hints(cls)
        for name, value in values.items():
            if name not in FIELDS:
                raise unknown("setting", name, FIELDS)
            if not _fits(value, hints[name]):
                raise ChoiceError(f"Setting {name!r} is {value!r}; expected {FIELDS[name]}.")
        return cls(**values)


FIELDS: dict[str, str] = {field.name: str(field.type) for field in dataclasses.fields(Recipe)}


def _fits(value: object, hint: Any) -> bool:
    kinds = typing.get_args(hint) or (hint,)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) or (float in kinds and isinstance(value, int))


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise unknown(name, value, allowed)


def _check_range(
    name: str,
    value: Any,
    low: float,
    high: float | None = None,
    whole: bool = False,
    open_low: bool = False,
    also: str = "",
) -> None:
    kind = "a whole number" if whole else "a number"
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    too_low = right_type and (value <= low if open_low else not value >= low)
    if right_type and not too_low and (high is None or value <= high):
        return
    bound = f"{'above' if open_low else 'of at least'} {low:g}" + (f" and at most {high:g}" if high is not None else "")
    raise ChoiceError(f"{name} is {value!r}; allowed: {kind} {bound}{f', or {also}' if also else ''}.")
