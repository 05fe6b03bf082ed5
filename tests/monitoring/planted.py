"""Homes for what looks back: events given by the test, journalled as an importer would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.events import Event
from domain.time import DAY, parse_instant
from stores.database import Database
from stores.home import Home
from stores.journal import Journal

UNTIL = parse_instant("2026-05-01T00:00:00+08:00")
CONFIGS = Path(__file__).parents[2] / "configs"


def journal_in(root: Path) -> Journal:
    """An empty journal; close its database before a command reads the home."""
    home = Home(root)
    return Journal(Database(home.database), home.segments)


def home_with(root: Path, events: Iterable[Event]) -> Path:
    """A home whose journal holds these events in the order in which they became known."""
    journal = journal_in(root)
    journal.append(sorted(events, key=lambda event: (event.known_at, event.event_time, event.event_id)))
    journal.database.close()
    return root


def said(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of a command on a home."""
    capsys.readouterr()
    code = main(["--home", str(home), "--configs", str(CONFIGS), *arguments, "--json"])
    shown = capsys.readouterr()
    assert shown.out, shown.err
    return code, json.loads(shown.out)


def at(days: float) -> int:
    """An instant some days before the end of the look."""
    return UNTIL - int(days * DAY)
