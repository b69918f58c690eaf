"""PetLearner: a fastai Learner that starts ahead, answers in plain values and exports no pickle.

fastai's own methods (`fine_tune`, `fit_one_cycle`, `freeze`, `tta`, `summary`, `show_results`, ...) keep their meaning; what
petbreeds adds has a new name. Changed are only `lr_find` (same names always, no trace left), `to_fp16` and `to_bf16` (also
useful on a CPU), and `export` (a bundle).
"""

from __future__ import annotations

import copy
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastai.vision.learner  # noqa: F401 (registers how results and top losses of photos are shown)
import numpy as np
import pandas as pd
import torch
from fastai.basics import Learner
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.mixup import MixUp
from fastai.callback.progress import ProgressCallback
from fastai.callback.schedule import valley
from fastai.data.core import DataLoaders
from fastai.data.transforms import get_c
from fastai.losses import CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.metrics import error_rate
from torch import nn

from petbreeds.bundle.pixels import PixelRule
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.callbacks import CpuMixedPrecision, EpochRecorder, LineProgress, history_table
from petbreeds.datablock import normalize_for, photo_paths, rule_of
from petbreeds.head_start import HeadStart, choose_strength, compute_features, linear_layer, solve_head, write_head
from petbreeds.insight.interpretation import Interpretation
from petbreeds.lr_finder import MockTraining, SuggestedLRs, keep_random_state, suggest
from petbreeds.models.backbones import find_backbone
from petbreeds.models.build import build_model, parameter_groups
from petbreeds.models.devices import cpu_gains_from_bf16, has_depthwise
from petbreeds.predictions import Predictions
from petbreeds.progress import is_interactive
from petbreeds.recipe import Recipe
from petbreeds.suspects import learner_suspects


