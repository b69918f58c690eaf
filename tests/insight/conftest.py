"""Figures are drawn into memory and closed after each test."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close every figure a test has opened."""
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
