"""PetLearner: fastai's methods keep their meaning, and what petbreeds adds tells the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastai.basics import Callback, Learner
from fastai.callback.fp16 import MixedPrecision
from fastai.callback.mixup import MixUp
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.transforms import RandomSplitter, parent_label
from fastai.losses import CrossEntropyLossFlat, LabelSmoothingCrossEntropyFlat
from fastai.vision.augment import Resize
from fastai.vision.data import ImageBlock
from torch import nn

from petbreeds import learner as module
from petbreeds.callbacks import CpuMixedPrecision
from petbreeds.data.photos import find_photos
from petbreeds.datablock import photo_paths
from petbreeds.errors import BundleError, ChoiceError
from petbreeds.learner import PetLearner, pet_learner

Make = Callable[..., Any]


class AutocastWatcher(Callback):
    """Notes, for each batch, the part it belongs to and whether the model ran in half precision."""

    learn: Any
    order = 11  # right after MixedPrecision

    def before_fit(self) -> None:
        self.seen: set[tuple[bool, bool]] = set()

    def after_pred(self) -> None:
        self.seen.add((bool(self.training), torch.is_autocast_enabled("cpu")))


def test_it_is_a_fastai_learner(tiny_learner: Make) -> None:
    learn = tiny_learner()
    assert isinstance(learn, Learner) and isinstance(learn, PetLearner)
    assert learn.vocab == ["Abyssinian", "Birman", "great_pyrenees", "pug", "samoyed"]
    assert isinstance(learn.loss_func, CrossEntropyLossFlat) and [metric.name for metric in learn.metrics] == [
        "error_rate"
    ]
    smooth: Any = tiny_learner(label_smoothing=0.1, mixup=0.4)
    assert isinstance(smooth.loss_func, LabelSmoothingCrossEntropyFlat) and vars(smooth.loss_func)["eps"] == 0.1
    assert [metric.name for metric in smooth.metrics] == ["error_rate"]
    (mixup,) = [callback for callback in smooth.cbs if isinstance(callback, MixUp)]
    assert float(mixup.distrib.concentration1) == pytest.approx(0.4)


def test_a_pretrained_body_starts_frozen_and_a_random_one_does_not(tiny_learner: Make) -> None:
    frozen, free = tiny_learner(), tiny_learner(pretrained=False)
    norms = {id(p) for part in frozen.model[0].modules() if isinstance(part, nn.BatchNorm2d) for p in part.parameters()}
    body = [parameter for parameter in frozen.model[0].parameters() if id(parameter) not in norms]
    assert body and not any(parameter.requires_grad for parameter in body)
    assert all(parameter.requires_grad for parameter in frozen.model[1].parameters())
    assert all(parameter.requires_grad for parameter in free.model.parameters())
    frozen.unfreeze()
    assert all(parameter.requires_grad for parameter in frozen.model.parameters())
    frozen.freeze()
    assert not any(parameter.requires_grad for parameter in body)


def test_a_frozen_epoch_moves_the_head_alone(tiny_learner: Make) -> None:
    learn = tiny_learner()
    before = {name: value.clone() for name, value in learn.model.named_parameters()}
    learn.fit(1, 1e-2)
    moved = {name for name, value in learn.model.named_parameters() if not torch.equal(value, before[name])}
    convolutions = {name for name, value in before.items() if name.startswith("0.") and value.ndim == 4}
    assert {"1.1.weight", "1.1.bias"} <= moved and convolutions and not moved & convolutions


def test_a_slice_of_rates_spreads_over_three_groups_by_equal_factors(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.unfreeze()
    learn.fit(1, lr=slice(1e-6, 1e-4))
    rates = [hypers["lr"] for hypers in learn.opt.hypers]
    assert rates == pytest.approx([1e-6, 1e-5, 1e-4])
    n_parameters = [sum(parameter.numel() for parameter in group) for group in learn.opt.param_lists]
    assert len(n_parameters) == 3 and sum(n_parameters) == sum(value.numel() for value in learn.model.parameters())


@pytest.mark.parametrize("method", ["to_fp16", "to_bf16"])
@pytest.mark.parametrize(
    ("gains", "depthwise", "says", "mixed"),
    [
        (False, False, "no faster", False),
        (False, True, "no faster", False),
        (True, True, "depthwise", False),
        (True, False, "runs in bfloat16", True),
    ],
)
def test_half_precision_without_a_graphics_card(
    method: str,
    gains: bool,
    depthwise: bool,
    says: str,
    mixed: bool,
    tiny_learner: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(module, "cpu_gains_from_bf16", lambda: gains)
    monkeypatch.setattr(module, "has_depthwise", lambda model: depthwise)
    learn = tiny_learner()
    monkeypatch.setattr(learn, "_on_gpu", lambda: False)
    capsys.readouterr()
    assert getattr(learn, method)() is learn
    printed = capsys.readouterr().out
    assert (
        printed.count("\n") == 1 and says in printed and ("float16" if method == "to_fp16" else "bfloat16") in printed
    )
    assert any(isinstance(callback, CpuMixedPrecision) for callback in learn.cbs) is mixed
    getattr(learn, method)()  # twice is once
    assert sum(isinstance(callback, MixedPrecision) for callback in learn.cbs) == mixed


def test_depthwise_convolutions_are_seen_in_real_networks(tiny_dls: Any) -> None:
    assert module.has_depthwise(pet_learner(tiny_dls, "efficientnet_lite0", pretrained=False).model)
    assert not module.has_depthwise(pet_learner(tiny_dls, "resnet18", pretrained=False).model)


def test_mixed_precision_is_for_training_alone(tiny_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cpu_gains_from_bf16", lambda: True)
    monkeypatch.setattr(module, "has_depthwise", lambda model: False)
    watcher = AutocastWatcher()
    learn = tiny_learner(cbs=[watcher])
    plain = learn.predictions().probs
    learn.to_bf16()
    learn.fit(1, 1e-3)
    assert watcher.seen == {(True, True), (False, False)}
    assert not torch.is_autocast_enabled("cpu")
    assert plain.dtype == np.float32 and learn.predictions().probs.dtype == np.float32
    assert {value.dtype for value in learn.model.parameters()} == {torch.float32}
    assert any(isinstance(callback, CpuMixedPrecision) for callback in learn.cbs)  # put back after predicting


def test_history_has_a_row_an_epoch_and_none_for_predictions(tiny_learner: Make) -> None:
    learn = tiny_learner()
    assert learn.history.empty
    learn.fine_tune(1)
    learn.predictions()
    learn.validate()
    learn.tta(n=1)
    learn.lr_find(num_it=3, show_plot=False)
    assert learn.history["epoch"].tolist() == [0, 1]
    expected = ["epoch", "train_loss", "valid_loss", "error_rate", "lr", "seconds", "images_per_second"]
    assert list(learn.history.columns) == expected
    assert (learn.history["images_per_second"] > 0).all() and learn.history["error_rate"].between(0, 1).all()


def test_a_log_gets_one_line_an_epoch(tiny_learner: Make, capsys: pytest.CaptureFixture[str]) -> None:
    learn = tiny_learner()
    capsys.readouterr()
    learn.fit(2, 1e-3)
    printed = capsys.readouterr().out
    assert "\r" not in printed and "<table" not in printed
    lines = printed.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert all("error_rate 0." in line or "error_rate 1." in line for line in lines)
    learn.predictions()
    assert capsys.readouterr().out == ""


def test_predictions_are_in_the_order_of_the_photos(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.head_start(0.1)
    for part, n in ((0, 48), (1, 12)):
        found = learn.predictions(part)
        assert found.paths == [str(path) for path in photo_paths(learn.dls, part)] and len(found) == n
        assert found.truths == [Path(path).stem.rpartition("_")[0] for path in found.paths]
        assert found.probs.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-5)
        assert np.array_equal(found.targets, learn.class_numbers(part))  # type: ignore[arg-type]
    assert np.array_equal(learn.predictions(0).probs, learn.predictions(0).probs)  # no augmentation, no shuffling


def test_predictions_agree_with_fastai(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.head_start(0.1)
    probs, targets = learn.get_preds()
    found = learn.predictions()
    assert np.allclose(found.probs, probs.numpy(), atol=1e-6) and np.array_equal(found.targets, targets.numpy())  # type: ignore[arg-type]
    assert float(learn.validate()[1]) == pytest.approx(found.error_rate)


def test_interpret_uses_the_answers_from_before_the_refit(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.held_out = learn.predictions()
    learn.head_start()
    learn.held_out = kept = learn.predictions()[::2]
    assert learn.interpret().predictions is kept
    learn.held_out = None
    assert len(learn.interpret().predictions) == 12


def test_training_after_a_refit_warns_and_drops_the_figures(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.held_out, learn.measured, learn.refitted = learn.predictions(), {"error_rate": 0.5}, True
    learn.lr_find(num_it=3, show_plot=False)
    assert learn.held_out is not None and learn.measured == {"error_rate": 0.5} and learn.refitted
    with pytest.warns(UserWarning, match="already learned from the validation photos"):
        learn.fit(1, 1e-3)
    assert learn.held_out is None and learn.measured == {} and learn.refitted


def test_export_writes_what_the_learner_says(tiny_learner: Make, tmp_path: Path) -> None:
    from petbreeds.bundle.predictor import load_predictor

    learn = tiny_learner()
    learn.head_start(0.1)
    folder = learn.export(tmp_path / "pets_model")
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "bundle.json", "model.safetensors"]
    info = json.loads((folder / "bundle.json").read_text())
    found = learn.predictions()
    assert info["vocab"] == learn.vocab and info["pixels"]["size"] == 48 and info["refit"] is False
    assert info["metrics"]["error_rate"] == found.error_rate and info["metrics"]["n_valid"] == 12
    assert info["counts"] == {"train": 48, "valid": 12}
    assert np.abs(load_predictor(folder).predict(found.paths).probs - found.probs).max() < 1e-4
    assert learn.export(folder) == folder  # over an older bundle
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("dear diary")
    with pytest.raises(BundleError, match="monday.txt"):
        learn.export(tmp_path / "diary")
    assert (tmp_path / "diary" / "monday.txt").read_text() == "dear diary"


def test_loaders_of_ones_own_train_and_export_with_a_warning(drawn: Path, tiny_weights: str, tmp_path: Path) -> None:
    for photo in find_photos(drawn)[::4]:
        place = tmp_path / "pets" / photo.stem.rpartition("_")[0] / photo.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(photo.read_bytes())
    make_block: Any = DataBlock
    block = make_block(
        blocks=(ImageBlock, CategoryBlock),
        get_items=find_photos,
        get_y=parent_label,
        splitter=RandomSplitter(seed=42),
        item_tfms=Resize(40),
    )
    learn = pet_learner(
        block.dataloaders(tmp_path / "pets", bs=4, num_workers=0), "test_efficientnet", weights=tiny_weights
    )
    with pytest.warns(UserWarning, match="not made by petbreeds"):
        learn.head_start(0.1)
    with pytest.warns(UserWarning, match="40 pixels"):
        folder = learn.export(tmp_path / "model")
    assert json.loads((folder / "bundle.json").read_text())["pixels"]["size"] == 40


def test_the_kinds_of_arch_and_weights(tiny_dls: Any, tiny_weights: str) -> None:
    from torchvision.models import resnet18

    assert pet_learner(tiny_dls, resnet18, pretrained=False).backbone.name == "resnet18"
    fitted = pet_learner(tiny_dls, "test_efficientnet", weights=tiny_weights)
    drawn_at_random = pet_learner(tiny_dls, "test_efficientnet", weights=None)
    stem = torch.load(tiny_weights, weights_only=True)["conv_stem.weight"]
    assert torch.equal(fitted.model[0][0].weight, stem) and not torch.equal(drawn_at_random.model[0][0].weight, stem)
    with pytest.raises(ChoiceError, match="Did you mean 'linear'"):
        pet_learner(tiny_dls, "resnet18", pretrained=False, head="linaer")


def test_a_learner_for_another_backbone_replaces_the_normalisation(tiny_dls: Any, tiny_weights: str) -> None:
    from fastai.data.transforms import Normalize

    for arch, pretrained, mean in (("resnet18", False, 0.485), ("efficientnet_lite0", False, 0.5)):
        learn = pet_learner(tiny_dls, arch, pretrained=pretrained)
        (found,) = [step for step in learn.dls.valid.after_batch.fs if isinstance(step, Normalize)]
        assert float(found.mean.flatten()[0]) == pytest.approx(mean) and learn.rule.mean[0] == mean
