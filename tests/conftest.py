"""What many tests share: a few drawn pets, one real training, and a network so small that any test may train it.

The drawings are small and of few breeds, so that a whole training takes seconds on one core. What is tested is the house,
never the quality of a model.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

import petbreeds  # before any test imports torch: it keeps torch's threads from spinning, which makes tests ten times slower

settings.register_profile("house", deadline=None)  # the first example pays for imports, and machines are shared
settings.load_profile("house")

REAL_PETS = Path("../shared/data/pets/images")
BREEDS = ("Abyssinian", "Birman", "great_pyrenees", "pug", "samoyed")
PHOTOS_A_BREED = 12
TINY = "test_efficientnet"  # timm's smallest network


class Outcome(NamedTuple):
    """What a call of the command line came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Run:
    """One whole training: the learner, the folder it wrote, and what it printed."""

    learn: Any
    folder: Path
    printed: str


@pytest.fixture(scope="session", autouse=True)
def no_windows() -> None:
    """Figures are drawn into memory."""
    import matplotlib

    matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close every figure that a test has opened."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A flat folder of 60 small drawn pets, 12 of each of five breeds."""
    from petbreeds.data.drawing.pet import draw_pet

    folder = tmp_path_factory.mktemp("data") / "pets"
    folder.mkdir()
    for breed in BREEDS:
        for number in range(1, PHOTOS_A_BREED + 1):
            draw_pet(breed, number, 42, size=(96, 72)).save(folder / f"{breed}_{number}.jpg", quality=88)
    return folder


@pytest.fixture(scope="session")
def real_pets() -> Path:
    """The folder of real photos, where it is at hand."""
    if not REAL_PETS.is_dir():
        pytest.skip("the real photos are not at hand")
    return REAL_PETS


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A weights file for the network TINY, so that it counts as pretrained."""
    import timm
    import torch

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(timm.create_model(TINY).state_dict(), file)
    return str(file)


@pytest.fixture(scope="session")
def trained_run(drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One training with the real weights, for tests that only look: do not change its learner."""
    import contextlib
    import io

    folder, printed = tmp_path_factory.mktemp("runs") / "run", io.StringIO()
    with contextlib.redirect_stdout(printed):
        learn = petbreeds.train(drawn, out=folder, size=96, item_size=128)
    return Run(learn, folder, printed.getvalue())


@pytest.fixture(scope="session")
def _one_set_of_loaders(drawn: Path) -> Any:
    from petbreeds.datablock import pet_dataloaders

    return pet_dataloaders(drawn, item_size=64, size=48, bs=16, num_workers=0)


@pytest.fixture
def tiny_dls(_one_set_of_loaders: Any) -> Any:
    """DataLoaders of the drawn pets at 48 pixels, of the test's own."""
    return copy.deepcopy(_one_set_of_loaders)


@pytest.fixture
def tiny_learner(tiny_dls: Any, tiny_weights: str) -> Callable[..., Any]:
    """A function that makes a PetLearner around the network TINY."""

    def make(**choices: Any) -> Any:
        import torch

        from petbreeds.learner import pet_learner

        torch.manual_seed(1)
        return pet_learner(tiny_dls, TINY, **{"weights": tiny_weights, **choices})

    return make


class Prepared(NamedTuple):
    """A learner that is ready to be trained by its recipe."""

    learn: Any
    frame: Any
    recipe: Any
    root: Path

    def train(self) -> Any:
        """Train it and return the learner."""
        from petbreeds.training import train_by_recipe

        train_by_recipe(self.learn, self.frame, self.recipe, time.perf_counter())
        return self.learn


@pytest.fixture
def tiny_choices(tiny_weights: str) -> dict[str, Any]:
    """Choices of a Recipe with which a training takes a second or two."""
    return {"arch": TINY, "weights": tiny_weights, "size": 48, "item_size": 64, "bs": 16, "num_workers": 0}


@pytest.fixture
def prepare(drawn: Path, tiny_choices: dict[str, Any]) -> Callable[..., Prepared]:
    """A function that makes a tiny learner of the drawn pets and its recipe."""

    def make(**choices: Any) -> Prepared:
        from petbreeds.recipe import Recipe
        from petbreeds.training import labelled_frame, make_learner

        recipe = Recipe(**{**tiny_choices, **choices})
        frame = labelled_frame(drawn, verify=False)
        return Prepared(make_learner(frame, recipe), frame, recipe, drawn)

    return make


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """A function that calls the command line in this process."""

    def call(*words: Any) -> Outcome:
        from petbreeds.cli import main

        monkeypatch.setattr(sys, "argv", ["petbreeds", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return call
