"""The patterns of the drawn pets: which region has which colour, and where markings lie.

Markings are ellipsoids of paint in the head's or the torso's own frame, so they turn with the animal. Colours are
named by their part in a coat (base, light, dark), so one pattern serves coats of any colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from petbreeds.data.drawing.clay import HEAD, LEG, TAIL, TORSO, Point


@dataclass(frozen=True)
class Mark:
    """Paint inside an ellipsoid of the head's or the torso's frame (x across, y up, z forward)."""

    part: int
    colour: str  # base, light or dark
    centre: Point
    radii: Point
    strength: float = 1.0
    both: bool = False  # the same on the other side


@dataclass(frozen=True)
class Pattern:
    """A coat's plan: colours of regions (the rest is base), marks, and a tile over some parts."""

    regions: Mapping[str, str] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    tile: str = ""
    tile_colour: str = "dark"
    tile_parts: tuple[int, ...] = (TORSO, LEG, TAIL)
    tile_size: float = 1.0
    tile_strength: float = 0.9


_POINTS = {
    "ear": "dark",
    "tail": "dark",
    "tip": "dark",
    "paw": "dark",
    "leg": "dark",
    "chest": "light",
    "muzzle": "dark",
}
_MASK = Mark(HEAD, "dark", (0, -0.15, 0.9), (0.62, 0.72, 0.62), 0.92)
_BLAZE = Mark(HEAD, "light", (0, 0.35, 0.75), (0.17, 0.75, 0.8))
_WHITE_FRONT = {"chest": "light", "paw": "light", "muzzle": "light", "chin": "light", "belly": "light"}
_BACK = Mark(TORSO, "dark", (0, 0.75, -0.15), (0.95, 0.85, 0.95))
_BROWS = Mark(HEAD, "light", (0.27, 0.38, 0.8), (0.13, 0.11, 0.3), 0.9, both=True)
_M_LINES = Mark(HEAD, "dark", (0.16, 0.55, 0.6), (0.05, 0.36, 0.5), 0.75, both=True)
_M_OUTER = Mark(HEAD, "dark", (0.42, 0.52, 0.55), (0.05, 0.3, 0.5), 0.65, both=True)
_CHEEK_LINE = Mark(HEAD, "dark", (0.68, -0.08, 0.45), (0.32, 0.045, 0.5), 0.65, both=True)
_EYE_RIMS = Mark(HEAD, "light", (0.38, 0.05, 0.8), (0.2, 0.2, 0.25), 0.6, both=True)
_TABBY_FACE = (_M_LINES, _M_OUTER, _CHEEK_LINE, _EYE_RIMS)
_TABBY_PALE = {"muzzle": "light", "chin": "light", "tip": "dark"}

