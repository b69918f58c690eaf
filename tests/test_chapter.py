"""Every call of the pet-breeds chapter, in its order, on a PetLearner: unchanged but for the import, and tiny."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Any]
PATTERN = r"(.+)_\d+.jpg$"


@pytest.fixture(scope="module")
def book_block() -> Any:
    from petbreeds import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        RandomSplitter,
        RegexLabeller,
        Resize,
        aug_transforms,
        get_image_files,
        using_attr,
    )

    make: Any = DataBlock
    return make(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        splitter=RandomSplitter(seed=42),
        get_y=using_attr(RegexLabeller(PATTERN), "name"),
        item_tfms=Resize(64),
        batch_tfms=aug_transforms(size=48, min_scale=0.75),
    )


def test_label_pattern() -> None:
    assert re.findall(PATTERN, "great_pyrenees_173.jpg") == ["great_pyrenees"]


def test_the_book_block_trains_a_pet_learner(book_block: Any, drawn: Path, tiny_weights: str) -> None:
    from petbreeds import error_rate, pet_learner

    dls = book_block.dataloaders(drawn, bs=16, num_workers=0)
    dls.show_batch(nrows=1, ncols=3)
    dls.show_batch(nrows=1, ncols=3, unique=True)
    learn = pet_learner(dls, "test_efficientnet", weights=tiny_weights, metrics=error_rate)
    learn.fine_tune(2)
    assert list(learn.history.columns[:4]) == ["epoch", "train_loss", "valid_loss", "error_rate"]
    assert len(learn.history) == 3


def test_pet_block_is_the_book_block(drawn: Path) -> None:
    from petbreeds import pet_block

    ours = pet_block(PATTERN, item_size=64, size=48).dataloaders(drawn, bs=16)
    assert len(ours.valid_ds) == int(0.2 * 60) and list(ours.vocab) == sorted(ours.vocab)
    assert tuple(ours.train.one_batch()[0].shape) == (16, 3, 48, 48)
    assert tuple(ours.valid.one_batch()[0].shape[1:]) == (3, 48, 48)


def test_summary_says_where_it_breaks(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    from petbreeds import (
        CategoryBlock,
        DataBlock,
        ImageBlock,
        RandomSplitter,
        RegexLabeller,
        get_image_files,
        using_attr,
    )
    from petbreeds.data.drawing.pet import draw_pet

    for photo in sorted(drawn.glob("pug_*.jpg")):
        shutil.copy(photo, tmp_path)
    for i in range(1, 9):
        draw_pet("Birman", i, 42, size=(64, 96)).save(tmp_path / f"Birman_{i}.jpg")
    make: Any = DataBlock
    block = make(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        splitter=RandomSplitter(seed=42),
        get_y=using_attr(RegexLabeller(PATTERN), "name"),
    )
    with pytest.raises(RuntimeError):
        block.summary(tmp_path, bs=16)
    printed = capsys.readouterr().out
    assert "Collating items in a batch" in printed and "torch.Size([3, 72, 96])" in printed


def test_learner_calls_in_the_order_of_the_chapter(
    tiny_learner: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    from petbreeds import ClassificationInterpretation, EarlyStoppingCallback, SaveModelCallback, minimum, steep

    monkeypatch.chdir(tmp_path)
    learn = tiny_learner()
    learn.fine_tune(1, base_lr=3e-3)
    x, y = learn.dls.one_batch()
    preds, _ = learn.get_preds(dl=[(x, y)])
    assert torch.allclose(preds.sum(dim=1), torch.ones(len(x)), atol=1e-5)

    interp = ClassificationInterpretation.from_learner(learn)
    interp.plot_confusion_matrix(figsize=(12, 12), dpi=60)
    ours = learn.interpret()
    ours.plot_confusion_matrix(figsize=(12, 12), dpi=60)
    assert (interp.confusion_matrix() == ours.confusion_matrix()).all()
    assert interp.most_confused(min_val=1) == ours.most_confused(min_val=1)
    interp.plot_top_losses(3, nrows=1)
    ours.plot_top_losses(3)

    lr_min, lr_steep = learn.lr_find(suggest_funcs=(minimum, steep), num_it=20)
    assert lr_min > 0 and lr_steep > 0
    learn.fit_one_cycle(1, 3e-3)
    learn.unfreeze()
    learn.lr_find(num_it=12)
    learn.fit_one_cycle(1, lr_max=1e-5)
    learn.fit_one_cycle(2, lr_max=slice(1e-6, 1e-4))
    learn.recorder.plot_loss()
    learn.recorder.plot_sched()
    stop = EarlyStoppingCallback(monitor="valid_loss", min_delta=0.01, patience=3)
    learn.fit_one_cycle(2, 1e-3, cbs=[stop, SaveModelCallback(monitor="valid_loss")])
    learn.fit(1, 1e-3)
    learn.show_results(max_n=3)
    tta, truth = learn.tta(n=2)
    assert tta.shape == (len(truth), len(learn.vocab))
    assert "Total params" in str(learn.summary())
    learn.to_fp16()
    learn.fine_tune(1, freeze_epochs=1)
    photo = learn.dls.valid.items[0]
    label, index, probs = learn.predict(photo)
    assert label == learn.vocab[int(index)] and abs(float(probs.sum()) - 1) < 1e-5


def test_fine_tune_has_the_parameters_of_the_chapter(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.fine_tune(1, base_lr=2e-3, freeze_epochs=1, lr_mult=100, pct_start=0.3, div=5.0)
    learn.fit_one_cycle(
        1,
        lr_max=1e-3,
        div=25,
        div_final=1e5,
        pct_start=0.25,
        wd=0.01,
        moms=(0.95, 0.85, 0.95),
        cbs=None,
        reset_opt=True,
    )
    assert len(learn.history) == 3


@pytest.mark.parametrize("choices", [{"mixup": 0.4}, {"label_smoothing": 0.1}, {"mixup": 0.2, "label_smoothing": 0.1}])
def test_mixup_and_label_smoothing_by_name(choices: dict[str, float], tiny_learner: Make) -> None:
    learn = tiny_learner(**choices)
    learn.fit_one_cycle(1, 1e-3)
    assert hasattr(learn, "mix_up") == ("mixup" in choices)
    assert (
        type(learn.loss_func).__name__.startswith("LabelSmoothing") == ("label_smoothing" in choices)
        or "mixup" in choices
    )


def test_other_tasks_through_fastai_blocks(drawn: Path, tiny_weights: str) -> None:
    from petbreeds import (
        DataBlock,
        ImageBlock,
        MultiCategoryBlock,
        RandomSplitter,
        Resize,
        get_image_files,
        pet_learner,
    )

    make: Any = DataBlock
    dls = make(
        blocks=(ImageBlock, MultiCategoryBlock),
        get_items=get_image_files,
        splitter=RandomSplitter(seed=42),
        get_y=lambda path: [path.name.rpartition("_")[0], "cat" if path.name[0].isupper() else "dog"],
        item_tfms=Resize(48),
    ).dataloaders(drawn, bs=16, num_workers=0)
    learn = pet_learner(dls, "test_efficientnet", weights=tiny_weights)
    learn.fit_one_cycle(1, 1e-3)
    assert learn.get_preds()[0].shape == (12, 7) and type(learn.loss_func).__name__ == "BCEWithLogitsLossFlat"


def test_a_number_per_photo_through_fastai_blocks(drawn: Path, tiny_weights: str) -> None:
    from petbreeds import DataBlock, ImageBlock, RandomSplitter, RegressionBlock, Resize, get_image_files, pet_learner

    make: Any = DataBlock
    dls = make(
        blocks=(ImageBlock, RegressionBlock),
        get_items=get_image_files,
        splitter=RandomSplitter(seed=42),
        get_y=lambda path: float(path.stem.rpartition("_")[2]),
        item_tfms=Resize(48),
    ).dataloaders(drawn, bs=16, num_workers=0)
    learn = pet_learner(dls, "test_efficientnet", weights=tiny_weights)
    learn.fit_one_cycle(1, 1e-3)
    assert learn.get_preds()[0].shape == (12, 1) and type(learn.loss_func.func).__name__ == "MSELoss"
