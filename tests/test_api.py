"""The verbs: what a run writes, and what is refused before anything is done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import petbreeds
from petbreeds import api
from petbreeds.data.photos import find_photos
from petbreeds.errors import ChoiceError, DataError
from petbreeds.predictions import wilson_interval

METRICS = {  # scripts read these names
    "error_rate", "error_low", "error_high", "n_valid", "n_train", "n_classes", "arch", "epochs", "seconds",
    "images_per_second", "device", "precision", "seed",
}  # fmt: skip


def test_a_run_holds_the_bundle_and_the_figures(trained_run: Any) -> None:
    assert sorted(path.name for path in trained_run.folder.iterdir()) == [
        "history.csv",
        "metrics.json",
        "model",
        "predictions.csv",
    ]
    assert not [path for path in trained_run.folder.parent.iterdir() if path.name.startswith(".")]


def test_metrics_are_complete_and_true(trained_run: Any) -> None:
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    assert set(metrics) >= METRICS
    answers = pd.read_csv(trained_run.folder / "predictions.csv")
    errors = int((answers["label"] != answers["truth"]).sum())
    assert metrics["n_valid"] == len(answers) == 12 and metrics["error_rate"] == errors / 12
    low, high = wilson_interval(errors, 12)
    assert (metrics["error_low"], metrics["error_high"]) == (low, high)
    assert metrics["n_train"] == 48 and metrics["n_classes"] == 5 and metrics["seed"] == 42
    assert metrics["seconds"] > 0 and metrics["images_per_second"] > 0 and metrics["epochs"] == 0


def test_predictions_table(trained_run: Any) -> None:
    answers = pd.read_csv(trained_run.folder / "predictions.csv", keep_default_na=False)
    assert list(answers.columns) == ["path", "label", "probability", "known", "error", "truth"]
    assert answers["known"].all() and (answers["error"] == "").all() and answers["probability"].between(0.2, 1).all()
    assert [Path(path).stem.rpartition("_")[0] for path in answers["path"]] == answers["truth"].tolist()


def test_history_table(drawn: Path, tiny_choices: dict[str, Any], tmp_path: Path, trained_run: Any) -> None:
    petbreeds.train(drawn, out=tmp_path / "run", epochs=2, **tiny_choices)
    history = pd.read_csv(tmp_path / "run" / "history.csv")
    expected = ["epoch", "train_loss", "valid_loss", "error_rate", "lr", "seconds", "images_per_second"]
    assert list(history.columns) == expected and history["epoch"].tolist() == [0, 1]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"] == 2
    nothing = pd.read_csv(trained_run.folder / "history.csv")
    assert nothing.empty and list(nothing.columns) == ["epoch", "train_loss", "valid_loss"]


def test_the_bundle_says_what_was_measured(trained_run: Any) -> None:
    info = petbreeds.load(trained_run.folder).info
    metrics = json.loads((trained_run.folder / "metrics.json").read_text())
    assert {name: info.metrics[name] for name in ("error_rate", "n_valid", "n_train")} == {
        name: metrics[name] for name in ("error_rate", "n_valid", "n_train")
    }
    assert info.refit is metrics["refit"] is True
    assert petbreeds.Recipe.from_json(json.dumps(info.recipe)) == trained_run.learn.recipe


def test_a_run_is_repeated_by_its_recipe(drawn: Path, trained_run: Any) -> None:
    recipe = trained_run.learn.recipe
    again: Any = petbreeds.train(drawn, **recipe.to_dict())
    assert np.array_equal(again.held_out.probs, trained_run.learn.held_out.probs)
    assert np.array_equal(again.predictions().probs, trained_run.learn.predictions().probs)


def test_load_opens_a_run_and_a_bundle(trained_run: Any, drawn: Path) -> None:
    photos = [str(photo) for photo in find_photos(drawn)[:3]]
    run, bundle = petbreeds.load(trained_run.folder), petbreeds.load(str(trained_run.folder / "model"))
    assert np.array_equal(run.predict(photos).probs, bundle.predict(photos).probs)
    assert run.predict(photos[0]).label in run.vocab


@pytest.mark.parametrize("choice", ["epoch", "learning_rate", "batch_size"])
def test_an_unknown_choice_names_its_neighbours(choice: str, drawn: Path) -> None:
    wrong: dict[str, Any] = {choice: 3}
    with pytest.raises(ChoiceError, match=f"Unknown setting '{choice}'"):
        petbreeds.train(drawn, out=None, **wrong)


def test_a_size_of_the_drawn_set_and_a_path_exclude_each_other(drawn: Path, tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="sample_size is for the drawn pets"):
        petbreeds.train(drawn, out=tmp_path / "run", sample_size=16)
    assert not list(tmp_path.iterdir())


def test_a_folder_for_the_run_must_be_free(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("dear diary")
    (tmp_path / "file").write_text("")
    for name, words in (("full", "diary.txt"), ("file", "is a file")):
        with pytest.raises(DataError, match=words):
            petbreeds.train(drawn, out=tmp_path / name)
    (tmp_path / "empty").mkdir()
    assert api.free_folder(tmp_path / "empty") == tmp_path / "empty"
    assert api.free_folder(tmp_path / "deep" / "er") == tmp_path / "deep" / "er" and not (tmp_path / "deep").exists()
    assert (tmp_path / "full" / "diary.txt").read_text() == "dear diary"


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DataError, match="cannot be written"):
        api.free_folder(tmp_path / "run")


def test_a_run_that_cannot_be_written_leaves_nothing(
    trained_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_disk)
    with pytest.raises(OSError, match="No space left"):
        api.save_run(trained_run.learn, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_no_path_means_the_drawn_pets(
    tmp_path: Path, tiny_choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PETBREEDS_CACHE", str(tmp_path))
    learn = petbreeds.train(sample_size=10, valid=0.5, split="stratified", epochs=0, **tiny_choices)
    (folder,) = tmp_path.iterdir()
    assert "n10" in folder.name and len(find_photos(folder)) == 10 == len(learn.dls.train_ds) + len(learn.dls.valid_ds)


def test_the_real_set_is_fetched_by_name(
    drawn: Path, tiny_choices: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("petbreeds.fetch.fetch_oxford", lambda: drawn)
    assert petbreeds.train("oxford-pets", epochs=0, **tiny_choices).measured["n_train"] == 48


def test_tables_functions_and_lists_as_choices(
    drawn: Path, tiny_choices: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = find_photos(drawn)
    (tmp_path / "valid.txt").write_text("\n".join(photo.stem for photo in photos[::4]))
    learn: Any = petbreeds.train(drawn, valid=str(tmp_path / "valid.txt"), epochs=0, **tiny_choices)
    assert learn.measured["n_valid"] == 15 == len(set(learn.held_out.paths) & {str(photo) for photo in photos[::4]})
    (tmp_path / "kinds.csv").write_text(
        "path,label\n" + "\n".join(f"{photo},{'cat' if photo.name[0].isupper() else 'dog'}" for photo in photos)
    )
    learn = petbreeds.train(tmp_path / "kinds.csv", epochs=0, **tiny_choices)
    assert learn.vocab == ["cat", "dog"]


def test_sample_draws_and_never_overwrites(tmp_path: Path) -> None:
    folder = petbreeds.sample(tmp_path / "pets", 6, seed=3)
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 6 and {name.rpartition("_")[2] for name in names} == {"1.jpg", "2.jpg"}
    with pytest.raises(DataError, match="is not an empty folder"):
        petbreeds.sample(tmp_path / "pets", 6)
    with pytest.raises(ChoiceError, match="Did you mean 'folders'"):
        petbreeds.sample(tmp_path / "others", 6, layout="folder")
    assert [path.name for path in tmp_path.iterdir()] == ["pets"]


def test_a_few_drawn_pets_are_split_by_breed_and_the_recipe_says_so(
    tiny_choices: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PETBREEDS_CACHE", str(tmp_path))
    learn = petbreeds.train(sample_size=8, **tiny_choices)
    assert learn.recipe is not None and learn.recipe.split == "stratified"
    assert learn.measured["n_train"] == learn.measured["n_valid"] == 4
