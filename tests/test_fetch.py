"""Fetching the Oxford pets: into fastai's folder, once, and never without saying what to do offline."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from petbreeds import fetch
from petbreeds.data.oxford import FOLDER_NAME
from petbreeds.errors import DataError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """fastai's folders, below a temporary one."""
    monkeypatch.setattr(fetch, "fastai_path", lambda kind: tmp_path / kind)
    return tmp_path


def write_archive(target: Path, drawn: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    (target.parent / "list.txt").write_text("pug_1 1 1 1\n")
    with tarfile.open(target, "w:gz") as archive:
        archive.add(drawn / "pug_1.jpg", f"{FOLDER_NAME}/images/pug_1.jpg")
        archive.add(target.parent / "list.txt", f"{FOLDER_NAME}/annotations/list.txt")


def test_it_is_fetched_unpacked_and_found_again(home: Path, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, Path]] = []

    def download(url: str, target: Path, **kwargs: Any) -> Path:
        asked.append((url, target))
        write_archive(target, drawn)
        return target

    monkeypatch.setattr(fetch, "download", download)
    first = fetch.fetch_oxford()
    assert (first / "images" / "pug_1.jpg").is_file() and first.parent == home / "data"
    assert fetch.fetch_oxford() == first
    ((url, target),) = asked
    assert url.startswith("https://") and target.parent == home / "archive"
    assert not [path for path in (home / "data").rglob("*") if path.name.startswith(".") or path.suffix == ".part"]


def test_a_copy_of_fastais_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("images", "annotations"):
        (home / "data" / FOLDER_NAME / name).mkdir(parents=True)
    monkeypatch.setattr(fetch, "download", lambda *_, **__: pytest.fail("nothing is to be fetched"))
    assert fetch.fetch_oxford() == home / "data" / FOLDER_NAME


def test_offline_the_message_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from petbreeds.data import download as module

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OSError("no network")

    original = module.download
    monkeypatch.setattr(
        fetch, "download", lambda url, target, **kwargs: original(url, target, opener=refuse, attempts=1)
    )
    with pytest.raises(DataError, match="no path") as caught:
        fetch.fetch_oxford()
    assert len(str(caught.value).splitlines()) <= 5 and str(home / "archive") in str(caught.value)
    assert not (home / "data").exists()


def test_a_damaged_archive_is_refused_and_nothing_is_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(url: str, target: Path, **kwargs: Any) -> Path:
        target.parent.mkdir(parents=True)
        target.write_bytes(b"cut short")
        return target

    monkeypatch.setattr(fetch, "download", broken)
    with pytest.raises(DataError, match="Delete it and fetch it again"):
        fetch.fetch_oxford()
    assert not list((home / "data").glob("*")) if (home / "data").exists() else True
