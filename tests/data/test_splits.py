"""Splits: parity with fastai, disjoint and covering parts, and every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from petbreeds.data.splits import SPLITS, check_split, describe_split, random_order, split_frame
from petbreeds.errors import ChoiceError, DataError, PetBreedsError

SEEDS = st.integers(0, 2**32 - 1)


def frame_of(*paths: str, **more: Any) -> pd.DataFrame:
    return pd.DataFrame({"path": list(paths), "label": [Path(path).name.split("_")[0] for path in paths], **more})


def pets(n: int) -> pd.DataFrame:
    return frame_of(*[f"{'cat' if i % 3 else 'dog'}_{i}.jpg" for i in range(n)])


def write_list(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def refusal(kind: type[PetBreedsError] = DataError, **choices: Any) -> str:
    with pytest.raises(kind) as caught:
        split_frame(choices.pop("frame", pets(9)), **choices)
    text = str(caught.value)
    assert len(text.splitlines()) <= 5, text
    return text


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 37, 370, 7390, 29_999, 30_001])
@pytest.mark.parametrize("seed", [0, 1, 42, 2**31, 2**32 - 1])
def test_random_order_is_that_of_torch(n: int, seed: int) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    assert np.array_equal(random_order(n, seed), torch.randperm(n).numpy())


@pytest.mark.parametrize(("n", "share"), [(7390, 0.2), (370, 0.2), (99, 0.37), (10, 0.999)])
def test_random_gives_the_photos_of_fastai(n: int, share: float) -> None:
    from fastai.data.transforms import RandomSplitter

    train, valid = RandomSplitter(share, seed=42)(range(n))
    found = split_frame(pets(n), valid=share, seed=42)["split"]
    assert set(np.flatnonzero(found == "valid")) == set(valid) and set(np.flatnonzero(found == "train")) == set(train)


def test_the_book_gets_its_5912_and_1478() -> None:
    found = split_frame(pets(7390))
    assert found["split"].value_counts().to_dict() == {"train": 5912, "valid": 1478}
    assert found.attrs["split"] == (
        "random (valid=0.2, seed=42): 5,912 photos to learn from, 1,478 to check with (20 %)"
    )


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 400), SEEDS, st.floats(0, 1), st.sampled_from(["random", "stratified"]))
def test_parts_are_disjoint_cover_everything_and_repeat(n: int, seed: int, share: float, split: str) -> None:
    frame = pets(n)
    found = split_frame(frame, valid=share, split=split, seed=seed)
    assert set(found["split"]) <= {"train", "valid"} and len(found) == n
    assert found[["path", "label"]].equals(frame) and "split" not in frame
    assert found["split"].equals(split_frame(frame, valid=share, split=split, seed=seed)["split"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), SEEDS, st.floats(0, 1))
def test_stratified_keeps_every_class_in_training(counts: list[int], seed: int, share: float) -> None:
    frame = frame_of(*[f"breed{c}_{i}.jpg" for c, count in enumerate(counts) for i in range(count)])
    found = split_frame(frame, valid=share, split="stratified", seed=seed)
    for label, group in found.groupby("label"):
        n, n_valid = len(group), group["split"].tolist().count("valid")
        assert n_valid < n, label
        assert n == 1 or n_valid == min(max(round(share * n), 1), n - 1), label


def test_seeds_differ() -> None:
    assert not split_frame(pets(99), seed=1)["split"].equals(split_frame(pets(99), seed=2)["split"])


FOLDERS = ["train/cat/cat_1.jpg", "train/dog/dog_1.jpg", "valid/cat/cat_2.jpg", "test/dog/dog_2.jpg"]


def test_folders_are_taken_when_they_are_there(tmp_path: Path) -> None:
    found = split_frame(frame_of(*[str(tmp_path / name) for name in FOLDERS]), root=tmp_path)
    assert found["split"].tolist() == ["train", "train", "valid", "test"]
    assert found.attrs["split"].startswith("folder (train and valid)") and "1 set aside" in found.attrs["split"]


def test_test_checks_where_there_is_no_valid(tmp_path: Path) -> None:
    names = ["cat/Train/cat_1.jpg", "dog/training/dog_1.jpg", "cat/test/cat_2.jpg"]
    found = split_frame(frame_of(*[str(tmp_path / name) for name in names]), root=tmp_path)
    assert found["split"].tolist() == ["train", "train", "valid"]
    assert "no valid" in found.attrs["split"]


def test_folders_above_the_root_and_train_alone_do_not_count(tmp_path: Path) -> None:
    root = tmp_path / "train" / "test"
    frame = frame_of(*[str(root / "train" / f"cat_{i}.jpg") for i in range(10)])
    assert split_frame(frame, root=root).attrs["split"].startswith("random")
    assert split_frame(frame, root=root / "train").attrs["split"].startswith("random")


def test_folder_refusals(tmp_path: Path) -> None:
    frame = frame_of(*[str(tmp_path / name) for name in [*FOLDERS, "stray_1.jpg"]])
    text = refusal(frame=frame, root=tmp_path)
    assert "1 photos lie in no train" in text and "stray_1.jpg" in text and 'split="random"' in text


def test_oxford_list_by_stem_name_or_path(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    frame = frame_of(*[str(root / "images" / name) for name in ("pug_1.jpg", "pug_2.jpg", "my cat_3.jpg", "pug_4.jpg")])
    write_list(root / "annotations" / "test.txt", "#Image CLASS", "pug_1 1 1 1", "", "images/pug_2.jpg", "my cat_3.jpg")
    for valid in ("test.txt", str(root / "annotations" / "test.txt"), root / "annotations" / "test.txt"):
        found = split_frame(frame, valid=valid, root=root)
        assert found["split"].tolist() == ["valid", "valid", "valid", "train"], valid
    assert found.attrs["split"].startswith("list (")


def test_a_list_longer_than_the_data_set_is_counted(tmp_path: Path) -> None:
    listed = write_list(tmp_path / "valid.txt", "cat_1", "cat_2", "gone_1", "gone_2")
    found = split_frame(pets(9), valid=str(listed))
    assert "2 listed photos are not in this data set" in found.attrs["split"]
    assert found["path"][found["split"] == "valid"].tolist() == ["cat_1.jpg", "cat_2.jpg"]


def test_a_pair_of_lists_sets_the_rest_aside(tmp_path: Path) -> None:
    train = write_list(tmp_path / "trainval.txt", "dog_0", "cat_1", "cat_2")
    valid = write_list(tmp_path / "test.txt", "dog_3", "cat_4")
    found = split_frame(pets(6), valid=(train, valid))
    assert found["split"].tolist() == ["train", "train", "train", "valid", "valid", "test"]


def test_list_refusals(tmp_path: Path) -> None:
    listed = write_list(tmp_path / "a.txt", "cat_1", "cat_2")
    foreign = write_list(tmp_path / "b.txt", "zebra_1", "zebra_2")
    assert "no list file" in refusal(valid="gone.txt", root=tmp_path) and "gone.txt" in refusal(valid="gone.txt")
    text = refusal(valid=str(foreign))
    assert "None of the 2 photos" in text and "zebra_1, zebra_2" in text and "dog_0.jpg" in text
    assert "is empty" in refusal(valid=str(write_list(tmp_path / "c.txt", "# nothing")))
    assert "2 photos are in both" in refusal(valid=(listed, listed)) and "cat_1.jpg" in refusal(valid=(listed, listed))
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\x00cat")
    assert "UTF-8" in refusal(valid=str(tmp_path / "d.txt"))
    twice = frame_of("a/cat_1.jpg", "b/cat_1.jpg", "b/cat_2.jpg")
    assert "fit more than one photo" in refusal(frame=twice, valid=str(listed))
    assert "3 lists" in refusal(ChoiceError, valid=(listed, listed, listed))
    assert "needs valid= the path" in refusal(ChoiceError, valid=0.2, split="list")


@pytest.mark.parametrize(
    "values",
    [[True, False, False], [1, 0, 0], ["1", "0", "0"], ["valid", "train", "train"], ["Val ", "TRAIN", "train"],
     ["test", "train", "train"], [1.0, 0.0, 0.0], ["True", "False", "false"]],
)  # fmt: skip
def test_columns(values: list[Any]) -> None:
    found = split_frame(frame_of("a_1.jpg", "a_2.jpg", "a_3.jpg", is_valid=values), valid="is_valid")
    assert found["split"].tolist() == ["valid", "train", "train"]
    assert found.attrs["split"].startswith("column (is_valid)")


def test_column_with_all_three_parts_and_refusals() -> None:
    frame = frame_of("a_1.jpg", "a_2.jpg", "a_3.jpg", part=["train", "val", "test"], odd=["yes", "train", None])
    assert split_frame(frame, valid="part")["split"].tolist() == ["train", "valid", "test"]
    text = refusal(frame=frame, valid="odd")
    assert "'odd' holds yes, None in 2 rows" in text or "'odd' holds yes, nan in 2 rows" in text
    assert "true/false" in text
    assert "Unknown column 'prt'" in refusal(ChoiceError, frame=frame, valid="prt", split="column")


def test_choices_of_auto() -> None:
    assert split_frame(pets(9), valid="stratified").attrs["split"].startswith("stratified (valid=0.2")
    assert split_frame(pets(9), valid="0.4").attrs["split"].startswith("random (valid=0.4")
    text = refusal(ChoiceError, valid="stratifed")
    assert "Did you mean 'stratified'" in text and "share such as 0.2" in text
    assert "Unknown split 'rndom'" in refusal(ChoiceError, split="rndom")
    for share in (1.5, -0.1, True, float("nan")):
        assert "between 0 and 1" in refusal(ChoiceError, valid=share, split="random")
    assert "no photo to split" in refusal(frame=pets(0))


def test_check_split() -> None:
    check_split(split_frame(pets(30)))
    for part, missing in (("train", "check with"), ("valid", "learn from")):
        with pytest.raises(DataError, match=f"No photo is left to {missing}"):
            check_split(pets(3).assign(split=part))
    with pytest.raises(DataError, match="Only in the validation part: 1 class: dog") as caught:
        check_split(pets(3).assign(split=["valid", "train", "valid"]))
    assert 'split="stratified"' in str(caught.value)


def test_describe_split_counts_what_is_set_aside() -> None:
    assert describe_split(pd.DataFrame({"split": ["train", "valid", "test"]})).endswith("(50 %), 1 set aside")
    assert set(SPLITS) == {"random", "grouped", "stratified", "folder", "list", "column"}


def pets_with_twins(groups: list[list[int]], n: int = 40) -> pd.DataFrame:
    frame = pd.DataFrame({"path": [f"{i}.jpg" for i in range(n)], "label": ["pug", "Birman"] * (n // 2), "twins": -1})
    for number, rows in enumerate(groups):
        frame.loc[rows, "twins"] = number
    return frame


@pytest.mark.parametrize("split", ["grouped", "stratified"])
@pytest.mark.parametrize("seed", range(8))
def test_twins_stay_on_one_side(split: str, seed: int) -> None:
    frame = pets_with_twins([[0, 2], [1, 5, 9], [4, 7], list(range(10, 30, 2))])
    found = split_frame(frame, 0.2, split, seed)
    sides = found[found["twins"] >= 0].groupby("twins")["split"].nunique()
    assert (sides == 1).all() and 5 <= (found["split"] == "valid").sum() <= 8
    assert "4 groups of twins kept together" in found.attrs["split"]


@pytest.mark.parametrize("split", ["grouped", "stratified"])
def test_without_twins_nothing_changes(split: str) -> None:
    frame = pets_with_twins([])
    plain = frame.drop(columns="twins")
    same_as = "random" if split == "grouped" else split
    assert split_frame(frame, 0.2, split)["split"].tolist() == split_frame(plain, 0.2, same_as)["split"].tolist()
    assert split_frame(frame, 0.2).attrs["split"].startswith("random (valid=0.2, seed=42): ")


def test_auto_goes_by_twins_where_there_are_some() -> None:
    chosen = split_frame(pets_with_twins([[3, 4]]), 0.2).attrs["split"]
    assert chosen.startswith("grouped (valid=0.2, seed=42; 1 group of twins kept together)")


def test_a_class_of_nothing_but_twins_is_learnt_never_only_checked() -> None:
    frame = pets_with_twins([[0, 1]], n=20)
    frame["label"] = ["toy", "toy", *["pug", "Birman"] * 9]
    for seed in range(20):
        assert split_frame(frame, 0.3, "grouped", seed)["split"].tolist()[:2] == ["train", "train"]
