"""Callbacks, one job each: history, plain lines for log files, a time budget, half precision on a CPU.

What fastai has already (early stopping, saving the best model, stopping at NaN, mixup, frozen batch norm) is taken from
there.
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import torch
from fastai.basics import Callback, noop
from fastai.callback.fp16 import AMPMode, MixedPrecision
from fastai.callback.schedule import combined_cos
from fastai.learner import CancelFitException, CancelTrainException  # pyright: ignore[reportAttributeAccessIssue]


class EpochRecorder(Callback):
    """Collect one row an epoch in `learn.history`: losses, metrics, learning rate, seconds, photos a second."""

    learn: Any
    order = 62  # after fastai's Recorder (50) and progress bars (60): the epoch's values are complete

    def before_fit(self) -> None:
        """Look whether this fit is a real training, not a prediction or a mock training."""
        self.run = not (hasattr(self.learn, "gather_preds") or hasattr(self.learn, "lr_finder"))
        self.trained = False

    def before_train(self) -> None:
        """Start the clock of the training part."""
        self.started, self.photos = time.perf_counter(), 0

    def after_batch(self) -> None:
        """Count the photos that were learnt from."""
        if self.training:
            self.photos += len(self.xb[0])

    def after_train(self) -> None:
        """Stop the clock of the training part."""
        self.seconds, self.trained = time.perf_counter() - self.started, True

    def after_epoch(self) -> None:
        """Add the epoch's row; `validate` alone is no epoch of training."""
        if not self.trained:
            return
        names, values = self.recorder.metric_names, self.recorder.log
        row = dict(zip(names[: len(values)], values, strict=False))
        row.pop("time", None)
        row["epoch"] = len(self.learn.history_rows)
        row["lr"] = self.opt.hypers[-1]["lr"]
        row["seconds"] = round(self.seconds, 3)
        row["images_per_second"] = round(self.photos / max(self.seconds, 1e-9), 1)
        self.learn.history_rows.append(row)


def history_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the collected rows as a table `epoch, train_loss, valid_loss, ..., lr, seconds, images_per_second`."""
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["epoch", "train_loss", "valid_loss"])


class LineProgress(Callback):
    """Print one line an epoch: for log files, where bars leave nothing but carriage returns."""

    learn: Any
    order = 60

    def before_fit(self) -> None:
        """Take over the log of the Recorder, unless fastai has silenced it (predictions, mock trainings)."""
        self.logger_before = self.learn.logger
        if self.logger_before is not noop:
            self.learn.logger = self._write

    def after_fit(self) -> None:
        """Give the log back."""
        self.learn.logger = self.logger_before

    def _write(self, values: Any) -> None:
        named = dict(zip(self.recorder.metric_names, values, strict=False))
        epoch = named.pop("epoch", 0)
        shown = [
            f"{name} {value:.4f}" if isinstance(value, float) else f"{name} {value}" for name, value in named.items()
        ]
        timed = hasattr(self.learn, "time_budget")  # then nobody knows how many epochs it will be
        print(f"epoch {int(epoch) + 1}{'' if timed else f' of {self.n_epoch}'}: {', '.join(shown)}", flush=True)


class TimeBudget(Callback):
    """One cycle of learning rates over seconds instead of epochs; training ends when the seconds are over.

    The schedule is that of `fit_one_cycle` (warm up for a quarter, then cool down), so the last step before the bell is
    taken at a small rate.
    """

    order = 63  # after the EpochRecorder (62): the row of the last epoch is written before training ends

    def __init__(self, seconds: float, lr_max: Any, pct_start: float = 0.25) -> None:
        super().__init__()
        self.seconds, self.lr_max, self.pct_start = seconds, lr_max, pct_start

    def before_fit(self) -> None:
        """Start the clock and spread the rates over the parameter groups."""
        self.started = time.perf_counter()
        self.opt.set_hyper("lr", self.lr_max)
        rates = [hypers["lr"] for hypers in self.opt.hypers]
        self.schedules = [combined_cos(self.pct_start, rate / 25, rate, rate / 1e5) for rate in rates]

    def before_batch(self) -> None:
        """Set the rates by the share of the time that is over; ring the bell."""
        if not self.training:
            return
        share = (time.perf_counter() - self.started) / self.seconds
        if share >= 1:
            raise CancelTrainException()
        self.opt.set_hyper("lr", [schedule(share) for schedule in self.schedules])

    def after_epoch(self) -> None:
        """End the training after the validation of the epoch in which the bell rang."""
        if time.perf_counter() - self.started >= self.seconds:
            raise CancelFitException()


class CpuMixedPrecision(MixedPrecision):
    """Mixed precision on a CPU: bfloat16 autocast without a gradient scaler."""

    learn: Any

    def __init__(self) -> None:
        super().__init__(amp_mode=AMPMode.BF16)

    def before_fit(self) -> None:
        """Prepare autocast for the CPU instead of a graphics card."""
        self.autocast = torch.autocast("cpu", dtype=torch.bfloat16)
        self.learn.scaler, self.scales = torch.amp.GradScaler("cpu", enabled=False), []

    def before_batch(self) -> None:
        """Enter autocast for training batches; what is measured is measured in float32."""
        if self.training:
            self.autocast.__enter__()

    def after_loss(self) -> None:
        """Leave autocast."""
        if self.training:
            self.autocast.__exit__(None, None, None)
