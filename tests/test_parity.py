"""The learner and the exported model say the same of every validation photo, also where fastai was never imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import petbreeds

CODE = """
import json, sys
import petbreeds
model = petbreeds.load(sys.argv[1])
found = model.predict(json.load(open(sys.argv[2])))
json.dump({"probs": found.probs.tolist(), "fastai": "fastai" in sys.modules}, open(sys.argv[3], "w"))
"""


def assert_equal(model: Any, learn: Any) -> None:
    ours = learn.predictions()
    theirs = model.predict(ours.paths)
    difference = float(np.abs(ours.probs - theirs.probs).max())
    print(f"largest difference over {len(ours)} photos: {difference:.1e}")
    assert difference < 1e-4 and theirs.labels == ours.labels and list(model.vocab) == ours.vocab


def test_learner_and_predictor_agree(trained_run: Any) -> None:
    assert_equal(petbreeds.load(trained_run.folder), trained_run.learn)


def test_they_agree_in_a_process_without_fastai(trained_run: Any, tmp_path: Path) -> None:
    ours = trained_run.learn.predictions()
    names, answer = tmp_path / "photos.json", tmp_path / "answer.json"
    names.write_text(json.dumps(ours.paths))
    words = [sys.executable, "-c", CODE, str(trained_run.folder), str(names), str(answer)]
    subprocess.run(words, check=True, capture_output=True)
    found = json.loads(answer.read_text())
    assert found["fastai"] is False
    assert np.abs(np.array(found["probs"]) - ours.probs).max() < 1e-4


def test_the_order_of_photos_in_a_batch_changes_nothing(trained_run: Any) -> None:
    model, paths = petbreeds.load(trained_run.folder), trained_run.learn.predictions().paths
    forward, backward = model.predict(paths, bs=5), model.predict(paths[::-1], bs=3)
    assert np.abs(forward.probs - backward.probs[::-1]).max() < 1e-5


def test_validation_batches_are_the_pixel_rule(trained_run: Any) -> None:
    from petbreeds.data.photos import open_photo

    learn = trained_run.learn
    batch = learn.dls.valid.one_batch()[0].cpu().numpy()
    expected = np.stack([learn.rule.array(open_photo(path)) for path in learn.dls.valid.items[: len(batch)]])
    assert np.abs(batch - expected).max() < 1e-6


def test_real_photos_agree(real_pets: Path, tmp_path: Path) -> None:
    learn = petbreeds.pet_learner(petbreeds.pet_dataloaders(real_pets, valid=0.1))
    assert_equal(petbreeds.load(learn.export(tmp_path / "pets")), learn)
