"""A whole training: the validation photos choose nothing, the better weights are kept, and the seed decides everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import petbreeds
from petbreeds import fine_tuning, training
from petbreeds.data.labels import label_frame
from petbreeds.data.splits import split_frame
from petbreeds.datablock import photo_paths
from petbreeds.errors import ChoiceError
from petbreeds.head_start import solve_head
from petbreeds.recipe import Recipe

Prepare = Callable[..., Any]


def frame_of(per_class: int, n_classes: int = 3) -> pd.DataFrame:
    labels = [f"breed {i}" for i in range(n_classes)] * per_class
    return pd.DataFrame({"path": [f"{i}.jpg" for i in range(len(labels))], "label": labels, "split": "train"})


@pytest.mark.parametrize(
    ("per_class", "device", "started", "choices", "epochs"),
    [
        (8, "cpu", True, {}, 0),
        (8, "cuda", True, {}, 0),
        (15, "cpu", True, {}, 0),
        (15, "cuda", True, {}, 5),
        (40, "cpu", True, {}, 3),
        (40, "cuda", True, {}, 6),
        (160, "cpu", True, {}, 5),
        (160, "cuda", True, {}, 8),
        (8, "cpu", False, {}, 5),
        (160, "cpu", True, {"epochs": 0}, 0),
        (8, "cpu", True, {"epochs": 7}, 7),
        (160, "cpu", True, {"minutes": 2}, 0),
    ],
)
def test_plan_epochs(per_class: int, device: str, started: bool, choices: dict[str, Any], epochs: int) -> None:
    assert training.plan_epochs(Recipe(**choices), frame_of(per_class), device, started) == epochs


def test_every_number_of_photos_has_a_row() -> None:
    for per_class in range(1, 200, 7):
        assert training.plan_epochs(Recipe(), frame_of(per_class, 2), "cpu", True) in range(6)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"arch": "resnt34"}, "Did you mean 'resnet34'"),
        ({"head": "linaer"}, "Did you mean 'linear'"),
        ({"augment": "strongg"}, "Did you mean 'strong'"),
    ],
)
def test_names_are_checked_first(choices: dict[str, Any], words: str) -> None:
    with pytest.raises(ChoiceError, match=words):
        training.check_names(Recipe(**choices))


def test_hold_out_divides_the_training_part_and_nothing_else(drawn: Path) -> None:
    frame = split_frame(label_frame(drawn).frame, 0.2, seed=42)
    inner = fine_tuning.hold_out(frame, seed=42)
    training_paths = set(frame.loc[frame["split"] == "train", "path"])
    assert set(inner["path"]) == training_paths and not inner["path"].duplicated().any()
    assert set(inner.loc[inner["split"] == "valid", "label"]) == set(frame["label"])
    assert set(inner.loc[inner["split"] == "train", "label"]) == set(frame["label"])
    assert len(inner[inner["split"] == "valid"]) == pytest.approx(0.2 * len(inner), abs=3)
    assert inner.equals(fine_tuning.hold_out(frame, seed=42)) and not inner.equals(fine_tuning.hold_out(frame, seed=7))


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the head start of a training found."""
    kept: dict[str, Any] = {}
    original = training._head_start

    def watched(learn: Any, recipe: Recipe) -> Any:
        found = original(learn, recipe)
        kept.update(weights=found.weights, strength=found.strength)
        return found

    monkeypatch.setattr(training, "_head_start", watched)
    return kept


