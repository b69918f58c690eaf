"""The DataBlock factory: labels, presizing and augmentation become fastai DataLoaders.

`pet_block` is the book's block; `pet_dataloaders` also checks labels and split before a photo is opened. Validation photos
go through the PixelRule that prediction uses, so a model says the same in both.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.core import DataLoaders
from fastai.data.transforms import IndexSplitter, Normalize, RandomSplitter, RegexLabeller, parent_label, using_attr
from fastai.vision.augment import RandTransform, Resize
from fastai.vision.core import PILImage
from fastai.vision.data import ImageBlock
from PIL import Image

from petbreeds.augment import batch_transforms
from petbreeds.bundle.pixels import PixelRule
from petbreeds.data.checks import SEEN_TO, find_crossing, screen, warn_in_one_line
from petbreeds.data.findings import findings_table
from petbreeds.data.labels import LabelChoice, check_labels, label_frame
from petbreeds.data.photos import find_photos, open_photo
from petbreeds.data.splits import Valid, check_split, split_frame
from petbreeds.errors import DataError, counted, examples
from petbreeds.models.backbones import Backbone
from petbreeds.progress import progress_counter

PET_NAME = r"(.+)_\d+.jpg$"


class Photo(PILImage):
    """A photo as fastai knows it, opened by the house's one door: upright, RGB, refused with its name when damaged."""

    @classmethod
    def create(cls, fn: Any, **kwargs: Any) -> Photo:
        """Open a path, bytes, a PIL image or an array."""
        image = open_photo(fn)
        return cls(image.copy() if image is fn else image)  # pyright: ignore[reportCallIssue]


class Presize(RandTransform):
    """Training photos: a random square of `item_size` pixels (the book's presizing). Others: the PixelRule's square."""

    split_idx, order = None, 1

    def __init__(self, item_size: int, rule: PixelRule) -> None:
        super().__init__()
        self.item_size, self.rule, self.resize = item_size, rule, Resize(item_size)
        self.for_training = True

    def before_call(self, b: Any, split_idx: int | None) -> None:
        """Remember which part the photo belongs to; fastai calls this before each item."""
        self.do, self.for_training = True, not split_idx

    def encodes(self, x: PILImage) -> PILImage:
        """Return the square of one photo."""
        return self.resize(x, split_idx=0) if self.for_training else Photo(self.rule.square(x))  # pyright: ignore[reportCallIssue]

    def __repr__(self) -> str:
        return f"Presize(training={self.item_size}, validation={self.rule.size})"


class FrameLabels:
    """Look the label of a photo up in a table of labels made before (a class, so that worker processes can have it)."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = dict(labels)

    def __call__(self, path: Path) -> str:
        """Return the label; a photo that is not in the table is a KeyError."""
        return self.labels[str(path)]


def choose_workers(num_workers: int | None = None) -> int:
    """Return `num_workers` if given, else a number with which nothing hangs.

    Worker processes hang in notebooks on Windows and macOS, and on a small machine without a GPU they only take turns with
    the training: there it is 0.
    """
    if num_workers is not None:
        return num_workers
    cores = os.cpu_count() or 1
    if platform.system() != "Linux" or (cores <= 4 and not torch.cuda.is_available()):
        return 0
    return min(8, cores - 1)


class PetBlock(DataBlock):
    """A fastai DataBlock whose loaders get a number of workers with which nothing hangs, unless one is given."""

    def dataloaders(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, source: Any, path: Any = ".", verbose: bool = False, **kwargs: Any
    ) -> DataLoaders:
        """Make DataLoaders of a folder or a list of photos, as fastai does; `num_workers=` and `bs=` are honoured."""
        kwargs["num_workers"] = choose_workers(kwargs.get("num_workers"))
        return super().dataloaders(source, path=path, verbose=verbose, **kwargs)


def pet_block(
    labels: str | Callable[[Path], str] = PET_NAME,
    item_size: int = 460,
    size: int = 224,
    min_scale: float = 0.75,
    seed: int = 42,
    valid: float = 0.2,
    augment: str = "standard",
    splitter: Callable[..., Any] | None = None,
    vocab: list[str] | None = None,
    rule: PixelRule | None = None,
) -> PetBlock:
    """Return the book's DataBlock: photos below a folder, labels by file name, a seeded split, presizing, augmentation.

    labels: a regular expression for the file name, "folder", or a function of the path. Sizes are in pixels.
    Source: the fastai book, chapter 5.

    >>> block = pet_block(r"(.+)_\\d+.jpg$", item_size=128, size=96)
    >>> isinstance(block, DataBlock)
    True
    """
    if callable(labels):
        get_y: Callable[..., Any] = labels
    else:
        get_y = parent_label if labels == "folder" else using_attr(RegexLabeller(labels), "name")
    names: Any = vocab
    photos: Any = Photo
    steps: Any = Presize(item_size, rule or PixelRule(size))
    blocks: Any = (ImageBlock(photos), CategoryBlock(vocab=names))
    return PetBlock(
        blocks=blocks,
        get_items=_photos,
        splitter=splitter or RandomSplitter(valid_pct=valid, seed=seed),
        get_y=get_y,
        item_tfms=steps,
        batch_tfms=batch_transforms(augment, size, min_scale),
    )


def _photos(source: str | os.PathLike[str] | list[Path]) -> list[Path]:
    return list(source) if isinstance(source, list) else find_photos(source)


def labelled_frame(
    path: str | os.PathLike[str],
    labels: LabelChoice = "auto",
    valid: Valid = 0.2,
    split: str = "auto",
    seed: int = 42,
    label_column: str = "label",
    path_column: str = "path",
    verify: bool = True,
) -> pd.DataFrame:
    """Find, label, check and split the photos below `path`: a frame `path, label, split` that training can rely on.

    With `verify` every photo is decoded once: unreadable ones are left out, twins of one picture are kept on one side of
    the split, other faults are counted. `.attrs["notes"]` holds a line for each thing worth telling. Raises DataError,
    before any training, for whatever would make it fail or mean nothing.
    """
    labelled = label_frame(path, labels, label_column=label_column, path_column=path_column)
    notes = [f"Labels: {labelled.how}"]
    if labelled.unlabelled:
        notes.append(
            f"Left out, no label: {counted(len(labelled.unlabelled), 'photo')}: {examples(labelled.unlabelled)}"
        )
    frame, findings = labelled.frame, findings_table([])
    if verify:
        frame, findings = screen(frame, progress=progress_counter("photos read"))
    unread = findings["path"][findings["issue"].isin(SEEN_TO)]
    if len(unread):
        notes.append(f"Left out, unreadable: {counted(len(unread), 'photo')}: {examples(unread)}")
    check_labels(frame)
    root = Path(path).parent if Path(path).is_file() else path
    divided = split_frame(frame, valid, split, seed, root=root)
    check_split(divided)
    divided.attrs["notes"] = [*notes, f"Split: {divided.attrs['split']}", *_warnings(divided, findings)]
    return divided


def _warnings(divided: pd.DataFrame, findings: pd.DataFrame) -> list[str]:
    """Return a line for twins that a split of the user's own keeps apart, and one for all other findings."""
    crossing = len(find_crossing(divided))
    leak = f"{crossing:,} photos have a twin on the other side of this split: the error will look better than it is."
    return [*([leak] if crossing else []), *filter(None, [warn_in_one_line(findings)])]


