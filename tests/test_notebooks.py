"""The course: every notebook is committed clean and runs from top to bottom, offline, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "nbs").glob("*.ipynb"))
SECONDS = 600

ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|work|tmp|Users|mnt|var|opt|content|kaggle)/|\b[A-Z]:\\\\")
NO_NETWORK = "http://127.0.0.1:9"  # the discard port: whoever asks for the network is refused at once

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def sources(path: Path, kind: str = "") -> list[str]:
    return ["".join(cell["source"]) for cell in read(path)["cells"] if kind in ("", cell["cell_type"])]


def test_there_is_a_course() -> None:
    assert NOTEBOOKS
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{n:02}_" for n in range(1, len(NOTEBOOKS) + 1)]


@each_notebook
def test_it_is_committed_clean(path: Path) -> None:
    notebook = read(path)
    assert set(notebook["metadata"]) <= {"kernelspec", "language_info"}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert "".join(cell["source"]).strip(), "an empty code cell"
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names)


@each_notebook
def test_it_names_no_place_of_one_machine(path: Path) -> None:
    found = [line for source in sources(path) for line in source.splitlines() if ABSOLUTE_PATH.search(line)]
    assert not found


@each_notebook
def test_it_is_written_in_english(path: Path) -> None:
    text = "\n".join(sources(path))
    letters = {sign for sign in text if sign.isalpha()}
    assert {sign for sign in letters if not unicodedata.name(sign).startswith(("LATIN", "GREEK"))} == set()
    words = re.findall(r"[a-z]+", "\n".join(sources(path, "markdown")).lower())
    assert sum(word in {"the", "of", "and", "a", "is", "it", "to"} for word in words) > 0.1 * len(words)


@each_notebook
def test_it_opens_with_a_title_and_explains_itself(path: Path) -> None:
    assert sources(path)[0].startswith("# ")
    assert len(sources(path, "markdown")) >= 0.5 * len(sources(path, "code"))


@pytest.mark.slow
@each_notebook
def test_it_runs_from_top_to_bottom(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat", reason="pip install petbreeds[notebook]")
    nbclient = pytest.importorskip("nbclient", reason="pip install petbreeds[notebook]")
    pytest.importorskip("ipykernel", reason="pip install petbreeds[notebook]")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, NO_NETWORK)
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    for name in ("PETBREEDS_CACHE", "TORCH_HOME", "HF_HOME", "TMPDIR"):  # nothing is found, and nothing stays behind
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])))
    folder = tmp_path / "lesson"
    folder.mkdir()
    notebook: Any = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    place = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=place).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs), "a lesson without a figure"
