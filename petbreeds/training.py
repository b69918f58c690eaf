"""A whole training by a Recipe: the head start, fine-tuning as far as it pays, an honest measurement, a last refit.

What is chosen (the start or the fine-tuned weights) is chosen on photos held out of the training part; the reported error
is measured on the validation photos, which choose nothing.
"""

from __future__ import annotations

import copy
import time

import numpy as np
import pandas as pd
from fastai.basics import set_seed

from petbreeds.augment import AUGMENTS
from petbreeds.data.splits import random_order
from petbreeds.datablock import labelled_frame, photo_paths
from petbreeds.errors import ChoiceError, unknown
from petbreeds.fine_tuning import (
    MIN_SECONDS_TO_TUNE,
    Start,
    fine_tune_and_choose,
    head_of,
    make_dataloaders,
    plan_epochs,
    seconds_until,
    train_without_start,
)
from petbreeds.head_start import DEFAULT_STRENGTH, refine_head, solve_head
from petbreeds.learner import PetLearner, pet_learner
from petbreeds.models.backbones import find_backbone
from petbreeds.models.devices import describe_device, device_of
from petbreeds.models.heads import HEADS
from petbreeds.recipe import Recipe

PROBE = 64  # photos, to learn how fast this machine is


def check_names(recipe: Recipe) -> None:
    """Raise ChoiceError for a name that is in no table, before a photo is opened."""
    find_backbone(recipe.arch)
    for kind, name, allowed in (("head", recipe.head, HEADS), ("augmentation", recipe.augment, AUGMENTS)):
        if name not in allowed:
            raise unknown(kind, name, allowed)


def make_learner(frame: pd.DataFrame, recipe: Recipe) -> PetLearner:
    """Make DataLoaders and a PetLearner of a labelled and split frame, as the Recipe says."""
    set_seed(recipe.seed, reproducible=True)
    learn = pet_learner(
        make_dataloaders(frame, recipe),
        recipe.arch,
        head=recipe.head,
        weights=recipe.weights,
        label_smoothing=recipe.label_smoothing,
        mixup=recipe.mixup,
    )
    learn.recipe = recipe
    if recipe.precision == "fp16" or (recipe.precision == "auto" and device_of(learn.model).type == "cuda"):
        learn.to_fp16()
    elif recipe.precision == "bf16":
        learn.to_bf16()
    return learn


def train_by_recipe(learn: PetLearner, frame: pd.DataFrame, recipe: Recipe, started: float) -> None:
    """Train `learn` in place, measure it and refit its head; prints what it does and why.

    frame: `path, label, split`. started: `time.perf_counter()` at the very beginning, from which `minutes` count.
    """
    if recipe.minutes is not None:
        frame = fit_into(60 * recipe.minutes, learn, frame, recipe)
    start = _head_start(learn, recipe) if _can_start(recipe) else None
    epochs = plan_epochs(recipe, frame, device_of(learn.model).type, started=start is not None)
    deadline = None if recipe.minutes is None else started + 60 * recipe.minutes
    chosen = "head start"
    if start is None:
        chosen = train_without_start(learn, recipe, epochs, deadline)
    elif epochs > 0 or (deadline is not None and seconds_until(deadline, learn) >= MIN_SECONDS_TO_TUNE):
        chosen = fine_tune_and_choose(learn, frame, recipe, start, epochs, deadline)
    _measure(learn, recipe, chosen, started)
    if recipe.refit and recipe.head == "linear":
        _refit(learn, start.strength if start else DEFAULT_STRENGTH, anchored=chosen != "head start")
    learn.measured["seconds"] = round(time.perf_counter() - started, 2)


def fit_into(seconds: float, learn: PetLearner, frame: pd.DataFrame, recipe: Recipe) -> pd.DataFrame:
    """Return the frame, or an even sample of it if so many photos cannot even be looked at within the seconds.

    Every photo passes about twice: for the head start or to be measured, and for the refit. Prints what was left out.
    """
    began = time.perf_counter()
    probe = photo_paths(learn.dls, 0)[:PROBE]
    learn.features(probe)
    per_photo = (time.perf_counter() - began) / len(probe)
    share = 0.8 * seconds / (2 * per_photo * len(frame))
    if share >= 1:
        return frame
    shuffled = frame.iloc[random_order(len(frame), recipe.seed)]
    place = shuffled.groupby(["split", "label"]).cumcount()
    size = shuffled.groupby(["split", "label"])["path"].transform("size")
    kept = shuffled[(place < 1) | (place < size * share)].sort_index()
    learn.dls = make_dataloaders(kept, recipe, vocab=learn.vocab)
    print(
        f"{seconds / 60:g} minutes are enough for about {len(kept):,} of the {len(frame):,} photos on this machine: "
        "an even sample of each class is used."
    )
    return kept


def _can_start(recipe: Recipe) -> bool:
    return recipe.head_start and recipe.head == "linear" and recipe.weights is not None


def _head_start(learn: PetLearner, recipe: Recipe) -> Start:
    found = learn.head_start(seed=recipe.seed)
    print(found)
    return Start(copy.deepcopy(learn.model.state_dict()), found.strength)


def _measure(learn: PetLearner, recipe: Recipe, chosen: str, started: float) -> None:
    """Answer for the validation photos once, and keep the answers and their figures with the learner."""
    began = time.perf_counter()
    found = learn.predictions()
    low, high = found.interval()
    device = device_of(learn.model)
    learn.held_out = found
    learn.measured = {
        "error_rate": found.error_rate,
        "error_low": low,
        "error_high": high,
        "n_valid": len(found),
        "n_train": len(learn.dls.train_ds),
        "n_classes": len(learn.vocab),
        "arch": learn.backbone.name,
        "head": learn.head_name,
        "epochs": len(learn.history_rows),
        "chosen": chosen,
        "images_per_second": round(len(found) / max(time.perf_counter() - began, 1e-9), 1),
        "device": describe_device(device),
        "precision": _precision(learn),
        "seed": recipe.seed,
        "refit": False,
    }


def _precision(learn: PetLearner) -> str:
    modes = [type(callback).__name__ for callback in learn.cbs if "MixedPrecision" in type(callback).__name__]
    return f"mixed ({modes[0]})" if modes else "fp32"


def _refit(learn: PetLearner, strength: float, anchored: bool) -> None:
    """Fit the delivered head on all photos, validation included; the measured error stays the one from before."""
    paths = [*photo_paths(learn.dls, 0), *photo_paths(learn.dls, 1)]
    targets = np.concatenate([learn.class_numbers(0), learn.class_numbers(1)])
    features = learn.features(paths)
    if anchored:
        solution = refine_head(features, targets, *head_of(learn), DEFAULT_STRENGTH)
    else:
        solution = solve_head(features, targets, len(learn.vocab), strength)
    learn.write_head(*solution)
    learn.refitted, learn.measured["refit"] = True, True
    print(
        f"Refit: the delivered head has learned from all {len(paths):,} photos, validation included; "
        "the error below was measured before."
    )


def summary_of(learn: PetLearner) -> str:
    """Return the one honest line of a trained learner: error, its 95 % interval, n, and what was chosen."""
    if learn.held_out is None:
        raise ChoiceError("This learner has not been measured yet; call learn.interpret().summary().")
    return learn.held_out.summary()


__all__ = ["check_names", "labelled_frame", "make_learner", "summary_of", "train_by_recipe"]
