"""The model card: what a bundle's README says to the person who receives it.

Class names may come from anywhere, so each is written as text: no HTML, no links, no pictures.
"""

from __future__ import annotations

import html
import re
from typing import Any

from petbreeds.bundle.schema import INFO_FILE, MODEL_FILE, BundleInfo

SHOWN_CLASSES = 200

# Punctuation that Markdown may read as markup; . : @ / because some viewers make links of bare addresses.
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:@/])")


def as_text(value: object) -> str:
    r"""Return a value so that Markdown shows it letter by letter, on one line.

    >>> print(as_text("<b>[pug](x)"))
    &lt;b&gt;\[pug\]\(x\)
    """
    line = " ".join(str(value).split())
    return _MARKUP.sub(r"\\\1", html.escape(line, quote=False))


def write_card(info: BundleInfo) -> str:
    """Return the README of a bundle as Markdown: what it answers, how well, and how to use it."""
    return f"""# A photo classifier of {len(info.vocab)} classes

{_measured(info)}

| | |
|---|---|
{_rows(_facts(info))}

## Use it

```python
import petbreeds

model = petbreeds.load("this_folder")
model.predict("photo.jpg").label
```

`{MODEL_FILE}` holds the weights and `{INFO_FILE}` everything else; neither holds code.

## Limits

It answers with one of its classes whatever the photo shows, and knows only photos like those it learned from.

## Classes

{_classes(info.vocab)}
"""


def _measured(info: BundleInfo) -> str:
    shares = [info.metrics.get(name) for name in ("error_rate", "error_low", "error_high")]
    if not all(isinstance(share, (int, float)) for share in shares):
        return "Its error was not measured."
    error, low, high = (f"{100 * float(share or 0):.1f}" for share in shares)
    n_valid = as_text(info.metrics.get("n_valid", "an unknown number of"))
    line = f"Error on {n_valid} photos it had not learned from: **{error} %** (95 % interval {low} to {high} %)."
    again = " Afterwards its head learned once more, from these photos too." if info.refit else ""
    return line + again


def _facts(info: BundleInfo) -> dict[str, Any]:
    return {
        "architecture": info.arch,
        "head": info.head,
        "photos learned from": info.metrics.get("n_train", "unknown"),
        "input": f"{info.pixels['size']} x {info.pixels['size']} pixels",
        "probabilities": info.activation,
        "made with": f"petbreeds {info.petbreeds}",
    }


def _rows(facts: dict[str, Any]) -> str:
    return "\n".join(f"| {name} | {as_text(value)} |" for name, value in facts.items())


def _classes(vocab: list[str]) -> str:
    more = len(vocab) - SHOWN_CLASSES
    rest = f", and {more:,} more (see `{INFO_FILE}`)" if more > 0 else ""
    return ", ".join(as_text(name) for name in vocab[:SHOWN_CLASSES]) + rest
