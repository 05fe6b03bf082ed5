"""docs/coverage.md: a line for every row that was asked for, and every command and test it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from cli.main import app
from cli.reference import commands

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "coverage.md"
KNOWN = {path for path, _ in commands(typer.main.get_command(app), "assay")}
ASKED = (
    "transaction indicators", "early-warning system", "four grades", "authentication", "anti-money-laundering",
    "anti-fraud strategy", "payment channels", "P2P credit model", "indicator system", "risk classes", "fund safety",
    "dynamic adjustment", "information disclosure", "service desk and complaints", "records", "emergency response",
)  # fmt: skip
"""The rows of the design's table of what the source documents ask for, by how they begin."""


def lines(text: str) -> list[list[str]]:
    """The cells of each row of the table below its head."""
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


ROWS = lines(PAGE.read_text(encoding="utf-8"))


def faults(row: list[str]) -> list[str]:
    """What a row names that does not exist, or lacks."""
    found = []
    if len(row) != 4:
        return [f"expected four cells, got {len(row)}"]
    shown = re.findall(r"`(assay [^`]+)`", row[1])
    if not shown:
        found.append("no command")
    found += [f"no command {command}" for command in shown if command not in KNOWN]
    tests = re.findall(r"`(tests/[^`]+)`", row[2] + row[3])
    if not re.search(r"`tests/", row[2]):
        found.append("no test of a planted case")
    if not re.search(r"`tests/|the same", row[3]):
        found.append("no control")
    for test in tests:
        path, _, name = test.partition("::")
        file = PROJECT / path
        if not file.is_file() or not re.search(rf"^def {re.escape(name)}\(", file.read_text(encoding="utf-8"), re.M):
            found.append(f"no test {test}")
        elif not re.search(rf"`{re.escape(test)}` ◆", row[2] + row[3]):
            found.append(f"not through a command: {test}")
        elif not re.search(r"\bcli\.main\b|\bRunAssay\b|planted import .*\bsaid\b", file.read_text(encoding="utf-8")):
            found.append(f"its file runs no command: {test}")
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_what_a_row_names_exists(row):
    assert faults(row) == []


def test_every_row_that_was_asked_for_has_its_line():
    assert [row[0][: len(asked)] for row, asked in zip(ROWS, ASKED, strict=True)] == list(ASKED)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (["x", "`assay nothing`", "`tests/test_coverage.py::test_what_a_row_names_exists`", "the same"], "no command"),
        (["x", "`assay book`", "`tests/test_coverage.py::test_of_nothing`", "the same"], "no test"),
        (["x", "`assay book`", "seen by eye", "the same"], "no test of a planted case"),
        (["x", "`assay book`", "`tests/test_coverage.py::faults`", "the same"], "not through a command"),
        (["x", "`assay book`", "`tests/scoring/test_policy.py::shipped` ◆", "the same"], "its file runs no command"),
        (["x", "`assay book`", "`tests/test_coverage.py::faults`", ""], "no control"),
    ],
)
def test_a_row_that_names_what_is_not_there_fails(row, told):
    assert any(told in fault for fault in faults(row))
