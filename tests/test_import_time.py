"""Importing petbreeds, or asking for help, loads nothing heavy; opening a model loads no fastai."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("torch", "fastai", "timm", "torchvision", "pandas", "numpy", "matplotlib", "sklearn", "scipy")


def loaded_after(code: str) -> set[str]:
    """Run code in a new process and return the packages that it has loaded."""
    text = f"{code}\nimport sys\nprint('LOADED', *sorted({{name.partition('.')[0] for name in sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return set(found.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("code", ["import petbreeds", "import petbreeds.cli", "import petbreeds.errors"])
def test_import_is_light(code: str) -> None:
    assert not loaded_after(code) & set(HEAVY)


def test_help_is_light() -> None:
    code = "import sys, petbreeds.cli\nsys.argv = ['petbreeds', '--help']\ntry: petbreeds.cli.main()\nexcept SystemExit: pass"
    assert not loaded_after(code) & set(HEAVY)


@pytest.mark.parametrize("verb", ["load", "check", "sample"])
def test_verbs_that_do_not_train_are_names_without_torch(verb: str) -> None:
    assert not loaded_after(f"import petbreeds\npetbreeds.{verb}") & {"torch", "fastai", "timm"}


def test_the_predictor_needs_torch_and_no_fastai() -> None:
    loaded = loaded_after("import petbreeds\npetbreeds.Predictor")
    assert "torch" in loaded and "fastai" not in loaded


def test_unknown_name_says_so() -> None:
    import petbreeds

    module: Any = petbreeds
    with pytest.raises(AttributeError, match="no name 'trian'"):
        _ = module.trian
