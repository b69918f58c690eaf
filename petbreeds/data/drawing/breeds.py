"""The 37 breeds of the Oxford-IIIT Pets, as one row of traits each.

A row says what an eye looks for: ears, muzzle, build, fur, tail, eyes and the coats that occur. It is a drawing model
for the offline sample, not a breed standard. Names are Oxford's own: a capital first letter is a cat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from petbreeds.errors import unknown


@dataclass(frozen=True)
class Coat:
    """A pattern (a row of `patterns.PATTERNS`) and its three colours as RGB hex."""

    pattern: str
    base: str
    light: str
    dark: str


@dataclass(frozen=True)
class Traits:
    """What tells one breed from another; lengths are in head radii (face) or torso radii (body), shares from 0 to 1."""

    coats: tuple[str, ...]  # rows of COATS; a name that stands twice is drawn twice as often
    ears: str = "pricked"  # a row of head.EARS
    ear: float = 1.0  # size of the ears
    muzzle: float = 0.12  # how far the muzzle stands out
    snout: float = 0.36  # half the muzzle's width
    skull: float = 1.0  # width of the skull
    jowl: float = 0.0  # hanging lips
    fur: float = 0.2  # length of the coat
    ruff: float = 0.0  # mane around the neck
    beard: float = 0.0
    brows: float = 0.0  # hair that hangs over the eyes
    eyes: tuple[str, ...] = ("#4a2c16",)
    eye: float = 1.0  # size of the eyes
    leg: float = 1.3
    girth: float = 1.0
    length: float = 1.5
    head: float = 0.85  # head radius in torso radii
    tail: str = "long"  # a row of body.TAILS


COATS: dict[str, Coat] = {
    "ruddy": Coat("ticked", "#a9693a", "#dcb084", "#5b3420"),
    "sorrel": Coat("ticked", "#bb7650", "#e6c2a0", "#824a30"),
    "rosettes": Coat("rosettes", "#bf8848", "#ecd4aa", "#38210f"),
    "snow rosettes": Coat("rosettes", "#d3bd98", "#f1e7d3", "#765a3e"),
    "seal point": Coat("points", "#e3d3ba", "#f6efe3", "#49342a"),
    "blue point": Coat("points", "#dedad4", "#f4f1ec", "#747985"),
    "lilac point": Coat("points", "#e9e0d8", "#f8f3ee", "#a8978f"),
    "seal gloves": Coat("gloves", "#e3d3ba", "#f8f3ea", "#4b372c"),
    "blue gloves": Coat("gloves", "#dedad4", "#f7f5f1", "#767b87"),
    "seal bicolour": Coat("points bicolour", "#e0cfb6", "#f8f4ec", "#50392d"),
    "black cat": Coat("solid", "#211f22", "#2d2a2d", "#141316"),
    "blue cat": Coat("solid", "#7d8592", "#8f97a3", "#646b78"),
    "russian blue": Coat("solid", "#76818f", "#8a95a3", "#606a78"),
    "silver tabby": Coat("tabby", "#a9a7a3", "#dcdad6", "#3d3b3b"),
    "brown tabby": Coat("tabby", "#8f7049", "#d5bd95", "#33241a"),
    "red tabby": Coat("tabby", "#d08b4c", "#f0cfa2", "#a15a26"),
    "tabby and white": Coat("tabby bicolour", "#8a7254", "#f4f0e8", "#35291f"),
    "silver spots": Coat("spots", "#b5b1a7", "#e3dfd5", "#3a3531"),
    "bronze spots": Coat("spots", "#ab8a63", "#dec7a3", "#402b1c"),
    "white cat": Coat("solid", "#efebe4", "#f8f6f2", "#d5cfc6"),
    "cream cat": Coat("solid", "#e2c49b", "#f2e2c8", "#c59d6c"),
    "red cat": Coat("solid", "#cf8f55", "#ebc598", "#a3652f"),
    "smoke cat": Coat("shaded", "#77757a", "#cfccca", "#3f3d42"),
    "pink skin": Coat("skin", "#d9ab95", "#ebc8b7", "#b5806c"),
    "grey skin": Coat("skin", "#a38a83", "#cfb5aa", "#6c5753"),
    "white dog": Coat("solid", "#f0ece4", "#faf8f4", "#d9d1c4"),
    "cream dog": Coat("solid", "#e8d6b8", "#f6ecdb", "#c9ad84"),
    "badger marks": Coat("badger", "#f0ebe2", "#faf8f4", "#b5a48e"),
    "red and white": Coat("bicolour", "#ad683b", "#f4efe7", "#6d3b20"),
    "fawn and white": Coat("bicolour", "#c79a68", "#f4efe7", "#7b5536"),
    "brindle and white": Coat("brindle", "#7f5c40", "#f2ece4", "#33241b"),
    "blue and white": Coat("bicolour", "#777d88", "#f1eeea", "#4c515c"),
    "black and white": Coat("bicolour", "#2b2829", "#f2eee8", "#171617"),
    "white with patches": Coat("patched", "#f1ece4", "#f9f6f1", "#a9683c"),
    "white with black": Coat("patched", "#f3f0ea", "#faf8f5", "#252324"),
    "white with red": Coat("patched", "#f2ede5", "#faf7f2", "#b4703f"),
    "hound": Coat("saddle", "#b3733f", "#f5f0e8", "#28221f"),
    "faded hound": Coat("saddle", "#c28d58", "#f6f1e9", "#6b4a34"),
    "lemon hound": Coat("patched", "#f3ede2", "#faf7f1", "#cc9a62"),
    "fawn mask": Coat("mask", "#c88f55", "#dcae78", "#2d2320"),
    "pug fawn": Coat("mask", "#d4b48a", "#e4cba7", "#2c2524"),
    "lion mask": Coat("mask", "#b5773f", "#d2a069", "#30221b"),
    "boxer": Coat("mask bicolour", "#b5743f", "#f3eee6", "#2c2220"),
    "boxer brindle": Coat("brindle", "#90643e", "#f2ece4", "#33241b"),
    "tan dog": Coat("solid", "#c9955f", "#e2bd90", "#93612f"),
    "gold dog": Coat("solid", "#c27c3c", "#dca469", "#8a4f20"),
    "black dog": Coat("solid", "#262426", "#343134", "#171618"),
    "brown dog": Coat("solid", "#5a3a29", "#79533d", "#38231a"),
    "black and tan": Coat("black tan", "#262221", "#b0703c", "#151314"),
    "red pinscher": Coat("solid", "#a2582f", "#b97148", "#743a1c"),
    "blue belton": Coat("roan", "#f0ece5", "#f8f5f0", "#2f2c2d"),
    "orange belton": Coat("roan", "#f2ece2", "#faf6ef", "#b87743"),
    "liver roan": Coat("liver roan", "#8d786c", "#c9bbb0", "#4a2b20"),
    "liver": Coat("solid", "#4f2f23", "#6b4535", "#331d15"),
    "wolf grey": Coat("shaded", "#8d8a87", "#dcd6cb", "#302e30"),
    "orange sable": Coat("shaded", "#cc8440", "#edc48e", "#94541f"),
    "red shiba": Coat("urajiro", "#c2763b", "#f3e6d2", "#9a5526"),
    "black shiba": Coat("black tan", "#2c2826", "#cfa26f", "#1a1817"),
    "wheaten": Coat("shadowed", "#d8b682", "#ead0a5", "#8f6a40"),
    "steel and tan": Coat("yorkie", "#5b606b", "#c88f52", "#3b3f49"),
}

GREEN, GOLD, BLUE, COPPER = "#8f9a4c", "#c0923a", "#5f8fcd", "#b86a24"

BREEDS: dict[str, Traits] = {
    "Abyssinian": Traits(("ruddy", "ruddy", "sorrel"), ear=1.25, muzzle=0.2, skull=0.88, fur=0.12,
        eyes=(GOLD, GREEN), girth=0.8, leg=1.6),
    "Bengal": Traits(("rosettes", "rosettes", "snow rosettes"), ear=0.9, muzzle=0.18, skull=0.93, fur=0.12,
        eyes=(GREEN, GOLD), girth=0.95, leg=1.5, length=1.7),
    "Birman": Traits(("seal gloves", "seal gloves", "blue gloves", "seal point"), ear=0.88, muzzle=0.13, fur=0.7,
        ruff=0.6, eyes=(BLUE,), girth=1.05, tail="plume"),
    "Bombay": Traits(("black cat",), ear=0.95, muzzle=0.1, fur=0.1, eyes=(COPPER, GOLD), girth=0.95),
    "British_Shorthair": Traits(("blue cat", "blue cat", "blue cat", "silver tabby", "cream cat"), ear=0.68,
        muzzle=0.05, skull=1.24, fur=0.35, eyes=(COPPER, GOLD), girth=1.2, leg=1.0),
    "Egyptian_Mau": Traits(("silver spots", "silver spots", "bronze spots"), ear=1.02, muzzle=0.18, skull=0.92,
        fur=0.12, eyes=(GREEN,), girth=0.82, leg=1.55),
    "Maine_Coon": Traits(("brown tabby", "brown tabby", "red tabby", "silver tabby", "tabby and white"),
        ears="tufted", ear=1.2, muzzle=0.28, skull=0.98, fur=0.75, ruff=0.75, eyes=(GREEN, GOLD), girth=1.15,
        length=1.8, tail="plume"),
    "Persian": Traits(("white cat", "cream cat", "red cat", "smoke cat"), ear=0.6, muzzle=-0.1, skull=1.18,
        fur=0.95, ruff=0.8, eyes=(COPPER, COPPER, GREEN), eye=1.05, girth=1.2, leg=0.85, tail="plume"),
    "Ragdoll": Traits(("seal point", "blue point", "seal bicolour", "blue gloves"), ear=0.88, muzzle=0.15,
        skull=1.03, fur=0.66, ruff=0.55, eyes=(BLUE,), girth=1.12, length=1.65, tail="plume"),
    "Russian_Blue": Traits(("russian blue",), ear=1.08, muzzle=0.17, skull=0.9, fur=0.15, eyes=(GREEN,), girth=0.84,
        leg=1.55),
    "Siamese": Traits(("seal point", "seal point", "blue point", "lilac point"), ear=1.4, muzzle=0.3, skull=0.8,
        fur=0.08, eyes=(BLUE,), girth=0.74, leg=1.7, length=1.7),
    "Sphynx": Traits(("pink skin", "pink skin", "grey skin"), ears="bat", ear=1.5, muzzle=0.2, skull=0.84, fur=0.0,
        eyes=(GREEN, GOLD, BLUE), eye=1.1, girth=0.85, leg=1.5, tail="whip"),
    "american_bulldog": Traits(("white dog", "white with patches", "white with patches"), ears="rose", ear=0.8,
        muzzle=0.45, snout=0.52, skull=1.15, jowl=0.7, fur=0.08, girth=1.15, leg=1.5, tail="whip"),
    "american_pit_bull_terrier": Traits(("red and white", "fawn and white", "blue and white", "brindle and white"),
        ears="rose", ear=0.9, muzzle=0.56, snout=0.43, skull=1.08, jowl=0.3, fur=0.06, girth=1.0, leg=1.6,
        tail="whip"),
    "basset_hound": Traits(("hound", "hound", "faded hound", "lemon hound"), ears="drop", ear=1.85, muzzle=0.9,
        snout=0.44, skull=0.82, jowl=1.1, fur=0.06, girth=1.2, leg=0.4, length=2.3, head=0.95, tail="sabre"),
    "beagle": Traits(("hound", "hound", "faded hound"), ears="drop", ear=0.95, muzzle=0.55, snout=0.37, skull=0.92,
        jowl=0.3, fur=0.1, leg=1.35, tail="sabre"),
    "boxer": Traits(("boxer", "boxer", "boxer", "fawn mask", "boxer brindle"), ears="button", ear=0.85, muzzle=0.32,
        snout=0.5, jowl=0.8, fur=0.05, leg=1.9, tail="stub"),
    "chihuahua": Traits(("tan dog", "tan dog", "cream dog", "fawn and white"), ears="bat", ear=1.45, muzzle=0.32,
        snout=0.25, skull=1.02, fur=0.12, eye=1.25, girth=0.8, leg=1.3, head=0.95, tail="sabre"),
    "english_cocker_spaniel": Traits(("gold dog", "gold dog", "black dog", "brown dog"), ears="drop", ear=1.4,
        muzzle=0.62, snout=0.38, skull=0.9, jowl=0.4, fur=0.5, leg=1.2, tail="stub"),
    "english_setter": Traits(("blue belton", "blue belton", "orange belton"), ears="drop", ear=1.15, muzzle=0.95,
        snout=0.35, skull=0.84, jowl=0.45, fur=0.5, leg=1.8, length=1.7, head=0.75, tail="plume"),
    "german_shorthaired": Traits(("liver roan", "liver roan", "liver"), ears="drop", ear=1.0, muzzle=0.95,
        snout=0.37, skull=0.85, jowl=0.4, fur=0.05, leg=2.0, length=1.6, head=0.75, tail="stub"),
    "great_pyrenees": Traits(("white dog", "badger marks"), ears="flap", ear=1.15, muzzle=0.75, snout=0.44,
        jowl=0.5, fur=0.7, ruff=0.45, eye=0.9, girth=1.2, leg=1.7, head=0.8, tail="plume"),
    "havanese": Traits(("cream dog", "cream dog", "black and white"), ears="flap", ear=1.3,
        muzzle=0.4, snout=0.33, fur=1.0, ruff=0.2, beard=0.8, brows=1.0, leg=0.8, length=1.55, tail="curl"),
    "japanese_chin": Traits(("white with black", "white with black", "white with red"), ears="flap", ear=1.25,
        muzzle=0.08, snout=0.34, skull=1.06, fur=0.65, ruff=0.35, eye=1.35, girth=0.9, leg=1.0, head=0.9,
        tail="curl"),
    "keeshond": Traits(("wolf grey",), ear=0.72, muzzle=0.58, snout=0.3, skull=0.96, fur=0.9, ruff=1.0, leg=1.2,
        tail="curl"),
    "leonberger": Traits(("lion mask",), ears="flap", ear=1.0, muzzle=0.75, snout=0.42, jowl=0.4, fur=0.75,
        ruff=0.7, girth=1.2, leg=1.7, head=0.78, tail="plume"),
    "miniature_pinscher": Traits(("black and tan", "black and tan", "red pinscher"), ear=1.1, muzzle=0.65,
        snout=0.26, skull=0.82, fur=0.03, girth=0.75, leg=1.8, tail="stub"),
    "newfoundland": Traits(("black dog", "black dog", "brown dog"), ears="flap", ear=0.9, muzzle=0.62, snout=0.45,
        skull=1.08, jowl=0.55, fur=0.8, ruff=0.6, girth=1.3, leg=1.4, head=0.8, tail="plume"),
    "pomeranian": Traits(("orange sable", "orange sable", "orange sable", "gold dog"), ear=0.5, muzzle=0.34,
        snout=0.24, skull=0.95, fur=1.0, ruff=1.0, girth=0.95, leg=0.8, length=1.1, head=0.8, tail="curl"),
    "pug": Traits(("pug fawn", "pug fawn", "pug fawn", "black dog"), ears="button", ear=0.75, muzzle=0.06,
        snout=0.5, skull=1.1, jowl=0.6, fur=0.08, eye=1.3, girth=1.15, leg=1.0, length=1.3, head=0.95, tail="curl"),
    "saint_bernard": Traits(("red and white", "red and white", "white with red"), ears="flap", ear=1.0, muzzle=0.6,
        snout=0.48, skull=1.12, jowl=0.95, fur=0.6, ruff=0.4, girth=1.3, leg=1.6, head=0.82, tail="plume"),
    "samoyed": Traits(("white dog",), ear=0.85, muzzle=0.6, snout=0.3, fur=0.95, ruff=0.95, girth=1.1, leg=1.4,
        tail="curl"),
    "scottish_terrier": Traits(("black dog",), ear=0.95, muzzle=1.05,
        snout=0.36, skull=0.74, fur=0.5, beard=1.1, brows=0.7, girth=1.05, leg=0.5, length=1.6, tail="sabre"),
    "shiba_inu": Traits(("red shiba", "red shiba", "red shiba", "black shiba"), ear=0.72, muzzle=0.55, snout=0.31,
        skull=1.0, fur=0.35, ruff=0.2, leg=1.4, tail="curl"),
    "staffordshire_bull_terrier": Traits(("brindle and white", "red and white", "black and white",
        "blue and white"), ears="rose", ear=0.88, muzzle=0.46, snout=0.46, skull=1.14, jowl=0.35, fur=0.06,
        girth=1.1, leg=1.35, tail="whip"),
    "wheaten_terrier": Traits(("wheaten",), ears="button", ear=0.9, muzzle=0.68, snout=0.38, skull=0.92, fur=0.75,
        beard=0.9, brows=0.9, leg=1.6, tail="sabre"),
    "yorkshire_terrier": Traits(("steel and tan",), ear=0.8, muzzle=0.38, snout=0.26, skull=0.9, fur=0.8, beard=0.6,
        brows=0.4, eye=1.1, girth=0.85, leg=0.85, tail="stub"),
}  # fmt: skip


def is_cat(breed: str) -> bool:
    """Say whether a breed's name is a cat's, by Oxford's rule of the capital first letter.

    >>> is_cat("Birman"), is_cat("great_pyrenees")
    (True, False)
    """
    return breed[:1].isupper()


def find_traits(breed: str) -> Traits:
    """Return the row of a breed; a name that is in no row is an error with the nearest one."""
    if breed not in BREEDS:
        raise unknown("breed", breed, BREEDS)
    return BREEDS[breed]


def trait_distance(one: str, other: str) -> float:
    """Return how far apart two breeds are drawn: 0 for the same row, above 1 for unlike animals.

    >>> trait_distance("Birman", "Ragdoll") < trait_distance("Birman", "Bombay") < trait_distance("Birman", "pug")
    True
    """
    left, right = find_traits(one), find_traits(other)
    total = 4.0 * (is_cat(one) != is_cat(other))
    for field in fields(Traits):
        mine, theirs = getattr(left, field.name), getattr(right, field.name)
        if isinstance(mine, tuple):
            total += 1 - len(set(mine) & set(theirs)) / len(set(mine) | set(theirs))
        elif isinstance(mine, str):
            total += mine != theirs
        else:
            total += math.fabs(mine - theirs)
    return total / 4
