"""Studies that are kept: resumed to the bit, refused for other rows, shared by processes, none the worse for a kill."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from domain.errors import DefinitionError, Unavailable
from tests.training.conftest import ROOT
from tests.training.study_worker import Valley, folds, result, run
from training.families.family import Labelled, Suggest
from training.search import StudyPlace
from training.settings import Search
from training.study import open_study

POSTGRES = "postgresql://127.0.0.1:5432"


@pytest.fixture
def place(tmp_path: Path) -> StudyPlace:
    found = StudyPlace.of(Search(trials=1, study="valley"), tmp_path / "studies")
    assert found is not None
    return found


def start(url: str, trials: int, *how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.study_worker", url, str(trials), *how],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def answer(process: subprocess.Popen[str]) -> Any:
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return json.loads(printed)


def test_a_resumed_study_finds_what_an_uninterrupted_search_finds(place: StudyPlace) -> None:
    run(place, 3)
    run(place, 9)
    assert result(run(place, 12)) == result(run(None, 12))


def test_a_spent_budget_is_spent(place: StudyPlace) -> None:
    told: list[str] = []
    first = run(place, 5)
    again = run(place, 5, progress=lambda stage, *_: told.append(stage))
    assert "search" not in told
    assert result(again) == result(first)
    # A minute was spent by one trial: nothing is left of 55 seconds.
    now = datetime.now()
    with open_study(place, {}, None) as kept:
        kept.add_trial(
            FrozenTrial(
                number=-1, trial_id=-1, state=TrialState.COMPLETE, value=0.1, values=None,
                datetime_start=now - timedelta(seconds=60), datetime_complete=now, params={}, distributions={},
                user_attrs={"tried": [[0.1, 0.1], [[], []], [0.1, 0.1], 8, 16]}, system_attrs={},
                intermediate_values={},
            )
        )  # fmt: skip
    assert len(run(place, 50, budget={"seconds": 55.0}).trials) == 6


@dataclass(frozen=True)
class _Deeper(Valley):
    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        return {"x": trial.suggest_float("x", 0.0, self.high), "depth": trial.suggest_int("depth", 1, 9)}


def test_a_study_of_other_things_is_refused(place: StudyPlace) -> None:
    run(place, 2)
    (train, valid), newest = folds()
    flipped = [(train, Labelled(valid.X, 1 - valid.y)), newest]
    shorter = [(Labelled(train.X[1:], train.y[1:]), valid), newest]
    for named, changes in (
        ("other data, folds", {"folds": flipped}),
        ("other data, folds", {"folds": shorter}),
        ("other data [(]", {"folds": folds(seed=1)}),
        ("other objective", {"objective": "average_precision"}),
        ("other ranges", {"family": _Deeper()}),
        ("other family, ranges", {"family": Valley(high=5.0)}),
        ("other fits", {"budget": {"method": "random"}}),
        ("other seed", {"seed": 4}),
    ):
        with pytest.raises(DefinitionError, match=f"'valley' in sqlite:.*begun with {named}.*another name"):
            run(place, 2, **changes)
    assert len(run(place, 2, family=Valley(threads=2)).trials) == 2
    # Begun by a version that told a trial's figure another way.
    with open_study(place, {}, None) as kept:
        identity = {name: value for name, value in kept.user_attrs["identity"].items() if name != "figure"}
        kept.set_user_attr("identity", identity)
    with pytest.raises(DefinitionError, match=r"begun with other figure .*another name"):
        run(place, 2)


@pytest.mark.slow
def test_a_killed_trial_is_tried_again_and_the_study_ends_as_if_nothing_had_happened(
    place: StudyPlace, tmp_path: Path
) -> None:
    marker = tmp_path / "reached"
    child = start(place.url, 10, f"hang={marker}")
    try:
        until = time.monotonic() + 60
        while not marker.exists() and child.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert marker.exists(), child.communicate()
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    # The family of the child names its marker file, which is no other family: the same identity is asked for again.
    found = run(place, 10, Valley(hang=str(marker)))
    assert result(found) == result(run(None, 10))
    with open_study(place, {}, None) as study:
        states = [trial.state.name for trial in study.trials]
    assert states.count("FAIL") == 1
    assert len(states) == 11


@pytest.fixture
def database() -> Iterator[str]:
    """A PostgreSQL database of its own."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'assay[postgres]'")
    user = os.environ.get("PGUSER", "postgres")
    base = POSTGRES.replace("//", f"//{user}@")
    try:
        server = psycopg.connect(f"{base}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"needs PostgreSQL on 127.0.0.1:5432 (apt-get install postgresql): {error}")
    name = f"assay_{uuid.uuid4().hex[:12]}"
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield f"{base}/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.slow
def test_two_processes_spend_one_budget_on_one_study_and_give_one_answer(database: str, tmp_path: Path) -> None:
    # Each waits in its first fit for the other: one that starts late would find the budget spent.
    meet = f"meet={tmp_path}"
    first, second = (answer(process) for process in [start(database, 10, meet), start(database, 10, meet)])
    assert first == second
    assert [row["number"] for row in first["trials"]] == list(range(10))
    drawn = [(row["x"], row["depth"]) for row in first["trials"]]
    assert len(set(drawn)) == 10
    with open_study(StudyPlace("valley", database), {}, None) as study:
        workers = {trial.user_attrs["worker"] for trial in study.trials if "worker" in trial.user_attrs}
    assert len(workers) == 2


def test_settings_travel_and_so_hold_no_password() -> None:
    with pytest.raises(ValidationError, match="without a password; give it by PGPASSWORD"):
        Search(trials=1, study="a", storage="postgresql://lin:secret@db/studies")
    with pytest.raises(ValidationError, match="expected sqlite, sqlite:///FILE or postgresql"):
        Search(trials=1, study="a", storage="mysql://db/studies")
    with pytest.raises(ValidationError, match="expected a study's name"):
        Search(trials=1, storage="postgresql://lin@db/studies")


def test_a_database_that_does_not_answer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"(?s)expected a database that answers.*run the same command again"):
        run(StudyPlace("valley", f"sqlite:///{tmp_path}/no/such/folder/x.db"), 2)
    with pytest.raises(DefinitionError, match="give a storage URL"):
        StudyPlace.of(Search(trials=1, study="a"), None)
    assert StudyPlace.of(Search(trials=1), None) is None


