"""Find twins: the same file twice, and the same picture saved again, smaller, greyer, slightly cropped or mirrored.

Works on the measures alone. Two photos are near duplicates where their perceptual hashes differ in at most 12 of 64 bits
and the edges of their 16 x 16 greys correlate by 0.84 or more. Hashes alone are not enough: of 10,000 drawn pets, 70 pairs
of black dogs on snow came within 12 bits (370 real photos stay 14 apart), but their edges correlate by 0.78 at most. A
photo saved small, at low quality, grey, blurred, lighter or darker keeps within 10 bits and above 0.95, one turned by 2
degrees or cropped by 2 % a side above 0.87. Larger crops and frames are missed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from petbreeds.data.measures import THUMB

TWINS = "twins"  # the column of a frame that numbers the groups; ALONE where a photo has no twin
ALONE = -1
MOST_BITS = 12
LEAST_CORRELATION = 0.84
FLAT = 0.04  # brightness range below which a picture shows nothing, so that its hash says nothing
_BLOCK = 256  # photos compared with all others at a time: 10,000 photos need 20 MB
_MOST_LINKS = 20  # of one photo: a film of a thousand frames must not make a million pairs


def find_twins(measured: pd.DataFrame) -> pd.DataFrame:
    """Return pairs of rows that show the same picture: `first, second, kind, score`.

    measured: rows of Measures. first, second: row numbers, first < second. kind: "copy" (the same bytes), "near" or
    "mirror". score: 1 for copies, else the correlation. Of copies, only the first is compared with other pictures.
    """
    readable = np.flatnonzero((measured["problem"] == "").to_numpy())
    first_of: dict[str, int] = {}
    pairs: list[tuple[int, int, str, float]] = []
    for row, content in zip(readable.tolist(), measured["content"].iloc[readable]):
        leader = first_of.setdefault(content, row)
        if leader != row:
            pairs.append((leader, row, "copy", 1.0))
    leaders = np.array(list(first_of.values()), dtype=int)
    telling = leaders[(measured["spread"].iloc[leaders] >= FLAT).to_numpy()]
    if len(telling) > 1:
        near = _near_pairs(measured.iloc[telling])
        pairs += [(int(telling[i]), int(telling[j]), kind, score) for i, j, kind, score in near]
    return pd.DataFrame(pairs, columns=pd.Index(["first", "second", "kind", "score"]))


def number_groups(n: int, pairs: pd.DataFrame) -> np.ndarray:
    """Return the group of each of n rows: 0, 1, ... for rows linked by pairs, ALONE for the others.

    >>> number_groups(5, pd.DataFrame({"first": [1, 3], "second": [3, 4]})).tolist()
    [-1, 0, -1, 0, 0]
    """
    parent = list(range(n))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for first, second in zip(pairs["first"], pairs["second"]):
        parent[root(second)] = root(first)
    roots = [root(row) for row in range(n)]
    sizes = np.bincount(roots, minlength=n)
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(top, len(numbers)) if sizes[top] > 1 else ALONE for top in roots], dtype=int)


def n_groups(groups: np.ndarray) -> int:
    """Return how many groups of twins there are.

    >>> n_groups(np.array([-1, 0, 0, 1, 1]))
    2
    """
    return len(set(groups.tolist()) - {ALONE})


def take_groups(order: Sequence[int], wanted: int, frame: pd.DataFrame, taken: np.ndarray | None = None) -> list[int]:
    """Return the first `wanted` rows in an order, each with its whole group of twins, and no group in part.

    A group that would not fit, or holds the last photos of a class that nobody has taken, is passed over. Without groups
    these are simply the first rows. taken: mask of the rows given away already; the new ones are added.

    >>> take_groups([2, 0, 1, 3], 2, pd.DataFrame({"label": "pug", "twins": [0, -1, 0, -1]}))
    [0, 2]
    """
    taken = np.zeros(len(frame), dtype=bool) if taken is None else taken
    groups = frame[TWINS].tolist() if TWINS in frame else [ALONE] * len(frame)
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    labels, chosen = frame["label"].to_numpy(), []
    for row in order:
        whole = [row] if groups[row] == ALONE else members[groups[row]]
        if taken[row] or len(chosen) + len(whole) > wanted:
            continue
        if len(whole) > 1 and _empties_a_class(whole, labels, taken):
            continue
        taken[whole] = True
        chosen += whole
    return chosen


def _empties_a_class(rows: list[int], labels: np.ndarray, taken: np.ndarray) -> bool:
    left = ~taken
    left[rows] = False
    return any(not (left & (labels == label)).any() for label in set(labels[rows]))


def _near_pairs(measured: pd.DataFrame) -> list[tuple[int, int, str, float]]:
    seen, mirrored = _bits(measured["seen"]), _bits(measured["mirrored"])
    thumbs = np.frombuffer(b"".join(measured["thumb"]), dtype=np.uint8).reshape(-1, THUMB, THUMB)
    found: dict[tuple[int, int], tuple[str, float]] = {}
    for kind, bits, others in (("near", seen, thumbs), ("mirror", mirrored, thumbs[:, :, ::-1])):
        for start in range(0, len(seen), _BLOCK):
            links = np.array(_candidates(seen, bits, start), dtype=int).reshape(-1, 2)
            scores = (_edges(thumbs[links[:, 0]]) * _edges(others[links[:, 1]])).sum(axis=1)
            for (i, j), score in zip(links.tolist(), scores.tolist()):
                if score >= LEAST_CORRELATION:
                    found.setdefault((i, j), (kind, min(score, 1.0)))
    return [(i, j, kind, score) for (i, j), (kind, score) in found.items()]


def _candidates(seen: np.ndarray, others: np.ndarray, start: int) -> list[tuple[int, int]]:
    """Return pairs (i, j), i < j, of a block of photos whose hashes differ in at most MOST_BITS bits."""
    n_bits = seen.shape[1]
    differing = (n_bits - seen[start : start + _BLOCK] @ others[start:].T) / 2
    close = np.triu(differing <= MOST_BITS, k=1)
    links = []
    for i in np.flatnonzero(close.any(axis=1)):
        partners = np.flatnonzero(close[i])
        nearest = partners[np.argsort(differing[i, partners], kind="stable")[:_MOST_LINKS]]
        links += [(start + int(i), start + int(j)) for j in nearest]
    return links


def _bits(hashes: pd.Series) -> np.ndarray:
    """Return hashes as rows of -1 and 1, so that one product of matrices counts the bits in which they agree."""
    packed = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(len(hashes), -1)
    return np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1


def _edges(thumbs: np.ndarray) -> np.ndarray:
    """Return the steps between neighbours as rows of length 1; their roots, so that a silhouette does not outweigh the rest."""
    greys = thumbs.astype(np.float32)
    n_steps = THUMB * (THUMB - 1)
    across, down = (np.diff(greys, axis=axis).reshape(len(greys), n_steps) for axis in (2, 1))
    steps = np.concatenate([across, down], axis=1)
    roots = np.sign(steps) * np.sqrt(np.abs(steps))
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)
