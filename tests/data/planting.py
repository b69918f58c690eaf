"""Plant one kind of fault into copies of clean photos, and say which files must be named, and for what.

A plant is a function `(folder, photos, rng) -> Truth`; PLANTS is the table that the tests walk. `photos` are the clean copies
in `folder`, of several classes with at least five photos each, named breed_number.jpg.
"""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from petbreeds.data.drawing.pet import draw_pet

Truth = set[tuple[str, str]]  # (file name, issue)
Plant = Callable[[Path, list[Path], np.random.Generator], Truth]

PLACES = [Path(place) for place in (os.environ.get("PETBREEDS_REAL_PETS"), "../shared/data/pets/images") if place]
REAL_PETS = next((place for place in PLACES if place.is_dir()), None)
BREEDS = ("Abyssinian", "Birman", "Sphynx", "pug", "beagle", "samoyed", "keeshond", "leonberger")
EACH = 5


def clean_copies(folder: Path, real: bool) -> list[Path]:
    """Fill a folder with EACH photos of each of BREEDS, real or drawn."""
    if not real:
        for breed in BREEDS:
            for number in range(1, EACH + 1):
                draw_pet(breed, number).save(folder / f"{breed}_{number}.jpg", quality=88)
    elif REAL_PETS is not None:
        for breed in BREEDS:
            for photo in sorted(REAL_PETS.glob(f"{breed}_*.jpg"))[:EACH]:
                shutil.copy(photo, folder / photo.name)
    return sorted(folder.glob("*.jpg"))


