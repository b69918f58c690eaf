"""Labels from names, folders, patterns, functions and tables; and every way each can be wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petbreeds.data.labellers import NAME_PATTERNS, by_pattern
from petbreeds.data.labels import check_labels, label_frame
from petbreeds.errors import ChoiceError, DataError

REAL = Path(__file__).parents[2] / "../shared/data/pets/images"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not at ../shared/data/pets/images")

BOOK = ["great_pyrenees_1.jpg", "great_pyrenees_2.jpg", "Birman_1.jpg", "Birman_2.jpg"]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def pairs(frame: pd.DataFrame) -> dict[str, str]:
    return {Path(path).name: label for path, label in zip(frame["path"], frame["label"])}


def refusal(folder: Path, labels: object = "auto", **columns: str) -> str:
    with pytest.raises(DataError) as caught:
        label_frame(folder, labels, **columns)  # pyright: ignore[reportArgumentType]
    text = str(caught.value)
    assert len(text.splitlines()) <= 5, text
    return text


def test_auto_reads_names_as_the_book_does(tmp_path: Path) -> None:
    found = label_frame(touch(tmp_path, *BOOK))
    assert pairs(found.frame)["great_pyrenees_2.jpg"] == "great_pyrenees"
    assert (found.kind, found.pattern, found.unlabelled) == ("name", NAME_PATTERNS[0], [])
    assert "4 photos of 2 classes" in found.how and "Birman_1.jpg is Birman" in found.how and "\n" not in found.how
    assert found.frame["path"].tolist() == sorted(str(tmp_path / name) for name in BOOK)


def test_auto_reads_kaggle_names(tmp_path: Path) -> None:
    found = label_frame(touch(tmp_path, "train/cat.0.jpg", "train/cat.1.jpg", "train/dog.0.jpg", "train/dog.1.jpg"))
    assert (found.kind, pairs(found.frame)["dog.1.jpg"]) == ("name", "dog")


@pytest.mark.parametrize("split", ["train", "Valid", "val", "test", "training", "validation"])
def test_split_folders_are_never_labels(split: str, tmp_path: Path) -> None:
    touch(tmp_path, f"{split}/hotdog/1.png", f"{split}/hotdog/2.png", f"{split}/other/1.png", f"other/{split}/3.png")
    found = label_frame(tmp_path)
    assert (found.kind, sorted(found.frame["label"])) == ("folder", ["hotdog", "hotdog", "other", "other"])


def test_folder_wins_where_names_agree(tmp_path: Path) -> None:
    found = label_frame(touch(tmp_path, "cats/cat_1.jpg", "cats/cat_2.jpg", "dogs/dog_1.jpg", "dogs/dog_2.jpg"))
    assert found.kind == "folder" and set(found.frame["label"]) == {"cats", "dogs"}
    assert "labels by name agree" in found.how


def test_two_readings_that_disagree_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "cat/Birman_1.jpg", "cat/Birman_2.jpg", "cat/Bengal_1.jpg", "dog/pug_1.jpg", "dog/pug_2.jpg")
    touch(tmp_path, "cat/Bengal_2.jpg")
    text = refusal(tmp_path)
    assert "by folder it is 'cat' (of 2 classes), by name it is 'Bengal' (of 3)" in text
    assert 'labels="folder" or labels="name"' in text and "Bengal_1.jpg" in text
    assert set(label_frame(tmp_path, "folder").frame["label"]) == {"cat", "dog"}
    assert set(label_frame(tmp_path, "name").frame["label"]) == {"Birman", "Bengal", "pug"}


def test_no_reading_says_what_was_seen(tmp_path: Path) -> None:
    text = refusal(touch(tmp_path, "photos/a.jpg", "photos/b.jpg"))
    assert (
        "all 2 photos would be 'photos'" in text and "2 of 2 names" in text and "CSV" in text and str(tmp_path) in text
    )


def test_a_stray_photo_is_not_dropped_unnoticed(tmp_path: Path) -> None:
    touch(tmp_path, "cat/a.jpg", "cat/b.jpg", "dog/a.jpg", "dog/b.jpg", "stray.jpg")
    assert "1 photos have none (stray.jpg)" in refusal(tmp_path)
    found = label_frame(tmp_path, "folder")
    assert [path.name for path in found.unlabelled] == ["stray.jpg"] and "1 without a label left out" in found.how


def test_camera_names_in_class_folders_are_no_labels(tmp_path: Path) -> None:
    found = label_frame(touch(tmp_path, "cat/IMG_1.jpg", "cat/IMG_2.jpg", "dog/IMG_3.jpg", "dog/IMG_4.jpg"))
    assert found.kind == "folder" and "no other reading" in found.how


def test_one_class_per_photo_is_no_reading(tmp_path: Path) -> None:
    assert "4 classes for 4 photos are too many" in refusal(touch(tmp_path, "a_1.jpg", "b_1.jpg", "c_1.jpg", "d_1.jpg"))


def test_name_and_folder_refusals(tmp_path: Path) -> None:
    touch(tmp_path, *BOOK, "stranger.jpg")
    text = refusal(tmp_path, "name")
    assert "1 of 5 names" in text and "stranger.jpg" in text and "regular expression" in text
    assert 'labels="name"' in refusal(tmp_path, "folder")


def test_pattern(tmp_path: Path) -> None:
    found = label_frame(touch(tmp_path, *BOOK), r"(.+)_\d+.jpg$")
    assert found.pattern == r"(.+)_\d+.jpg$" and found.kind == "pattern"
    assert set(found.frame["label"]) == {"Birman", "great_pyrenees"}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"(.+_\d+.jpg$", ["no regular expression", "unterminated subpattern"]),
        (r".+_\d+.jpg$", ["has no group", "brackets"]),
        (
            r"(.+)_\d+\.png$",
            ["matches none of the 4", "Birman_1.jpg, Birman_2.jpg, great_pyrenees_1.jpg", 'labels="auto"'],
        ),
        (r"(great_.+)_\d+", ["does not match 2 of 4", "Birman_1.jpg", "Widen the pattern"]),
        (r"(zebra)?.+", ["matches none"]),
    ],
)
def test_pattern_refusals(pattern: str, words: list[str], tmp_path: Path) -> None:
    text = refusal(touch(tmp_path, *BOOK), pattern)
    assert all(word in text for word in [pattern.replace("\\", "\\\\"), *words]), text


def test_a_misspelt_word_gets_its_neighbour(tmp_path: Path) -> None:
    with pytest.raises(ChoiceError, match="Unknown labels 'foldr'. Did you mean 'folder'"):
        label_frame(touch(tmp_path, *BOOK), "foldr")
    with pytest.raises(DataError, match="Cannot take labels from a int"):
        label_frame(tmp_path, 3)  # pyright: ignore[reportArgumentType]


def test_function(tmp_path: Path) -> None:
    touch(tmp_path, *BOOK)
    found = label_frame(tmp_path, lambda path: "cat" if path.name[0].isupper() else None)
    assert set(found.frame["label"]) == {"cat"} and len(found.unlabelled) == 2
    assert label_frame(tmp_path, lambda path: 7).frame["label"].tolist() == ["7"] * 4
    assert "gave no label to any of 4" in refusal(tmp_path, lambda path: "")

    def fails(path: Path) -> str:
        return {}[path.name]

    text = refusal(tmp_path, fails)
    assert "fails failed on" in text and "Birman_1.jpg" in text and "KeyError" in text


def table(folder: Path, text: str, name: str = "labels.csv", coding: str = "utf-8") -> Path:
    (folder / name).write_bytes(text.encode(coding))
    return folder / name


def test_table_in_the_folder_is_found_and_keeps_its_columns(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg")
    table(tmp_path, "path,label,is_valid\na.jpg,NA,True\nb.jpg,007,False\nc.jpg, NA,False\n./d.jpg,007,True\n")
    found = label_frame(tmp_path)
    assert found.kind == "table" and [path.name for path in found.unlabelled] == ["e.jpg"]
    assert found.frame["label"].tolist() == ["NA", "007", "NA", "007"], "labels stay as they are written"
    assert list(found.frame.columns) == ["path", "label", "is_valid"] and found.frame["is_valid"].tolist() == [
        True,
        False,
        False,
        True,
    ]
    assert found.frame["path"].tolist() == [str(tmp_path / f"{name}.jpg") for name in "abcd"]


def test_table_elsewhere_with_other_names(tmp_path: Path) -> None:
    touch(tmp_path, "data/images/a.jpg", "data/images/b.jpg", "data/annotations/x.txt", "lists/c.jpg")
    rows = f"breed,label,file\npug,old,a.jpg\nBirman,old,images\\b.jpg\npug,old,c.jpg\npug,old,{tmp_path / 'lists/c.jpg'}\n"
    csv = table(tmp_path / "lists", "\ufeff" + rows, "breeds.csv")
    found = label_frame(tmp_path / "data", csv, label_column="breed", path_column="file")
    assert pairs(found.frame) == {"a.jpg": "pug", "b.jpg": "Birman", "c.jpg": "pug"}
    assert len(found.frame) == 3, "a repeated row counts once"
    assert list(found.frame.columns) == ["path", "label"]


def test_a_csv_may_be_the_path_and_a_frame_the_table(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    csv = table(tmp_path, "path,label\na.jpg,x\nb.jpg,y\n", "my.csv")
    assert pairs(label_frame(csv).frame) == {"a.jpg": "x", "b.jpg": "y"}
    given_frame = pd.DataFrame({"path": [Path("a.jpg"), tmp_path / "b.jpg"], "label": [1, 2]})
    assert pairs(label_frame(tmp_path, given_frame).frame) == {"a.jpg": "1", "b.jpg": "2"}
    assert given_frame["label"].tolist() == [1, 2], "the caller's table was changed"


def test_a_table_that_disagrees_with_the_names_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, *BOOK)
    table(tmp_path, "path,label\n" + "".join(f"{name},{i % 2}\n" for i, name in enumerate(BOOK)))
    text = refusal(tmp_path)
    assert "by table" in text and "by name" in text and f'labels="{tmp_path / "labels.csv"}"' in text
    assert label_frame(tmp_path, str(tmp_path / "labels.csv")).kind == "table"


TABLES = {
    "columns": ("file;label\na.jpg;x\n", ["has no column 'path' and no column 'label'", "file;label", "path_column="]),
    "one column": ("path,breed\na.jpg,x\n", ["has no column 'label'", "path, breed", "label_column="]),
    "missing photos": ("path,label\na.jpg,x\ngone.jpg,y\n", ["1 of the 2 photos", "gone.jpg", "Looked in"]),
    "two labels": ("path,label\na.jpg,x\na.jpg,y\n", ["1 photos", "more than one label", "a.jpg (x / y)"]),
    "empty label": ("path,label\na.jpg,\nb.jpg, \n", ["2 rows", "no label", "a.jpg, b.jpg", "Fill them in"]),
    "empty path": ("path,label\n,x\n", ["1 rows", "no path"]),
    "no rows": ("path,label\n", ["has no rows"]),
    "empty file": ("", ["no readable CSV table"]),
    "ragged": ("path,label\na.jpg,x\nb.jpg,y,z,w\n", ["no readable CSV table", "line 3"]),
}


@pytest.mark.parametrize("wrong", TABLES)
def test_table_refusals(wrong: str, tmp_path: Path) -> None:
    text, words = TABLES[wrong]
    csv = table(touch(tmp_path, "a.jpg", "b.jpg"), text)
    message = refusal(tmp_path, str(csv))
    assert all(word in message for word in [str(csv), *words]), message


def test_table_that_is_no_text_or_missing(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    csv = table(tmp_path, "path,label\na.jpg,Höllenhund\n", coding="latin-1")
    assert "not UTF-8 text" in refusal(tmp_path, csv)
    text = refusal(tmp_path, "gone.csv")
    assert "no label table gone.csv" in text and str(tmp_path / "gone.csv") in text
    empty = pd.DataFrame({"path": ["a.jpg"], "label": [None]})
    assert "1 rows of the table have no label" in refusal(tmp_path, empty)


def frame_of(**labels: int) -> pd.DataFrame:
    rows = [(f"{label}_{i}.jpg", label) for label, count in labels.items() for i in range(count)]
    return pd.DataFrame(rows, columns=pd.Index(["path", "label"]))


def test_check_labels() -> None:
    check_labels(frame_of(pug=2, Birman=3))
    with pytest.raises(DataError, match="same label, 'pug'"):
        check_labels(frame_of(pug=5))
    with pytest.raises(DataError, match=r"2 of 3 classes have a single photo: a \(a_0.jpg\), b \(b_0.jpg\)") as caught:
        check_labels(frame_of(a=1, b=1, pug=5))
    assert "leave them out" in str(caught.value)
    for nothing in (None, float("nan"), "", " "):
        with pytest.raises(DataError, match="1 photos have no label: x.jpg"):
            check_labels(pd.concat([frame_of(a=2, b=2), pd.DataFrame({"path": ["x.jpg"], "label": [nothing]})]))
    with pytest.raises(DataError, match="All 0 photos"):
        check_labels(frame_of())


LABELS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0\n\r", exclude_categories=("Cs", "Cc")), min_size=1
)


@settings(deadline=None, max_examples=50)
@given(LABELS, st.integers(0, 10**6), st.sampled_from(["jpg", "JPEG", "png"]))
def test_labels_survive_the_way_through_a_file_name(label: str, number: int, extension: str) -> None:
    found = by_pattern([Path("folder") / f"{label}_{number}.{extension}"], NAME_PATTERNS[0])
    assert found.frame["label"].tolist() == [label]


@settings(deadline=None)  # the first example imports fastai
@given(st.lists(st.text("ab_1.", min_size=1, max_size=9).filter(lambda text: text.strip(".")), min_size=1, max_size=5))
def test_patterns_label_exactly_as_fastai_does(names: list[str]) -> None:
    from fastai.data.transforms import RegexLabeller

    photos, theirs = [Path(f"{name}.jpg") for name in names], RegexLabeller(NAME_PATTERNS[0])
    if all(re.search(NAME_PATTERNS[0], photo.name) for photo in photos):
        expected = [theirs(photo.name) for photo in photos]
        assert by_pattern(photos, NAME_PATTERNS[0]).frame["label"].tolist() == expected
    else:
        with pytest.raises(AssertionError):
            [theirs(photo.name) for photo in photos]
        with pytest.raises(DataError, match="match"):
            by_pattern(photos, NAME_PATTERNS[0])


@needs_real
def test_real_photos_have_37_breeds_as_fastai_reads_them() -> None:
    from fastai.data.transforms import RegexLabeller, get_image_files

    found = label_frame(REAL)
    assert len(found.frame) == 370 and len(set(found.frame["label"])) == 37
    theirs = RegexLabeller(r"(.+)_\d+.jpg$")
    expected = {os.path.abspath(path): theirs(path.name) for path in get_image_files(REAL)}
    assert dict(zip(map(os.path.abspath, found.frame["path"]), found.frame["label"])) == expected
    check_labels(found.frame)
