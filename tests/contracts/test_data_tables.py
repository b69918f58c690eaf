"""Every row of the tables of petbreeds.data keeps the contract of its table; a new row is tested unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from petbreeds.data.checks import CHECKS
from petbreeds.data.findings import ISSUES, LEVELS, Finding, level_of
from petbreeds.data.label_checks import LABEL_CHECKS
from petbreeds.data.labellers import LABELLERS, Labelled
from petbreeds.data.labels import label_frame
from petbreeds.data.measures import measure_photos
from petbreeds.data.photo_checks import PHOTO_CHECKS
from petbreeds.data.photos import find_photos
from petbreeds.data.splits import SPLITS, check_split, split_frame
from petbreeds.data.twins import find_twins, number_groups


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos that every reading and every split understands."""
    for shift, part in enumerate(("train", "valid")):
        for breed in ("pug", "Birman"):
            for i in range(3):
                path = tmp_path / part / breed / f"{breed}_{i + 3 * shift}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.effect_noise((40, 30), 60).convert("RGB").save(path)
    return tmp_path


@pytest.mark.parametrize("name", LABELLERS)
def test_labellers(name: str, folder: Path) -> None:
    photos = find_photos(folder)
    found = LABELLERS[name](photos, folder)
    assert isinstance(found, Labelled) and found.kind == name and "\n" not in found.how and found.how
    assert list(found.frame.columns) == ["path", "label"]
    assert found.frame["path"].tolist() == [str(photo) for photo in photos] and not found.unlabelled
    assert found.frame["label"].tolist() == [photo.parent.name for photo in photos]
    assert label_frame(folder, name).frame.equals(found.frame)


@pytest.mark.parametrize("name", SPLITS)
def test_splits(name: str, folder: Path) -> None:
    frame = label_frame(folder, "folder").frame
    chosen = frame[frame["path"].str.contains("valid")]
    (folder / "valid.txt").write_text("\n".join(Path(path).stem for path in chosen["path"]))
    frame["is_valid"] = frame["path"].isin(list(chosen["path"]))
    valid: dict[str, Any] = {"list": str(folder / "valid.txt"), "column": "is_valid"}
    before = frame.copy()
    found = split_frame(frame, valid=valid.get(name, 0.4), split=name, root=folder)
    assert set(found["split"]) == {"train", "valid"} and found.attrs["split"].startswith(name)
    assert frame.equals(before) and found.drop(columns="split").equals(frame)
    assert found["split"].equals(split_frame(frame, valid=valid.get(name, 0.4), split=name, root=folder)["split"])
    check_split(found)


@pytest.fixture
def measured(folder: Path) -> pd.DataFrame:
    return measure_photos([str(photo) for photo in find_photos(folder)])


@pytest.mark.parametrize("name", PHOTO_CHECKS)
def test_photo_checks(name: str, measured: pd.DataFrame) -> None:
    before = measured.copy()
    good(list(PHOTO_CHECKS[name](measured)), measured)
    assert measured.equals(before) and not list(PHOTO_CHECKS[name](measured.head(0)))


@pytest.mark.parametrize("name", LABEL_CHECKS)
def test_label_checks(name: str, folder: Path, measured: pd.DataFrame) -> None:
    frame, pairs = label_frame(folder, "folder").frame, find_twins(measured)
    frame["twins"] = number_groups(len(frame), pairs)
    before = frame.copy()
    good(list(LABEL_CHECKS[name](frame, pairs)), frame)
    good(list(LABEL_CHECKS[name](frame.assign(split="train"), pairs)), frame)
    assert frame.equals(before) and not list(LABEL_CHECKS[name](frame.head(0), pairs.head(0)))


def good(findings: list[Finding], frame: pd.DataFrame) -> None:
    for finding in findings:
        assert finding.path in set(frame["path"]) and finding.issue in ISSUES and 0 <= finding.score <= 1
        assert finding.why and "\n" not in finding.why


@pytest.mark.parametrize("name", ISSUES)
def test_issues(name: str) -> None:
    kind = ISSUES[name]
    assert kind.level in LEVELS and level_of(name, 0.1) in LEVELS and len(name) < 16 and ":" in kind.means
    assert name in {*CHECKS, "bomb", "missing", "unlabelled", "label-suspect"}


def test_every_check_is_a_known_issue() -> None:
    assert set(CHECKS) <= set(ISSUES)