def altered(
    issue: str, *changes: Callable[[Image.Image], Image.Image], suffix: str = ".jpg", **options: object
) -> Plant:
    """Return a plant that saves a changed photo for each change, under the label of the photo it replaces."""

    def plant(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
        truth: Truth = set()
        for n, change in enumerate(changes):
            photo = photos[int(rng.integers(n, len(photos), endpoint=False))]
            target = folder / f"{label_of(photo)}_{900 + n}.jpg"
            with Image.open(photo) as image:
                change(image.convert("RGB")).save(target)
            photo.unlink()  # the fault stands alone: no twin beside it
            photos.remove(photo)
            truth.add((target.name, issue))
        return truth

    return plant


def label_of(photo: Path) -> str:
    return photo.stem.rpartition("_")[0]


def plant_unreadable(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    whole = photos[0].read_bytes()
    contents = [whole[: len(whole) // 2], b"", b"<html>not found</html>", whole[:40], bytes(rng.bytes(5000))]
    for n, content in enumerate(contents):
        (folder / f"pug_{900 + n}.jpg").write_bytes(content)
    return {(f"pug_{900 + n}.jpg", "unreadable") for n in range(len(contents))}


def plant_wrong_format(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    for n, kind in enumerate(("PNG", "GIF", "WEBP", "BMP")):
        name = f"{label_of(photos[n])}_{900 + n}.jpg"
        with Image.open(photos[n]) as image:
            image.convert("RGB").save(folder / name, kind)
        photos[n].unlink()
        truth |= {(name, "wrong-format")} | ({(name, "colour-mode")} if kind == "GIF" else set())
    return truth


def plant_animated(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    for n, suffix in enumerate(("gif", "png")):
        name = f"{label_of(photos[n])}_{900 + n}.{suffix}"
        with Image.open(photos[n]) as image:
            frames = [image.convert("RGB").rotate(angle) for angle in (0, 20, 40)]
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
        photos[n].unlink()
        truth |= {(name, "animated")} | ({(name, "colour-mode")} if suffix == "gif" else set())
    return truth


def plant_colour_modes(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    for n, (mode, suffix) in enumerate((("L", "jpg"), ("CMYK", "jpg"), ("P", "png"), ("RGBA", "png"), ("I;16", "png"))):
        name = f"{label_of(photos[n])}_{900 + n}.{suffix}"
        with Image.open(photos[n]) as image:
            grey = np.asarray(image.convert("L"), dtype=np.uint16) * 257
            plain = Image.fromarray(grey) if mode == "I;16" else image.convert("RGB").convert(mode)
            plain.save(folder / name)
        photos[n].unlink()
        truth.add((name, "colour-mode"))
    return truth


def plant_rotated(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    for n, orientation in enumerate((3, 6, 8)):
        exif, name = Image.Exif(), f"{label_of(photos[n])}_{900 + n}.jpg"
        exif[0x0112] = orientation
        with Image.open(photos[n]) as image:
            image.convert("RGB").save(folder / name, exif=exif)
        photos[n].unlink()
        truth.add((name, "rotated"))
    return truth


def plant_bombs(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    Image.new("L", (8, 8)).save(folder / "pug_900.png")
    content = bytearray((folder / "pug_900.png").read_bytes())
    content[16:24] = struct.pack(">II", 30_000, 30_000)  # the header promises 900 million pixels
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (folder / "pug_900.png").write_bytes(content)
    return {("pug_900.png", "bomb")}


def plant_duplicates(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    for n, photo in enumerate(photos[::13]):
        copy = folder / f"{label_of(photo)}_{900 + n}.jpg"
        shutil.copy(photo, copy)
        truth |= {(photo.name, "duplicate"), (copy.name, "duplicate")}
    return truth


def plant_near_duplicates(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    changes: list[Callable[[Image.Image], Image.Image]] = [
        lambda image: image.resize((image.width // 2, image.height // 2)),
        ImageOps.mirror,
        ImageOps.grayscale,
        lambda image: ImageEnhance.Brightness(image).enhance(0.7),
        lambda image: ImageEnhance.Contrast(image).enhance(0.7),
        lambda image: ImageOps.crop(image, round(0.015 * min(image.size))),
        lambda image: image.rotate(1, Image.Resampling.BICUBIC),
    ]
    truth: Truth = set()
    for n, (photo, change) in enumerate(zip(photos[::5], changes)):
        copy = folder / f"{label_of(photo)}_{900 + n}.jpg"
        with Image.open(photo) as image:
            change(image.convert("RGB")).convert("RGB").save(copy, quality=40)
        truth |= {(photo.name, "near-duplicate"), (copy.name, "near-duplicate")}
    return truth


def plant_label_conflicts(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    shutil.copy(photos[0], folder / "pug_900.jpg")
    with Image.open(photos[1]) as image:
        image.convert("RGB").save(folder / "pug_901.jpg", quality=50)
    same, near = (photos[0].name, "pug_900.jpg"), (photos[1].name, "pug_901.jpg")
    truth = {(name, "label-conflict") for name in (*same, *near)}
    return truth | {(name, "duplicate") for name in same} | {(name, "near-duplicate") for name in near}


def plant_leaks(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    for photo in photos:
        part = "valid" if photo in photos[::EACH] else "train"
        (folder / part).mkdir(exist_ok=True)
        photo.rename(folder / part / photo.name)
    names = (photos[1].name, f"{label_of(photos[1])}_900.jpg")
    shutil.copy(folder / "train" / names[0], folder / "valid" / names[1])
    return {(name, issue) for name in names for issue in ("leak", "duplicate")}


def plant_unlabelled(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    for photo, name in zip(photos, ("holiday.jpg", "IMG-20.jpg")):
        photo.rename(folder / name)
    return {("holiday.jpg", "unlabelled"), ("IMG-20.jpg", "unlabelled"), *few_left(photos[2:], photos[:2])}


def few_left(photos: list[Path], taken: list[Path]) -> Truth:
    return {(photo.name, "rare-class") for photo in photos if label_of(photo) in {label_of(path) for path in taken}}


def plant_rare_classes(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    for photo, name in zip(photos[::EACH], ("dodo_1.jpg", "quagga_1.jpg", "quagga_2.jpg")):
        photo.rename(folder / name)
    moved = photos[::EACH][:3]
    truth = {("dodo_1.jpg", "rare-class"), ("quagga_1.jpg", "rare-class"), ("quagga_2.jpg", "rare-class")}
    return truth | few_left([photo for photo in photos if photo not in moved], moved)


def plant_imbalance(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    labels = ["many"] * (len(photos) - EACH) + ["few"] * EACH
    pd.DataFrame({"path": [photo.name for photo in photos], "label": labels}).to_csv(folder / "pets.csv", index=False)
    return {(photos[-EACH].name, "imbalance")}


def plant_spellings(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    truth: Truth = set()
    labels = [label_of(photo) for photo in photos]
    for row, label in ((0, "abyssinian"), (EACH, " BIRMAN "), (2 * EACH, "Sphy_nx")):
        labels[row] = label
        truth |= {(photos[row].name, "label-spelling"), (photos[row].name, "rare-class")}
        truth |= {(photo.name, "rare-class") for photo in photos[row + 1 : row + EACH]}
    pd.DataFrame({"path": [photo.name for photo in photos], "label": labels}).to_csv(folder / "pets.csv", index=False)
    return truth


def plant_missing(folder: Path, photos: list[Path], rng: np.random.Generator) -> Truth:
    names = [*(photo.name for photo in photos), "gone_1.jpg", "gone_2.jpg"]
    labels = [*map(label_of, photos), "pug", "pug"]
    pd.DataFrame({"path": names, "label": labels}).to_csv(folder / "pets.csv", index=False)
    return {("gone_1.jpg", "missing"), ("gone_2.jpg", "missing")}


def washed_out(image: Image.Image) -> Image.Image:
    return Image.blend(image, Image.new("RGB", image.size, "white"), 0.85)


def enlarged(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 12, image.height // 12)).resize(image.size, Image.Resampling.BICUBIC)


PLANTS: dict[str, Plant] = {
    "unreadable": plant_unreadable,
    "wrong-format": plant_wrong_format,
    "animated": plant_animated,
    "colour-mode": plant_colour_modes,
    "rotated": plant_rotated,
    "bomb": plant_bombs,
    "tiny": altered("tiny", *[lambda image: image.resize((40, 30))] * 3),
    "odd-shape": altered("odd-shape", *[lambda image: image.crop((0, 60, image.width, 60 + image.width // 4))] * 3),
    "blank": altered(
        "blank",
        *[lambda image, shade=shade: Image.new("RGB", image.size, shade) for shade in ("white", "black", "#7090a0")],
        lambda image: Image.effect_noise(image.size, 4).convert("RGB"),
    ),
    "dark": altered(
        "dark", *[lambda image, by=by: ImageEnhance.Brightness(image).enhance(by) for by in (0.25, 0.2, 0.15)]
    ),
    "bright": altered("bright", *[washed_out] * 3),
    "blurred": altered(
        "blurred", *[lambda image, by=by: image.filter(ImageFilter.GaussianBlur(by)) for by in (4, 6, 9)], enlarged
    ),
    "duplicate": plant_duplicates,
    "near-duplicate": plant_near_duplicates,
    "leak": plant_leaks,
    "label-conflict": plant_label_conflicts,
    "unlabelled": plant_unlabelled,
    "rare-class": plant_rare_classes,
    "imbalance": plant_imbalance,
    "label-spelling": plant_spellings,
    "missing": plant_missing,
}
