"""`petbreeds check` and `petbreeds.check`: the table, the text, the JSON, the exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import petbreeds
from petbreeds.cli import app
from petbreeds.data.drawing.pet import draw_pet
from petbreeds.errors import ChoiceError, DataError


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pets")
    for breed in ("pug", "Birman", "beagle"):
        for number in range(1, 6):
            draw_pet(breed, number, size=(200, 160)).save(folder / f"{breed}_{number}.jpg")
    return folder


@pytest.fixture
def faulty(pets: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(pets, tmp_path / "faulty")
    shutil.copy(folder / "pug_1.jpg", folder / "pug_9.jpg")
    (folder / "beagle_9.jpg").write_bytes((folder / "beagle_1.jpg").read_bytes()[:3000])
    return folder


def run(*words: str | Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["check", *map(str, words)])
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


def test_clean_data_may_train(pets: Path) -> None:
    code, text = run(pets)
    assert code == 0 and "15 photos of 3 classes looked at" in text and text.rstrip().endswith("Training can start.")


def test_the_summary_comes_before_the_table(faulty: Path, tmp_path: Path) -> None:
    code, text = run(faulty, "--csv", tmp_path / "found.csv")
    assert code == 0 and "Training can start." in text
    assert text.index("  duplicate           2  the same file more than once") < text.index("level")
    assert text.index("beagle_9.jpg") < text.index("pug_1.jpg") and f"Written to {tmp_path / 'found.csv'}" in text
    table = pd.read_csv(tmp_path / "found.csv")
    assert list(table.columns) == ["path", "issue", "score", "why"]
    assert table["issue"].tolist() == ["unreadable", "duplicate", "duplicate"]
    assert not list(tmp_path.glob(".found*"))


def test_exit_codes(faulty: Path, pets: Path) -> None:
    assert [run(faulty, "--fail-on", level)[0] for level in ("blocks", "warns", "notes")] == [0, 1, 1]
    assert run(pets, "--fail-on", "notes")[0] == 0
    draw_pet("samoyed", 1, size=(200, 160)).save(faulty / "samoyed_1.jpg")
    code, text = run(faulty)
    assert code == 1 and "Training would refuse this data" in text and "samoyed_1.jpg" in text


def test_wrong_use_is_exit_code_two(pets: Path, tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="Did you mean 'warns'"):
        run(pets, "--fail-on", "warn")
    with pytest.raises(DataError, match="no folder"):
        run(tmp_path / "nowhere")
    with pytest.raises(DataError, match="Cannot write"):
        run(pets, "--csv", tmp_path / "nowhere" / "found.csv")
    command = [sys.executable, "-m", "petbreeds", "check", str(tmp_path / "nowhere")]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 2 and found.stderr.startswith("petbreeds: There is no folder") and found.stdout == ""


def test_json_is_one_object(faulty: Path) -> None:
    code, text = run(faulty, "--json")
    found = json.loads(text)
    assert code == 0 and found["photos"] == 17 and found["counts"] == {"unreadable": 1, "duplicate": 2}
    assert set(found["findings"][0]) == {"path", "issue", "score", "why", "level"}
    assert found["findings"][0]["level"] == "warns" and found["refused"] == ""


def test_the_verb_returns_the_table(faulty: Path) -> None:
    table = petbreeds.check(faulty, quiet=True)
    assert list(table.columns) == ["path", "issue", "score", "why"] and len(table) == 3
    assert table.attrs["counts"]["duplicate"] == 2 and table.attrs["refused"] == ""


def test_check_needs_no_torch() -> None:
    code = "import sys, petbreeds; petbreeds.check; import petbreeds.data.checks; print({'fastai', 'torch'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_label_suspects_are_rows_of_the_same_table(faulty: Path) -> None:
    for number in range(1, 6):
        draw_pet("Bombay", number, size=(200, 160)).save(faulty / f"Bombay_{number}.jpg")
    (faulty / "Bombay_3.jpg").rename(faulty / "pug_33.jpg")  # a black cat under the name of a pug
    plain, found = petbreeds.check(faulty, quiet=True), petbreeds.check(faulty, suspects=True, quiet=True)
    suspects = found[found["issue"] == "label-suspect"]
    assert found[found["issue"] != "label-suspect"]["path"].tolist() == plain["path"].tolist()
    assert any(path.endswith("pug_33.jpg") for path in suspects["path"])
    assert list(found.columns) == ["path", "issue", "score", "why"] and found.attrs["counts"]["label-suspect"] == len(
        suspects
    )
    code, text = run(faulty, "--labels")
    assert code == 0 and "pug_33.jpg" in text and "label-suspect" in text


def test_suspects_of_too_few_photos_are_a_note(tmp_path: Path) -> None:
    for breed in ("pug", "Birman"):
        for number in (1, 2):
            draw_pet(breed, number, size=(96, 72)).save(tmp_path / f"{breed}_{number}.jpg")
    found = petbreeds.check(tmp_path, suspects=True, quiet=True)
    assert "label-suspect" not in set(found["issue"])
