"""Finding and opening photos: order, strangers, every mode, every way a file can be broken."""

from __future__ import annotations

import os
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from petbreeds.data import photos
from petbreeds.data.photos import TooManyPixels, find_photos, open_photo
from petbreeds.errors import DataError

REAL = Path(__file__).parents[2] / "../shared/data/pets/images"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not at ../shared/data/pets/images")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


CORNERS = {(10, 5): "red", (30, 5): "blue", (10, 15): "lime", (30, 15): "yellow"}


def quarters() -> Image.Image:
    """40 by 20 pixels, each corner in another colour: every turn of it looks different."""
    image = Image.new("RGB", (40, 20))
    for (x, y), colour in CORNERS.items():
        image.paste(colour, (x - 10, y - 5, x + 10, y + 5))
    return image


def near(image: Image.Image, where: tuple[int, int], colour: Any, tolerance: float) -> bool:
    return bool(np.allclose(np.asarray(image.getpixel(where)), colour, atol=tolerance))


def test_finds_photos_sorted_and_leaves_strangers(tmp_path: Path) -> None:
    touch(tmp_path, "b/pug_1.jpg", "a/pug_2.JPEG", "Z.png", "a-b/x.webp", "pug.mat", ".hidden.jpg", "._pug_1.jpg")
    touch(tmp_path, ".git/x.jpg", "__MACOSX/y.jpg", "notes.txt", "noextension", "Thumbs.db")
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos(tmp_path)]
    assert found == ["Z.png", "a-b/x.webp", "a/pug_2.JPEG", "b/pug_1.jpg"]


def test_order_does_not_depend_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "b/2.jpg", "a/1.jpg", "c.jpg")
    plain, walk = find_photos(tmp_path), os.walk

    def walk_backwards(top: Path, **options: Any) -> Any:
        for parent, folders, names in walk(top, **options):
            yield parent, folders, list(reversed(names))

    monkeypatch.setattr(os, "walk", walk_backwards)
    assert find_photos(tmp_path) == plain


def test_oxford_layout_counts_images_only(tmp_path: Path) -> None:
    touch(tmp_path, "images/pug_1.jpg", "images/pug_1.mat", "annotations/trimaps/pug_1.png", "stray.jpg")
    assert find_photos(tmp_path) == [tmp_path / "images" / "pug_1.jpg"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "data/cat/1.jpg", "elsewhere/2.jpg")
    try:
        (tmp_path / "data" / "dog").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (tmp_path / "data" / "loop").symlink_to(tmp_path / "data", target_is_directory=True)
        (tmp_path / "linked").symlink_to(tmp_path / "data", target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    assert [path.name for path in find_photos(tmp_path / "linked")] == ["1.jpg", "2.jpg"]


def test_missing_folder_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"no folder .*imagse.*Did you mean '.*images'") as caught:
        find_photos(tmp_path / "imagse")
    assert str((tmp_path / "imagse").absolute()) in str(caught.value)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    touch(tmp_path, "pets.tgz")
    with pytest.raises(DataError, match=r"pets\.tgz is a file, not a folder.\n.*unpack an archive"):
        find_photos(tmp_path / "pets.tgz")


def test_no_photo_says_what_was_there(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt", "c.mat", "noextension")
    with pytest.raises(DataError) as caught:
        find_photos(tmp_path)
    text = str(caught.value)
    assert "4 other files" in text and ".txt (2)" in text and ".mat (1)" in text and "(no extension) (1)" in text
    assert ".jpg" in text and len(text.splitlines()) <= 5


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="It is empty"):
        find_photos(tmp_path)


@pytest.mark.parametrize("locked", ["", "cat"])
def test_an_unreadable_folder_is_an_error(locked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "cat/1.jpg", "dog/2.jpg")
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder) == tmp_path / locked:
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="Cannot list the folder .*Permission denied") as caught:
        find_photos(tmp_path)
    assert str(tmp_path / locked) in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation: int, kind: str, tmp_path: Path) -> None:
    """Store the photo turned the other way, say so in its EXIF, and expect the photo."""
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # the others undo themselves
    turn = undo.get(orientation, photos._ORIENTATIONS.get(orientation))
    stored = quarters() if turn is None else quarters().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(encoded(stored, kind, exif=exif))
    found = open_photo(path)
    assert found.size == (40, 20)
    for corner in CORNERS:
        assert near(found, corner, quarters().getpixel(corner), 40), corner
    assert open_photo(found).size == (40, 20), "turned a second time"


