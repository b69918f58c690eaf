"""JSON from a stranger: each key once, finite numbers, few levels; anything else is a BundleError.

Python's own parser keeps the last of two equal keys, reads NaN and 1e999, and a reader elsewhere may do otherwise: what
was checked would not be what is used.
"""

from __future__ import annotations

import json
import math
import reprlib
from typing import Any, NoReturn

from petbreeds.errors import BundleError

MAX_DEPTH = 16


def read_strict_json(text: str | bytes) -> Any:
    """Parse JSON that may be hostile: finite numbers, each key once, at most 16 levels deep; else BundleError.

    >>> read_strict_json('{"size": 224}')
    {'size': 224}
    """
    try:
        values = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_float=_finite_float,
            parse_int=_small_int,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise BundleError("This JSON is nested too deeply to be the facts of a model.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BundleError(f"This is not JSON: {error}.") from None
    _check_depth(values)
    return values


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BundleError(f"The key {short(name)} stands twice in one JSON object, so its meaning is open.")
        found[name] = value
    return found


def _finite_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse_constant(text)


def _small_int(text: str) -> int:
    return int(text) if len(text) <= 19 else _refuse_constant(text)


def _refuse_constant(text: str) -> NoReturn:
    raise BundleError(f"The number {short(text)} in this JSON is not finite or too long; allowed: finite numbers.")


def _check_depth(values: Any) -> None:
    level, depth = [values], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise BundleError(f"This JSON is nested more than {MAX_DEPTH} levels deep; the facts of a model are not.")
        inner = (
            value.values() if isinstance(value, dict) else value for value in level if isinstance(value, (dict, list))
        )
        level = [value for group in inner for value in group]


def short(value: Any) -> str:
    """Return a value as text of at most 80 printable characters, for a message about something a stranger wrote.

    >>> short("x" * 5000)
    "'xxxxxxxxxxxx...xxxxxxxxxxxxx'"
    """
    text = reprlib.repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
