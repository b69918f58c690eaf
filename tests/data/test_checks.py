"""Unreadable photos are found, named and left out; nothing is replaced in silence."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from petbreeds.data import photos
from petbreeds.data.checks import drop_unreadable, unreadable
from petbreeds.errors import DataError


def folder_of_five(folder: Path) -> pd.DataFrame:
    buffer = BytesIO()
    Image.effect_noise((60, 60), 50).convert("RGB").save(buffer, "JPEG")
    whole = buffer.getvalue()
    (folder / "good.jpg").write_bytes(whole)
    (folder / "short.jpg").write_bytes(whole[:-400])
    (folder / "text.jpg").write_text("no photo")
    (folder / "empty.jpg").write_bytes(b"")
    names = ["good.jpg", "short.jpg", "text.jpg", "empty.jpg", "gone.jpg"]
    return pd.DataFrame({"path": [str(folder / name) for name in names], "label": "pug"})


def test_unreadable_names_each_photo_and_why(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = unreadable(folder_of_five(tmp_path), progress=lambda done, n: seen.append((done, n)), workers=3)
    why = {Path(path).name: text for path, text in zip(found["path"], found["why"])}
    assert list(found.columns) == ["path", "issue", "score", "why"] and set(found["issue"]) == {"unreadable"}
    assert set(found["score"]) == {1.0} and seen == [(i, 5) for i in range(1, 6)]
    assert why["short.jpg"].startswith("it is cut short")
    assert (why["text.jpg"], why["empty.jpg"]) == ("it is no photo, whatever its name says", "it is empty (0 bytes)")
    assert why["gone.jpg"] == "there is no such file" and "good.jpg" not in why


def test_bombs_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_PIXELS", 3000)
    frame = folder_of_five(tmp_path).head(1)
    found = unreadable(frame)
    assert found["issue"].tolist() == ["bomb"] and found["why"].iloc[0].startswith("is too large: 60 x 60")


def test_drop_unreadable_keeps_the_rest_in_order(tmp_path: Path) -> None:
    frame = folder_of_five(tmp_path)
    kept, findings = drop_unreadable(frame)
    assert kept["path"].tolist() == [str(tmp_path / "good.jpg")] and len(findings) == 4 and len(frame) == 5
    again, none = drop_unreadable(kept)
    assert again.equals(kept) and none.empty and list(none.columns) == list(findings.columns)


def test_no_photo_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="None of the 4 photos can be read") as caught:
        drop_unreadable(folder_of_five(tmp_path).iloc[1:])
    assert "short.jpg" in str(caught.value) and "cut short" in str(caught.value)
