"""Errors that say what came, what is allowed and what to do next.

Every error a user can cause is a PetBreedsError, so the command line can print one message and no traceback. Anything
else that escapes is a defect of petbreeds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PetBreedsError(Exception):
    """Something the user can mend; its text is the whole message."""


class ChoiceError(PetBreedsError, ValueError):
    """A name or a number that is not among the allowed ones."""


class DataError(PetBreedsError, ValueError):
    """The photos, their labels or their split do not allow training or prediction."""


class WeightsError(PetBreedsError, RuntimeError):
    """Pretrained weights are missing, unreadable or do not fit the network."""


class BundleError(PetBreedsError, ValueError):
    """A saved model is damaged, forged or from another schema version."""


def unknown(kind: str, got: object, allowed: Iterable[object], hint: str = "") -> ChoiceError:
    """Build the error for a name that is in no table, with the nearest allowed name.

    >>> print(unknown("head", "linaer", ["linear", "mlp"]))
    Unknown head 'linaer'. Did you mean 'linear'?
    Allowed: linear, mlp.
    """
    names = [str(name) for name in allowed]
    near = difflib.get_close_matches(str(got), names, n=1)
    message = f"Unknown {kind} {got!r}." + (f" Did you mean {near[0]!r}?" if near else "")
    shown = names if len(names) <= 12 else [*names[:12], f"... ({len(names)} in all)"]
    message += f"\nAllowed: {', '.join(shown)}."
    return ChoiceError(f"{message}\n{hint}" if hint else message)


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the right form.

    >>> counted(1, "photo"), counted(1200, "photo"), counted(2, "class", "classes")
    ('1 photo', '1,200 photos', '2 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def examples(items: Iterable[object], limit: int = 3) -> str:
    """Join up to `limit` examples for a message, and say how many more there are.

    >>> examples(["a.jpg", "b.jpg", "c.jpg", "d.jpg"])
    'a.jpg, b.jpg, c.jpg (and 1 more)'
    """
    names = [str(item) for item in items]
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" (and {more} more)" if more > 0 else "")
