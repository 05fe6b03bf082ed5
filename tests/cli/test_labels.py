"""`assay labels` as people use it: what is held, who rules on it, and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.events import Event
from domain.time import DAY, HOUR, parse_instant
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.shared import RunAssay

START = parse_instant("2026-03-01T00:00:00+08:00")


@pytest.fixture(name="run")
def _run(tmp_path: Path, run_assay: RunAssay) -> RunAssay:
    return partial(run_assay, "--home", str(tmp_path / "home"))


def told(said: tuple[int, str, str]) -> Any:
    return json.loads(said[1])


def outcomes(home: Home, wave: int) -> None:
    """Three frauds a day that the issuer tells for thirty days, and a genuine wave on the day after them."""
    times = [START + day * DAY + n * HOUR for day in range(30) for n in range(3)]
    times += [START + 30 * DAY + 9 * HOUR + n for n in range(wave)]
    events = [
        Event("outcome", f"o{n}", at, at,
              {"subject_event_id": f"t{n}", "subject_kind": "transaction", "subject_time": at - DAY,
               "code": "confirmed_fraud", "source": "issuer"}, "bank")
        for n, at in enumerate(times)
    ]  # fmt: skip
    database = Database(home.database)
    Journal(database, home.segments).append(events)
    database.close()


def test_a_genuine_wave_waits_for_a_name_and_is_then_learnt_from(run: RunAssay, tmp_path: Path) -> None:
    outcomes(Home(tmp_path / "home"), 60)
    held = run("labels", "payment", "--json")
    assert (held[0], told(held)["n_outcomes"], told(held)["n_waiting"]) == (1, 150, 60)
    assert [(each["source"], each["reason"]) for each in told(held)["held"]] == [("issuer", "burst")]
    code, _, err = run("labels", "payment", "--rule", "release", "--source", "issuer", "--by", "wang")
    assert (code, "reason" in err) == (2, True)
    code, _, err = run("labels", "payment", "--rule", "release", "--source", "customer", "--by", "w", "--reason", "x")
    assert (code, "held outcomes of this source" in err) == (2, True)
    assert told(run("labels", "payment", "--json"))["n_waiting"] == 60
    ruled = ("--rule", "release", "--source", "issuer", "--by", "wang", "--reason", "the bank confirms the wave")
    after = run("labels", "payment", *ruled, "--json")
    assert (after[0], told(after)["n_held"], told(after)["n_waiting"]) == (0, 0, 0)


def test_usual_days_hold_nothing(run: RunAssay, tmp_path: Path) -> None:
    outcomes(Home(tmp_path / "home"), 5)
    quiet = run("labels", "payment", "--json")
    assert (quiet[0], told(quiet)["n_outcomes"], told(quiet)["n_held"]) == (0, 95, 0)


def test_a_simulated_world_holds_nothing(run: RunAssay) -> None:
    """Payments and loans as the simulator tells them, with its wrong labels and corrections."""
    assert run("simulate", "--seed", "7", "--customers", "1500", "--borrowers", "600", "--months", "18")[0] == 0
    for product in ("payment", "loan"):
        said = run("labels", product, "--json")
        assert (said[0], told(said)["n_held"]) == (0, 0), told(said)
        assert told(said)["n_outcomes"] > 300
