"""The command line: the same verbs, tables that scripts can read, and names for runs that overwrite nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer.main

from petbreeds import cli as module
from petbreeds.recipe import FIELDS, Recipe

Cli = Callable[..., Any]
COMMANDS: dict[str, Any] = typer.main.get_command(module.app).commands  # type: ignore[attr-defined]
NOT_IN_TRAIN = {"item_size", "min_scale", "head_start"}  # choices for notebooks


@pytest.fixture
def tiny_words(tiny_weights: str) -> list[str]:
    return ["--arch", "test_efficientnet", "--weights", tiny_weights, "--size", "48", "--num-workers", "0"]


def test_train_offers_the_choices_of_the_recipe_with_its_defaults() -> None:
    options = {parameter.name: parameter for parameter in COMMANDS["train"].params}
    assert set(FIELDS) - NOT_IN_TRAIN == set(options) - {"path", "out", "help"}
    for name in set(FIELDS) - NOT_IN_TRAIN:
        default, ours = getattr(Recipe(), name), options[name].default
        assert str(ours) == str(default), name


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["train", "--help"], ["predict", "-h"], ["sample", "--help"]])
def test_help(words: list[str], cli: Cli) -> None:
    found = cli(*words)
    assert found.code == 0 and "Usage" in found.out and found.err == ""
    if words[0].startswith("-"):
        assert all(name in found.out for name in ("train", "predict", "sample"))


@pytest.mark.parametrize("words", [["trian"], ["train", "--epoch", "3"], ["train", "--size", "big"], ["predict"]])
def test_wrong_use_is_code_2_without_a_traceback(words: list[str], cli: Cli) -> None:
    found = cli(*words)
    assert found.code == 2 and "Traceback" not in found.err and found.err


def test_from_drawing_to_answers(
    cli: Cli, tiny_words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn = cli("sample", "pets", "--sample-size", 12, "--layout", "folders")
    assert drawn.code == 0 and drawn.out.strip() == "Drawn into pets." and len(list(Path("pets").rglob("*.jpg"))) == 12
    for expected in ("petbreeds-run", "petbreeds-run-2"):
        trained = cli("train", "pets", "--labels", "folder", "--epochs", 0, *tiny_words)
        assert trained.code == 0, trained.err
        assert trained.out.splitlines()[-1].startswith(f"Written to {expected}: try `petbreeds predict {expected}")
        assert json.loads(Path(expected, "metrics.json").read_text())["arch"] == "test_efficientnet"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["petbreeds-run", "petbreeds-run-2", "pets"]


def test_options_reach_the_recipe(cli: Cli, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petbreeds import api

    seen: dict[str, Any] = {}
    monkeypatch.setattr(api, "train", lambda path, **choices: seen.update(choices, path=path))
    words = ["--epochs", "3", "--lr", "0.01", "--valid", "0.3", "--weights", "none", "--no-refit", "--mixup", "0.4"]
    found = cli("train", drawn, "--out", tmp_path / "run", *words, "--head", "mlp", "--bs", "8", "--seed", "7")
    assert found.code == 0, found.err
    recipe = Recipe().replace(**{name: value for name, value in seen.items() if name in FIELDS})
    expected = {"epochs": 3, "lr": 0.01, "valid": 0.3, "weights": None, "refit": False, "mixup": 0.4, "head": "mlp"}
    assert {name: getattr(recipe, name) for name in expected} == expected and (recipe.bs, recipe.seed) == (8, 7)
    assert seen["path"] == str(drawn) and seen["out"] == tmp_path / "run"


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("5", 5), ("-1", -1), ("many", "many"), ("0.5", "0.5")])
def test_numbers_or_words(text: str, value: Any) -> None:
    assert module._number_or(text, "auto") == value


def test_predict_prints_a_table(cli: Cli, trained_run: Any, drawn: Path) -> None:
    photos = [drawn / "pug_1.jpg", drawn / "Birman_1.jpg"]
    found = cli("predict", trained_run.folder, *photos)
    assert found.code == 0 and found.err == ""
    header, *rows = found.out.splitlines()
    assert header.split() == ["path", "label", "probability", "known", "error"]
    assert [row.split()[0] for row in rows] == [str(photo) for photo in photos]
    assert {row.split()[1] for row in rows} <= set(trained_run.learn.vocab) and " True " in rows[0]
    every = cli("predict", trained_run.folder, photos[0], "--all").out.splitlines()[0].split()
    assert every == ["path", "label", "probability", "known", "error", *trained_run.learn.vocab]


def test_predict_writes_a_table(cli: Cli, trained_run: Any, drawn: Path, tmp_path: Path) -> None:
    found = cli("predict", trained_run.folder / "model", drawn, "--csv", tmp_path / "new" / "a.csv", "--all", "--bs", 7)
    assert found.code == 0 and found.out.strip().endswith("a.csv: 60 photos.")
    table = pd.read_csv(tmp_path / "new" / "a.csv")
    assert list(table.columns) == ["path", "label", "probability", "known", "error", *trained_run.learn.vocab]
    assert len(table) == 60 and table[trained_run.learn.vocab].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-4)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]
    pattern = cli("predict", trained_run.folder, drawn / "pug_*.jpg", "--csv", tmp_path / "pugs.csv")
    assert "12 photos" in pattern.out


def test_predict_says_of_every_photo_what_the_learner_says(cli: Cli, trained_run: Any, tmp_path: Path) -> None:
    ours = trained_run.learn.predictions()
    cli("predict", trained_run.folder, *ours.paths, "--csv", tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["path"].tolist() == ours.paths and table["label"].tolist() == ours.labels
    assert table["probability"].to_numpy() == pytest.approx(ours.confidences, abs=1e-4)


def test_a_stopped_training_leaves_nothing(
    cli: Cli, drawn: Path, tmp_path: Path, tiny_words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from petbreeds import training

    def stop(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_by_recipe", stop)
    found = cli("train", drawn, "--out", tmp_path / "run", *tiny_words)
    assert found.code == 130 and "Traceback" not in found.err
    assert not list(tmp_path.iterdir())


def test_a_defect_of_petbreeds_is_not_hidden(cli: Cli, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petbreeds import api

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(api, "train", fail)
    with pytest.raises(ZeroDivisionError):
        cli("train", drawn)