def frame_dataloaders(
    frame: pd.DataFrame,
    item_size: int = 460,
    size: int = 224,
    min_scale: float = 0.75,
    augment: str = "standard",
    bs: int = 64,
    num_workers: int | None = None,
    rule: PixelRule | None = None,
    vocab: list[str] | None = None,
) -> DataLoaders:
    """Make DataLoaders of the rows whose `split` is "train" or "valid"; the classes are in the order of their names."""
    used = frame[frame["split"].isin(["train", "valid"])].reset_index(drop=True)
    is_valid = (used["split"] == "valid").to_numpy()
    block = pet_block(
        FrameLabels(dict(zip(used["path"].astype(str), used["label"].astype(str), strict=True))),
        item_size=item_size,
        size=size,
        min_scale=min_scale,
        augment=augment,
        splitter=IndexSplitter(list(is_valid.nonzero()[0])),
        vocab=vocab or sorted(set(used["label"].astype(str))),
        rule=rule,
    )
    paths = [Path(photo) for photo in used["path"]]
    batch = min(bs, int((~is_valid).sum()))  # fastai drops an incomplete batch, and so would learn from nothing
    return block.dataloaders(paths, bs=batch, num_workers=choose_workers(num_workers))


def pet_dataloaders(
    path: str | os.PathLike[str],
    labels: LabelChoice = "auto",
    valid: Valid = 0.2,
    split: str = "auto",
    seed: int = 42,
    bs: int = 64,
    item_size: int = 460,
    size: int = 224,
    min_scale: float = 0.75,
    augment: str = "standard",
    num_workers: int | None = None,
    label_column: str = "label",
    path_column: str = "path",
    verify: bool = False,
) -> DataLoaders:
    """Return fastai DataLoaders of the photos below `path`, after checking labels and split; prints what was chosen.

    labels and valid: see `petbreeds.data.labels.label_frame` and `petbreeds.data.splits.split_frame`. bs: photos a
    batch. num_workers: None chooses a number that hangs nowhere. verify: decode every photo first, leave out the damaged.
    """
    frame = labelled_frame(path, labels, valid, split, seed, label_column, path_column, verify)
    print(*frame.attrs["notes"], sep="\n")
    return frame_dataloaders(
        frame,
        item_size=item_size,
        size=size,
        min_scale=min_scale,
        augment=augment,
        bs=bs,
        num_workers=num_workers,
    )


def rule_of(dls: DataLoaders, backbone: Backbone) -> PixelRule | None:
    """Return the PixelRule of these loaders' validation photos; None when they were not made by petbreeds."""
    found = [transform for transform in dls.valid.after_item.fs if isinstance(transform, Presize)]
    if not found:
        return None
    rule = found[0].rule
    return PixelRule(rule.size, backbone.mean, backbone.std, rule.crop, rule.resample)


def normalize_for(dls: DataLoaders, backbone: Backbone) -> None:
    """Normalise the batches of `dls`, in place, with the mean and std that a backbone was trained with.

    A normalisation for another backbone is replaced: learners of two kinds of backbone need DataLoaders of their own.
    """
    for loader in dls.loaders:
        steps = loader.after_batch.fs
        steps[:] = [step for step in steps if not isinstance(step, Normalize)]
    dls.add_tfms([Normalize.from_stats(backbone.mean, backbone.std)], "after_batch")


def photo_paths(dls: DataLoaders, part: int) -> list[Path]:
    """Return the paths of the training photos (part 0) or the validation photos (part 1), in the order of the loader."""
    items = dls[part].items
    wrong = [item for item in items if not isinstance(item, (str, os.PathLike, Image.Image))]
    if wrong:
        raise DataError(f"These loaders hold {type(wrong[0]).__name__} items, not photo files; use pet_dataloaders.")
    return [Path(item) for item in items]
