"""One pass over the files gives every finding; nothing is replaced in silence, and training hears what concerns it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from petbreeds.data import checks, measures, photos
from petbreeds.data.checks import check_data, find_crossing, screen, warn_in_one_line
from petbreeds.data.findings import Finding, findings_table
from petbreeds.errors import DataError


def jpeg(side: int = 80) -> bytes:
    buffer = BytesIO()
    Image.effect_noise((side, side), 90).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def folder_of_five(folder: Path) -> pd.DataFrame:
    whole = jpeg()
    (folder / "good.jpg").write_bytes(whole)
    (folder / "short.jpg").write_bytes(whole[:-400])
    (folder / "text.jpg").write_text("no photo")
    (folder / "empty.jpg").write_bytes(b"")
    names = ["good.jpg", "short.jpg", "text.jpg", "empty.jpg", "gone.jpg"]
    return pd.DataFrame({"path": [str(folder / name) for name in names], "label": "pug"})


def two_classes(folder: Path, n: int = 6) -> None:
    for label in ("pug", "Birman"):
        for i in range(n):
            (folder / f"{label}_{i}.jpg").write_bytes(jpeg())


def names_of(table: pd.DataFrame, issue: str) -> set[str]:
    return {Path(path).name for path in table["path"][table["issue"] == issue]}


def test_unreadable_files_are_left_out_and_named(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    frame = folder_of_five(tmp_path)
    kept, findings = screen(frame, progress=lambda done, n: seen.append((done, n)), workers=3)
    bad = findings[findings["score"] == 1.0]
    why = {Path(path).name: text for path, text in zip(bad["path"], bad["why"]) if text}
    assert kept["path"].tolist() == [str(tmp_path / "good.jpg")] and len(frame) == 5 and list(kept) == ["path", "label"]
    assert seen == [(i, 5) for i in range(1, 6)]
    assert names_of(findings, "unreadable") == {"short.jpg", "text.jpg", "empty.jpg"}
    assert names_of(findings, "missing") == {"gone.jpg"} and why["gone.jpg"] == "there is no such file"
    assert why["short.jpg"].startswith("it is cut short") and why["empty.jpg"] == "it is empty (0 bytes)"
    assert why["text.jpg"] == "it is no photo, whatever its name says"


def test_no_photo_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="None of the 4 photos can be read") as caught:
        screen(folder_of_five(tmp_path).iloc[1:].reset_index(drop=True))
    assert "short.jpg" in str(caught.value) and "cut short" in str(caught.value)


def test_bombs_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_PIXELS", 3000)
    row = measures.measure_photo(str(folder_of_five(tmp_path)["path"].iloc[0]))
    assert row.problem == "bomb" and row.why.startswith("is too large: 80 x 80")


def test_files_that_may_not_be_read_and_pipes_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        assert measures.measure_photo(str(tmp_path / "pipe.jpg")).why == "it is no ordinary file"
    path = str(folder_of_five(tmp_path)["path"].iloc[0])
    monkeypatch.setattr(measures, "_content", refuse)
    row = measures.measure_photo(path)
    assert (row.problem, row.why) == ("unreadable", "it cannot be opened (Permission denied)")


def test_every_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path)
    opened: list[str] = []
    decode = measures.open_with_facts
    monkeypatch.setattr(measures, "open_with_facts", lambda path: opened.append(str(path)) or decode(path))
    check_data(tmp_path)
    assert sorted(opened) == sorted(map(str, tmp_path.glob("*.jpg")))


def test_check_says_what_training_would_say(tmp_path: Path) -> None:
    two_classes(tmp_path)
    assert check_data(tmp_path).attrs["refused"] == ""
    (tmp_path / "dodo_1.jpg").write_bytes(jpeg())
    (tmp_path / "holiday.jpg").write_bytes(jpeg())
    found = check_data(tmp_path)
    assert names_of(found, "rare-class") == {"dodo_1.jpg"} and names_of(found, "unlabelled") == {"holiday.jpg"}
    assert found.attrs["refused"].startswith("Cannot tell the labels") and found.attrs["photos"] == 14
    assert found.attrs["counts"]["rare-class"] == 1 and found.attrs["classes"] == 3


def test_photos_without_any_label_are_still_looked_at(tmp_path: Path) -> None:
    for i in range(4):
        (tmp_path / f"IMG{i}.jpg").write_bytes(jpeg())
    (tmp_path / "IMG9.jpg").write_bytes(b"")
    found = check_data(tmp_path)
    assert names_of(found, "unreadable") == {"IMG9.jpg"} and found.attrs["refused"] and found.attrs["classes"] == 0


def test_nothing_to_look_at_is_an_error(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError):
            check_data(place)


def test_a_table_with_faults_is_read_to_its_end(tmp_path: Path) -> None:
    two_classes(tmp_path)
    rows = [f"pug_{i}.jpg,pug" for i in range(6)] + [f"Birman_{i}.jpg,Birman" for i in range(5)]
    rows += ["gone.jpg,pug", "pug_0.jpg,Birman", "Birman_1.jpg,"]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label", *rows]))
    found = check_data(tmp_path)
    assert names_of(found, "missing") == {"gone.jpg"} and names_of(found, "label-conflict") == {"pug_0.jpg"}
    assert names_of(found, "unlabelled") == {"Birman_1.jpg", "Birman_5.jpg"}
    assert found.attrs["refused"] and found["issue"].iloc[0] == "missing"


def test_own_splits_are_checked_for_leaks(tmp_path: Path) -> None:
    two_classes(tmp_path)
    (tmp_path / "pug_9.jpg").write_bytes((tmp_path / "pug_0.jpg").read_bytes())
    (tmp_path / "valid.txt").write_text("pug_0.jpg\nBirman_0.jpg\n")
    leaks = names_of(check_data(tmp_path, valid="valid.txt"), "leak")
    assert leaks == {"pug_0.jpg", "pug_9.jpg"}
    kept = check_data(tmp_path)
    assert not names_of(kept, "leak") and "1 group of twins kept together" in kept.attrs["notes"][1]


def test_screen_numbers_twins_and_find_crossing_sees_them(tmp_path: Path) -> None:
    two_classes(tmp_path)
    (tmp_path / "pug_9.jpg").write_bytes((tmp_path / "pug_0.jpg").read_bytes())
    paths = sorted(map(str, tmp_path.glob("*.jpg")))
    kept, findings = screen(pd.DataFrame({"path": paths, "label": "pet"}))
    assert kept["twins"].max() == 0 and (kept["twins"] == 0).sum() == 2 and names_of(findings, "duplicate")
    halves = kept.assign(split=["train" if path.endswith("pug_9.jpg") else "valid" for path in paths])
    assert names_of(find_crossing(halves), "leak") == {"pug_0.jpg", "pug_9.jpg"}


def test_the_line_of_warnings_leaves_out_what_is_seen_to() -> None:
    rows = [Finding("a.jpg", "unreadable", 1.0, "x"), Finding("b.jpg", "rotated", 1.0, "x")]
    assert warn_in_one_line(findings_table(rows)) == "Also found: 1 rotated. petbreeds.check names them."
    assert warn_in_one_line(findings_table(rows[:1])) == "" and checks.SEEN_TO
