"""Findings: one table shape for everything that can be wrong with data, and how much each kind matters.

A finding is `path, issue, score, why`; `score` runs from 0 (fine) to 1 (certainly so). ISSUES is the one place that says
which kinds there are, in the order in which they are shown. The names are stable, because scripts read them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from petbreeds.errors import DataError

LEVELS = ("blocks", "warns", "notes")  # training is refused | the model will suffer | good to know, nothing to do
MOST_SHOWN = 50  # rows on a screen
NEVER = 2.0  # a score that no finding reaches


class Finding(NamedTuple):
    """One thing wrong with one photo."""

    path: str
    issue: str
    score: float
    why: str


class Issue(NamedTuple):
    """level: how much this kind matters as a rule. blocks_at: from this score on, training refuses. means: for people."""

    level: str
    blocks_at: float
    means: str


ISSUES: dict[str, Issue] = {
    "missing": Issue("blocks", 0.0, "files that are listed but gone: correct the table"),
    "unlabelled": Issue("warns", 1.0, "photos without a label: name or list them, or move them away"),
    "rare-class": Issue("warns", 1.0, "classes with too few photos: add photos, or leave the class out"),
    "imbalance": Issue("warns", 1.0, "classes far smaller than the largest: the model will neglect them"),
    "label-conflict": Issue("warns", 1.0, "one picture under two labels: keep the right one"),
    "label-spelling": Issue("warns", NEVER, "labels that differ only in case, spaces or underscores: write them alike"),
    "leak": Issue("warns", NEVER, "twins on both sides of the split: the error will look better than it is"),
    "unreadable": Issue("warns", NEVER, "files that cannot be opened: training leaves them out"),
    "bomb": Issue("warns", NEVER, "pictures of far too many pixels: training leaves them out"),
    "blank": Issue("warns", NEVER, "pictures that show next to nothing: leave them out"),
    "duplicate": Issue("warns", NEVER, "the same file more than once: keep one"),
    "near-duplicate": Issue("warns", NEVER, "the same picture, changed a little: keep one"),
    "label-suspect": Issue("warns", NEVER, "labels that the model doubts: look at them"),
    "tiny": Issue("warns", NEVER, "pictures of very few pixels: nothing can be recognised"),
    "blurred": Issue("warns", NEVER, "pictures out of focus or enlarged: look whether they help"),
    "dark": Issue("warns", NEVER, "pictures that are nearly black: look whether they help"),
    "bright": Issue("warns", NEVER, "pictures that are nearly white: look whether they help"),
    "odd-shape": Issue("notes", NEVER, "very long or very tall pictures: their middle is what will be seen"),
    "wrong-format": Issue("notes", NEVER, "files of another format than their name says: read all the same"),
    "animated": Issue("notes", NEVER, "animated pictures: their first frame counts"),
    "rotated": Issue("notes", NEVER, "pictures that their camera says to turn: turned when read"),
    "colour-mode": Issue("notes", NEVER, "grey, palette, CMYK, transparent or 16-bit pictures: converted when read"),
}


def level_of(issue: str, score: float) -> str:
    """Return how much a finding matters: "blocks", "warns" or "notes".

    >>> level_of("rare-class", 0.6), level_of("rare-class", 1.0)
    ('warns', 'blocks')
    """
    kind = ISSUES[issue]
    return "blocks" if score >= kind.blocks_at else kind.level


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table `path, issue, score, why`, what matters most first; also when there are none.

    >>> findings_table([Finding("a.jpg", "rotated", 1.0, ""), Finding("b.jpg", "blank", 1.0, "")])["issue"].tolist()
    ['blank', 'rotated']
    """
    order = {issue: rank for rank, issue in enumerate(ISSUES)}
    rows = sorted(
        findings, key=lambda row: (LEVELS.index(level_of(row.issue, row.score)), order[row.issue], -row.score, row.path)
    )
    return pd.DataFrame(rows, columns=pd.Index(Finding._fields)).astype({"score": float})


def levels_of(table: pd.DataFrame) -> list[str]:
    """Return the level of each row of a table of findings."""
    return [level_of(issue, score) for issue, score in zip(table["issue"], table["score"])]


def summarise(table: pd.DataFrame) -> str:
    """Return the lines of a checked table's summary for somebody who has never trained a model.

    table: what `petbreeds.check` returns; `.attrs` says what was looked at.
    """
    facts, levels = table.attrs, levels_of(table)
    lines = [
        f"{facts['photos']:,} photos of {facts['classes']:,} classes looked at in {facts['seconds']:.1f} s.",
        *facts["notes"],
    ]
    blocking = levels.count("blocks")
    if facts["refused"]:
        lines += ["Training would refuse this data:", *(f"  {line}" for line in facts["refused"].splitlines())]
    elif blocking:
        lines.append("Training would refuse this data: see the rows marked `blocks`.")
    else:
        lines.append("Training can start." if levels else "Nothing is wrong with it. Training can start.")
    titles = {"blocks": "Blocks training:", "warns": "Look at these:", "notes": "Good to know, nothing to do:"}
    for level, title in titles.items():
        found = [issue for issue, its_level in zip(table["issue"], levels) if its_level == level]
        if found:
            lines.append(title)
            lines += [f"  {issue:<15}{found.count(issue):>6,}  {ISSUES[issue].means}" for issue in dict.fromkeys(found)]
    return "\n".join(lines)


def to_json(table: pd.DataFrame) -> str:
    """Return a checked table as one JSON object: what was looked at, the counts, and the findings with their level."""
    rows = table.assign(level=levels_of(table)).to_dict("records")
    facts = {name: table.attrs[name] for name in ("photos", "classes", "seconds", "refused", "notes", "counts")}
    return json.dumps({**facts, "findings": rows}, indent=2, ensure_ascii=False)


def describe(table: pd.DataFrame, written: str | os.PathLike[str] | None = None) -> str:
    """Return the summary and the first MOST_SHOWN rows, each with its level. written: where the whole table is."""
    shown: Any = table.head(MOST_SHOWN)
    paths = [str(path).removeprefix(table.attrs["folder"] + os.sep) for path in shown["path"]]
    rows = list(
        zip(levels_of(shown), shown["issue"], [f"{score:.2f}" for score in shown["score"]], paths, shown["why"])
    )
    hidden = len(table) - len(shown)
    place = f"all are in {written}" if written else "--csv FILE writes them all"
    end = [f"... and {hidden:,} more: {place}."] if hidden else [f"Written to {written}."] if written else []
    return "\n".join([summarise(table), *(["", *_aligned(rows)] if rows else []), *end])


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return the rows with their columns below each other, the last one as long as it is."""
    titled = [("level", "issue", "score", "path", "why"), *rows]
    widths = [max(map(len, column)) for column in list(zip(*titled))[:-1]]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]) for row in titled]


def reaches(table: pd.DataFrame, level: str) -> bool:
    """Say whether a checked table holds anything of this level or a worse one; a refusal of training counts as blocking."""
    worst = LEVELS[: LEVELS.index(level) + 1]
    return bool(table.attrs.get("refused")) or any(its_level in worst for its_level in levels_of(table))


def write_csv(table: pd.DataFrame, file: str | os.PathLike[str]) -> None:
    """Write a table of findings; the file appears whole or not at all. Raises DataError where it cannot be written."""
    target = Path(file).expanduser()
    fresh = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        table.to_csv(fresh, index=False)
        os.replace(fresh, target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise DataError(
            f"Cannot write {target}: {error.strerror or error}.\nGive a file in a folder that exists and can be written."
        ) from error
