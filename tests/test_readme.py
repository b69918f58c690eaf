"""The README is true: its commands are those that run in CI, and what it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import petbreeds

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
SHELL = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.strip()]


def test_ci_runs_the_test_line_of_the_readme() -> None:
    lines = [line for line in SHELL if line.endswith("pytest")]
    assert len(lines) == 1
    assert lines[0] in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_two_commands_do_everything() -> None:
    assert [line.rpartition("&& ")[2] for line in SHELL if line.startswith("python3 -m venv")] == [
        "petbreeds train",
        "pytest",
    ]


@pytest.mark.parametrize("text", PYTHON, ids=range(len(PYTHON)))
def test_python_examples_name_what_exists(text: str) -> None:
    tree = ast.parse(text)
    named = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "petbreeds"
    }
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert named <= set(petbreeds.__all__), named - set(petbreeds.__all__)


def test_learner_methods_of_the_examples_exist() -> None:
    learner = petbreeds.PetLearner
    named = set(re.findall(r"\blearn\.(\w+)\(", "\n".join(PYTHON)))
    assert named and all(hasattr(learner, name) for name in named), named


def test_commands_and_options_exist() -> None:
    import typer.main

    from petbreeds.cli import app

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    used = [line.split("#")[0].split() for line in SHELL if line.startswith("petbreeds ")]
    assert used
    for words in used:
        options = {option for parameter in commands[words[1]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, words


def test_links_and_pictures_exist() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