class PetLearner(Learner):
    """A fastai Learner for one label per photo; make one with `pet_learner`.

    Beside fastai's attributes: `backbone`, `head_name`, `rule` (how photos become numbers), `history` (a table), and after
    `petbreeds.train` also `recipe` and `measured` (the metrics of the validation photos).
    """

    dls: Any  # fastai builds these at run time
    model: Any
    opt: Any
    recorder: Any
    train_bn: bool

    def __init__(self, dls: DataLoaders, model: nn.Sequential, arch: str, head: str, **kwargs: Any) -> None:
        self.backbone, self.head_name = find_backbone(arch), head
        self.history_rows: list[dict[str, Any]] = []
        self.recipe: Recipe | None = None
        self.measured: dict[str, Any] = {}
        self.held_out: Predictions | None = None
        self.refitted = False
        self.weights: str | None = None  # what the body was loaded with
        self.features_key, self.features_by_path = 0.0, {}
        self.seconds_per_photo = 0.0
        super().__init__(dls, model, **kwargs)
        self.add_cb(EpochRecorder())
        if not is_interactive():
            self.remove_cbs(ProgressCallback)
            self.add_cb(LineProgress())

    @property
    def vocab(self) -> list[str]:
        """Class names, in the order of the model's outputs."""
        return [str(name) for name in self.dls.vocab]

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch: losses, metrics, learning rate, seconds, photos a second."""
        return history_table(self.history_rows)

    @property
    def rule(self) -> PixelRule:
        """How a validation photo becomes numbers; loaders that petbreeds did not make get the nearest rule and a warning."""
        rule = rule_of(self.dls, self.backbone)
        if rule is None:
            size = int(self.dls.valid.one_batch()[0].shape[-1])
            rule = PixelRule(size, self.backbone.mean, self.backbone.std)
            warnings.warn(
                "These DataLoaders were not made by petbreeds: features and the exported model take the middle square of a "
                f"photo at {size} pixels, so their answers differ a little from this learner's.",
                stacklevel=2,
            )
        return rule

    def fit(self, *args: Any, **kwargs: Any) -> None:
        """Train as fastai does; figures measured before no longer describe the model, and are dropped."""
        if self.refitted:
            warnings.warn(
                "The head has already learned from the validation photos (refit=True), so their error is no measure of this "
                "training. Train anew with refit=False to compare.",
                stacklevel=3,
            )
        super().fit(*args, **kwargs)
        if not hasattr(self, "lr_finder"):
            self.held_out, self.measured = None, {}

    def lr_find(
        self,
        start_lr: float = 1e-7,
        end_lr: Any = 10,
        num_it: int = 100,
        stop_div: bool = True,
        show_plot: bool = True,
        suggest_funcs: Any = (valley,),
    ) -> SuggestedLRs:
        """Train for show with a growing rate and suggest learning rates; leaves no trace in model, optimiser or randomness.

        Unpacks into the suggestions asked for, in their order; `.minimum`, `.steep`, `.valley` and `.slide` are always
        there. Source: L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017; the fastai book.
        """
        n_epoch = num_it // max(len(self.dls.train), 1) + 1
        finder = MockTraining(start_lr=start_lr, end_lr=end_lr, num_it=num_it, stop_div=stop_div)
        kept = (self.opt, self.held_out, self.measured, self.refitted)
        opt_state = copy.deepcopy(self.opt.state_dict()) if self.opt else None  # before `fit` sets a rate of its own
        self.refitted = False
        with keep_random_state(self.dls), self.no_logging():
            self.fit(n_epoch, cbs=finder)
        self.opt, self.held_out, self.measured, self.refitted = kept
        if opt_state:
            self.opt.load_state_dict(opt_state)
        rates = [float(rate) for rate in self.recorder.lrs]
        losses = [float(loss) for loss in self.recorder.losses]
        found, asked = suggest(rates, losses, num_it, suggest_funcs if suggest_funcs is not None else ())
        if show_plot:
            from petbreeds.insight.plots import plot_lr_find

            plot_lr_find(rates[:-5], losses[:-5], {name: rate for name, rate in asked.items() if rate == rate})
        return found

    def to_fp16(self, **kwargs: Any) -> PetLearner:
        """Train in half precision; without a graphics card do what is nearest and say so."""
        return super().to_fp16(**kwargs) if self._on_gpu() else self._half_on_cpu("float16")  # pyright: ignore

    def to_bf16(self, **kwargs: Any) -> PetLearner:
        """Train in bfloat16; without a graphics card only where the processor gains from it, and say so."""
        return super().to_bf16(**kwargs) if self._on_gpu() else self._half_on_cpu("bfloat16")  # pyright: ignore

    def _on_gpu(self) -> bool:
        return self.dls.device is not None and torch.device(self.dls.device).type == "cuda"

    def _half_on_cpu(self, asked: str) -> PetLearner:
        if not cpu_gains_from_bf16():
            print(f"{asked}: this processor computes it no faster, so training stays in float32.")
        elif has_depthwise(self.model):
            print(
                f"{asked}: depthwise convolutions gain nothing from it on a CPU; only features are computed in bfloat16."
            )
        else:
            print(f"{asked}: no graphics card, so training runs in bfloat16 on this processor.")
            self.remove_cbs(MixedPrecision)
            self.add_cb(CpuMixedPrecision())
        return self

    def class_numbers(self, part: int) -> np.ndarray:
        """Return the class numbers of the training (0) or validation (1) photos, without opening one."""
        return np.array([int(target) for target in self.dls[part].dataset.tls[1]])

    def features(self, paths: list[Path]) -> np.ndarray:
        """Return the pooled features `(n, features)` of photos; each photo passes once through an unchanged backbone."""
        key = float(sum(value.double().abs().sum() for value in self.model[0].state_dict().values()))
        if key != self.features_key:
            self.features_key, self.features_by_path = key, {}
        new = [path for path in paths if path not in self.features_by_path]
        if new:
            began = time.perf_counter()
            found = compute_features(self.model, new, self.rule)
            self.seconds_per_photo = (time.perf_counter() - began) / len(new)
            self.features_by_path.update(zip(new, found, strict=True))
        return np.stack([self.features_by_path[path] for path in paths])

    def head_start(self, strength: float | None = None, seed: int = 42) -> HeadStart:
        """Fit the linear head on the features of the training photos: seconds, and a better start than a frozen epoch.

        strength: scikit-learn's C; None chooses it by cross-validation among the training photos. Raises ChoiceError for
        any other head. Source: Kumar et al., ICLR 2022.
        """
        linear_layer(self.model)
        features, targets = self.features(photo_paths(self.dls, 0)), self.class_numbers(0)
        how = "given"
        if strength is None:
            strength, how = choose_strength(features, targets, seed)
        self.write_head(*solve_head(features, targets, len(self.vocab), strength))
        self.held_out, self.measured, self.refitted = None, {}, False
        return HeadStart(len(targets), strength, how)

    def write_head(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Write a linear head; momentum that the optimiser kept for the old one is dropped."""
        write_head(self.model, weight, bias)
        self.opt = None

    def predictions(self, part: int = 1) -> Predictions:
        """Return the answers to the validation photos (1) or the training photos (0), in full precision."""
        loader = self.dls[part].new(shuffle=False, drop_last=False)
        if part == 0:
            loader = self.dls.test_dl(self.dls[0].items, with_labels=True)
        with self.removed_cbs(self._grab_cbs(MixedPrecision)):
            probs, targets = self.get_preds(dl=loader)
        paths = [str(path) for path in photo_paths(self.dls, part)]
        return Predictions(paths, self.vocab, probs.float().numpy(), targets.numpy().reshape(-1))

    def interpret(self) -> Interpretation:
        """Look at the validation photos in one pass; after a refit, at the answers given before it."""
        return Interpretation(self.held_out or self.predictions())

    def label_issues(self, seed: int = 42) -> pd.DataFrame:
        """Return the photos whose label is probably wrong, surest first: `path, issue, score, why, label, suggested, ...`."""
        return learner_suspects(self, seed)

    def export(self, fname: str | os.PathLike[str] = "pets_model") -> Path:
        """Write the model as a folder `model.safetensors` + `bundle.json` (no pickle) and return its path."""
        held_out = self.held_out or self.predictions()
        recipe = (self.recipe or Recipe(arch=self.backbone.name, head=self.head_name)).to_dict()
        counts = {"train": len(self.dls.train_ds), "valid": len(self.dls.valid_ds)}
        low, high = held_out.interval()
        measured = {"error_rate": held_out.error_rate, "error_low": low, "error_high": high, "n_valid": len(held_out)}
        info = BundleInfo(
            arch=self.backbone.name,
            head=self.head_name,
            vocab=self.vocab,
            pixels=self.rule.to_dict(),
            recipe=recipe,
            metrics={**measured, "n_train": counts["train"], "n_classes": len(self.vocab), **self.measured},
            refit=self.refitted,
            counts=counts,
        )
        return save_bundle(self.model, info, fname)


