"""The same seed gives the same numbers: weights, losses and probabilities, to the last bit on one machine."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import petbreeds

SAME: dict[str, dict[str, Any]] = {
    "head start alone": {"epochs": 0},
    "one epoch of fine-tuning": {"epochs": 1, "refit": False},
    "as the book trains": {"epochs": 1, "head": "mlp"},
    "mixup and label smoothing": {
        "epochs": 1,
        "head": "fastai",
        "mixup": 0.4,
        "label_smoothing": 0.1,
        "augment": "strong",
    },
}


@pytest.mark.parametrize("name", SAME)
def test_same_seed_same_numbers(name: str, drawn: Path, tiny_choices: dict[str, Any]) -> None:
    choices = {**tiny_choices, **SAME[name]}
    found: list[Any] = []
    for _ in range(2):
        with contextlib.redirect_stdout(io.StringIO()):
            found.append(petbreeds.train(drawn, **choices))
        np.random.random()  # whatever happens between two trainings
    one, other = found
    assert torch.equal(torch.tensor(one.predictions().probs), torch.tensor(other.predictions().probs))
    weights = [learn.model.state_dict() for learn in found]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    columns = ["train_loss", "valid_loss", "error_rate"]
    if one.history_rows:
        assert one.history[columns].equals(other.history[columns])
    assert one.measured["error_rate"] == other.measured["error_rate"]


def test_another_seed_other_numbers(drawn: Path, tiny_choices: dict[str, Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        learners: list[Any] = [petbreeds.train(drawn, **tiny_choices, seed=seed, epochs=0) for seed in (1, 2)]
    one, other = (set(learn.held_out.paths) for learn in learners)
    assert one != other
