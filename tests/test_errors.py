"""Errors: what came, what is allowed, what to do next, in at most five lines."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petbreeds import errors
from petbreeds.errors import ChoiceError, PetBreedsError, examples, unknown

UNHURRIED = settings(deadline=None)  # the first example pays for imports, and machines are shared
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_is_caught_by_its_parent_and_is_explained(kind: type[Exception]) -> None:
    assert issubclass(kind, PetBreedsError) and kind.__doc__
    assert kind is PetBreedsError or issubclass(kind, (ValueError, RuntimeError))  # what plain Python code expects
    assert str(kind("its text")) == "its text"


def test_unknown_names_the_nearest() -> None:
    error = unknown("head", "linaer", ["mlp", "linear"])
    assert type(error) is ChoiceError
    assert str(error) == "Unknown head 'linaer'. Did you mean 'linear'?\nAllowed: mlp, linear."


def test_unknown_without_a_neighbour_and_with_a_hint() -> None:
    text = str(unknown("split", 7, {"random": 1, "folder": 2}, "Or give a function."))
    assert text == "Unknown split 7.\nAllowed: random, folder.\nOr give a function."


def test_unknown_shows_twelve_names_and_counts_the_rest() -> None:
    names = [f"net{i}" for i in range(13)]
    assert str(unknown("net", "zzz", names[:12])).endswith("net11.")
    assert str(unknown("net", "zzz", names)).endswith("net11, ... (13 in all).")


@UNHURRIED
@given(st.one_of(st.text(), st.integers(), st.none(), st.binary()), st.lists(st.text("abc", max_size=5), max_size=30))
def test_unknown_never_fails(got: object, allowed: list[str]) -> None:
    text = str(unknown("thing", got, allowed, "A hint."))
    assert text.startswith("Unknown thing ") and text.endswith("A hint.") and len(text.splitlines()) == 3


@UNHURRIED
@given(st.lists(st.text("ab", min_size=1)), st.integers(1, 5))
def test_examples_account_for_every_item(items: list[str], limit: int) -> None:
    text = examples(iter(items), limit)
    shown, _, rest = text.partition(" (and ")
    assert [name for name in shown.split(", ") if name] == items[:limit]
    assert (int(rest.split()[0]) if rest else 0) == max(0, len(items) - limit)


def test_examples_of_nothing() -> None:
    assert examples([]) == ""
