"""The learning-rate finder: a mock training that leaves no trace, and suggestions under names that never change.

fastai's `lr_find` names its answer after the functions asked for, which has broken the book's code from version to
version. Here every suggestion is always there by name, and unpacking gives those asked for, in their order.
"""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from fastai.callback.schedule import LRFinder, ParamScheduler, minimum, slide, steep, valley
from fastai.data.core import DataLoaders

SUGGESTERS = {"minimum": minimum, "steep": steep, "valley": valley, "slide": slide}


class SuggestedLRs(tuple[float, ...]):
    """The suggestions asked for, as a tuple; `.minimum`, `.steep`, `.valley` and `.slide` are always there.

    `.lr_min` and `.lr_steep` are the names of the book's first edition.

    >>> found = SuggestedLRs(["valley"], {"minimum": 0.01, "steep": 0.003, "valley": 0.002, "slide": 0.02})
    >>> found.minimum, tuple(found)
    (0.01, (0.002,))
    """

    minimum: float
    steep: float
    valley: float
    slide: float

    def __new__(cls, asked: Sequence[str], values: dict[str, float]) -> SuggestedLRs:
        found = super().__new__(cls, [values[name] for name in asked])
        found.__dict__.update(values)
        return found

    @property
    def lr_min(self) -> float:
        """A tenth of the rate with the smallest loss."""
        return self.minimum

    @property
    def lr_steep(self) -> float:
        """The rate at which the loss falls fastest."""
        return self.steep

    def __repr__(self) -> str:
        return f"SuggestedLRs({', '.join(f'{name}={self.__dict__[name]:.2e}' for name in SUGGESTERS)})"


def suggest(
    lrs: Sequence[float], losses: Sequence[float], num_it: int, asked: Any
) -> tuple[SuggestedLRs, dict[str, float]]:
    """Compute every suggestion from a mock training's rates and losses; return them and those asked for by name.

    asked: functions `(lrs, losses, num_it) -> (rate, point)`: fastai's, or the user's own. A rate that cannot be told,
    because the mock training was too short, is NaN.
    """
    rates, curve = torch.tensor(lrs[num_it // 10 : -5]), torch.tensor(losses[num_it // 10 : -5])
    bad = torch.nonzero(~torch.isfinite(curve)).flatten()
    if len(bad):
        rates, curve = rates[: bad[0]], curve[: bad[0]]
    functions = {_name(function): function for function in (asked if isinstance(asked, (list, tuple)) else [asked])}
    values = {name: _one(function, rates, curve, num_it) for name, function in {**SUGGESTERS, **functions}.items()}
    return SuggestedLRs(list(functions), values), {name: values[name] for name in functions}


def _name(function: Any) -> str:
    return function.func.__name__ if isinstance(function, partial) else function.__name__


def _one(function: Any, rates: torch.Tensor, curve: torch.Tensor, num_it: int) -> float:
    try:
        return float(function(rates, curve, num_it)[0])
    except (IndexError, ValueError, RuntimeError):  # too few points for this one: a short or an exploding mock training
        return float("nan")


class MockTraining(LRFinder):
    """fastai's learning-rate finder, but the state it returns to is kept in memory: a data folder may be read-only."""

    name: Any = "lr_finder"  # pyright: ignore  # under this name fastai's other callbacks know a mock training

    def before_fit(self) -> None:
        """Keep the model as it is; the optimiser is kept by `PetLearner.lr_find`, because `fit` has changed it by now."""
        ParamScheduler.before_fit(self)
        self.model_before = copy.deepcopy(self.model.state_dict())
        self.best_loss = float("inf")

    def after_fit(self) -> None:
        """Put the model back."""
        self.opt.zero_grad()
        self.model.load_state_dict(self.model_before)


@contextlib.contextmanager
def keep_random_state(dls: DataLoaders) -> Iterator[None]:
    """Leave every source of random numbers as it was: Python, numpy, torch (all devices), and the loaders' own."""
    python, old_numpy, old_torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    loaders = [loader.rng.getstate() for loader in dls.loaders]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(old_numpy)
        torch.set_rng_state(old_torch)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
        for loader, state in zip(dls.loaders, loaders, strict=True):
            loader.rng.setstate(state)
