"""Divide labelled photos into a part to learn from and a part to check with.

Works on the frame alone and opens no photo. `random` gives exactly the photos that fastai's RandomSplitter gives, without
importing torch, so figures can be compared with the book's; `grouped` gives the same unless photos have twins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Union

import numpy as np
import pandas as pd

from petbreeds.data.labellers import SPLIT_FOLDERS
from petbreeds.data.lists import listed_rows
from petbreeds.data.twins import TWINS, n_groups, take_groups
from petbreeds.errors import ChoiceError, DataError, counted, examples, unknown

Valid = Union[float, str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]

DEFAULT_SHARE = 0.2
PART_WORDS = {
    **SPLIT_FOLDERS,
    "true": "valid",
    "1": "valid",
    "1.0": "valid",
    "false": "train",
    "0": "train",
    "0.0": "train",
}


class Divided(NamedTuple):
    """The part of each photo ("train", "valid", "test"), and a few words on how it was chosen."""

    parts: np.ndarray
    how: str


def split_frame(
    frame: pd.DataFrame,
    valid: Valid = DEFAULT_SHARE,
    split: str = "auto",
    seed: int = 42,
    root: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Return a copy of `frame` with the column `split`: "train" or "valid", and "test" for photos set aside.

    valid: a share between 0 and 1; the path of a list file (or a pair: training list, validation list); the name of a
    column of `frame`; or the name of a row of SPLITS. split: a row of SPLITS, or "auto", which goes by the kind of
    `valid`. For a share, photos that lie in train/ and in valid/, val/ or test/ folders below `root` keep these parts;
    else it is "random", or "grouped" where the column `twins` says that photos show one picture. One line in
    `.attrs["split"]` says what was chosen. Raises DataError or ChoiceError where the parts cannot be made.

    >>> frame = pd.DataFrame({"path": [f"pug_{i}.jpg" for i in range(5)], "label": "pug"})
    >>> split_frame(frame, valid=0.4)["split"].tolist()
    ['train', 'train', 'valid', 'train', 'valid']
    """
    if frame.empty:
        raise DataError("There is no photo to split.\nLabel some photos first.")
    base = None if root is None else Path(root).expanduser()
    if split == "auto":
        split, valid = _choose(frame, valid, base)
    if split not in SPLITS:
        raise unknown("split", split, ["auto", *SPLITS])
    parts, how = SPLITS[split](frame, valid, seed, base)
    divided = frame.copy()
    divided["split"] = parts
    divided.attrs["split"] = f"{how}: {describe_split(divided)}"
    return divided


