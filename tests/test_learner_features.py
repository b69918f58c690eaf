"""Features and head start of a learner: each photo passes the backbone once, and the body stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from petbreeds.bundle import pixels
from petbreeds.datablock import photo_paths
from petbreeds.errors import ChoiceError, DataError

Make = Callable[..., Any]


def head_copy(learn: Any) -> list[torch.Tensor]:
    return [part.detach().clone() for part in (learn.model[1][1].weight, learn.model[1][1].bias)]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The photos that were opened on the way to the backbone."""
    opened: list[Any] = []
    original = pixels.open_photo

    def counted(source: Any) -> Any:
        opened.append(source)
        return original(source)

    monkeypatch.setattr(pixels, "open_photo", counted)
    return opened


def test_each_photo_passes_the_backbone_once(tiny_learner: Make, decoded: list[Any]) -> None:
    learn = tiny_learner()
    learn.head_start(0.1)
    training, validation = photo_paths(learn.dls, 0), photo_paths(learn.dls, 1)
    assert sorted(decoded) == sorted(training)
    first = learn.features(training)
    learn.head_start()
    learn.features([*validation, *training])
    assert sorted(decoded) == sorted([*training, *validation])
    assert first.shape == (48, learn.model[1][1].in_features) and first.dtype == np.float32
    learn.write_head(np.zeros((5, first.shape[1])), np.zeros(5))  # a new head changes no feature
    assert np.array_equal(learn.features(training), first) and len(decoded) == 60
    assert learn.seconds_per_photo > 0


def test_features_of_a_changed_body_are_computed_anew(tiny_learner: Make, decoded: list[Any]) -> None:
    learn = tiny_learner()
    few = photo_paths(learn.dls, 0)[:3]
    before = learn.features(few)
    with torch.no_grad():
        next(learn.model[0].parameters()).mul_(1.5)
    after = learn.features(few)
    assert len(decoded) == 6 and not np.allclose(before, after)


def test_features_name_the_photo_that_cannot_be_read(tiny_learner: Make, tmp_path: Path) -> None:
    learn = tiny_learner()
    (tmp_path / "pug_1.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match="pug_1.jpg cannot be read"):
        learn.features([photo_paths(learn.dls, 0)[0], tmp_path / "pug_1.jpg"])


def test_head_start_needs_the_linear_head(tiny_learner: Make) -> None:
    for head in ("mlp", "fastai"):
        with pytest.raises(ChoiceError, match='head="linear"'):
            tiny_learner(head=head).head_start()


def test_head_start_leaves_the_body_alone_and_forgets_what_was_measured(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.create_opt()
    learn.held_out, learn.measured, learn.refitted = learn.predictions(), {"error_rate": 0.5}, True
    body = {name: value.clone() for name, value in learn.model[0].state_dict().items()}
    head = head_copy(learn)
    found = learn.head_start(strength=0.3)
    assert (found.n_photos, found.strength, found.how) == (48, 0.3, "given") and "48 photos, C = 0.3" in str(found)
    assert learn.held_out is None and learn.measured == {} and not learn.refitted and learn.opt is None
    assert all(torch.equal(value, body[name]) for name, value in learn.model[0].state_dict().items())
    assert not any(torch.equal(new, old) for new, old in zip(head_copy(learn), head, strict=True))
