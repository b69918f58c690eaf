"""Every public name resolves and is documented, every example in a docstring runs, every augmentation recipe keeps its word."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import petbreeds

MODULES = sorted(
    info.name for info in pkgutil.walk_packages(petbreeds.__path__, "petbreeds.") if not info.name.endswith("__main__")
)


def own_names(module: ModuleType) -> list[tuple[str, Any]]:
    found = [(name, value) for name, value in vars(module).items() if not name.startswith("_")]
    return [(name, value) for name, value in found if getattr(value, "__module__", "") == module.__name__]


@pytest.mark.parametrize("name", petbreeds.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(petbreeds, name) is not None


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__ and module.__doc__.strip()
    for own, value in own_names(module):
        if inspect.isfunction(value) or (inspect.isclass(value) and not issubclass(value, tuple)):
            assert inspect.getdoc(value), f"{name}.{own} has no docstring"


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_augmentation_ends_at_its_size_and_spares_validation(drawn: Path) -> None:
    import torch

    from petbreeds.augment import AUGMENTS
    from petbreeds.datablock import frame_dataloaders, labelled_frame

    frame = labelled_frame(drawn, verify=False)
    for name in AUGMENTS:
        dls = frame_dataloaders(frame, item_size=64, size=40, augment=name, bs=8, num_workers=0)
        assert tuple(dls.train.one_batch()[0].shape) == (8, 3, 40, 40), name
        assert torch.equal(dls.valid.one_batch()[0], dls.valid.one_batch()[0]), name
