"""Callbacks: the clock of a time budget, and what a log and a history keep."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from fastai.basics import Callback

from petbreeds import callbacks
from petbreeds.callbacks import EpochRecorder, LineProgress, TimeBudget, history_table

Make = Callable[..., Any]


class RateWatcher(Callback):
    """Notes the learning rates of all groups at each training step."""

    order = 70

    def before_fit(self) -> None:
        self.seen: list[list[float]] = []

    def after_step(self) -> None:
        self.seen.append([hypers["lr"] for hypers in self.opt.hypers])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock on which each look takes a second; the last time shown is in the list."""
    shown = [0.0]
    ticks = itertools.count(1)

    def look() -> float:
        shown[0] = float(next(ticks))
        return shown[0]

    monkeypatch.setattr(callbacks, "time", SimpleNamespace(perf_counter=look))
    return shown


@pytest.mark.parametrize("seconds", [5, 30, 60])
def test_a_time_budget_ends_in_time(seconds: int, tiny_learner: Make, clock: list[float]) -> None:
    learn = tiny_learner()
    watcher = RateWatcher()
    learn.fit(10_000, cbs=[TimeBudget(seconds, 1e-3), watcher])
    assert seconds <= clock[0] <= seconds + 12  # the validation of the last epoch, and the looks of other callbacks
    assert 1 <= len(learn.history) < seconds and 1 <= len(watcher.seen) < seconds
    assert learn.history["valid_loss"].notna().all()
    assert not [callback for callback in learn.cbs if isinstance(callback, TimeBudget)]


def test_the_rates_of_a_time_budget_rise_and_fall(tiny_learner: Make, clock: list[float]) -> None:
    learn = tiny_learner()
    learn.unfreeze()
    watcher = RateWatcher()
    learn.fit(10_000, cbs=[TimeBudget(60, slice(1e-5, 1e-3), pct_start=0.25), watcher])
    last = [rates[-1] for rates in watcher.seen]
    top = last.index(max(last))
    assert 0.1 < top / len(last) < 0.45 and max(last) == pytest.approx(1e-3, rel=0.05)
    assert last[: top + 1] == sorted(last[: top + 1]) and last[top:] == sorted(last[top:], reverse=True)
    assert last[0] < 0.1 * max(last) and last[-1] < 0.02 * max(last)
    for rates in watcher.seen:
        assert rates[2] / rates[1] == pytest.approx(10) and rates[1] / rates[0] == pytest.approx(10)


def test_history_table_of_nothing_and_of_two_trainings() -> None:
    assert list(history_table([]).columns) == ["epoch", "train_loss", "valid_loss"] and history_table([]).empty
    rows = [{"epoch": 0, "train_loss": 2.0}, {"epoch": 1, "train_loss": 1.0, "accuracy": 0.5}]
    assert history_table(rows)["accuracy"].isna().tolist() == [True, False]


def test_epochs_are_numbered_on_and_rates_are_those_of_the_head(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.fit(1, 1e-3)
    learn.fit(2, slice(1e-6, 1e-2))
    assert learn.history["epoch"].tolist() == [0, 1, 2]
    assert learn.history["lr"].tolist() == pytest.approx([1e-3, 1e-2, 1e-2])
    seconds, speed = learn.history["seconds"], learn.history["images_per_second"]
    assert (seconds * speed / 48).tolist() == pytest.approx([1] * 3, rel=0.1)  # 48 photos an epoch


def test_there_is_one_of_each_and_lines_take_the_place_of_bars(tiny_learner: Make) -> None:
    from fastai.callback.progress import ProgressCallback

    kinds = [type(callback) for callback in tiny_learner().cbs]
    assert kinds.count(EpochRecorder) == kinds.count(LineProgress) == 1 and ProgressCallback not in kinds


def test_a_terminal_keeps_fastais_bars(tiny_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastai.callback.progress import ProgressCallback

    monkeypatch.setattr("petbreeds.learner.is_interactive", lambda: True)
    kinds = [type(callback) for callback in tiny_learner().cbs]
    assert LineProgress not in kinds and ProgressCallback in kinds


def test_the_log_is_given_back(tiny_learner: Make, capsys: pytest.CaptureFixture[str]) -> None:
    learn = tiny_learner()
    logger = learn.logger
    learn.fit(1, 1e-3)
    assert learn.logger == logger
    capsys.readouterr()
    with learn.no_logging():
        learn.fit(1, 1e-3)
    assert capsys.readouterr().out == ""


def test_a_timed_training_does_not_promise_ten_thousand_epochs(
    tiny_learner: Make, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    learn = tiny_learner()
    capsys.readouterr()
    learn.fit(10_000, cbs=TimeBudget(5, 1e-3))
    printed = capsys.readouterr().out
    assert printed.startswith("epoch 1: train_loss") and "10000" not in printed
