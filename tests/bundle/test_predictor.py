"""A Predictor answers alike for every kind of source, batch, thread and process, and a bad photo spoils no other."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from petbreeds.bundle.predictor import NOT_FINITE, Predictor, list_sources, load_predictor
from petbreeds.bundle.save import save_bundle
from petbreeds.bundle.schema import BundleInfo
from petbreeds.errors import BundleError, ChoiceError, DataError
from petbreeds.predictions import Predictions

ROOT = Path(__file__).parents[2]
REAL_PHOTOS = ROOT / ".." / "shared" / "data" / "pets" / "images"


def answers_of(bundle: str, photos: str) -> list[list[float]]:
    """Load and predict in a fresh process; at module level, as spawn needs it."""
    return load_predictor(bundle).predict(photos, workers=1).probs.tolist()


@pytest.fixture
def predictor(bundle: Path) -> Predictor:
    return load_predictor(bundle)


def test_answers_equal_those_of_the_saved_model(predictor: Predictor, model: nn.Module, photos: Path) -> None:
    found = predictor.predict(photos)
    batch = np.stack([predictor.rule.array(Image.open(path)) for path in found.paths])
    with torch.no_grad():
        expected = model(torch.from_numpy(batch)).softmax(1).numpy()
    np.testing.assert_allclose(found.probs, expected, atol=1e-6)
    np.testing.assert_allclose(found.probs.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(found.probs, axis=0).max() > 0.01  # the photos are told apart, so equality above says something


def test_a_run_folder_opens_too(bundle: Path) -> None:
    run = bundle.parent / "run"
    run.mkdir()
    bundle.rename(run / "model")
    assert load_predictor(run).vocab == ["Birman", "Ragdoll", "pug"]


def test_every_kind_of_source_gives_the_same_row(predictor: Predictor, photos: Path) -> None:
    path = photos / "pug_3.jpg"
    image = Image.open(path)
    sources = [str(path), path, path.read_bytes(), bytearray(path.read_bytes()), image, np.asarray(image)]
    rows = np.concatenate([predictor.predict(source).probs for source in sources])
    np.testing.assert_allclose(rows, np.repeat(rows[:1], len(sources), axis=0), atol=1e-6)
    mixed = predictor.predict(sources)
    np.testing.assert_allclose(mixed.probs, rows, atol=1e-6)
    assert mixed.paths == [str(path), str(path), "<image 2>", "<image 3>", "<image 4>", "<image 5>"]


def test_folder_pattern_and_list_agree(predictor: Predictor, photos: Path) -> None:
    folder = predictor.predict(photos)
    assert [Path(path).name for path in folder.paths] == [f"pug_{number}.jpg" for number in range(5)]
    for source in (
        str(photos / "*.jpg"),
        sorted(photos.iterdir()),
        (path for path in sorted(photos.iterdir())),
        [photos],
    ):
        found = predictor.predict(source)
        assert found.paths == folder.paths
        np.testing.assert_allclose(found.probs, folder.probs, atol=1e-6)


def test_an_array_of_photos_is_a_list_of_photos(predictor: Predictor) -> None:
    four = np.random.default_rng(1).integers(0, 256, (4, 80, 90, 3), dtype=np.uint8)
    found = predictor.predict(four)
    assert found.probs.shape == (4, 3)
    np.testing.assert_allclose(found.probs[2], predictor.predict(four[2]).probs[0], atol=1e-6)


def test_answers_do_not_depend_on_the_batch(predictor: Predictor, photos: Path) -> None:
    paths = sorted(photos.iterdir())
    alone = np.concatenate([predictor.predict(path).probs for path in paths])
    for bs in (1, 2, 3, 64):
        np.testing.assert_allclose(predictor.predict(paths, bs=bs).probs, alone, atol=1e-6)
    np.testing.assert_allclose(predictor.predict(paths[::-1]).probs, alone[::-1], atol=1e-6)


def test_bad_photos_are_rows_with_a_reason(predictor: Predictor, photos: Path) -> None:
    bad = photos / "pug_9.jpg"
    bad.write_bytes(b"no photo")
    gone, floats, number = photos / "gone.jpg", np.zeros((3, 3)), 7
    mixed: list[Any] = [photos / "pug_0.jpg", bad, gone, b"", floats, number, photos / "pug_1.jpg"]
    found = predictor.predict(mixed)
    assert found.readable.tolist() == [True, False, False, False, False, False, True]
    assert found.labels[1:6] == [""] * 5
    assert np.isnan(found.probs[1:6]).all()
    assert "no such file" in found.errors[2]
    np.testing.assert_allclose(found.probs[6], predictor.predict(photos / "pug_1.jpg").probs[0], atol=1e-6)


def test_no_photo_at_all_is_no_error(predictor: Predictor) -> None:
    assert len(predictor.predict([])) == 0
    assert predictor.predict([]).table().empty


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("gone.jpg", "no photo"),
        (Path("gone.jpg"), "no photo"),
        ("gone/*.jpg", "No file matches"),
        ("https://example.org/pug.jpg", "is an address"),
        ("file:///etc/passwd", "is an address"),
        (["https://example.org/pug.jpg"], "is an address"),
        ("x" * 5000, "no photo"),
        ("a\0b", "no photo"),
        ("~nobody-of-that-name/pug.jpg", "no photo"),
        (7, "Cannot predict for a int"),
        (None, "Cannot predict for a NoneType"),
    ],
    ids=lambda value: str(value)[:20].replace("\0", " "),
)
def test_sources_that_are_none(predictor: Predictor, source: object, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        predictor.predict(source)  # type: ignore[arg-type]


def test_names_with_brackets_are_files_first(predictor: Predictor, photos: Path) -> None:
    odd = (photos / "pug_0.jpg").rename(photos / "pug [best].jpg")
    assert predictor.predict(str(odd)).paths == [str(odd)]


@pytest.mark.parametrize("bs", [0, -1, 1.5, "8"])
def test_wrong_batch_sizes_are_refused(predictor: Predictor, photos: Path, bs: object) -> None:
    with pytest.raises(ChoiceError, match="bs is"):
        predictor.predict(photos, bs=bs)  # type: ignore[arg-type]


def test_progress_counts_every_photo(predictor: Predictor, photos: Path) -> None:
    seen: list[tuple[int, int]] = []
    predictor.predict(photos, bs=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_sigmoid_rows_are_independent(model: nn.Module, info: BundleInfo, photos: Path, tmp_path: Path) -> None:
    binary = load_predictor(save_bundle(model, dataclasses.replace(info, activation="sigmoid"), tmp_path / "one"))
    plain = load_predictor(save_bundle(model, info, tmp_path / "two"))
    sigmoid, softmax = binary.predict(photos).probs, plain.predict(photos).probs
    assert abs(sigmoid.sum(axis=1) - 1).max() > 1e-3
    odds = sigmoid / (1 - sigmoid)
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), softmax, rtol=1e-3)


def test_temperature_softens_and_keeps_the_winner(
    model: nn.Module, info: BundleInfo, photos: Path, tmp_path: Path
) -> None:
    cool = load_predictor(save_bundle(model, info, tmp_path / "one")).predict(photos)
    warm = load_predictor(save_bundle(model, dataclasses.replace(info, temperature=4.0), tmp_path / "two")).predict(
        photos
    )
    assert warm.labels == cool.labels
    assert (warm.confidences < cool.confidences).all()


def test_an_answer_that_is_not_finite_is_an_error_row(predictor: Predictor, photos: Path) -> None:
    predictor.model.get_parameter("1.1.weight").fill_(float("nan"))
    found = predictor.predict(photos / "pug_0.jpg")
    assert found.errors == [NOT_FINITE]
    assert not found.readable.any()


def test_huge_photos_are_answered_in_smaller_batches(predictor: Predictor) -> None:
    predictor.rule = dataclasses.replace(predictor.rule, size=4096)
    assert predictor._batch_size(64) == 1
    predictor.rule = dataclasses.replace(predictor.rule, size=224)
    assert predictor._batch_size(64) == 64


def test_networks_with_tables_beside_their_weights(info: BundleInfo, photos: Path, tmp_path: Path) -> None:
    from petbreeds.models.build import build_model

    arch = "test_coatnet"  # its table of relative positions is a buffer that no weights file carries
    facts = dataclasses.replace(info, arch=arch, pixels={**info.pixels, "size": 160})
    original = build_model(arch, 3, weights=None)
    assert {name for name, _ in original.named_buffers()} - original.state_dict().keys()
    loaded = load_predictor(save_bundle(original, facts, tmp_path / "pets"))
    expected = Predictor(original, facts).predict(photos).probs
    np.testing.assert_allclose(loaded.predict(photos).probs, expected, atol=1e-6)


def test_nothing_changes_by_predicting(predictor: Predictor, photos: Path) -> None:
    before = {name: tensor.clone() for name, tensor in predictor.model.state_dict().items()}
    predictor.predict(photos)
    assert not predictor.model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in predictor.model.state_dict().items())


def test_threads_share_one_predictor(predictor: Predictor, photos: Path) -> None:
    expected = predictor.predict(photos).probs
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: predictor.predict(photos, bs=number % 4 + 1).probs, range(12)))
    for probs in found:
        np.testing.assert_allclose(probs, expected, atol=1e-6)


def test_a_spawned_process_gives_the_same_answers(bundle: Path, photos: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        found = pool.apply(answers_of, (str(bundle), str(photos)))
    np.testing.assert_allclose(np.array(found), load_predictor(bundle).predict(photos).probs, atol=1e-6)


def test_a_fresh_process_needs_no_fastai_and_no_pickle(bundle: Path, photos: Path) -> None:
    code = (
        "import sys, pickle, timm\n"  # timm derives a class from Unpickler while it is imported
        "from petbreeds.bundle.predictor import load_predictor\n"
        "def refuse(*args, **kwargs): raise AssertionError('a pickle was opened')\n"
        "pickle.load = pickle.loads = pickle._Unpickler.load = refuse\n"
        "model = load_predictor(sys.argv[1])\n"
        "print(model.predict(sys.argv[2]).labels)\n"
        "assert not {'fastai', 'fastcore', 'matplotlib', 'sklearn'} & set(sys.modules), 'heavy import'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(bundle), str(photos)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str(load_predictor(bundle).predict(photos).labels)


@pytest.mark.parametrize("name", ["gone", "empty", "photos", "learner.pkl"])
def test_what_is_no_bundle_is_named_with_the_way_out(tmp_path: Path, photos: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "learner.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(BundleError) as caught:
        load_predictor(tmp_path / name)
    message = str(caught.value)
    assert name in message
    assert "learn.export" in message
    assert ("can run code" in message) == name.endswith(".pkl")
    assert len(message.splitlines()) <= 5


def test_shows_itself_in_a_line_without_html(predictor: Predictor, info: BundleInfo) -> None:
    assert repr(predictor) == "Predictor(test_efficientnet, 3 classes, 64 x 64 pixels, error 13.5 %)"
    hostile = Predictor(predictor.model, dataclasses.replace(info, vocab=["<script>", "b", "c"]))
    assert "<script>" not in hostile._repr_html_()


def test_list_sources_keeps_order(photos: Path) -> None:
    listed = list_sources([photos / "pug_4.jpg", photos, b"x"])
    assert list_sources(np.array(["a.jpg", "b.jpg"])) == [Path("a.jpg"), Path("b.jpg")]
    assert [getattr(item, "name", item) for item in listed] == ["pug_4.jpg", *[f"pug_{n}.jpg" for n in range(5)], b"x"]


def test_real_photos_with_the_default_network(tmp_path: Path, info: BundleInfo) -> None:
    if not REAL_PHOTOS.is_dir():
        pytest.skip("the real photos in ../shared/data/pets/images are not on this machine")
    from petbreeds.bundle.pixels import PixelRule
    from petbreeds.models.build import build_model

    torch.manual_seed(0)
    network = build_model("efficientnet_lite0", 3)
    with torch.no_grad():
        network.get_parameter("1.1.weight").normal_()
    facts = dataclasses.replace(info, arch="efficientnet_lite0", pixels=PixelRule().to_dict())
    predictor = load_predictor(save_bundle(network, facts, tmp_path / "pets"))
    paths = [REAL_PHOTOS / name for name in ("great_pyrenees_101.jpg", "Birman_15.jpg")]
    together: Predictions = predictor.predict(paths)
    alone = np.concatenate([predictor.predict(path).probs for path in paths])
    assert together.readable.all()
    np.testing.assert_allclose(together.probs, alone, atol=1e-6)
