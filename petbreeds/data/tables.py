"""Read labels from a table: a CSV file or a DataFrame with one row per photo.

A table is typed by hand, so every way it can be wrong has its own message. No photo is opened; it need only exist.
"""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any, NamedTuple, Union

import pandas as pd

from petbreeds.errors import DataError, examples

LabelTable = Union[pd.DataFrame, str, "os.PathLike[str]"]


def read_label_table(
    table: LabelTable, root: Path, *, label_column: str = "label", path_column: str = "path"
) -> pd.DataFrame:
    """Return `path, label` and the table's other columns; each path is that of an existing file.

    A relative path is looked for below `root`, then below `root/images`, then beside the CSV file. Repeated rows count
    once. Raises DataError for a missing file or column, an empty label, a photo that does not exist, or one photo with
    two labels.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.jpg").write_bytes(b"")
    ...     _ = Path(folder, "pets.csv").write_text("file,breed\\na.jpg,pug\\n")
    ...     frame = read_label_table(Path(folder, "pets.csv"), Path(folder), label_column="breed", path_column="file")
    >>> list(frame.columns), frame["label"].tolist()
    (['path', 'label'], ['pug'])
    """
    if isinstance(table, pd.DataFrame):
        rows, name, beside = table.copy(), "the table", root
    else:
        rows, name, beside = _read_csv(Path(table), root, [path_column, label_column])
    _check_columns(rows, name, [path_column, label_column])
    others = [column for column in rows.columns if column not in ("path", "label", path_column, label_column)]
    chosen = {"path": rows[path_column], "label": rows[label_column], **{column: rows[column] for column in others}}
    rows = pd.DataFrame(chosen)
    _check_filled(rows, name)
    rows["label"] = rows["label"].astype(str).str.strip()
    rows["path"] = _existing_paths(rows["path"].astype(str).str.strip().tolist(), [root, root / "images", beside], name)
    rows = rows.drop_duplicates(subset=["path", "label"]).reset_index(drop=True)
    _check_one_label_each(rows, name)
    return rows


class TableRow(NamedTuple):
    """One row as it stands: the file's path (as written, where there is none), its label or "", and whether it exists."""

    path: str
    label: str
    exists: bool


def survey_label_table(
    table: LabelTable, root: Path, *, label_column: str = "label", path_column: str = "path"
) -> list[TableRow]:
    """Return every row that names a photo, also the faulty ones; DataError only where there is no table to read."""
    if isinstance(table, pd.DataFrame):
        rows, name, beside = table, "the table", root
    else:
        rows, name, beside = _read_csv(Path(table), root, [path_column, label_column])
    _check_columns(rows, name, [path_column, label_column])
    found = []
    for entry, label in zip(rows[path_column], rows[label_column]):
        text = "" if pd.isna(entry) else str(entry).strip()
        path = _existing_path(text, [root, root / "images", beside]) if text else None
        if text:
            found.append(TableRow(str(path or text), "" if pd.isna(label) else str(label).strip(), path is not None))
    return found


def _read_csv(file: Path, root: Path, text_columns: list[str]) -> tuple[pd.DataFrame, str, Path]:
    found = file if file.is_file() else root / file
    if not found.is_file():
        raise DataError(
            f"There is no label table {file}.\nLooked for {file.absolute()} and {(root / file).absolute()}.\n"
            "Give the path of a CSV file with one row per photo."
        )
    try:
        # Cells stay as they are written: a breed may be called "NA" or "007".
        texts: dict[Hashable, Any] = dict.fromkeys(text_columns, str)
        rows = pd.read_csv(found, encoding="utf-8-sig", keep_default_na=False, dtype=texts)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{found} is not UTF-8 text ({error.reason}).\nSave it again as CSV with UTF-8 coding."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, ValueError) as error:
        first_line = str(error).strip().splitlines()[0]
        raise DataError(
            f"{found} is no readable CSV table: {first_line}.\nSave it again as CSV with commas."
        ) from error
    return rows, str(found), found.parent


def _check_columns(rows: pd.DataFrame, name: str, wanted: list[str]) -> None:
    missing = [column for column in wanted if column not in rows]
    if missing:
        raise DataError(
            f"{name} has no column {' and no column '.join(map(repr, missing))}.\n"
            f"Its columns are: {', '.join(map(str, rows.columns))}.\n"
            "Rename them, or say which they are with path_column= and label_column=."
        )
    if rows.empty:
        raise DataError(f"{name} has no rows.\nWrite one row per photo: its path and its label.")


def _check_filled(rows: pd.DataFrame, name: str) -> None:
    for column, other in (("label", "path"), ("path", "label")):
        empty = rows[column].isna() | (rows[column].astype(str).str.strip() == "")
        if empty.any():
            raise DataError(
                f"{int(empty.sum()):,} rows of {name} have no {column}, for example those of {other} "
                f"{examples(rows.loc[empty, other])}.\nFill them in, or delete these rows."
            )


def _existing_paths(entries: list[str], folders: list[Path], name: str) -> list[str]:
    found = [_existing_path(entry, folders) for entry in entries]
    missing = [entry for entry, path in zip(entries, found) if path is None]
    if missing:
        tried = examples(dict.fromkeys(str(folder.absolute()) for folder in folders))
        raise DataError(
            f"{len(missing):,} of the {len(entries):,} photos listed in {name} do not exist:\n"
            f"{examples(missing)}.\nLooked in {tried}.\n"
            "Correct these paths, or delete their rows."
        )
    return [str(path) for path in found]


def _existing_path(entry: str, folders: list[Path]) -> Path | None:
    """Find one listed photo; a table written on Windows may separate folders by a backslash."""
    for text in dict.fromkeys([entry, entry.replace("\\", "/")]):
        for folder in folders:
            path = folder / text
            if path.is_file():
                return path
    return None


def _check_one_label_each(rows: pd.DataFrame, name: str) -> None:
    twice = rows[rows.duplicated("path", keep=False)]
    if len(twice):
        shown = [f"{path} ({' / '.join(group['label'])})" for path, group in twice.groupby("path", sort=False)]
        raise DataError(
            f"{len(shown):,} photos in {name} have more than one label:\n{examples(shown)}.\nKeep one row per photo."
        )
