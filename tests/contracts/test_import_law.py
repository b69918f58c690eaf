"""The import law of the house: imports run downwards only, heavy packages stay in their rooms, nothing unpickles.

The files are read, never imported. A new file needs one word in ORDER; everything else here follows from the table.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

HOUSE = Path(__file__).parents[2] / "petbreeds"

ORDER = (  # floor, room, its files from the lowest to the highest: a file may import those before it
    (0, "", "errors recipe progress predictions"),
    (1, "data", "photos tables lists labellers labels findings measures twins splits survey"),
    (1, "data", "photo_checks label_checks checks drawing.breeds drawing.clay drawing.head"),
    (1, "data", "drawing.patterns drawing.coat drawing.fur drawing.face drawing.body drawing.scene drawing.pet"),
    (1, "data", "drawing sample download oxford"),
    (1, "models", "devices weights heads backbones build"),
    (2, "insight", "confusion losses label_issues plots_canvas plots_photos plots interpretation"),
    (2, "bundle", "strict_json schema files card pixels tensors save predictor"),
    (3, "", "book augment datablock fetch callbacks head_start suspects lr_finder learner fine_tuning training"),
    (4, "reporting", ""),
    (4, "apps", ""),
    (5, "", "api"),
    (6, "", "cli __main__"),
)
ONLY_IN = {  # package -> floor/room/file patterns that may import it
    "fastai": ("3/*",),
    "fastcore": ("3/*",),
    "torch": ("1/models/*", "2/bundle/*", "2/insight/gradcam", "[3-6]/*"),
    "torchvision": ("1/models/*", "2/bundle/*", "[3-6]/*"),
    "timm": ("1/models/*", "2/bundle/*", "[3-6]/*"),
    "matplotlib": ("2/insight/plots*", "[3-6]/*"),
}
RUNS_CODE = {
    "pickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
}  # their files run code when read
RUNS_CODE_NAMES = {"load_learner", "read_pickle", "to_pickle"}
VERBS = {"train", "check", "load", "compare", "report", "demo", "predict", "export", "sample", "clean"}
MOST_LINES = 300


class Place(NamedTuple):
    """Where a module stands: its floor, its room, and how high in that room."""

    floor: int
    room: str
    rank: int


def places() -> dict[str, Place]:
    """Read ORDER into one row a module; the `__init__` of a room stands above its files."""
    found = {"petbreeds": Place(7, "", 0)}
    for floor, room, names in ORDER:
        for name in names.split():
            found[".".join(filter(None, ("petbreeds", room, name)))] = Place(floor, room, len(found))
        if room:
            found[f"petbreeds.{room}"] = Place(floor, room, sys.maxsize)
    return found


PLACES = places()


def module_of(path: Path) -> str:
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(module: str, tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and absolute name of every import, also those inside functions and those by `import_module("...")`."""
    folder = (
        module if module == "petbreeds" or module.count(".") == 1 and is_room(module) else module.rpartition(".")[0]
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute("." * node.level + (node.module or ""), folder)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            if ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__"):
                yield node.lineno, absolute(str(node.args[0].value), folder)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "petbreeds":
            yield node.lineno, f"petbreeds.{node.attr}"  # petbreeds.train reaches upwards as an import does


def is_room(module: str) -> bool:
    return PLACES.get(module, Place(0, "", 0)).rank == sys.maxsize


def absolute(name: str, folder: str) -> str:
    dots = len(name) - len(name.lstrip("."))
    if not dots:
        return name
    parts = folder.split(".")
    return ".".join([*parts[: len(parts) - dots + 1], *filter(None, [name[dots:]])])


def known(name: str) -> str:
    """Return the module a dotted name lies in: its longest part that ORDER knows."""
    while name not in PLACES and "." in name:
        name = name.rpartition(".")[0]
    return name


def against_the_floors(module: str, tree: ast.Module) -> Iterator[str]:
    here = PLACES[module]
    for line, name in imported(module, tree):
        package, _, rest = name.partition(".")
        where = f"{here.floor}/{here.room or '.'}/{'__init__' if is_room(module) else module.rpartition('.')[2]}"
        if package in ONLY_IN and not any(fnmatch(where, pattern) for pattern in ONLY_IN[package]):
            yield f"line {line}: {package} may be imported only in {', '.join(ONLY_IN[package])}; this is {where}"
        if package != "petbreeds" or module == "petbreeds" or rest.startswith("__") or not rest:
            continue
        there = PLACES[known(name)]
        beside = there.floor == here.floor and there.room == here.room and there.rank < here.rank
        if not (there.floor < here.floor or beside):
            yield f"line {line}: {name} stands on floor {there.floor}, not below {module} (floor {here.floor})"


def in_a_hurry(module: str, tree: ast.Module) -> Iterator[str]:
    """The top `__init__` imports nothing of weight when it is read: `import petbreeds` must be quick."""
    if module != "petbreeds":
        return
    waiting = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    for node in waiting:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for line, name in imported(module, ast.Module([node], [])):
            if name.partition(".")[0] not in sys.stdlib_module_names:
                yield f"line {line}: {name} must wait until its name is first used (a module-level __getattr__)"


def unsafe_or_unclear(module: str, tree: ast.Module) -> Iterator[str]:
    for line, name in imported(module, tree):
        if name.endswith(".*"):
            yield f"line {line}: star import of {name[:-2]}"
        if name.partition(".")[0] in RUNS_CODE:
            yield f"line {line}: {name} runs code from a file"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"line {node.lineno}: bare except hides every mistake; name the error"
        names = {getattr(node, "id", ""), getattr(node, "attr", "")} | {
            a.name for a in getattr(node, "names", []) if isinstance(a, ast.alias)
        }
        for name in sorted(names & RUNS_CODE_NAMES):
            yield f"line {getattr(node, 'lineno', 0)}: {name} runs code from a file"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield f"line {node.value.lineno}: allow_pickle runs code from a file"


def unsafe_torch_load(module: str, tree: ast.Module) -> Iterator[str]:
    torches = {"torch"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            torches |= {alias.asname for alias in node.names if alias.name == "torch" and alias.asname}
        if isinstance(node, ast.ImportFrom) and node.module in ("torch", "torch.serialization"):
            yield from (f"line {node.lineno}: write torch.load in full" for alias in node.names if alias.name == "load")
    loads = {f"{torch}{part}" for torch in torches for part in (".load", ".serialization.load")}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in loads:
            safe = any(word.arg == "weights_only" and ast.unparse(word.value) == "True" for word in node.keywords)
            if not safe:
                yield f"line {node.lineno}: torch.load without weights_only=True runs code from a file"


def violations(module: str, source: str) -> list[str]:
    """Return what a file does against the law, one line each."""
    if module not in PLACES:
        return [f"{module} stands nowhere: add it to ORDER in {Path(__file__).name}, above all it imports"]
    tree = ast.parse(source)
    laws = (against_the_floors, in_a_hurry, unsafe_or_unclear, unsafe_torch_load)
    found = [broken for law in laws for broken in law(module, tree)]
    if (lines := source.count("\n")) > MOST_LINES:
        found.append(f"{lines} lines, at most {MOST_LINES}: split the file by meaning")
    name = module.removeprefix("petbreeds.")
    if name in VERBS:
        found.append(f"importing a module named {name} would hide the verb petbreeds.{name}")
    return found


FILES = sorted(path for path in HOUSE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_file_keeps_the_law(path: Path) -> None:
    found = violations(module_of(path), path.read_text(encoding="utf-8"))
    assert not found, f"{module_of(path)}: " + "; ".join(found)


def test_the_house_was_found() -> None:
    assert {"petbreeds", "petbreeds.errors", "petbreeds.insight.plots"} <= {module_of(path) for path in FILES}


def test_no_folder_bears_the_name_of_a_verb() -> None:
    assert not VERBS & {path.name for path in HOUSE.iterdir()}
    assert not VERBS & {room for _, room, _ in ORDER}


UNLAWFUL = [
    ("petbreeds.errors", "from petbreeds.recipe import Recipe", "recipe.Recipe stands on floor 0, not below"),
    ("petbreeds.data.labels", "from petbreeds.models.heads import build_head", "not below"),
    ("petbreeds.models.build", "import petbreeds.data.photos", "not below"),
    ("petbreeds.insight.losses", "from petbreeds.bundle import schema", "bundle.schema stands on floor 2"),
    ("petbreeds.bundle.save", "def go():\n    from petbreeds.insight.losses import top_losses", "line 2"),
    ("petbreeds.insight.confusion", "from .losses import top_losses", "insight.losses"),
    ("petbreeds.insight.confusion", "from . import losses", "insight.losses"),
    ("petbreeds.insight.confusion", "from ..learner import PetLearner", "floor 3"),
    ("petbreeds.insight.confusion", "import petbreeds.insight", "not below"),
    ("petbreeds.data.photos", "import importlib\nimportlib.import_module('petbreeds.api')", "floor 5"),
    ("petbreeds.data.photos", "import importlib\nimportlib.import_module('..api', __package__)", "floor 5"),
    ("petbreeds.learner", "import petbreeds\npetbreeds.train()", "petbreeds.train"),
    ("petbreeds.learner", "from petbreeds import train", "petbreeds.train"),
    ("petbreeds.datablock", "from petbreeds import learner", "learner stands on floor 3"),
    ("petbreeds.bundle.predictor", "def go():\n    import fastai.vision.all", "fastai may be imported only in"),
    ("petbreeds.api", "from fastcore.basics import L", "fastcore may be imported only in"),
    ("petbreeds.data.checks", "import torch", "torch may be imported only in"),
    ("petbreeds.predictions", "from torch import nn", "torch may be imported only in"),
    ("petbreeds.insight", "import torchvision", "2/insight/__init__"),
    ("petbreeds.insight.plots", "import timm", "timm"),
    ("petbreeds.insight.losses", "import matplotlib.pyplot as plt", "matplotlib"),
    ("petbreeds", "from petbreeds.api import train", "must wait"),
    ("petbreeds", "try:\n    import torch\nexcept ImportError:\n    torch = None", "must wait"),
    ("petbreeds.learner", "from fastai.vision.all import *", "star import of fastai.vision.all"),
    ("petbreeds.learner", "try:\n    go()\nexcept:\n    raise", "bare except"),
    ("petbreeds.models.weights", "import torch\ntorch.load('a.pth')", "without weights_only=True"),
    ("petbreeds.models.weights", "import torch as t\nt.load('a.pth', weights_only=False)", "without weights_only=True"),
    ("petbreeds.models.weights", "from torch import load\nload('a.pth')", "in full"),
    ("petbreeds.learner", "import pickle", "pickle runs code"),
    ("petbreeds.learner", "def go():\n    from joblib import load", "joblib.load runs code"),
    ("petbreeds.learner", "from fastai.learner import load_learner", "load_learner runs code"),
    ("petbreeds.learner", "learner.load_learner('a.pkl')", "load_learner runs code"),
    ("petbreeds.data.labels", "pd.read_pickle('a.pkl')", "read_pickle runs code"),
    ("petbreeds.data.photos", "np.load('a.npy', allow_pickle=True)", "allow_pickle runs code"),
    ("petbreeds.data.photos", "x = 1\n" * 301, "301 lines"),
    ("petbreeds.data.newcomer", "", "add it to ORDER"),
]


@pytest.mark.parametrize(("module", "source", "words"), UNLAWFUL)
def test_the_checker_finds_what_is_unlawful(module: str, source: str, words: str) -> None:
    found = violations(module, source)
    assert any(words in line for line in found), found


LAWFUL = [
    (
        "petbreeds.insight.interpretation",
        "from petbreeds.insight import confusion, losses\nfrom .plots import plot_photos",
    ),
    ("petbreeds.insight.plots", "import matplotlib\nfrom petbreeds.data.photos import open_photo"),
    ("petbreeds.insight", "from petbreeds.insight.interpretation import Interpretation"),
    ("petbreeds.learner", "import fastai, torch\nfrom petbreeds import augment, insight\nfrom .insight import plots"),
    ("petbreeds.bundle.card", "import petbreeds\nprint(petbreeds.__version__)"),
    ("petbreeds.bundle.card", "from petbreeds import __version__"),
    ("petbreeds.models.weights", "import torch\ntorch.load('a.pth', map_location='cpu', weights_only=True)"),
    (
        "petbreeds",
        "import importlib\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from petbreeds.api import train",
    ),
    ("petbreeds", "def __getattr__(name):\n    from petbreeds import api\n    return getattr(api, name)"),
    ("petbreeds.data.photos", "x = 1\n" * 300),
]


@pytest.mark.parametrize(("module", "source"), LAWFUL)
def test_the_checker_lets_the_lawful_pass(module: str, source: str) -> None:
    assert violations(module, source) == []


def test_a_module_named_like_a_verb_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLACES, "petbreeds.report", Place(4, "", 0))
    assert "would hide the verb" in violations("petbreeds.report", "")[0]
