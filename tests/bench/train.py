"""Compare plain fastai, as the book writes it, with `petbreeds.train`: same photos, split, backbone and weights, one run.

    python tests/bench/train.py [FOLDER] [--epochs 5] [--sample-size 370]

Without a folder it takes ../shared/data/pets/images if that exists, else the drawn pets. Prints error, seconds and photos a
second of both, and the ratios, which are what counts: seconds depend on the machine and on who else uses it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import petbreeds
from petbreeds import training
from petbreeds.data.sample import cached_sample
from petbreeds.predictions import Predictions
from petbreeds.recipe import Recipe

REAL = Path(__file__).parents[3] / "shared" / "data" / "pets" / "images"


@dataclass(frozen=True)
class Result:
    """One side of the comparison."""

    name: str
    errors: int
    n_valid: int
    n_train: int
    seconds: float

    def __str__(self) -> str:
        found = Predictions(
            [""] * self.n_valid,
            ["right", "wrong"],
            np.eye(2)[(np.arange(self.n_valid) < self.errors).astype(int)],
            np.zeros(self.n_valid, dtype=int),
        )
        return (
            f"{self.name:<16} {found.summary():<62} {self.seconds:7.1f} s  {self.n_train / self.seconds:6.1f} photos/s"
        )


def plain_fastai(folder: Path, epochs: int) -> Result:
    """The chapter's recipe in fastai's own words; only the backbone is handed over, so that both have the same weights."""
    from fastai.data.block import CategoryBlock, DataBlock
    from fastai.data.transforms import IndexSplitter, Normalize, RegexLabeller, using_attr
    from fastai.learner import Learner
    from fastai.metrics import error_rate
    from fastai.torch_core import set_seed
    from fastai.vision.augment import Resize, aug_transforms
    from fastai.vision.data import ImageBlock

    from petbreeds.models.build import build_model, parameter_groups

    frame = training.labelled_frame(folder, verify=False)
    paths = [Path(path) for path in frame["path"]]
    began = time.perf_counter()
    set_seed(42, reproducible=True)
    make_block: Any = DataBlock
    block = make_block(
        blocks=(ImageBlock, CategoryBlock),
        splitter=IndexSplitter(list(np.flatnonzero(frame["split"] == "valid"))),
        get_y=using_attr(RegexLabeller(r"(.+)_\d+.jpg$"), "name"),
        item_tfms=Resize(460),
        batch_tfms=[*aug_transforms(size=224, min_scale=0.75), Normalize.from_stats((0.5,) * 3, (0.5,) * 3)],
    )
    dls = block.dataloaders(paths, bs=32, num_workers=0)
    model = build_model("efficientnet_lite0", len(dls.vocab), head="fastai")
    learn = Learner(dls, model, splitter=parameter_groups, metrics=error_rate)
    learn.fine_tune(epochs, 3e-3)
    probs, targets = learn.get_preds()
    errors = int((probs.argmax(1) != targets).sum())
    return Result("plain fastai", errors, len(targets), len(dls.train_ds), time.perf_counter() - began)


def petbreeds_train(folder: Path) -> Result:
    """The one-liner, with its own checks, measurement and refit."""
    began = time.perf_counter()
    learn = petbreeds.train(folder, bs=32)
    seconds = time.perf_counter() - began
    found = learn.held_out
    assert found is not None
    return Result("petbreeds.train", found.n_errors, len(found), len(learn.dls.train_ds), seconds)


def main() -> None:
    """Run both and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--sample-size", type=int, default=370)
    options = parser.parse_args()
    folder = options.folder or (REAL if REAL.is_dir() else cached_sample(options.sample_size))
    training.check_names(Recipe())
    ours, theirs = petbreeds_train(folder), plain_fastai(folder, options.epochs)
    print(
        f"\n{folder.name}: {ours.n_train} photos to learn from, {ours.n_valid} to check with; both Lite0, bs 32, seed 42"
    )
    print(theirs, ours, sep="\n")
    fewer = f"{theirs.errors / ours.errors:.1f}" if ours.errors else "all"
    print(f"petbreeds.train is {theirs.seconds / ours.seconds:.1f} times faster and makes {fewer} times fewer errors")


if __name__ == "__main__":
    main()
