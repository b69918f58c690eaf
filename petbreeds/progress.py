"""Progress that suits where it is shown: a bar in a terminal or a notebook, a few plain lines in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")

QUIET_SECONDS = 10.0  # at most one line in this time where no bar is shown


def in_notebook() -> bool:
    """Tell whether this is a Jupyter kernel."""
    shell = sys.modules.get("IPython")
    current = shell.get_ipython() if shell else None
    return current is not None and "IPKernelApp" in getattr(current, "config", {})


def is_interactive() -> bool:
    """Tell whether somebody watches: a notebook or a terminal. A log file gets no bars, only lines."""
    return in_notebook() or (sys.stdout is not None and sys.stdout.isatty())


def progress(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield the items and show how far it is: a bar, or in a log a line at most every ten seconds.

    >>> list(progress([1, 2, 3], 3, "photos read"))
    [1, 2, 3]
    """
    show = progress_counter(what)
    for done, item in enumerate(items, start=1):
        yield item
        show(done, total)


def progress_counter(what: str) -> Callable[[int, int], None]:
    """Return a function `(done, total)` that shows the same progress, for work that counts by itself."""
    state: dict[str, Any] = {"last": time.monotonic(), "bar": None}

    def show(done: int, total: int) -> None:
        if is_interactive():
            if state["bar"] is None:
                state["bar"] = _new_bar(total, what)
            state["bar"].update(done - state["bar"].n)
            if done >= total:
                state["bar"].close()
        elif time.monotonic() - state["last"] > QUIET_SECONDS and done < total:
            state["last"] = time.monotonic()
            print(f"{what}: {done:,} of {total:,}", flush=True)

    return show


def _new_bar(total: int, what: str) -> Any:
    if in_notebook():
        return NotebookLine(total, what)
    from tqdm import tqdm

    return tqdm(total=total, desc=what, leave=False)


class NotebookLine:
    """One line of a notebook's output, rewritten in place and gone at the end; a job of under a second shows none.

    tqdm's bar needs ipywidgets, and without them it warns and fills the notebook's error stream.
    """

    def __init__(self, total: int, what: str) -> None:
        self.n, self.total, self.what = 0, total, what
        self.last, self.handle = time.monotonic(), None

    def update(self, more: int) -> None:
        """Count `more` finished items and rewrite the line, once a second."""
        self.n += more
        if time.monotonic() - self.last < 1:
            return
        self.last = time.monotonic()
        self._write(f"{self.what}: {self.n:,} of {self.total:,}")

    def close(self) -> None:
        """Empty the line."""
        if self.handle is not None:
            self._write("")

    def _write(self, text: str) -> None:
        from IPython.display import display

        content = {"text/plain": text, "text/html": text}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)
