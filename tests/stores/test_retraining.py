"""Requests to train again: signed, one open a model, each settled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DataError, InputError
from stores.home import Home
from stores.retraining import CLOSED, OPEN, TRAINED, Retraining


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def opened(home: Home, now: int = 0) -> Retraining:
    return Retraining.open(home, {}, lambda: now)


def test_a_request_keeps_its_evidence_and_becomes_a_challenger(home):
    asked = opened(home).ask("fraud", " lin ", "the score drifts", {"age_days": 40, "drift": []})
    again = opened(home).find(asked.id[:4])
    assert (again.by, again.evidence["age_days"], again.state, again.outcome) == ("lin", 40, OPEN, None)
    done = opened(home, 5).settle(asked.id, TRAINED, {"version": 2})
    assert (done.state, done.outcome) == (TRAINED, {"version": 2})
    with pytest.raises(DataError, match="expected an open request"):
        opened(home).settle(asked.id, CLOSED, {"why": "late"})


def test_one_request_a_model_is_open(home):
    first = opened(home).ask("fraud", "lin", "drift", {})
    with pytest.raises(InputError, match=f"expected none open for fraud, got '?{first.id}"):
        opened(home).ask("fraud", "wang", "age", {})
    opened(home).ask("credit", "wang", "age", {})
    opened(home).settle(first.id, CLOSED, {"why": "a campaign"})
    second = opened(home).ask("fraud", "lin", "drift", {})
    assert second.id != first.id
    assert [each.state for each in opened(home).all()] == [CLOSED, OPEN, OPEN]


@pytest.mark.parametrize(("by", "why"), [("", "drift"), ("lin", " ")])
def test_nobody_and_no_reason_are_refused(home, by, why):
    with pytest.raises(InputError, match="who asks, and why"):
        opened(home).ask("fraud", by, why, {})
    assert opened(home).all() == []


@pytest.mark.parametrize("identity", ["", "zz"])
def test_an_id_of_nothing_is_refused(home, identity):
    opened(home).ask("fraud", "lin", "drift", {})
    with pytest.raises(DataError, match="expected the id of one request"):
        opened(home).find(identity)


def test_a_line_that_was_altered_is_told(home):
    opened(home).ask("fraud", "lin", "drift", {"psi": 0.1})
    home.retraining.write_text(home.retraining.read_text().replace("0.1", "0.9"), encoding="utf-8")
    with pytest.raises(DataError, match="line 1: expected a signature that verifies"):
        opened(home).all()


def test_a_lost_key_condemns_nothing_in_silence(home):
    opened(home).ask("fraud", "lin", "drift", {})
    (home.keys / "retraining.key").unlink()
    with pytest.raises(DataError, match="expected the key that signed the requests"):
        opened(home)
