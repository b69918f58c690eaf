"""The verbs: train, check, load, sample. Each reads as the recipe of its job, in calls of the floors below.

fastai is imported by the verbs that train, and by no other: a model can be used without it.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from petbreeds.data.checks import check_data
from petbreeds.data.sample import cached_sample, make_sample
from petbreeds.errors import ChoiceError, DataError, examples
from petbreeds.progress import progress, progress_counter
from petbreeds.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from petbreeds.bundle.predictor import Predictor
    from petbreeds.learner import PetLearner

DEFAULT_SAMPLE_SIZE = 740
FEW = 370  # drawn pets; below, fewer than ten of a breed
LABELLING = ("labels", "valid", "split", "seed", "label_column", "path_column")
NAMED_DATA = ("oxford-pets",)


def train(
    path: str | os.PathLike[str] | None = None, *, out: str | os.PathLike[str] | None = None, **choices: Any
) -> PetLearner:
    """Train a classifier on the labelled photos below `path`, measure it honestly, and return the PetLearner.

    path: a folder, a CSV file, "oxford-pets" (fetched), or None for the drawn pets. out: a new folder for the bundle and
    the figures. choices: fields of `Recipe` (labels, valid, arch, epochs, minutes, size, bs, lr, seed, ...); labels may
    also be a function or a DataFrame, and valid a pair of list files: the Recipe then keeps their names.
    Raises a PetBreedsError, with the next step, before any training where the data or the choices do not allow it.

    >>> learn = train(sample_size=16, size=64)  # doctest: +SKIP
    """
    started = time.perf_counter()
    recipe = Recipe().replace(**{name: _plain(value) for name, value in choices.items()})
    target = free_folder(out) if out is not None else None

    from petbreeds import training  # fastai: only a training needs it

    training.check_names(recipe)
    root = _find_data(path, recipe)
    if path is None and (recipe.sample_size or DEFAULT_SAMPLE_SIZE) < FEW and recipe.split == "auto":
        recipe = recipe.replace(split="stratified")  # by chance alone, a breed of two often has none to learn from
    given: dict[str, Any] = {name: choices.get(name, getattr(recipe, name)) for name in LABELLING}
    given["split"] = recipe.split
    frame = training.labelled_frame(root, **given)
    print(*frame.attrs["notes"], sep="\n")
    learn = training.make_learner(frame, recipe)
    training.train_by_recipe(learn, frame, recipe, started)
    if target is not None:
        save_run(learn, target)
    print(training.summary_of(learn))
    return learn


def check(
    path: str | os.PathLike[str],
    labels: Any = "auto",
    *,
    suspects: bool = False,
    seed: int = 42,
    quiet: bool = False,
    **choices: Any,
) -> pd.DataFrame:
    """Return everything wrong with the photos below `path`: a table `path, issue, score, why`, what matters most first.

    path: a folder or a CSV file. labels: as for `train`. suspects: also name photos whose label is probably wrong (about
    10 ms a photo). quiet: show no progress. seed, choices: valid, split (whose leaks are looked for), label_column,
    path_column. `.attrs` says how many photos were looked at, how labels and split were chosen, how often each issue was
    found (`counts`), and whether training would refuse the data (`refused`).

    >>> check(sample("drawn", 6, layout="folders"))["issue"].tolist()  # doctest: +SKIP
    []
    """
    show = None if quiet else progress_counter("photos checked")
    found = check_data(path, labels, seed=seed, progress=show, **choices)
    if not suspects:
        return found
    from petbreeds.suspects import add_suspects  # torch: the other checks need none

    columns = {name: choices[name] for name in ("label_column", "path_column") if name in choices}
    return add_suspects(found, path, labels, seed, **columns)


def load(path: str | os.PathLike[str]) -> Predictor:
    """Open a bundle, or the folder of a run, and return its Predictor; no fastai, no pickle.

    Raises BundleError for anything that is no bundle, was changed, or comes from another schema version.
    """
    from petbreeds.bundle.predictor import load_predictor  # torch: a check of photos needs none

    return load_predictor(path)


def sample(
    folder: str | os.PathLike[str], sample_size: int = DEFAULT_SAMPLE_SIZE, seed: int = 42, layout: str = "flat"
) -> Path:
    """Draw `sample_size` pets into a new folder and return it; layouts: flat, folders, csv, small.

    They are drawings for trying and teaching, not photos.
    """
    return make_sample(Path(folder), sample_size, seed, layout, progress=_drawing)


def save_run(learn: PetLearner, folder: Path) -> Path:
    """Write the bundle (`model/`), metrics.json, history.csv and predictions.csv; the folder appears whole."""
    from petbreeds.bundle.save import new_folder

    with new_folder(folder) as fresh:
        learn.export(fresh / "model")
        (fresh / "metrics.json").write_text(json.dumps(learn.measured, indent=2) + "\n", encoding="utf-8")
        learn.history.to_csv(fresh / "history.csv", index=False)
        if learn.held_out is not None:
            learn.held_out.to_csv(fresh / "predictions.csv")
    return folder


def _plain(value: Any) -> Any:
    """Return a choice as a Recipe can keep it: a function or a table by its name, several files as one text."""
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else _name_of(value)


def _name_of(value: Any) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else type(value).__name__


def _find_data(path: str | os.PathLike[str] | None, recipe: Recipe) -> Path:
    if path is None:
        return cached_sample(recipe.sample_size or DEFAULT_SAMPLE_SIZE, recipe.seed, progress=_drawing)
    if recipe.sample_size is not None:
        raise ChoiceError("sample_size is for the drawn pets; leave it out, or leave out the path.")
    if str(path) in NAMED_DATA:
        from petbreeds.fetch import fetch_oxford

        return fetch_oxford()
    return Path(path)


def free_folder(out: str | os.PathLike[str]) -> Path:
    """Return `out` if a run may be written there: it is new or empty, and its parent can be written."""
    folder = Path(out).expanduser().absolute()
    if folder.is_dir() and any(folder.iterdir()):
        held = examples(sorted(entry.name for entry in folder.iterdir()))
        raise DataError(
            f"{folder} is not empty (it holds {held}), and a run overwrites nothing.\nGive a new folder as out."
        )
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file.\nGive a new folder as out.")
    parent = next(place for place in folder.parents if place.exists())
    if not os.access(parent, os.W_OK):
        raise DataError(f"{parent} cannot be written.\nGive a folder as out that you may write to.")
    return folder


def _drawing(pictures: Any, total: int) -> Any:
    return progress(pictures, total, "pets drawn")
