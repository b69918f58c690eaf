"""The learning-rate finder: always the same names, the order that was asked for, and no trace of the mock training."""

from __future__ import annotations

import builtins
import copy
import math
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.callback.schedule import minimum, slide, steep, valley
from fastai.torch_core import set_seed
from hypothesis import given
from hypothesis import strategies as st

from petbreeds.lr_finder import SUGGESTERS, SuggestedLRs, keep_random_state, suggest

Make = Callable[..., Any]
VALUES = {"minimum": 0.01, "steep": 0.003, "valley": 0.002, "slide": 0.02}


def curve(n: int = 100) -> tuple[list[float], list[float]]:
    """Rates and losses of a mock training that falls until 0.1 and explodes then."""
    rates = np.geomspace(1e-7, 10, n)
    losses = 2.0 - 1.5 / (1 + (np.log10(rates) + 1) ** 2) + np.where(rates > 0.5, rates**2, 0)
    return rates.tolist(), losses.tolist()


@given(st.permutations(list(SUGGESTERS)), st.integers(0, 4))
def test_unpacking_follows_the_question_and_the_names_never_change(order: list[str], n: int) -> None:
    found = SuggestedLRs(order[:n], VALUES)
    assert tuple(found) == tuple(VALUES[name] for name in order[:n])
    assert {name: getattr(found, name) for name in SUGGESTERS} == VALUES
    assert (found.lr_min, found.lr_steep) == (VALUES["minimum"], VALUES["steep"])
    assert all(f"{name}=" in repr(found) for name in SUGGESTERS)


def test_suggestions_are_those_of_fastai() -> None:
    rates, losses = curve()
    found, asked = suggest(rates, losses, 100, (steep, minimum))
    x, y = torch.tensor(rates[10:-5]), torch.tensor(losses[10:-5])
    for name, function in {"minimum": minimum, "steep": steep, "valley": valley, "slide": slide}.items():
        assert getattr(found, name) == pytest.approx(float(function(x, y, 100)[0]), nan_ok=True), name
    assert list(asked) == ["steep", "minimum"] and tuple(found) == (found.steep, found.minimum)
    assert 1e-3 < found.minimum < 0.1 and found.steep > 0


def test_a_function_of_ones_own_and_one_with_settings() -> None:
    def third(rates: Any, losses: Any, num_it: int) -> tuple[float, tuple[float, float]]:
        return float(rates[3]), (float(rates[3]), float(losses[3]))

    rates, losses = curve()
    found, asked = suggest(rates, losses, 100, [third, partial(valley)])
    assert list(asked) == ["third", "valley"] and tuple(found) == (asked["third"], found.valley)
    assert suggest(rates, losses, 100, third)[1] == {"third": asked["third"]}
    assert suggest(rates, losses, 100, ())[1] == {}


@pytest.mark.parametrize("n", [0, 4, 5, 6, 8])
def test_too_short_a_curve_gives_no_number_instead_of_an_error(n: int) -> None:
    rates, losses = curve(n)
    found, asked = suggest(rates, losses, n, (minimum, steep, valley, slide))
    assert list(asked) == ["minimum", "steep", "valley", "slide"]
    assert all(math.isnan(rate) or rate > 0 for rate in found)


def test_what_comes_after_the_explosion_is_not_looked_at() -> None:
    rates, losses = curve()
    broken = [*losses[:70], *[math.nan] * 30]
    assert (
        suggest(rates, broken, 100, ())[0].minimum
        == suggest(rates[:75], [*losses[:70], 9, 9, 9, 9, 9], 100, ())[0].minimum
    )


def test_random_state_is_kept_also_after_an_error(tiny_dls: Any) -> None:
    set_seed(1)
    before = (random.getstate(), torch.get_rng_state(), tiny_dls.train.rng.getstate())
    following = np.random.RandomState()
    following.set_state(np.random.get_state())
    with pytest.raises(ZeroDivisionError), keep_random_state(tiny_dls):
        set_seed(2)
        tiny_dls.train.rng.random()
        _ = 1 / 0
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])
    assert tiny_dls.train.rng.getstate() == before[2] and np.random.random() == following.random_sample()


def snapshot(learn: Any) -> dict[str, Any]:
    numbers = np.random.get_state()
    return {
        "model": {name: value.clone() for name, value in learn.model.state_dict().items()},
        "trainable": [parameter.requires_grad for parameter in learn.model.parameters()],
        "opt": None if learn.opt is None else copy.deepcopy(learn.opt.state_dict()),
        "python": random.getstate(),
        "numpy": (numbers[1].tolist(), numbers[2]),  # type: ignore[index,union-attr]
        "torch": torch.get_rng_state(),
        "loaders": [loader.rng.getstate() for loader in learn.dls.loaders],
        "history": list(learn.history_rows),
        "callbacks": [type(callback).__name__ for callback in learn.cbs],
    }


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for ours, theirs in zip(one, other, strict=True):
            assert_same(ours, theirs)
    else:
        assert one == other


@pytest.mark.parametrize("state", ["new", "without an optimiser", "trained"])
def test_lr_find_leaves_no_trace(state: str, tiny_learner: Make) -> None:
    learn = tiny_learner()
    if state == "without an optimiser":
        learn.opt = None
    if state == "trained":
        learn.fit_one_cycle(1, 1e-3)
        learn.unfreeze()
    optimiser = learn.opt
    before = snapshot(learn)
    found = learn.lr_find(num_it=12, show_plot=False)
    assert_same(snapshot(learn), before)
    assert learn.opt is optimiser and (optimiser is None) is (state == "without an optimiser")
    assert len(found) == 1 and len(learn.recorder.lrs) > 0


def test_training_after_lr_find_is_training_without_it(tiny_learner: Make) -> None:
    weights = []
    for look in (False, True):
        learn = tiny_learner()
        set_seed(3)
        learn.dls.train.rng.seed(3)
        if look:
            learn.lr_find(num_it=7, show_plot=False)
        learn.fit(1, 1e-3)
        weights.append(learn.model[1][1].weight.detach().clone())
    assert torch.equal(*weights)


def test_lr_find_writes_no_file(tiny_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    learn = tiny_learner()
    learn.path = learn.dls.path = Path("/nowhere/to/be/written")
    opening = builtins.open

    def reading_only(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        assert not set(mode) & set("wax+"), f"{file} was opened to be written"
        return opening(file, mode, *args, **kwargs)

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(builtins, "open", reading_only)
    for owner, name in ((os, "mkdir"), (Path, "mkdir"), (torch, "save")):
        monkeypatch.setattr(owner, name, refuse)
    assert learn.lr_find(num_it=7, show_plot=False).minimum != 0


def test_lr_find_draws_its_curve(tiny_learner: Make) -> None:
    import matplotlib.pyplot as plt

    learn = tiny_learner()
    rates = learn.lr_find(suggest_funcs=(minimum, steep), num_it=30)
    assert len(rates) == 2 and plt.gca().get_xscale() == "log"
    plt.close("all")
    learn.lr_find(num_it=5, show_plot=False)
    assert not plt.get_fignums()


def test_lr_find_stops_an_exploding_training(tiny_learner: Make) -> None:
    learn = tiny_learner()
    found = learn.lr_find(start_lr=1e3, end_lr=1e8, num_it=20, show_plot=False)
    assert set(vars(found)) == set(SUGGESTERS) and all(value.isfinite().all() for value in learn.model.parameters())
