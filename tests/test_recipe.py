"""Recipe: every value that is allowed survives JSON, and every other is refused with its name."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petbreeds.errors import ChoiceError
from petbreeds.recipe import FIELDS, PRECISIONS, Recipe

UNHURRIED = settings(deadline=None)  # the first example pays for imports, and machines are shared
ALLOWED: dict[str, st.SearchStrategy[Any]] = {
    "labels": st.text(),
    "label_column": st.text(),
    "path_column": st.text(),
    "valid": st.floats(0, 0.9, exclude_min=True) | st.text(),
    "split": st.text(),
    "seed": st.integers(0, 2**32 - 1),
    "arch": st.text(),
    "head": st.text(),
    "weights": st.none() | st.text(),
    "item_size": st.integers(8, 4096),
    "size": st.integers(8, 4096),
    "min_scale": st.floats(0.01, 1),
    "augment": st.text(),
    "bs": st.integers(1, 10**6),
    "num_workers": st.none() | st.integers(0, 64),
    "sample_size": st.none() | st.integers(0, 10**6),
    "label_smoothing": st.floats(0, 0.9),
    "mixup": st.floats(0, 10),
    "epochs": st.just("auto") | st.integers(0, 1000),
    "minutes": st.none() | st.floats(0.05, 1000) | st.integers(1, 1000),
    "lr": st.none() | st.floats(0, 100, exclude_min=True),
    "head_start": st.booleans(),
    "refit": st.booleans(),
    "precision": st.sampled_from(PRECISIONS),
}


def test_every_field_is_covered_here() -> None:
    assert list(ALLOWED) == list(FIELDS) == [field.name for field in dataclasses.fields(Recipe)]


@UNHURRIED
@given(st.fixed_dictionaries({}, optional=ALLOWED))
def test_json_round_trip(values: dict[str, Any]) -> None:
    recipe = Recipe(**values)
    again = Recipe.from_json(recipe.to_json())
    assert again == recipe and hash(again) == hash(recipe)
    assert recipe.replace() == recipe and Recipe().replace(**values) == recipe
    assert json.loads(recipe.to_json(), parse_constant=pytest.fail) == recipe.to_dict()  # no NaN, no Infinity


def test_part_of_the_fields_is_enough() -> None:
    assert Recipe.from_json("{}") == Recipe()
    assert Recipe.from_json('{"seed": 7, "lr": 1}') == Recipe(seed=7, lr=1)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Recipe().seed = 3  # type: ignore[misc]


REFUSED: list[tuple[str, Any]] = [
    *[("epochs", value) for value in (-1, 1.5, "many", True, None, "")],
    *[("minutes", value) for value in (0, -3, 0.01, float("nan"), float("inf"), "5", False)],
    *[("valid", value) for value in (0, -0.1, 0.91, 3, float("nan"), True, None)],
    *[("size", value) for value in (7, 4097, 224.0, "224", None, True)],
    *[("item_size", value) for value in (0, -460, 10**9)],
    *[("bs", value) for value in (0, -1, 0.5, None)],
    *[("min_scale", value) for value in (0, 1.01, -1, float("nan"))],
    *[("mixup", value) for value in (-0.1, float("inf"), None)],
    *[("label_smoothing", value) for value in (-0.1, 1.0)],
    *[("seed", value) for value in (-1, 2**32, 4.2, None)],
    *[("num_workers", value) for value in (-1, 1.5, "2")],
    *[("sample_size", value) for value in (-1, 0.5)],
    *[("lr", value) for value in (0, -1e-3, float("inf"), float("nan"), "3e-3")],
    *[("precision", value) for value in ("fp8", "", None, 16)],
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    for make in (lambda: Recipe(**{name: value}), lambda: Recipe().replace(**{name: value})):
        with pytest.raises(ChoiceError, match=f"{name} (is )?{value!r}".replace(".", r"\.")) as caught:
            make()
        assert "llowed: " in str(caught.value) and len(str(caught.value).splitlines()) <= 5


def test_the_bounds_are_said() -> None:
    with pytest.raises(ChoiceError, match=r'epochs is -1; allowed: a whole number of at least 0, or "auto".'):
        Recipe(epochs=-1)
    with pytest.raises(ChoiceError, match=r"valid is 3; allowed: a number above 0 and at most 0.9."):
        Recipe(valid=3)


def test_an_unknown_setting_names_its_neighbour() -> None:
    for make in (lambda: Recipe().replace(epoch=3), lambda: Recipe.from_json('{"epoch": 3}')):
        with pytest.raises(ChoiceError, match="Unknown setting 'epoch'. Did you mean 'epochs'"):
            make()


@pytest.mark.parametrize("text", ["", "{", "nonsense", "{'seed': 1}", "[" * 100_000, '{"bs": ' + "9" * 5000 + "}"])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ChoiceError, match="This is not a Recipe: its text is not JSON") as caught:
        Recipe.from_json(text)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["[]", "3", "null", '"seed"', "true"])
def test_json_of_another_kind(text: str) -> None:
    with pytest.raises(ChoiceError, match="expected a JSON object"):
        Recipe.from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", "7"), ("seed", True), ("arch", 3), ("arch", None), ("head_start", 1), ("refit", "no"), ("size", 224.0)]
    + [("weights", []), ("labels", {}), ("valid", None), ("lr", "fast"), ("epochs", [1])],
)
def test_a_field_of_the_wrong_type_in_json(name: str, value: Any) -> None:
    with pytest.raises(ChoiceError, match=f"Setting '{name}' is .*; expected {FIELDS[name].split()[0]}"):
        Recipe.from_json(json.dumps({name: value}))


@UNHURRIED
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=4))
def test_any_json_value_in_any_field_is_taken_or_refused(value: Any) -> None:
    for name in FIELDS:
        try:
            recipe = Recipe.from_json(json.dumps({name: value}))
        except ChoiceError as error:
            assert name in str(error)
        else:
            assert getattr(recipe, name) == value
