"""The real data set's layout, lists and archive, and a download that survives a broken connection."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from petbreeds.data import oxford
from petbreeds.data.download import OFFLINE_HELP, download
from petbreeds.data.labels import label_frame
from petbreeds.data.oxford import check_archive, extract_archive, find_oxford, known_bad, official_split
from petbreeds.errors import DataError


def small_oxford(folder: Path) -> Path:
    root = folder / "oxford-iiit-pet"
    for name in ("images", "annotations"):
        (root / name).mkdir(parents=True)
    for name in ("pug_1", "pug_2", "Birman_1", "Birman_2", "beagle_116"):
        (root / "images" / f"{name}.jpg").write_bytes(b"")
    (root / "images" / "pug_1.mat").write_bytes(b"")
    (root / "annotations" / "trainval.txt").write_text("pug_1 1 2 1\nBirman_1 2 1 1\n")
    (root / "annotations" / "test.txt").write_text("pug_2 1 2 1\nBirman_2 2 1 1\n")
    return root


def test_find_oxford(tmp_path: Path) -> None:
    assert find_oxford(tmp_path) is None and find_oxford(tmp_path / "gone") is None
    root = small_oxford(tmp_path)
    assert find_oxford(tmp_path) == root == find_oxford(root)


def test_official_split_and_known_bad(tmp_path: Path) -> None:
    root = small_oxford(tmp_path)
    frame = label_frame(root, "name").frame
    found = official_split(frame, tmp_path)
    parts = {Path(path).stem: part for path, part in zip(found["path"], found["split"])}
    assert parts == {
        "pug_1": "train", "Birman_1": "train", "pug_2": "valid", "Birman_2": "valid", "beagle_116": "test",
    }  # fmt: skip
    assert [Path(path).stem for path in known_bad(frame)["path"]] == ["beagle_116"]
    assert len(oxford.KNOWN_BAD) == 12 and "corrupt" in known_bad(frame)["why"].iloc[0]
    with pytest.raises(DataError, match=r"no images/ beside annotations/"):
        official_split(frame, tmp_path / "gone")
    (root / "annotations" / "test.txt").unlink()
    with pytest.raises(DataError, match=r"no list file .*test\.txt"):
        official_split(frame, root)


def archive_of(path: Path, *members: tarfile.TarInfo | str) -> Path:
    with tarfile.open(path, "w:gz") as opened:
        for member in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = 3 if info.isfile() else 0
            opened.addfile(info, io.BytesIO(b"abc"))
    return path


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_a_good_archive_is_unpacked_whole(tmp_path: Path) -> None:
    folder = special("images", tarfile.DIRTYPE)
    archive = archive_of(tmp_path / "pets.tgz", folder, "images/pug_1.jpg", "annotations/test.txt")
    assert check_archive(archive) == (2, 6)
    found = extract_archive(archive, tmp_path / "deep" / "pets")
    assert find_oxford(found) == found and (found / "images/pug_1.jpg").read_bytes() == b"abc"
    assert sorted(path.name for path in found.parent.iterdir()) == ["pets"], "a temporary folder was left"
    with pytest.raises(DataError, match="exists already"):
        extract_archive(archive, found)


HOSTILE = {
    "../outside.jpg": "outside the folder",
    "images/../../outside.jpg": "outside the folder",
    "/etc/outside": "outside the folder",
    "C:\\outside": "outside the folder",
    "images\\..\\..\\outside": "outside the folder",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_members_outside_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "pets.tgz", "images/pug_1.jpg", name)
    with pytest.raises(DataError, match=HOSTILE[name]) as caught:
        extract_archive(archive, tmp_path / "pets")
    assert str(archive) in str(caught.value) and [path.name for path in tmp_path.iterdir()] == ["pets.tgz"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    archive = archive_of(tmp_path / "pets.tgz", special("images/pug_1.jpg", kind, "/etc/passwd"))
    with pytest.raises(DataError, match=r"pug_1\.jpg' is a link or a device"):
        check_archive(archive)


def test_archives_too_large_broken_empty_or_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_of(tmp_path / "pets.tgz", "a.jpg", "b.jpg")
    for name, limit in (("MAX_MEMBERS", 1), ("MAX_UNPACKED_BYTES", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(oxford, name, limit)
            with pytest.raises(DataError, match="unpacks to more than"):
                check_archive(archive)
    archive.write_bytes(archive.read_bytes()[:40])
    with pytest.raises(DataError, match="no complete tar archive"):
        check_archive(archive)
    archive.write_bytes(b"<html>")
    with pytest.raises(DataError, match="no complete tar archive"):
        extract_archive(archive, tmp_path / "pets")
    with pytest.raises(DataError, match="holds no file"):
        check_archive(archive_of(tmp_path / "empty.tgz"))
    with pytest.raises(DataError, match=r"no archive .*gone\.tgz"):
        check_archive(tmp_path / "gone.tgz")


CONTENT = bytes(range(256)) * 4000


class Server:
    """A server on this machine that can break off, refuse ranges, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.ranges: list[str | None] = []
        self.break_after: list[int] = []  # how many bytes to send, for the next requests
        self.knows_ranges = True
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: tests are quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/pets.tgz"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        start = int(asked[6:-1]) if asked and self.knows_ranges else 0
        if start >= len(CONTENT):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            request.end_headers()
            return
        request.send_response(206 if start else (404 if "gone" in request.path else 200))
        request.send_header("Content-Length", str(len(CONTENT) - start))
        request.end_headers()
        n = self.break_after.pop(0) if self.break_after else len(CONTENT)
        request.wfile.write(CONTENT[start : start + n])


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    found.http.shutdown()
    found.http.server_close()
    thread.join()


