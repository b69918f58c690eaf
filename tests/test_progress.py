"""Progress: the items come through untouched, and a log file gets few and plain lines."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from petbreeds import progress as module
from petbreeds.progress import in_notebook, is_interactive, progress


@pytest.mark.parametrize("interactive", [True, False])
@pytest.mark.parametrize("n", [0, 1, 5])
def test_the_items_come_through(n: int, interactive: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_interactive", lambda: interactive)
    assert list(progress(iter(range(n)), n, "photos read")) == list(range(n))


def test_a_short_job_leaves_a_log_empty(capsys: pytest.CaptureFixture[str]) -> None:
    list(progress(range(100), 100, "photos read"))
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def test_a_long_job_logs_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=4)  # each look at the clock is four seconds later
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    list(progress(range(2000), 2000, "photos read"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "photos read: 3 of 2,000" and "photos read: 1,999 of 2,000" not in lines[:-1]
    assert len(lines) < 1000 and not any("\r" in line for line in lines)


def test_items_are_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for i in range(5):
            taken.append(i)
            yield i

    found = progress(source(), 5, "photos read")
    assert taken == []
    next(found)
    assert taken == [0]


def test_an_error_in_the_items_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        list(progress((1 // (2 - i) for i in range(4)), 4, "photos read"))


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (None, False),
        (SimpleNamespace(get_ipython=lambda: None), False),
        (SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={"TerminalIPythonApp": {}})), False),
        (SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={"IPKernelApp": {}})), True),
    ],
)
def test_in_notebook(shell: Any, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert in_notebook() is expected


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stdout", "expected"), [(None, False), (io.StringIO(), False), (Terminal(), True)])
def test_is_interactive(stdout: io.StringIO | None, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "in_notebook", lambda: False)
    monkeypatch.setattr(sys, "stdout", stdout)
    assert is_interactive() is expected