def pet_learner(
    dls: DataLoaders,
    arch: str | Callable[..., nn.Module] = "efficientnet_lite0",
    *,
    head: str = "linear",
    pretrained: bool = True,
    weights: str | None = "auto",
    metrics: Any = None,
    loss_func: Any = None,
    label_smoothing: float = 0.0,
    mixup: float = 0.0,
    cbs: Any = None,
    **kwargs: Any,
) -> PetLearner:
    """Make a PetLearner: a backbone, a head, and the backbone's normalisation added to `dls`.

    arch: a name or a torchvision function. head: "linear" (which the head start fits), "fastai" (the book's) or "mlp".
    pretrained=False or weights=None: random weights; weights may be a `.pth` or `.safetensors` file. label_smoothing: share
    of the target spread over all classes. mixup: its alpha, 0 for none. Without loss_func the kind of label decides, as in
    fastai; without metrics the error rate, where there is one label per photo. A pretrained body starts frozen, as in the
    book; `kwargs` go to fastai's Learner.
    """
    backbone = find_backbone(arch)
    used = weights if pretrained else None
    model = build_model(arch, get_c(dls), head, used).to(memory_format=torch.channels_last)
    normalize_for(dls, backbone)
    if loss_func is None and label_smoothing:
        loss_func = LabelSmoothingCrossEntropyFlat(eps=label_smoothing)
    one_label = (CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat)
    if metrics is None and isinstance(loss_func or getattr(dls.train_ds, "loss_func", None), one_label):
        metrics = error_rate
    callbacks = [*([MixUp(mixup)] if mixup else []), *(cbs if isinstance(cbs, (list, tuple)) else [cbs] if cbs else [])]
    learn = PetLearner(
        dls,
        model.to(dls.device),
        backbone.name,
        head,
        loss_func=loss_func,
        metrics=metrics,
        splitter=parameter_groups,
        cbs=callbacks,
        **kwargs,
    )
    learn.weights = used
    if used is not None:
        learn.freeze()
    return learn
