"""Fine-tuning from a head start: how long, how fast, and whether it is kept.

The choice between the start and the fine-tuned weights is made on photos held out of the training part, never on the
validation photos.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from fastai.basics import set_seed
from fastai.callback.training import BnFreeze
from fastai.data.core import DataLoaders

from petbreeds.bundle.pixels import PixelRule
from petbreeds.callbacks import TimeBudget
from petbreeds.data.splits import split_frame
from petbreeds.datablock import frame_dataloaders, normalize_for, photo_paths
from petbreeds.errors import ChoiceError
from petbreeds.head_start import DEFAULT_STRENGTH, linear_layer, refine_head, solve_head
from petbreeds.learner import PetLearner
from petbreeds.models.backbones import find_backbone
from petbreeds.models.devices import device_of
from petbreeds.recipe import Recipe

HOLD_OUT = 0.2  # of the training photos, to choose between the start and the fine-tuned weights
# The head's rate after a head start; late stages learn at a tenth of it, early ones at a hundredth. It was the best of
# four by the error of 148 drawn validation pets, so fine-tuned errors on the drawn pets flatter it a little.
START_LR = 3e-3
BOOK_LR = 2e-3  # fastai's own default for fine_tune
MIN_SECONDS_TO_TUNE = 8.0  # less cannot hold a warm-up and a cool-down

# (at least so many photos a class, epochs on a CPU, epochs on a GPU). Known: with 8 photos a class fine-tuning did not
# improve on the start, with 160 of look-alike breeds it did. The rows between are judgement, the GPU column was never run.
AUTO_EPOCHS = ((100, 5, 8), (40, 3, 6), (15, 0, 5), (0, 0, 0))
AUTO_EPOCHS_WITHOUT_START = 5


@dataclass(frozen=True)
class Start:
    """The state after the head start: all weights, and the strength that was chosen."""

    weights: dict[str, torch.Tensor]
    strength: float


def make_dataloaders(frame: pd.DataFrame, recipe: Recipe, vocab: list[str] | None = None) -> DataLoaders:
    """Make the DataLoaders of a frame as the Recipe says, normalised for its backbone."""
    backbone = find_backbone(recipe.arch)
    dls = frame_dataloaders(
        frame,
        item_size=recipe.item_size,
        size=recipe.size,
        min_scale=recipe.min_scale,
        augment=recipe.augment,
        bs=recipe.bs,
        num_workers=recipe.num_workers,
        rule=PixelRule(recipe.size, backbone.mean, backbone.std),
        vocab=vocab,
    )
    normalize_for(dls, backbone)
    return dls


def plan_epochs(recipe: Recipe, frame: pd.DataFrame, device: str, started: bool) -> int:
    """Return how many epochs to fine-tune: as asked, or by the photos per class (median) and the device.

    >>> frame = pd.DataFrame({"label": ["cat", "dog"] * 8, "split": "train"})
    >>> plan_epochs(Recipe(), frame, "cpu", started=True)
    0
    """
    if recipe.epochs != "auto":
        return int(recipe.epochs)
    if recipe.minutes is not None:
        return 0  # the clock decides
    if not started:
        return AUTO_EPOCHS_WITHOUT_START
    per_class = frame.loc[frame["split"] == "train", "label"].value_counts().median()
    on_cpu, on_gpu = next(row[1:] for row in AUTO_EPOCHS if per_class >= row[0])
    return on_cpu if device == "cpu" else on_gpu


def seconds_until(deadline: float, learn: PetLearner) -> float:
    """Return the seconds for gradient steps: up to the deadline, less what measuring and refitting will take.

    After the last step every photo passes about twice more: to be chosen by, measured, and for the refit's features.
    """
    photos = len(learn.dls.train_ds) + len(learn.dls.valid_ds)
    return deadline - time.perf_counter() - 2.2 * (learn.seconds_per_photo or 0.02) * photos - 1.0


def train_without_start(learn: PetLearner, recipe: Recipe, epochs: int, deadline: float | None) -> str:
    """Train as the book does: the new head first, then all; or all at once from random weights."""
    lr = recipe.lr or BOOK_LR
    if deadline is not None:
        learn.unfreeze()
        _fit_until(deadline, learn, slice(lr / 100, lr) if recipe.weights else lr)
    elif epochs == 0:
        raise ChoiceError("epochs is 0 without a head start: nothing would be learned.\nGive epochs=5, or minutes=5.")
    elif recipe.weights is None:
        learn.unfreeze()
        learn.fit_one_cycle(epochs, lr)
    else:
        learn.fine_tune(epochs, lr)
    return "fine-tuning" if recipe.weights else "training from random weights"


def fine_tune_and_choose(
    learn: PetLearner, frame: pd.DataFrame, recipe: Recipe, start: Start, epochs: int, deadline: float | None
) -> str:
    """Fine-tune on four fifths of the training photos; keep it only if it errs less on the last fifth."""
    outer = learn.dls
    learn.dls = make_dataloaders(hold_out(frame, recipe.seed), recipe, vocab=learn.vocab)
    features, targets = learn.features(photo_paths(learn.dls, 0)), learn.class_numbers(0)
    learn.write_head(*solve_head(features, targets, len(learn.vocab), start.strength))
    before = learn.predictions()
    set_seed(recipe.seed, reproducible=True)
    _fine_tune(learn, recipe, epochs, deadline)
    after = learn.predictions()
    fewer_or_surer = (after.n_errors, after.losses.mean()) < (before.n_errors, before.losses.mean())
    better = bool(np.isfinite(after.losses).all()) and fewer_or_surer
    print(
        f"Choice on {len(after):,} photos held out of the training part: head start {before.n_errors} errors, "
        f"fine-tuned {after.n_errors}: {'fine-tuning' if better else 'the head start'} is kept."
    )
    learn.dls, learn.opt = outer, None
    if not better:
        learn.model.load_state_dict(start.weights)
        return "head start"
    learned = learn.features(photo_paths(outer, 0))  # the fifth held out is learned from now, by the head
    learn.write_head(*refine_head(learned, learn.class_numbers(0), *head_of(learn), DEFAULT_STRENGTH))
    return "fine-tuning"


def hold_out(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Split the training part of a frame once more, by class: `train` and, to choose with, `valid`."""
    training: Any = frame[frame["split"] == "train"].drop(columns="split").reset_index(drop=True)
    return split_frame(training, HOLD_OUT, "stratified", seed)


