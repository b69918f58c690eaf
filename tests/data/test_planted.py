"""Faults of every kind, planted in copies of real photos and in drawn pets, are named by file and by kind.

`pytest -s` shows the table of precision and recall. Both must be perfect here: each fault is a plain one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planting import PLANTS, REAL_PETS, Truth, clean_copies

from petbreeds.data.checks import CHECKS, check_data
from petbreeds.data.findings import ISSUES, levels_of

SOURCES = ("real", "drawn")
NEVER_PLANTED = {"label-suspect"}  # needs a model
Counts = dict[str, list[int]]  # issue -> found and planted, found in all, planted in all


@pytest.fixture(scope="module", params=SOURCES)
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty clean photos of eight classes."""
    if request.param == "real" and REAL_PETS is None:
        pytest.skip("the real photos are not at ../shared/data/pets/images, nor where PETBREEDS_REAL_PETS says")
    folder = tmp_path_factory.mktemp(request.param)
    clean_copies(folder, real=request.param == "real")
    return folder


@pytest.fixture(scope="module")
def counts(clean: Path) -> Iterator[Counts]:
    """What each plant of this source comes to; printed at the end as a table."""
    counted: Counts = {issue: [0, 0, 0] for issue in ISSUES}
    yield counted
    print(f"\n{clean.name:<18}{'planted':>8}{'found':>8}{'precision':>11}{'recall':>8}")
    for issue, (right, found, planted) in counted.items():
        if planted:
            print(f"{issue:<18}{planted:>8}{found:>8}{right / max(found, 1):>11.0%}{right / planted:>8.0%}")


def named(table: pd.DataFrame) -> Truth:
    return {(Path(path).name, issue) for path, issue in zip(table["path"], table["issue"])}


def test_clean_photos_give_no_finding(clean: Path) -> None:
    found = check_data(clean)
    assert found.empty and found.attrs["refused"] == "" and found.attrs["photos"] == 40


def test_every_issue_has_a_plant() -> None:
    assert set(PLANTS) == set(ISSUES) - NEVER_PLANTED and set(CHECKS) <= set(PLANTS)


@pytest.mark.parametrize("issue", PLANTS)
def test_planted_faults_are_named(issue: str, clean: Path, counts: Counts, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    shutil.copytree(clean, folder)
    truth = PLANTS[issue](folder, sorted(folder.glob("*.jpg")), np.random.default_rng(0))
    table = folder / "pets.csv"
    found = named(check_data(table if table.exists() else folder, "auto"))
    for name in ISSUES:
        ours, theirs = {row for row in found if row[1] == name}, {row for row in truth if row[1] == name}
        counts[name] = [before + n for before, n in zip(counts[name], (len(ours & theirs), len(ours), len(theirs)))]
    assert found == truth, f"missed {sorted(truth - found)}, wrongly named {sorted(found - truth)}"


@pytest.mark.skipif(REAL_PETS is None, reason="the real photos are not at ../shared/data/pets/images")
def test_all_real_photos_are_clean() -> None:
    assert REAL_PETS is not None
    found = check_data(REAL_PETS)
    assert "blocks" not in levels_of(found) and len(found) <= 2, found.to_string()