def test_broken_exif_is_no_reason_to_refuse() -> None:
    broken = encoded(quarters(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert open_photo(broken).size == (40, 20)


MODES = {
    "1": (Image.new("1", (4, 3), 1), (255, 255, 255)),
    "L": (Image.new("L", (4, 3), 77), (77, 77, 77)),
    "LA": (Image.new("LA", (4, 3), (0, 0)), (255, 255, 255)),
    "RGBA": (Image.new("RGBA", (4, 3), (255, 0, 0, 0)), (255, 255, 255)),
    "RGBA half": (Image.new("RGBA", (4, 3), (255, 0, 0, 128)), (255, 127, 127)),
    "RGBA full": (Image.new("RGBA", (4, 3), (10, 20, 30, 255)), (10, 20, 30)),
    "CMYK": (Image.new("CMYK", (4, 3), (0, 255, 255, 0)), (255, 0, 0)),
    "I;16 middle": (Image.fromarray(np.full((3, 4), 32896, np.uint16)), (128, 128, 128)),
    "I;16 top": (Image.fromarray(np.full((3, 4), 65535, np.uint16)), (255, 255, 255)),
    "I;16 dark": (Image.fromarray(np.full((3, 4), 255, np.uint16)), (1, 1, 1)),
    "I 16 bits": (Image.fromarray(np.full((3, 4), 65535, np.int32)), (255, 255, 255)),
    "I 8 bits": (Image.fromarray(np.full((3, 4), 100, np.int32)), (100, 100, 100)),
    "F shares": (Image.fromarray(np.full((3, 4), 0.5, np.float32)), (128, 128, 128)),
    "F black": (Image.fromarray(np.zeros((3, 4), np.float32)), (0, 0, 0)),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_the_rgb_a_person_sees(name: str) -> None:
    image, expected = MODES[name]
    before = image.tobytes()
    found = open_photo(image)
    assert (found.mode, found.size) == ("RGB", image.size)
    assert near(found, (1, 1), expected, 1), found.getpixel((1, 1))
    assert image.tobytes() == before, "the caller's image was changed"


def test_palette_transparency_is_laid_on_white() -> None:
    image = Image.new("P", (4, 3), 0)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putpixel((0, 0), 1)
    for kind in ("PNG", "GIF"):
        found = open_photo(encoded(image, kind, transparency=0))
        assert (found.getpixel((1, 1)), found.getpixel((0, 0))) == ((255, 255, 255), (10, 20, 30)), kind


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_files_keep_their_greys(kind: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    found = np.asarray(open_photo(encoded(Image.fromarray(ramp), kind)))[:, :, 0]
    assert np.abs(found.astype(int) - np.arange(256).reshape(16, 16)).max() <= 1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert near(open_photo(moving), (3, 3), (255, 0, 0), 4)


def test_every_kind_of_source_gives_the_same_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(pixels), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    sources: list[Any] = [tmp_path / "a.png", str(tmp_path / "a.png"), data, bytearray(data), memoryview(data)]
    sources += [Image.fromarray(pixels), pixels, Image.open(tmp_path / "a.png")]
    for source in sources:
        assert np.array_equal(np.asarray(open_photo(source)), pixels), type(source)
    assert open_photo(pixels[:, :, :1]).size == (7, 9)


def test_a_plain_rgb_image_is_not_copied() -> None:
    image = quarters()
    assert open_photo(image) is image


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4), np.float32), "float32; expected uint8"),
        (np.zeros((4, 4, 2), np.uint8), r"shape \(4, 4, 2\); expected \(height, width"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (np.zeros(4, np.uint8), r"shape \(4,\)"),
    ],
)
def test_wrong_arrays_are_named(array: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_photo(array)


def test_a_stranger_is_refused() -> None:
    with pytest.raises(DataError, match="Cannot open a int as a photo. Give a path"):
        open_photo(3)  # pyright: ignore[reportArgumentType]


def broken_files() -> dict[str, tuple[bytes, str]]:
    whole = encoded(Image.effect_noise((80, 80), 50).convert("RGB"), "JPEG")
    png = bytearray(encoded(Image.effect_noise((80, 80), 50), "PNG"))
    png[len(png) // 2] ^= 0xFF
    return {
        "empty.jpg": (b"", r"it is empty \(0 bytes\)"),
        "text.jpg": (b"<html>404 not found</html>", "it is no photo, whatever its name says"),
        "short.jpg": (whole[: len(whole) // 2], "it is cut short"),
        "head.jpg": (whole[:20], "it is (cut short|no photo)"),
        "flipped.png": (bytes(png), "it is (damaged|cut short)"),
        "drawing.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is no photo"),
    }


@pytest.mark.parametrize("name", broken_files())
def test_broken_files_are_named_with_a_reason_and_a_next_step(name: str, tmp_path: Path) -> None:
    data, reason = broken_files()[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=reason) as caught:
        open_photo(tmp_path / name)
    text = str(caught.value)
    assert str(tmp_path / name) in text and "leave it out" in text and len(text.splitlines()) <= 5
    with pytest.raises(DataError, match=reason):
        open_photo(data)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg: there is no such file"):
        open_photo(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match=r"it is a folder|you may not read it"):
        open_photo(tmp_path)


def test_forbidden_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"a\.jpg: you may not read it"):
        open_photo(tmp_path / "a.jpg")


def test_too_many_pixels_are_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    image = quarters()
    data = encoded(image, "PNG")
    monkeypatch.setattr(photos, "MAX_PIXELS", 799)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", never)
    monkeypatch.setattr(photos.Image.Image, "convert", never)
    for source in (data, image):
        with pytest.raises(TooManyPixels, match="40 x 20 = 800 pixels.\nAt most 799 pixels"):
            open_photo(source)


def test_a_real_bomb_is_refused_and_pillow_keeps_its_own_guard() -> None:
    header = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    header[16:24] = (60_000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    with pytest.raises(TooManyPixels, match="too large"):
        open_photo(bytes(header))
    assert Image.MAX_IMAGE_PIXELS is not None


@needs_real
def test_real_photos_are_the_pixels_pillow_gives_and_threads_agree() -> None:
    paths = find_photos(REAL)[:60:3]
    plain = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        for found, expected in zip(pool.map(open_photo, paths), plain):
            assert np.array_equal(np.asarray(found), expected)


@needs_real
def test_the_real_folder_has_370_photos() -> None:
    assert len(find_photos(REAL)) == 370
    assert find_photos(REAL.parent) == find_photos(REAL) or not (REAL.parent / "annotations").is_dir()