def test_download_whole_and_only_once(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    md5 = hashlib.md5(CONTENT).hexdigest()
    target = tmp_path / "new" / "pets.tgz"
    found = download(server.url, target, size=len(CONTENT), md5=md5, progress=lambda done, n: seen.append((done, n)))
    assert found.read_bytes() == CONTENT and seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["pets.tgz"]
    assert download(server.url, target) == target and server.ranges == [None]


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.break_after = [1000, 500_000]
    assert download(server.url, tmp_path / "pets.tgz").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-", "bytes=501000-"]


def test_the_next_call_goes_on(server: Server, tmp_path: Path) -> None:
    server.break_after = [1000]
    with pytest.raises(DataError, match="broke off after 1,000 of 1,024,000 bytes") as caught:
        download(server.url, tmp_path / "pets.tgz", attempts=1)
    assert OFFLINE_HELP in str(caught.value) and len(str(caught.value).splitlines()) <= 5
    assert [path.name for path in tmp_path.iterdir()] == ["pets.tgz.part"]
    assert download(server.url, tmp_path / "pets.tgz").read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=1000-"


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "pets.tgz.part").write_bytes(b"something else")
    assert download(server.url, tmp_path / "pets.tgz").read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [0, 5])
def test_a_part_that_is_whole_or_too_long(extra: int, server: Server, tmp_path: Path) -> None:
    (tmp_path / "pets.tgz.part").write_bytes(CONTENT + b"x" * extra)
    assert download(server.url, tmp_path / "pets.tgz").read_bytes() == CONTENT


def test_the_wrong_file_is_refused_and_forgotten(server: Server, tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [({"size": 7}, "bytes, expected 7"), ({"md5": "0" * 32}, "MD5 sum is")]
    for expected, words in wrong:
        with pytest.raises(DataError, match=words) as caught:
            download(server.url, tmp_path / "pets.tgz", **expected)
        assert server.url in str(caught.value) and not list(tmp_path.iterdir())


def test_not_found_is_asked_once(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="404"):
        download(server.url.replace("pets", "gone"), tmp_path / "pets.tgz")
    assert len(server.ranges) == 1


def test_offline_says_what_to_do(tmp_path: Path) -> None:
    def offline(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError("Name or service not known")

    with pytest.raises(DataError, match="Name or service not known") as caught:
        download("https://example.org/pets.tgz", tmp_path / "pets.tgz", opener=offline)
    text = str(caught.value)
    assert str(tmp_path / "pets.tgz") in text and "petbreeds.train()" in text and len(OFFLINE_HELP.splitlines()) == 3
    with pytest.raises(DataError, match="begins with https"):
        download("file:///etc/passwd", tmp_path / "pets.tgz")


def test_expected_counts_add_up() -> None:
    assert oxford.N_PHOTOS - oxford.N_TRAINVAL - oxford.N_TEST == 41 and oxford.N_BREEDS == 37
    assert known_bad(pd.DataFrame({"path": ["pug_1.jpg"]})).columns.tolist() == ["path", "why"]