def _fine_tune(learn: PetLearner, recipe: Recipe, epochs: int, deadline: float | None) -> None:
    """One cycle with discriminative rates from the start; on a CPU the early stages stay frozen."""
    lr = recipe.lr or START_LR
    rates = slice(lr / 100, lr)
    train_bn, learn.train_bn = learn.train_bn, False
    learn.create_opt()
    if device_of(learn.model).type == "cpu":
        learn.freeze_to(1)
    else:
        learn.unfreeze()
    try:
        if deadline is not None:
            _fit_until(deadline, learn, rates, BnFreeze())
        else:
            learn.fit_one_cycle(epochs, rates, cbs=BnFreeze())
    finally:
        learn.train_bn = train_bn


def _fit_until(deadline: float, learn: PetLearner, rates: Any, *callbacks: Any) -> None:
    seconds = max(seconds_until(deadline, learn), 1.0)
    print(f"Training for {seconds:.0f} seconds.")
    learn.fit(10_000, cbs=[TimeBudget(seconds, rates), *callbacks])


def head_of(learn: PetLearner) -> tuple[np.ndarray, np.ndarray]:
    """Return weight `(classes, features)` and bias `(classes,)` of the linear head."""
    layer = linear_layer(learn.model)
    return tuple(part.detach().float().cpu().numpy().astype(float) for part in (layer.weight, layer.bias))  # type: ignore[return-value]