def state_of(learn: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in learn.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def unlearn(learn: Any) -> None:
    """Learn a wrong answer to every photo by heart."""
    paths = [*photo_paths(learn.dls, 0), *photo_paths(learn.dls, 1)]
    targets = np.concatenate([learn.class_numbers(0), learn.class_numbers(1)])
    wrong = (targets + 1) % len(learn.vocab)
    learn.write_head(*solve_head(learn.features(paths), wrong, len(learn.vocab), 1e4))


def explode(learn: Any) -> None:
    """End as a training does whose rate is far too high."""
    with torch.no_grad():
        for value in learn.model.parameters():
            value.fill_(torch.nan)


@pytest.mark.parametrize("ruin", [unlearn, explode])
def test_ruinous_fine_tuning_leaves_exactly_the_start(
    ruin: Callable[[Any], None],
    prepare: Prepare,
    start: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(fine_tuning, "_fine_tune", lambda learn, *_: ruin(learn))
    learn = prepare(epochs=1, refit=False).train()
    assert same(state_of(learn), start["weights"]) and learn.measured["chosen"] == "head start"
    assert "the head start is kept" in capsys.readouterr().out
    assert len(learn.dls.train_ds) == 48 and learn.measured["n_train"] == 48  # all of them again


def test_better_fine_tuning_is_kept_and_saw_no_validation_photo(
    prepare: Prepare, start: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: set[str] = set()
    body: dict[str, torch.Tensor] = {}

    def improve(learn: Any, *_: Any) -> None:
        with torch.no_grad():
            next(learn.model[0].parameters()).mul_(1.01)
        paths = [*photo_paths(learn.dls, 0), *photo_paths(learn.dls, 1)]
        seen.update(map(str, paths))
        targets = np.concatenate([learn.class_numbers(0), learn.class_numbers(1)])
        learn.write_head(*solve_head(learn.features(paths), targets, len(learn.vocab), 1e4))  # it knows the answers
        body.update({name: value.clone() for name, value in learn.model[0].state_dict().items()})

    monkeypatch.setattr(fine_tuning, "_fine_tune", improve)
    prepared = prepare(epochs=1, refit=False)
    learn = prepared.train()
    assert learn.measured["chosen"] == "fine-tuning" and "fine-tuning is kept" in capsys.readouterr().out
    assert same({name: value.clone() for name, value in learn.model[0].state_dict().items()}, body)
    assert not same(state_of(learn), start["weights"])
    validation = set(prepared.frame.loc[prepared.frame["split"] == "valid", "path"])
    assert len(seen) == 48 and not seen & validation
    assert set(learn.held_out.paths) == validation


def test_no_change_leaves_the_start(prepare: Prepare, start: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        fine_tuning, "_fine_tune", lambda *_: None
    )  # the same errors, the same certainty: the start stays
    learn = prepare(epochs=1, refit=False).train()
    assert learn.measured["chosen"] == "head start" and same(state_of(learn), start["weights"])


@pytest.mark.parametrize("refit", [True, False])
def test_refit_changes_the_head_and_not_the_figures(
    refit: bool, prepare: Prepare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before: dict[str, Any] = {}
    original = training._measure

    def watched(learn: Any, *args: Any) -> None:
        original(learn, *args)
        before.update(state=state_of(learn), measured=dict(learn.measured), probs=learn.held_out.probs.copy())

    monkeypatch.setattr(training, "_measure", watched)
    learn = prepare(epochs=0, refit=refit).train()
    changed = {name for name, value in state_of(learn).items() if not torch.equal(value, before["state"][name])}
    assert changed == ({"1.1.weight", "1.1.bias"} if refit else set())
    figures = {name: value for name, value in learn.measured.items() if name not in ("refit", "seconds")}
    assert figures == {name: value for name, value in before["measured"].items() if name not in ("refit", "seconds")}
    assert learn.refitted is refit is learn.measured["refit"]
    assert np.array_equal(learn.held_out.probs, before["probs"]) and learn.interpret().predictions is learn.held_out
    assert np.array_equal(learn.predictions().probs, before["probs"]) is not refit
    assert ("validation included" in capsys.readouterr().out) is refit
    assert learn.held_out.error_rate == learn.measured["error_rate"]


def test_no_refit_for_other_heads(prepare: Prepare) -> None:
    learn = prepare(epochs=1, head="mlp").train()
    assert not learn.refitted and learn.measured["refit"] is False and learn.measured["chosen"] == "fine-tuning"
    assert learn.measured["epochs"] == 2  # one with the body frozen, one with all


def test_nothing_to_learn_with(prepare: Prepare) -> None:
    with pytest.raises(ChoiceError, match="nothing would be learned"):
        prepare(epochs=0, head="mlp").train()


def test_random_weights_train_as_a_whole(prepare: Prepare) -> None:
    learn = prepare(epochs=1, weights=None, refit=False).train()
    assert all(parameter.requires_grad for parameter in learn.model.parameters()) and learn.measured["epochs"] == 1


def test_minutes_are_kept_where_nothing_fits_into_them(prepare: Prepare) -> None:
    began = time.perf_counter()
    learn = prepare(minutes=0.05).train()  # three seconds: a head start, and no gradient step
    assert learn.history.empty and learn.measured["chosen"] == "head start"
    assert time.perf_counter() - began < 30


def test_minutes_train_until_their_end(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MIN_SECONDS_TO_TUNE", 0.1)
    prepared = prepare(minutes=0.1)
    began = time.perf_counter()
    learn = prepared.train()
    assert not learn.history.empty and time.perf_counter() - began < 20
    assert learn.history["train_loss"].notna().all()


def test_measured_says_everything_and_the_summary_is_one_line(trained_run: Any) -> None:
    measured = trained_run.learn.measured
    assert measured["n_train"] == 48 and measured["n_valid"] == 12 and measured["n_classes"] == 5
    assert measured["error_low"] <= measured["error_rate"] <= measured["error_high"]
    assert measured["arch"] == "efficientnet_lite0" and measured["seed"] == 42 and measured["seconds"] > 0
    lines = trained_run.printed.splitlines()
    assert (
        lines[-1] == training.summary_of(trained_run.learn) and lines[-1].startswith("error ") and "n = 12" in lines[-1]
    )
    assert [line.partition(":")[0] for line in lines[:-1]] == ["Labels", "Split", "Head start", "Refit"]


def test_an_unmeasured_learner_has_no_summary(prepare: Prepare) -> None:
    with pytest.raises(ChoiceError, match="not been measured yet"):
        training.summary_of(prepare().learn)


@pytest.mark.parametrize(("precision", "calls"), [("auto", []), ("fp32", []), ("fp16", ["fp16"]), ("bf16", ["bf16"])])
def test_precision(precision: str, calls: list[str], prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(training.PetLearner, "to_fp16", lambda learn: asked.append("fp16"))
    monkeypatch.setattr(training.PetLearner, "to_bf16", lambda learn: asked.append("bf16"))
    learn = prepare(precision=precision).learn
    on_gpu = next(learn.model.parameters()).device.type == "cuda"
    assert asked == (["fp16"] if on_gpu and precision == "auto" else calls)


def test_the_start_is_worth_having(trained_run: Any) -> None:
    assert trained_run.learn.measured["error_rate"] <= 0.34  # of five breeds; chance is 0.8


def test_more_photos_than_the_minutes_allow_are_sampled_evenly(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = prepare()
    clock = iter([0.0, 48.0])  # the probe of 48 photos takes a second a photo
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(ready.learn, "features", lambda paths: None)
    kept = training.fit_into(75.0, ready.learn, ready.frame, ready.recipe)  # half of what 60 photos take twice
    assert 25 <= len(kept) <= 35 and set(kept["label"]) == set(ready.frame["label"])
    assert (
        set(kept["path"]) < set(ready.frame["path"])
        and len(ready.learn.dls.train_ds) == (kept["split"] == "train").sum()
    )
    assert ready.learn.vocab == sorted(set(ready.frame["label"])) and "an even sample" in capsys.readouterr().out


def test_photos_that_fit_into_the_minutes_are_all_used(prepare: Prepare) -> None:
    ready = prepare()
    assert training.fit_into(3600.0, ready.learn, ready.frame, ready.recipe) is ready.frame


def test_labels_may_be_a_function_or_a_table_and_lists_divide(
    drawn: Path, tiny_choices: dict[str, Any], tmp_path: Path
) -> None:
    names = sorted(photo.name for photo in drawn.iterdir())
    table = pd.DataFrame({"file": names, "breed": [name.rpartition("_")[0] for name in names]})
    checked = tmp_path / "check.txt"
    checked.write_text("\n".join(name for name in names if name.endswith(("_1.jpg", "_2.jpg"))))
    few: dict[str, Any] = {**tiny_choices, "valid": checked}
    by_table: Any = petbreeds.train(drawn, labels=table, label_column="breed", path_column="file", **few)
    by_function: Any = petbreeds.train(drawn, labels=lambda path: path.name.rpartition("_")[0], **few)
    assert by_table.measured["n_valid"] == by_function.measured["n_valid"] == 10
    assert torch.equal(torch.tensor(by_table.held_out.probs), torch.tensor(by_function.held_out.probs))
    assert (
        by_table.recipe.labels == "DataFrame" and Recipe.from_json(by_function.recipe.to_json()) == by_function.recipe
    )
