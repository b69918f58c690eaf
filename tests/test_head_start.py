"""The head start: exactly scikit-learn's solution, chosen on the training photos alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from torch import nn

from petbreeds import head_start as module
from petbreeds.datablock import photo_paths
from petbreeds.errors import ChoiceError
from petbreeds.head_start import (
    DEFAULT_STRENGTH,
    STRENGTHS,
    HeadStart,
    choose_strength,
    compute_features,
    linear_layer,
    refine_head,
    solve_head,
    write_head,
)
from petbreeds.models.heads import HEADS, build_head

Make = Callable[..., Any]


def clouds(n_classes: int, per_class: int = 12, n_features: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Photos of a class lie around a centre of their own."""
    rng = np.random.default_rng(seed)
    targets = np.tile(np.arange(n_classes), per_class)
    centres = rng.normal(0, 1.5, (n_classes, n_features))
    return (centres[targets] + rng.normal(0, 1, (len(targets), n_features))).astype(np.float32), targets


@given(st.integers(2, 5), st.sampled_from(STRENGTHS), st.integers(0, 3))
@settings(max_examples=15)
def test_solve_head_is_the_logistic_regression(n_classes: int, strength: float, seed: int) -> None:
    features, targets = clouds(n_classes, seed=seed)
    weight, bias = solve_head(features, targets, n_classes, strength)
    assert weight.shape == (n_classes, features.shape[1]) and bias.shape == (n_classes,)
    expected = LogisticRegression(C=strength, max_iter=1000).fit(features, targets).predict_proba(features)
    assert np.abs(softmax(features @ weight.T + bias, axis=1) - expected).max() < 1e-6


def test_a_class_without_a_photo_is_never_answered() -> None:
    features, targets = clouds(3)
    shifted = np.array([0, 2, 4])[targets]
    weight, bias = solve_head(features, shifted, 5, 1.0)
    logits = features @ weight.T + bias
    assert set(logits.argmax(axis=1)) <= {0, 2, 4} and not weight[[1, 3]].any()
    assert bias[1] == bias[3] == pytest.approx(bias[[0, 2, 4]].min() - 10)
    three = solve_head(features, targets, 3, 1.0)
    assert np.allclose(weight[[0, 2, 4]], three[0]) and np.allclose(bias[[0, 2, 4]], three[1])


def test_two_classes_of_five() -> None:
    features, targets = clouds(2)
    weight, bias = solve_head(features, 3 * targets, 5, 1.0)
    assert set((features @ weight.T + bias).argmax(axis=1)) == {0, 3}


@given(st.integers(3, 5), st.sampled_from(STRENGTHS))
@settings(max_examples=8)
def test_refining_nothing_is_solving(n_classes: int, strength: float) -> None:
    features, targets = clouds(n_classes)
    nothing = np.zeros((n_classes, features.shape[1])), np.zeros(n_classes)
    refined = refine_head(features, targets, *nothing, strength)
    solved = solve_head(features, targets, n_classes, strength)
    ours, theirs = (softmax(features @ weight.T + bias, axis=1) for weight, bias in (refined, solved))
    assert np.abs(ours - theirs).max() < 2e-3


def test_refining_stays_near_a_head_that_fits_and_leaves_one_that_errs() -> None:
    features, targets = clouds(3)
    good = solve_head(features, targets, 3, 100.0)
    near = refine_head(features, targets, *good, 0.01)
    assert np.abs(near[0] - good[0]).max() < 0.1
    bad = -good[0], -good[1]
    away = refine_head(features, targets, *bad, 10.0)
    errors = [np.mean((features @ weight.T + bias).argmax(axis=1) != targets) for weight, bias in (bad, away)]
    assert errors[0] > 0.5 > errors[1]


def test_the_strength_follows_from_the_photos() -> None:
    clear, targets = clouds(3, per_class=20)
    noise = np.random.default_rng(0).normal(0, 1, clear.shape).astype(np.float32)
    (free, how), (tight, _) = choose_strength(5 * clear, targets), choose_strength(noise, targets)
    assert free > tight == min(STRENGTHS) and "training photos" in how
    assert choose_strength(5 * clear, targets) == (free, how)
    chosen, why = choose_strength(clear[:5], np.array([0, 0, 0, 1, 1]))
    assert chosen == DEFAULT_STRENGTH and "fewer than three" in why


def test_many_photos_are_sampled_for_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(module, "MAX_TRIED_PHOTOS", 30)
    monkeypatch.setattr(module, "_log_loss", lambda features, *_: sizes.append(len(features)) or float(len(sizes)))
    features, targets = clouds(3, per_class=40)
    assert choose_strength(features, targets)[0] == STRENGTHS[0] and set(sizes) == {30}


def test_the_linear_layer_is_found_and_others_are_refused() -> None:
    for name in HEADS:
        model = nn.Sequential(nn.Identity(), build_head(name, 4, 3))
        if name == "linear":
            assert linear_layer(model) is model[1][1]  # type: ignore[index]
        else:
            with pytest.raises(ChoiceError, match='head="linear"'):
                linear_layer(model)


def test_write_head() -> None:
    model = nn.Sequential(nn.Identity(), build_head("linear", 4, 3))
    weight, bias = np.arange(12.0).reshape(3, 4), np.array([1.0, 2.0, 3.0])
    write_head(model, weight, bias)
    assert model(torch.eye(4)).detach().numpy() == pytest.approx(weight.T + bias)
    assert all(parameter.requires_grad for parameter in model[1].parameters())


def test_the_learner_answers_as_scikit_learn_does(tiny_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    monkeypatch.setattr(module, "half_precision", lambda device: contextlib.nullcontext())  # the head's own exactness
    learn = tiny_learner()
    training, validation = photo_paths(learn.dls, 0), photo_paths(learn.dls, 1)
    found = learn.head_start()
    regression = LogisticRegression(C=found.strength, max_iter=1000)
    regression.fit(learn.features(training), learn.class_numbers(0))
    for part, paths in ((0, training), (1, validation)):
        expected = regression.predict_proba(learn.features(paths))
        assert np.abs(learn.predictions(part).probs - expected).max() < 1e-3


def test_the_strength_is_chosen_without_the_validation_photos(
    tiny_learner: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from petbreeds import learner

    asked: list[list[Any]] = []
    original = learner.compute_features

    def watched(model: Any, paths: list[Any], *args: Any) -> Any:
        asked.append(paths)
        return original(model, paths, *args)

    monkeypatch.setattr(learner, "compute_features", watched)
    learn = tiny_learner()
    found = learn.head_start()
    assert asked == [photo_paths(learn.dls, 0)] and found.strength in STRENGTHS


def test_features_do_not_depend_on_the_batch_and_leave_the_mode(tiny_learner: Make) -> None:
    learn = tiny_learner()
    learn.model.train()
    paths = photo_paths(learn.dls, 1)
    one, all_at_once = (compute_features(learn.model, paths, learn.rule, bs=bs) for bs in (1, 32))
    assert one.shape == (12, linear_layer(learn.model).in_features) and one.dtype == np.float32
    assert np.abs(one - all_at_once).max() < 0.05 * np.abs(one).max() and learn.model.training


def test_a_head_start_in_words() -> None:
    assert str(HeadStart(1480, 0.1, "given")).startswith(
        "Head start: logistic regression on the features of 1,480 photos"
    )