def split_random(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Take the first `int(valid * n)` of a random order: the photos of fastai's `RandomSplitter(valid, seed=seed)`."""
    parts, share = np.full(len(frame), "train", dtype=object), _share(valid)
    parts[random_order(len(frame), seed)[: int(share * len(frame))]] = "valid"
    return Divided(parts, f"random (valid={share:g}, seed={seed})")


def split_stratified(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Take the same share of every class, at least one photo of each where it has two or more; one always stays."""
    parts, share = np.full(len(frame), "train", dtype=object), _share(valid)
    order, labels = random_order(len(frame), seed), frame["label"].to_numpy()
    shuffled, taken = labels[order], np.zeros(len(frame), dtype=bool)
    for label in pd.unique(labels):
        members = order[shuffled == label]
        if len(members) > 1:
            wanted = min(max(round(share * len(members)), 1), len(members) - 1)
            parts[take_groups(members.tolist(), wanted, frame, taken)] = "valid"
    return Divided(parts, f"stratified (valid={share:g} of each class, seed={seed}{_kept(frame)})")


def split_grouped(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Take photos in random's order, twins (column `twins`) only together; without twins the same photos as random."""
    parts, share = np.full(len(frame), "train", dtype=object), _share(valid)
    order = random_order(len(frame), seed).tolist()
    parts[take_groups(order, int(share * len(frame)), frame)] = "valid"
    return Divided(parts, f"grouped (valid={share:g}, seed={seed}{_kept(frame)})")


def split_by_folder(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Go by the folders train/ and valid/ (or val/); test/ is set aside, or used for validation where there is no valid/.

    The outermost such folder below `root` counts. Photos in none of them are an error.
    """
    parts = _folder_parts(frame, root)
    outside = [path for path, part in zip(frame["path"], parts) if not part]
    if outside:
        raise DataError(
            f"{len(outside):,} photos lie in no train, valid, val or test folder: {examples(outside)}.\n"
            'Move them, or divide by chance with split="random".'
        )
    if not (parts == "valid").any():
        parts[parts == "test"] = "valid"
        return Divided(parts, "folder (train and test; no valid)")
    return Divided(parts, "folder (train and valid)")


def split_by_list(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Go by list files: one photo a line, its first word (as in Oxford's `Abyssinian_201 1 1 1`).

    With one list, its photos check and all others train; with a pair (training, validation), photos in neither list are
    set aside as "test".
    """
    if isinstance(valid, (int, float)):
        raise ChoiceError(f'split="list" needs valid= the path of a list file, or a pair of them; got {valid!r}.')
    pair = not isinstance(valid, (str, os.PathLike))
    files = list(valid) if pair else [valid]  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]
    if len(files) != (2 if pair else 1):
        raise ChoiceError(f"valid has {len(files)} lists; give one (validation), or a pair (training, validation).")
    listed = [listed_rows(frame, file, root) for file in files]
    both = listed[0].rows & listed[-1].rows if pair else np.zeros(len(frame), dtype=bool)
    if both.any():
        raise DataError(
            f"{int(both.sum()):,} photos are in both {files[0]} and {files[1]}: "
            f"{examples(path for path, twice in zip(frame['path'], both) if twice)}.\n"
            "A photo must not be learnt from and checked with: take it out of one list."
        )
    parts = np.full(len(frame), "test" if pair else "train", dtype=object)
    for found, part in zip(reversed(listed), ("valid", "train")):
        parts[found.rows] = part
    absent = sum(found.n_absent for found in listed)
    note = f", {absent:,} listed photos are not in this data set" if absent else ""
    return Divided(parts, f"list ({', '.join(map(str, files))}{note})")


def split_by_column(frame: pd.DataFrame, valid: Valid, seed: int, root: Path | None = None) -> Divided:
    """Go by a column of the frame: true or 1 means validation; the words train, valid, val and test mean themselves."""
    column = str(valid)
    if column not in frame:
        raise unknown("column", column, frame.columns, "Name the column that says which photos are for validation.")
    parts = np.array([PART_WORDS.get(str(value).strip().lower(), "") for value in frame[column]], dtype=object)
    strange = [value for value, part in zip(frame[column], parts) if not part]
    if strange:
        raise DataError(
            f"The column {column!r} holds {examples(dict.fromkeys(strange))} in {len(strange):,} rows.\n"
            "Allowed: true/false, 1/0, or the words train, valid, val, test."
        )
    if not (parts == "valid").any():
        parts[parts == "test"] = "valid"
    return Divided(parts, f"column ({column})")


SPLITS: dict[str, Callable[[pd.DataFrame, Valid, int, Path | None], Divided]] = {
    "random": split_random,
    "grouped": split_grouped,
    "stratified": split_stratified,
    "folder": split_by_folder,
    "list": split_by_list,
    "column": split_by_column,
}


def describe_split(frame: pd.DataFrame) -> str:
    """Return one line with the size of each part.

    >>> describe_split(pd.DataFrame({"split": ["train", "train", "valid"]}))
    '2 photos to learn from, 1 to check with (33 %)'
    """
    found = frame["split"].tolist()
    counts = {part: found.count(part) for part in ("train", "valid", "test")}
    used = counts["train"] + counts["valid"]
    aside = f", {counts['test']:,} set aside" if counts["test"] else ""
    share = 100 * counts["valid"] / used if used else 0
    return (
        f"{counted(counts['train'], 'photo')} to learn from, {counts['valid']:,} to check with ({share:.0f} %){aside}"
    )


def check_split(frame: pd.DataFrame) -> None:
    """Raise DataError where a part is empty or a class can only be checked, never learnt (fastai fails in mid-epoch).

    >>> check_split(pd.DataFrame({"path": ["a"], "label": ["pug"], "split": ["train"]}))
    Traceback (most recent call last):
    petbreeds.errors.DataError: No photo is left to check with: 1 photo to learn from, 0 to check with (0 %).
    Give a larger share (valid=0.2), more photos, or split="stratified".
    """
    for part, verb in (("train", "learn from"), ("valid", "check with")):
        if part not in set(frame["split"]):
            change = "larger" if part == "valid" else "smaller"
            raise DataError(
                f"No photo is left to {verb}: {describe_split(frame)}.\n"
                f'Give a {change} share (valid=0.2), more photos, or split="stratified".'
            )
    labels = {part: set(frame["label"][frame["split"] == part]) for part in ("train", "valid")}
    unlearnt = sorted(labels["valid"] - labels["train"])
    if unlearnt:
        raise DataError(
            f"Only in the validation part: {counted(len(unlearnt), 'class', 'classes')}: {examples(unlearnt)}.\n"
            "They would be asked for and never learnt.\n"
            'Divide with split="stratified", take another seed, or put some of their photos into the training part.'
        )


def random_order(n: int, seed: int) -> np.ndarray:
    """Return the numbers 0 ... n-1 in the order of `torch.manual_seed(seed); torch.randperm(n)`, without torch.

    torch draws 32 bits a step from a Mersenne Twister (MT19937) and swaps (Fisher-Yates, taking the remainder). Equal to
    it for n below 200 million (there torch changes to 64 bits); seeds count modulo 2**32, as there.

    >>> random_order(5, seed=42).tolist()
    [2, 4, 3, 0, 1]
    """
    twister = np.random.RandomState(seed % 2**32)  # the old generator: the new ones are seeded in another way
    draws = twister.randint(0, 2**32, size=max(n - 1, 0), dtype=np.uint32)
    order = np.arange(n)
    for i, draw in enumerate(draws):
        chosen = i + int(draw) % (n - i)
        order[i], order[chosen] = order[chosen], order[i]
    return order


def _choose(frame: pd.DataFrame, valid: Valid, root: Path | None) -> tuple[str, Valid]:
    """Go by the kind of `valid`: a list, a column, the name of a split, or a share."""
    if isinstance(valid, str) and re.fullmatch(r"[\d.]+", valid) and valid not in frame.columns:
        valid = float(valid)  # a share typed on the command line
    if isinstance(valid, (int, float)) and not isinstance(valid, bool):
        found = set(_folder_parts(frame, root)) if root is not None else set()
        ready = "train" in found and bool(found & {"valid", "test"})
        return ("folder" if ready else "grouped" if _n_groups(frame) else "random"), valid
    if not isinstance(valid, str):
        return "list", valid
    if valid in frame.columns:
        return "column", valid
    if valid in SPLITS:
        return valid, DEFAULT_SHARE
    if Path(valid).suffix:
        return "list", valid
    hint = "Give a share such as 0.2, the path of a list such as test.txt, or the name of a column."
    raise unknown("valid", valid, [*SPLITS, *frame.columns], hint)


def _kept(frame: pd.DataFrame) -> str:
    kept = _n_groups(frame)
    return f"; {kept:,} group{'s' if kept > 1 else ''} of twins kept together" if kept else ""


def _n_groups(frame: pd.DataFrame) -> int:
    return n_groups(frame[TWINS].to_numpy()) if TWINS in frame else 0


def _share(valid: Valid) -> float:
    if isinstance(valid, (int, float)) and not isinstance(valid, bool) and 0 <= valid <= 1:
        return float(valid)
    raise ChoiceError(f"valid is {valid!r}; a random or stratified split needs a share between 0 and 1, such as 0.2.")


def _folder_parts(frame: pd.DataFrame, root: Path | None) -> np.ndarray:
    """Return "train", "valid", "test" or "" for each photo, by the outermost split folder on its way below `root`."""
    base = os.path.abspath(root) if root is not None else ""
    parts = []
    for path in frame["path"]:
        below = os.path.relpath(os.path.abspath(path), base) if base else str(path)
        folders = Path(below).parts[:-1]
        parts.append(next((SPLIT_FOLDERS[name.lower()] for name in folders if name.lower() in SPLIT_FOLDERS), ""))
    return np.array(parts, dtype=object)
