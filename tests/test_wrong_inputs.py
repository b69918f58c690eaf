"""Twelve wrong inputs: each ends in one message that names the thing and the next step, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

MOST_LINES = 6
Cli = Callable[..., Any]


@pytest.fixture
def place(tmp_path: Path, drawn: Path) -> Path:
    """A folder with the wrong inputs in it."""
    (tmp_path / "empty").mkdir()
    for name, pattern in (("one-class", "pug_*.jpg"), ("good", "*_1*.jpg"), ("damaged", "pug_*.jpg")):
        (tmp_path / name).mkdir()
        for photo in drawn.glob(pattern):
            shutil.copy(photo, tmp_path / name)
    for i in range(1, 5):
        (tmp_path / "damaged" / f"Birman_{i}.jpg").write_bytes(b"no photo")
    for photo in (tmp_path / "damaged").iterdir():
        photo.write_bytes(photo.read_bytes()[:40])
    (tmp_path / "labels.csv").write_text("path,label\ngood/pug_1.jpg,pug\ngood/nowhere_7.jpg,pug\n")
    return tmp_path


# what is wrong -> (words for `petbreeds train`, the thing that the message names, the next step it gives)
WRONG: dict[str, tuple[Sequence[str], str, str]] = {
    "a missing folder": (["goood"], "goood", "Did you mean"),
    "an empty folder": (["empty"], "empty", "Give the folder that holds the photos"),
    "one class": (["one-class"], "all 12 photos would be 'pug'", "Say labels="),
    "one class by name": (["one-class", "--labels", "name"], "'pug'", "Give photos of at least two classes"),
    "a pattern that matches nothing": (["good", "--labels", r"^(\d+)$"], r"^(\\d+)$", "Try labels="),
    "an unknown architecture": (["good", "--arch", "resnt34"], "'resnt34'", "Did you mean 'resnet34'?"),
    "damaged photos alone": (["damaged"], "damaged", "Check that they were copied"),
    "a file instead of a folder": (["good/pug_1.jpg"], "pug_1.jpg", "Give the folder that holds the photos"),
    "a table with missing files": (["labels.csv"], "nowhere_7.jpg", "labels.csv"),
    "negative epochs": (["good", "--epochs", "-3"], "epochs is -3", "at least 0"),
    "half an epoch": (["good", "--epochs", "0.5"], "epochs is '0.5'", "a whole number"),
    "no time": (["good", "--minutes", "0"], "minutes is 0", "0.05"),
    "a share above one": (["good", "--valid", "3"], "valid is 3", "at most 0.9"),
    "an unknown head": (["good", "--head", "linaer"], "'linaer'", "Did you mean 'linear'?"),
    "an unknown augmentation": (["good", "--augment", "storng"], "'storng'", "Did you mean 'strong'?"),
    "a missing weights file": (["good", "--weights", "mine.pth"], "mine.pth", "Give a .pth or .safetensors file"),
    "a list file that is not there": (["good", "--valid", "test.txt"], "test.txt", "Give the path of a text file"),
    "too small a drawn set": (["--sample-size", "2"], "2", "at least 4"),
}


def assert_one_message(found: Any, thing: str, next_step: str) -> None:
    assert found.code == 2, found
    lines = found.err.strip().splitlines()
    assert lines[0].startswith("petbreeds: ") and sum("petbreeds: " in line for line in lines) == 1, found.err
    assert 1 <= len(lines) <= MOST_LINES, found.err
    assert thing in found.err and next_step in found.err, found.err
    assert "Traceback" not in found.out + found.err and 'File "' not in found.err


@pytest.mark.parametrize("name", WRONG)
def test_training_ends_in_one_message(name: str, place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    words, thing, next_step = WRONG[name]
    monkeypatch.chdir(place)
    before = sorted(place.rglob("*"))
    assert_one_message(cli("train", *words, "--out", "run"), thing, next_step)
    assert sorted(place.rglob("*")) == before  # no run, no folder beside it, no file among the photos


def test_without_network_and_weights(place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(place / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    found = cli("train", place / "good", "--arch", "resnet18", "--out", place / "run")
    assert_one_message(found, "'resnet18'", "pretrained=False")
    assert "efficientnet_lite0" in found.err and not list(place.glob("*run*"))


def test_a_folder_that_may_not_be_read(place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def guarded(path: Any = ".") -> Any:  # taking the right away would stop nobody who is root
        if str(path).endswith("good"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = cli("train", place / "good", "--out", place / "run")
    assert_one_message(found, str(place / "good"), "the right to read it")
    assert not list(place.glob("*run*"))


def test_a_folder_that_may_not_be_written(place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    found = cli("train", place / "good", "--out", place / "run")
    assert_one_message(found, str(place), "that you may write to")


@pytest.mark.parametrize(
    ("out", "thing", "next_step"),
    [("good", "is not empty", "Give a new folder"), ("labels.csv", "is a file", "Give a new folder")],
)
def test_nothing_is_overwritten(out: str, thing: str, next_step: str, place: Path, cli: Cli) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert_one_message(cli("train", place / "good", "--out", place / out), thing, next_step)
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


NO_BUNDLE: dict[str, tuple[str, str]] = {
    "good": ("is no bundle", "Give the folder"),
    "nowhere": ("is not there", "Give the folder"),
    "good/pug_1.jpg": ("is a file", "Give the folder"),
    "old.pkl": ("Pickled learners are not opened", "Give the folder"),
    "half": ("cannot be opened", "Copy the whole folder"),
}


@pytest.mark.parametrize("name", NO_BUNDLE)
def test_not_a_bundle(name: str, place: Path, cli: Cli, trained_run: Any) -> None:
    (place / "old.pkl").write_bytes(b"\x80\x04.")
    shutil.copytree(trained_run.folder / "model", place / "half")
    (place / "half" / "model.safetensors").write_bytes(b"cut short")
    thing, next_step = NO_BUNDLE[name]
    assert_one_message(cli("predict", place / name, place / "good"), thing, next_step)


@pytest.mark.parametrize(
    ("photo", "next_step"),
    [("nowhere.jpg", "give a photo"), ("*.tiff", "pattern"), ("https://pets.org/a.jpg", "Download"), ("empty", "Give")],
)
def test_no_photo_to_predict(photo: str, next_step: str, place: Path, cli: Cli, trained_run: Any) -> None:
    words = photo if "://" in photo else place / photo
    assert_one_message(cli("predict", trained_run.folder, words), photo, next_step)


def test_one_damaged_photo_is_named_and_left_out(
    place: Path, cli: Cli, tiny_weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from petbreeds import training

    (place / "good" / "pug_99.jpg").write_bytes(b"no photo")
    monkeypatch.setattr(training, "train_by_recipe", lambda learn, frame, *_: frame.attrs.update(seen=len(frame)))
    monkeypatch.setattr("petbreeds.api.save_run", lambda *_: None)
    monkeypatch.setattr(training, "summary_of", lambda learn: f"{len(learn.dls.train_ds.items)} learnt")
    words = ["--arch", "test_efficientnet", "--weights", tiny_weights, "--size", "48"]
    found = cli("train", place / "good", "--out", place / "run", *words)
    assert found.code == 0, found.err
    (line,) = [line for line in found.out.splitlines() if "Left out" in line]
    assert "Left out, unreadable: 1 photo:" in line and "pug_99.jpg" in line
    assert "16 learnt" in found.out  # of 20 good ones; 4 check


def test_one_damaged_photo_is_answered_with_its_reason(place: Path, cli: Cli, trained_run: Any) -> None:
    (place / "good" / "pug_99.jpg").write_bytes(b"no photo")
    found = cli("predict", trained_run.folder, place / "good", "--csv", place / "found.csv")
    assert found.code == 0 and "1 of them unreadable" in found.out
    (row,) = [line for line in (place / "found.csv").read_text().splitlines() if "pug_99" in line]
    assert ",False," in row and "no photo" in row


def test_a_real_process_ends_with_code_2(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "petbreeds", "train", "--epochs=-3", "--out", str(tmp_path / "run")]
    found = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 2 and found.stdout == ""
    assert found.stderr == 'petbreeds: epochs is -3; allowed: a whole number of at least 0, or "auto".\n'
    assert list(tmp_path.iterdir()) == []
