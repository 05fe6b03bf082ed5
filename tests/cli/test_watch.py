"""`assay watch` as people use it: exit codes, names, and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.events import Event
from domain.time import parse_instant
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.shared import RunAssay

START = parse_instant("2026-03-01T00:00:00+08:00")


@pytest.fixture(name="run")
def _run(tmp_path: Path, run_assay: RunAssay) -> RunAssay:
    return partial(run_assay, "--home", str(tmp_path / "home"))


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Home:
    """One payment in a journal; there is nothing to watch in a folder without one."""
    home = Home(tmp_path / "home")
    database = Database(home.database)
    paid = {"customer_id": "c", "amount": 100, "currency": "CNY"}
    Journal(database, home.segments).append([Event("transaction", "t", START, START, paid)])
    database.close()
    return home


def told(said: tuple[int, str, str]) -> Any:
    return json.loads(said[1])


@pytest.mark.usefixtures("home")
def test_a_watch_that_paused_is_open_until_calm_and_taken_on_by_name(run: RunAssay) -> None:
    status = ("watch", "status", "--as-of", "2026-03-20T01:00:00+08:00", "--json")
    never = run(*status)
    assert (never[0], told(never)) == (1, {"stopped": True, "ran_as_of": None, "open": []})
    assert run("watch", "run", "--as-of", "2026-03-10T00:05:00+08:00", "--json")[0] == 0
    late = run("watch", "run", "--as-of", "2026-03-20T00:05:00+08:00", "--json")
    (breach,) = [each for each in told(late)["open"] if each["limit"] == "watch-stopped"]
    assert (late[0], breach["level"] in ("warning", "high")) == (1, True)
    again = told(run("watch", "run", "--as-of", "2026-03-20T00:05:00+08:00", "--json"))
    assert (again["n_chunks"], again["notes"]) == (0, [])
    shown = told(run(*status))
    assert shown["stopped"] is False
    assert [each["breach"] for each in shown["open"]] == [breach["breach"]]
    taken = ("watch", "acknowledge", breach["breach"][:6], "--by", "lin", "--note", "the machine was moved",
             "--as-of", "2026-03-20T00:30:00+08:00", "--json")  # fmt: skip
    assert told(run(*taken))["acknowledged_by"] == "lin"
    assert told(run(*status))["open"][0]["said"] == "the machine was moved"
    code, _, err = run("watch", "acknowledge", "ffffff", "--by", "lin")
    assert (code, "expected the id of one breach" in err) == (3, True)
    code, _, err = run("watch", "acknowledge", breach["breach"], "--by", " ")
    assert (code, "the name of who acknowledges" in err) == (2, True)


def test_without_a_journal_there_is_nothing_to_watch(run: RunAssay) -> None:
    for arguments in (("watch", "status"), ("watch", "run")):
        code, _, err = run(*arguments)
        assert (code, "expected a home with a journal" in err) == (3, True)
