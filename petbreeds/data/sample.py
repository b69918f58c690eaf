"""The drawn pets as a data set on disk: for trying, teaching and testing with no network.

Picture k of a breed is the same in every set of one seed, however large the set is. Nothing that exists is ever
overwritten, and a half-drawn set never bears its final name.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from petbreeds.data.drawing.breeds import BREEDS
from petbreeds.data.drawing.pet import DRAWING_VERSION, draw_pet
from petbreeds.errors import ChoiceError, DataError, unknown

Progress = Callable[[Iterable[Any], int], Iterable[Any]]

QUALITY = 88
TEST_SHARE = 0.2
SMALL = 32  # pixels a side in the small layout, as in CIFAR-10


class Entry(NamedTuple):
    """One picture to draw: its breed, its number from 1, and how many its breed has."""

    breed: str
    number: int
    total: int

    @property
    def name(self) -> str:
        """The file name in Oxford's form."""
        return f"{self.breed}_{self.number}.jpg"

    @property
    def part(self) -> str:
        """`test` for the last fifth of a breed (at least one picture), `train` for the rest."""
        return "test" if self.number > self.total - max(1, round(TEST_SHARE * self.total)) else "train"


class Layout(NamedTuple):
    """Where a picture goes, whether a table of labels is written, and the pictures' side (None: as photos come)."""

    place: Callable[[Entry], str]
    table: bool = False
    side: int | None = None


def _by_class(entry: Entry) -> str:
    return f"{entry.part}/{entry.breed}/{entry.name}"


LAYOUTS: dict[str, Layout] = {
    "flat": Layout(lambda entry: entry.name),
    "folders": Layout(_by_class),
    "csv": Layout(lambda entry: f"images/{entry.name}", table=True),
    "small": Layout(_by_class, side=SMALL),
}


def list_entries(n: int) -> list[Entry]:
    """Return the `n` pictures of a set, spread evenly over 37 breeds, or over fewer where `n` is below two each.

    >>> len({entry.breed for entry in list_entries(74)}), [entry.name for entry in list_entries(4)]
    (37, ['Abyssinian_1.jpg', 'Abyssinian_2.jpg', 'english_cocker_spaniel_1.jpg', 'english_cocker_spaniel_2.jpg'])
    """
    if isinstance(n, bool) or not isinstance(n, int) or n < 4:
        raise ChoiceError(f"The sample size is {n!r}; allowed: a whole number of at least 4 (two of two breeds).")
    kinds = min(len(BREEDS), n // 2)
    names = list(BREEDS)
    chosen = [names[i * len(names) // kinds] for i in range(kinds)]
    each, more = divmod(n, kinds)
    counts = [each + (i < more) for i in range(kinds)]
    return [Entry(breed, k, count) for breed, count in zip(chosen, counts, strict=True) for k in range(1, count + 1)]


def make_sample(
    folder: str | Path, n: int = 740, seed: int = 42, layout: str = "flat", progress: Progress | None = None
) -> Path:
    """Draw `n` pictures in all into `folder`, which must be new or empty, and return it.

    layout: `flat` (one folder of files), `folders` (train and test with a folder per breed, 80/20), `csv` (images/ and
    labels.csv with the columns path, label) or `small` (like folders, 32 x 32 pixels). progress: called with the
    finished pictures and their number, as `tqdm` is; it must hand them on. An existing folder with files in it is a
    DataError.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     sorted(path.name for path in make_sample(Path(place) / "pets", n=4, layout="small").rglob("*_1.jpg"))
    ['Abyssinian_1.jpg', 'english_cocker_spaniel_1.jpg']
    """
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ChoiceError(f"seed is {seed!r}; allowed: a whole number of at least 0.")
    entries = list_entries(n)
    target = Path(folder)
    _refuse_occupied(target)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir(parents=True)
        _fill(temporary, entries, seed, LAYOUTS[layout], progress)
        _refuse_occupied(target)
        if target.exists():
            target.rmdir()  # empty, as just seen; not every system renames over it
        temporary.replace(target)
    except OSError as error:
        raise DataError(
            f"Cannot write the drawn pets to {target}: {error.strerror or error}.\nName another folder."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _refuse_occupied(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is not an empty folder, and drawn pets never overwrite files.\nName a new folder.")


def _fill(folder: Path, entries: list[Entry], seed: int, layout: Layout, progress: Progress | None) -> None:
    places = [layout.place(entry) for entry in entries]
    for parent in {(folder / place).parent for place in places}:
        parent.mkdir(parents=True, exist_ok=True)

    def draw(job: tuple[Entry, str]) -> str:
        entry, place = job
        temporary = folder / f"{place}.{uuid.uuid4().hex[:8]}.tmp"
        _draw_entry(entry, seed, layout.side).save(temporary, format="JPEG", quality=QUALITY)
        temporary.replace(folder / place)
        return place

    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        done: Iterable[str] = pool.map(draw, zip(entries, places, strict=True))
        for _ in progress(done, len(entries)) if progress else done:
            pass
    finally:
        pool.shutdown(cancel_futures=True)  # who stops the drawing does not wait for the rest of it
    if layout.table:
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label"])
            writer.writerows((place, entry.breed) for place, entry in zip(places, entries, strict=True))


def _draw_entry(entry: Entry, seed: int, side: int | None) -> Image.Image:
    if side is None:
        return draw_pet(entry.breed, entry.number, seed)
    return draw_pet(entry.breed, entry.number, seed, size=(4 * side, 4 * side)).resize(
        (side, side), Image.Resampling.BOX
    )


def cache_folder() -> Path:
    """Return the folder for things petbreeds may make again: `PETBREEDS_CACHE`, or the platform's own place.

    That is `$XDG_CACHE_HOME/petbreeds` or `~/.cache/petbreeds`, `~/Library/Caches/petbreeds` on a Mac and
    `%LOCALAPPDATA%/petbreeds` on Windows. Nothing is created.
    """
    if os.environ.get("PETBREEDS_CACHE"):
        return Path(os.environ["PETBREEDS_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "petbreeds"


def cached_sample(n: int = 740, seed: int = 42, progress: Progress | None = None) -> Path:
    """Return the flat drawn set of `n` pictures from the cache folder, drawn on first use.

    Where the cache cannot be written, the set is drawn into a new temporary folder, with a warning. Pictures that are
    missing from the cache are drawn again, each as it was.
    """
    entries = list_entries(n)
    target = cache_folder() / f"drawn-pets-v{DRAWING_VERSION}-n{n}-seed{seed}"
    try:
        if not target.is_dir():
            return make_sample(target, n, seed, progress=progress)
        missing = _list_missing(target, entries)
        if missing:
            _fill(target, missing, seed, LAYOUTS["flat"], progress)
        return target
    except (DataError, OSError) as error:
        if not _list_missing(target, entries):  # another process drew the same set meanwhile
            return target
        spare = Path(tempfile.mkdtemp(prefix="petbreeds-")) / target.name
        note = f"{error}\nThe drawn pets go to {spare} this time; set PETBREEDS_CACHE to a folder that can be written."
        warnings.warn(note, stacklevel=2)
        return make_sample(spare, n, seed, progress=progress)


def _list_missing(folder: Path, entries: list[Entry]) -> list[Entry]:
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return [entry for entry in entries if entry.name not in there]