def test_a_search_stopped_by_hand_goes_on_with_the_trial_that_was_cut_short(place: StudyPlace) -> None:
    stopped = []

    def stop_once(stage: str, done: int, total: int, note: str) -> None:
        if stage == "search" and done == 2:
            stopped.append(note)

    class Stopped(Valley):
        def prepare(self, *given: Any) -> Any:
            fold = super().prepare(*given)
            score = type(fold).score

            class Once(type(fold)):  # type: ignore[misc]
                def score(self, params: Any, **told: Any) -> Any:
                    if len(stopped) == 1:
                        stopped.append("by hand")
                        raise KeyboardInterrupt
                    return score(self, params, **told)

            return Once(fold.family, fold.shift)

    with pytest.raises(KeyboardInterrupt):
        run(place, 6, Stopped(), progress=stop_once)
    assert result(run(place, 6, Stopped())) == result(run(None, 6))


def test_a_trial_of_another_machine_that_fell_silent_is_tried_again(place: StudyPlace) -> None:
    run(place, 3)
    with open_study(place, {}, None) as study:
        study.enqueue_trial({"x": 1.5, "depth": 4})
        with pytest.warns(UserWarning, match="Heartbeat"):
            silent = study.ask()
        silent.set_user_attr("worker", "elsewhere 17 1.00")
        silent.suggest_float("x", 0.0, 4.0)
    with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as file, file:
        file.execute("INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (4, '2026-01-01 00:00:00')")
    found = run(place, 6)
    assert [trial["number"] for trial in found.trials] == list(range(6))
    assert (found.trials[3]["x"], found.trials[3]["depth"]) == (1.5, 4)
    assert found.trials[3]["state"] in ("complete", "pruned")