PATTERNS: dict[str, Pattern] = {
    "solid": Pattern({"inner": "light", "muzzle": "base"}),
    "skin": Pattern(
        {"ear": "base", "inner": "light"},
        (
            Mark(HEAD, "dark", (0, 0.75, 0.5), (0.5, 0.05, 0.6), 0.45),
            Mark(HEAD, "dark", (0, 0.58, 0.6), (0.42, 0.045, 0.6), 0.45),
            Mark(HEAD, "dark", (0, 0.42, 0.7), (0.3, 0.04, 0.6), 0.4),
            Mark(TORSO, "dark", (0.3, 0.4, 0.7), (0.9, 0.06, 0.5), 0.35),
        ),
        tile="folds",
        tile_strength=0.4,
    ),
    "ticked": Pattern(
        {"chin": "light", "muzzle": "light", "belly": "light", "tip": "dark"},
        (
            Mark(TORSO, "dark", (0, 1.0, 0), (0.45, 0.5, 1.2), 0.6),
            _M_LINES,
            _EYE_RIMS,
        ),
        tile="ticking",
        tile_parts=(TORSO, LEG, TAIL, HEAD),
        tile_strength=0.5,
    ),
    "tabby": Pattern(_TABBY_PALE, _TABBY_FACE, tile="stripes", tile_size=0.75),
    "tabby bicolour": Pattern(
        {**_TABBY_PALE, **_WHITE_FRONT, "leg": "light"},
        (*_TABBY_FACE, _BLAZE),
        tile="stripes",
        tile_parts=(TORSO, TAIL),
        tile_strength=0.8,
    ),
    "spots": Pattern(_TABBY_PALE, _TABBY_FACE, tile="spots", tile_size=0.62),
    "rosettes": Pattern({**_TABBY_PALE, "belly": "light"}, _TABBY_FACE, tile="rosettes", tile_size=0.62),
    "points": Pattern(_POINTS, (_MASK,)),
    "gloves": Pattern({**_POINTS, "paw": "light"}, (_MASK,)),
    "points bicolour": Pattern(
        {**_POINTS, "paw": "light", "leg": "light", "muzzle": "light"},
        (_MASK, Mark(HEAD, "light", (0, -0.1, 0.9), (0.3, 0.6, 0.6)), _BLAZE),
    ),
    "bicolour": Pattern({**_WHITE_FRONT, "tip": "light"}, (_BLAZE,)),
    "brindle": Pattern(
        {"paw": "light"},
        (
            Mark(HEAD, "light", (0, 0.3, 0.8), (0.09, 0.5, 0.6)),
            Mark(HEAD, "light", (0, -0.5, 0.7), (0.2, 0.16, 0.5)),
            Mark(TORSO, "light", (0, -0.55, 0.75), (0.5, 0.7, 0.45)),  # a mark, for stripes lie under marks
        ),
        tile="brindle",
        tile_parts=(TORSO, LEG, TAIL, HEAD),
        tile_size=0.45,
        tile_strength=0.55,
    ),
    "shadowed": Pattern({"ear": "dark", "inner": "dark", "muzzle": "dark", "beard": "dark", "chin": "dark"}),
    "badger": Pattern({"ear": "dark"}, (Mark(HEAD, "dark", (0.5, 0.3, 0.4), (0.35, 0.4, 0.6), 0.6, both=True),)),
    "patched": Pattern(
        {"ear": "dark"},
        (Mark(HEAD, "dark", (0.55, 0.25, 0.3), (0.42, 0.6, 0.8), both=True),),
        tile="patches",
        tile_parts=(TORSO, TAIL),
    ),
    "saddle": Pattern(
        {**_WHITE_FRONT, "leg": "light", "tail": "dark", "tip": "light"},
        (_BACK, Mark(TORSO, "light", (0, -0.1, 1.1), (0.7, 0.9, 0.4)), _BLAZE),
    ),
    "mask": Pattern(
        {"ear": "dark", "inner": "dark", "muzzle": "dark", "chin": "dark"},
        (
            Mark(HEAD, "dark", (0, -0.2, 1.0), (0.45, 0.42, 0.75), 0.85),
            Mark(HEAD, "dark", (0.37, 0.13, 0.85), (0.2, 0.16, 0.3), 0.6, both=True),
        ),
    ),
    "mask bicolour": Pattern(
        {"muzzle": "dark", "chest": "light", "paw": "light", "chin": "light"},
        (
            Mark(HEAD, "dark", (0, -0.15, 1.0), (0.42, 0.4, 0.75), 0.8),
            Mark(HEAD, "light", (0, 0.3, 0.9), (0.1, 0.8, 0.9)),
        ),
    ),
    "black tan": Pattern(
        {"muzzle": "light", "chin": "light", "leg": "light", "paw": "light", "inner": "light"},
        (
            _BROWS,
            Mark(HEAD, "base", (0, 0.12, 1.1), (0.16, 0.24, 0.9)),
            Mark(TORSO, "light", (0.42, 0.0, 1.0), (0.3, 0.25, 0.4), 1, both=True),
            Mark(HEAD, "light", (0.55, -0.35, 0.5), (0.3, 0.25, 0.5), 0.8, both=True),
        ),
    ),
    "roan": Pattern(
        {"ear": "dark"},
        (Mark(HEAD, "dark", (0.6, 0.25, 0.2), (0.42, 0.5, 0.7), 0.9, both=True),),
        tile="flecks",
        tile_parts=(TORSO, LEG, TAIL, HEAD),
        tile_strength=0.85,
    ),
    "liver roan": Pattern(
        {
            "ear": "dark",
            "head": "dark",
            "muzzle": "dark",
            "cheek": "dark",
            "brow": "dark",
            "chin": "dark",
            "tail": "dark",
        },
        (Mark(TORSO, "dark", (0.6, 0.5, -0.2), (0.7, 0.6, 0.4)),),
        tile="flecks",
    ),
    "shaded": Pattern(
        {
            "ear": "dark",
            "inner": "light",
            "chest": "light",
            "leg": "light",
            "paw": "light",
            "tip": "light",
            "cheek": "light",
        },
        (
            Mark(TORSO, "dark", (0, 0.9, -0.1), (0.9, 0.6, 1.1), 0.7),
            Mark(HEAD, "dark", (0, -0.2, 1.0), (0.35, 0.4, 0.5), 0.7),
            Mark(HEAD, "dark", (0, 0.75, 0.4), (0.6, 0.4, 0.6), 0.5),
        ),
    ),
    "urajiro": Pattern(
        {"muzzle": "light", "chin": "light", "chest": "light", "belly": "light", "inner": "light", "tip": "light"},
        (
            Mark(HEAD, "light", (0.5, -0.28, 0.6), (0.34, 0.3, 0.5), 0.9, both=True),
            _BROWS,
            Mark(HEAD, "base", (0, 0.1, 1.2), (0.13, 0.2, 0.8)),
        ),
    ),
    "yorkie": Pattern(
        {
            "head": "light",
            "cheek": "light",
            "muzzle": "light",
            "chin": "light",
            "beard": "light",
            "brow": "light",
            "ear": "light",
            "inner": "light",
            "leg": "light",
            "paw": "light",
            "tail": "dark",
        }
    ),
}
