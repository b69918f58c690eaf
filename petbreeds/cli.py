"""The command line: one sub-command per verb. Mistakes give one message and exit code 2, never a traceback."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from petbreeds.errors import PetBreedsError, unknown

app = typer.Typer(
    help="From a folder of labelled photos to a classifier you can trust, explain and hand out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DEFAULT_RUN = "petbreeds-run"
STOPPED = 130  # what typer makes of Ctrl-C


def _next_run() -> Path:
    """Return the first of petbreeds-run, petbreeds-run-2, ... that does not exist yet."""
    names = itertools.chain([DEFAULT_RUN], (f"{DEFAULT_RUN}-{i}" for i in itertools.count(2)))
    return next(Path(name) for name in names if not Path(name).exists())


def _number_or(text: str | None, word: str) -> Any:
    """Return a whole number, or the text itself, which the Recipe then judges."""
    if text is None or text == word:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def _share_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@app.command()
def train(
    path: Annotated[
        Optional[str], typer.Argument(help="Folder of photos, a CSV file, or oxford-pets; left out: the drawn pets.")
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="New folder for the run.  [default: petbreeds-run, -2, ...]")
    ] = None,
    labels: Annotated[
        str, typer.Option(help='"auto", "folder", "name", a pattern with a group, or a CSV file.')
    ] = "auto",
    label_column: Annotated[str, typer.Option(help="Column of the CSV file that holds the labels.")] = "label",
    path_column: Annotated[str, typer.Option(help="Column of the CSV file that holds the photos.")] = "path",
    valid: Annotated[str, typer.Option(help="Share for validation, a list file, or a column of the CSV file.")] = "0.2",
    split: Annotated[str, typer.Option(help="auto, random, grouped, stratified, folder, list or column.")] = "auto",
    arch: Annotated[str, typer.Option(help="Backbone: any torchvision or timm name.")] = "efficientnet_lite0",
    head: Annotated[str, typer.Option(help="linear, fastai or mlp.")] = "linear",
    weights: Annotated[str, typer.Option(help='"auto", "none" (random), or a .pth or .safetensors file.')] = "auto",
    epochs: Annotated[str, typer.Option(help='Epochs of fine-tuning, or "auto".')] = "auto",
    minutes: Annotated[Optional[float], typer.Option(help="Train for so long instead of a number of epochs.")] = None,
    size: Annotated[int, typer.Option(help="Pixels a side that the network sees.")] = 224,
    bs: Annotated[int, typer.Option(help="Photos a batch.")] = 64,
    lr: Annotated[Optional[float], typer.Option(help="Largest learning rate of fine-tuning.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same numbers on a CPU.")] = 42,
    precision: Annotated[str, typer.Option(help="auto, fp32, fp16 or bf16.")] = "auto",
    augment: Annotated[str, typer.Option(help="standard, strong, colour, flip or none.")] = "standard",
    mixup: Annotated[float, typer.Option(help="Alpha of mixup; 0 for none.")] = 0.0,
    label_smoothing: Annotated[float, typer.Option(help="Share of the target spread over all classes.")] = 0.0,
    sample_size: Annotated[Optional[int], typer.Option(help="How many pets to draw when PATH is left out.")] = None,
    num_workers: Annotated[
        Optional[int], typer.Option(help="Loader processes; left out: a number that hangs nowhere.")
    ] = None,
    refit: Annotated[bool, typer.Option(help="Fit the delivered head once more on all photos after measuring.")] = True,
) -> None:
    """Train a classifier, measure it, and write the bundle, metrics.json, history.csv and predictions.csv."""
    given = dict(locals())
    from petbreeds.recipe import FIELDS, Recipe

    choices = {name: given[name] for name in FIELDS if name in given}
    choices |= {
        "valid": _share_or_text(valid),
        "epochs": _number_or(epochs, "auto"),
        "weights": None if weights == "none" else weights,
    }
    Recipe().replace(**choices)  # a wrong value must show before the heavy imports
    from petbreeds import api

    target = out or _next_run()
    api.train(path, out=target, **choices)
    print(f"Written to {target}: try `petbreeds predict {target} PHOTO`.")


@app.command()
def check(
    path: Annotated[str, typer.Argument(help="Folder of photos, or a CSV file.")],
    csv: Annotated[Optional[Path], typer.Option(help="Write the table here: path, issue, score, why.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the text.")] = False,
    fail_on: Annotated[str, typer.Option(help="Exit with 1 from this level on: blocks, warns or notes.")] = "blocks",
    suspects: Annotated[bool, typer.Option("--labels", help="Also name photos whose label is probably wrong.")] = False,
    labels_from: Annotated[str, typer.Option(help="Where labels come from, as --labels of `train`.")] = "auto",
    valid: Annotated[str, typer.Option(help="As for `train`: twins across this split are found.")] = "0.2",
    split: Annotated[str, typer.Option(help="As for `train`.")] = "auto",
    seed: Annotated[int, typer.Option(help="As for `train`.")] = 42,
) -> None:
    """Say what is wrong with a data set; exit 1 if training would refuse it."""
    from petbreeds import api
    from petbreeds.data import findings
    from petbreeds.progress import is_interactive

    if fail_on not in findings.LEVELS:
        raise unknown("level", fail_on, findings.LEVELS)
    quiet = json and not is_interactive()  # a log line in the middle would spoil the object
    found = api.check(
        path, labels_from, valid=_share_or_text(valid), split=split, seed=seed, suspects=suspects, quiet=quiet
    )
    if csv is not None:
        findings.write_csv(found, csv)
    print(findings.to_json(found) if json else findings.describe(found, csv))
    if findings.reaches(found, fail_on):
        raise typer.Exit(1)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A bundle, or the folder of a run.")],
    photos: Annotated[list[str], typer.Argument(help="Photos, folders or patterns.")],
    csv: Annotated[Optional[Path], typer.Option(help="Write the table here instead of printing it.")] = None,
    all_classes: Annotated[bool, typer.Option("--all", help="One column per class with its probability.")] = False,
    bs: Annotated[int, typer.Option(help="Photos a batch.")] = 32,
) -> None:
    """Say what is in photos: a table path, label, probability, known, error."""
    from petbreeds import api
    from petbreeds.progress import progress_counter

    predictor = api.load(model)
    found = predictor.predict(photos if len(photos) > 1 else photos[0], bs=bs, progress=progress_counter("photos"))
    if csv is None:
        print(found.table(all_classes).to_string(index=False, float_format="{:.3f}".format))
        return
    found.to_csv(csv, all_classes)
    unread = int((~found.readable).sum())
    print(f"Written to {csv}: {len(found):,} photos" + (f", {unread:,} of them unreadable." if unread else "."))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="New folder for the drawn pets.")],
    sample_size: Annotated[int, typer.Option(help="How many pictures in all.")] = 740,
    seed: Annotated[int, typer.Option(help="Same seed, same pictures.")] = 42,
    layout: Annotated[str, typer.Option(help="flat, folders, csv or small (32 pixels).")] = "flat",
) -> None:
    """Draw pets of 37 breeds: drawings to try and to teach with, not photos."""
    from petbreeds import api

    print(f"Drawn into {api.sample(folder, sample_size, seed, layout)}.")


def main() -> None:
    """Run the command line; an error the user can mend is one message on standard error and exit code 2."""
    try:
        app()
    except PetBreedsError as error:
        print(f"petbreeds: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == STOPPED:
            print("petbreeds: stopped; nothing half-written is left.", file=sys.stderr)
        raise
