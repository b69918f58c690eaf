"""Label suspects on made features: what is found, in which order and columns, and what is refused."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from petbreeds.errors import ChoiceError, DataError
from petbreeds.insight.label_issues import COLUMNS, held_out_probs, label_issues


class Clouds:
    """Classes as clouds of features, some of their labels flipped."""

    def __init__(
        self, n_classes: int = 5, per_class: int = 12, noise: float = 0.35, flips: int = 5, seed: int = 0
    ) -> None:
        random = np.random.default_rng(seed)
        self.targets = np.repeat(np.arange(n_classes), per_class)
        centres = random.normal(0, 1, (n_classes, 16))
        self.features = centres[self.targets] + random.normal(0, noise, (len(self.targets), 16))
        self.chosen = random.choice(len(self.targets), flips, replace=False)
        self.labels = self.targets.copy()
        self.labels[self.chosen] = (self.labels[self.chosen] + random.integers(1, n_classes, flips)) % n_classes
        self.vocab = [f"class_{i}" for i in range(n_classes)]
        self.paths = [f"{i}.jpg" for i in range(len(self.targets))]

    def suspects(self, seed: int = 42) -> pd.DataFrame:
        return label_issues(self.features, self.labels, self.vocab, self.paths, seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_flipped_labels_are_found_with_the_right_suggestion(n_classes: int, seed: int) -> None:
    clouds = Clouds(n_classes, per_class=60 // n_classes, seed=seed)
    found = clouds.suspects()
    assert set(found["path"]) == {f"{i}.jpg" for i in clouds.chosen}
    for path, label, suggested in found[["path", "label", "suggested"]].values.tolist():
        place = int(path.removesuffix(".jpg"))
        assert (label, suggested) == (clouds.vocab[clouds.labels[place]], clouds.vocab[clouds.targets[place]])


def test_table_has_the_house_columns_and_the_surest_first() -> None:
    found = Clouds().suspects()
    assert tuple(found) == COLUMNS and found.index.tolist() == list(range(len(found)))
    assert set(found["issue"]) == {"label-suspect"}
    assert found["score"].tolist() == sorted(found["score"], reverse=True)
    assert found["score"].between(0, 1).all() and found["confidence"].between(0, 1).all()
    assert (found["score"] >= found["confidence"] - 1e-9).all()  # what the suggestion has, the label has not
    first = found.iloc[0]
    assert f"labelled {first['label']}" in first["why"] and f"looks like {first['suggested']}" in first["why"]


def test_clean_classes_give_an_empty_table_of_the_same_columns() -> None:
    found = Clouds(flips=0).suspects()
    assert found.empty and tuple(found) == COLUMNS
    assert found["score"].dtype == found["confidence"].dtype == float


def test_same_seed_same_table_and_any_scale_of_features() -> None:
    clouds = Clouds(noise=0.8)
    once = clouds.suspects()
    pd.testing.assert_frame_equal(once, clouds.suspects())
    clouds.features = clouds.features * 1000
    assert clouds.suspects()["path"].tolist() == once["path"].tolist()


def test_held_out_probabilities_do_not_know_the_label_they_judge() -> None:
    random = np.random.default_rng(3)
    features, targets = random.normal(0, 1, (90, 200)), np.repeat([0, 1, 2], 30)  # noise: fitted well, foretold never
    probs = held_out_probs(features, targets)
    np.testing.assert_allclose(probs.sum(axis=1), 1)
    assert (probs.argmax(axis=1) == targets).mean() < 0.55


def test_classes_of_one_or_two_photos_are_not_judged_and_do_not_disturb() -> None:
    clouds = Clouds()
    clouds.features = np.vstack([clouds.features, np.full((3, 16), 9.0)])
    clouds.labels = np.append(clouds.labels, [5, 6, 6])
    clouds.paths += ["alone.jpg", "pair_1.jpg", "pair_2.jpg"]
    clouds.vocab += ["alone", "pair", "without a photo"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # three photos in five folds, or a class left out, are no reason to warn
        found = clouds.suspects()
    assert set(found["path"]) == {f"{i}.jpg" for i in clouds.chosen}


def test_uneven_classes_are_judged_without_a_warning() -> None:
    clouds = Clouds(flips=0)
    kept = np.flatnonzero((clouds.targets > 0) | (np.arange(60) < 3))
    clouds.features, clouds.labels = clouds.features[kept], clouds.labels[kept]
    clouds.paths = [clouds.paths[i] for i in kept]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clouds.suspects().empty


@pytest.mark.parametrize("labels", [[0] * 6, [0, 0, 0, 0, 1, 2], [0, 1, 2, 3, 4, 5]])
def test_fewer_than_two_classes_to_compare_is_an_error_that_says_so(labels: list[int]) -> None:
    with pytest.raises(DataError, match="two classes of at least 3 photos"):
        label_issues(np.eye(6), labels, list("abcdef"), list("uvwxyz"))


def test_arguments_that_do_not_fit_are_refused() -> None:
    clouds = Clouds()
    with pytest.raises(ChoiceError, match="60 labels and 59 paths"):
        label_issues(clouds.features, clouds.labels, clouds.vocab, clouds.paths[1:])
    with pytest.raises(ChoiceError, match=r"shape \(60,\)"):
        label_issues(clouds.features[:, 0], clouds.labels, clouds.vocab, clouds.paths)
    for wrong in (clouds.labels - 1, clouds.labels + 1, clouds.labels.astype(float), clouds.labels.astype(str)):
        with pytest.raises(ChoiceError, match="class numbers from 0 to 4"):
            label_issues(clouds.features, wrong, clouds.vocab, clouds.paths)
    clouds.features[7, 3] = np.nan
    with pytest.raises(DataError, match=r"^7\.jpg "):
        clouds.suspects()


def test_no_torch_and_no_heavy_import_at_the_door() -> None:
    code = "import sys, petbreeds.insight.label_issues; print({'torch', 'sklearn', 'cleanlab'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
