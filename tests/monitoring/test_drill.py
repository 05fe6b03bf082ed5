"""The record of a drill: what is late or failed is said, and a signed line cannot be trimmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DataError
from domain.time import DAY, parse_instant
from monitoring.drill import Drill, DrillRecord, Target, read_records, record_of, wait_until, write_record
from stores.home import Home

TARGETS = {"kill": Target(within="10s", source="ours"), "recovery": Target(within="60s", source="ours")}
NOW = parse_instant("2026-03-01T00:00:00Z")


class Ticks:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float, error: Exception | None = None) -> str:
        self.now += seconds
        if error is not None:
            raise error
        return "seen"


def drilled(seconds: float, error: Exception | None = None) -> DrillRecord:
    ticks = Ticks()
    drill = Drill(TARGETS, ticks)
    drill.step("kill", lambda: ticks.work(seconds, error))
    drill.skip("rollback", "nothing to go back to")
    return record_of(drill, "lin", "copy", lambda: NOW, {})


def test_exactly_the_target_is_kept_and_more_is_late() -> None:
    assert [drilled(seconds).steps[0].came for seconds in (10.0, 10.001)] == ["kept", "late"]
    assert [drilled(seconds).passed for seconds in (10.0, 10.001)] == [True, False]


def test_a_step_that_fails_is_said_and_ends_nothing_else() -> None:
    record = drilled(3.0, DataError("the pointer is gone"))
    assert [(step.key, step.came, step.seconds) for step in record.steps] == [
        ("kill", "failed", 3.0), ("rollback", "not assessed", None),
    ]  # fmt: skip
    assert record.steps[0].note == "the pointer is gone"
    assert not record.passed


def test_a_fault_of_ours_is_no_result_of_a_drill() -> None:
    with pytest.raises(ZeroDivisionError):
        drilled(3.0, ZeroDivisionError())


@pytest.mark.parametrize(
    ("seconds", "error", "came"),
    [(30.0, None, "kept"), (30.1, None, "late"), (1.0, DataError("x"), "failed")],
)
def test_the_recovery_time_is_that_of_its_steps(seconds: float, error: Exception | None, came: str) -> None:
    ticks = Ticks()
    drill = Drill(TARGETS, ticks)
    drill.step("restore", lambda: ticks.work(seconds, error))
    drill.step("other", lambda: ticks.work(500))
    drill.step("start", lambda: ticks.work(30))
    drill.sum("recovery", ("restore", "start"), "together")
    assert drill.steps[-1].came == came
    drill.sum("recovery", ("restore", "start", "decide"), "together")
    assert drill.steps[-1].came == "failed"


def test_records_are_signed_and_read_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_records(home, {}) == ()
    first, second = drilled(3.0), drilled(99.0)
    for record in (first, second):
        write_record(home, record, {})
    assert read_records(home, {}) == (first, second)
    assert read_records(home, {}, until=NOW) == ()
    assert len(read_records(home, {}, until=NOW + 1)) == 2
    content = home.drills.read_text()
    home.drills.write_text(content.replace('\\"late\\"', '\\"kept\\"'))
    with pytest.raises(DataError, match="line 2: expected a signature that verifies"):
        read_records(home, {})
    home.drills.write_text(content)
    (home.keys / "drills.key").unlink()
    with pytest.raises(DataError, match="expected the key that signed the drills"):
        read_records(home, {}, until=NOW + DAY)


def test_waiting_ends_when_it_is_so_or_when_time_is_up() -> None:
    ticks = Ticks()
    wait_until(lambda: ticks.now >= 5, within=9, ticks=ticks, pause=lambda: setattr(ticks, "now", ticks.now + 1))
    assert ticks.now == 5
    with pytest.raises(DataError, match="expected it within 9 s"):
        wait_until(lambda: False, within=9, ticks=ticks, pause=lambda: setattr(ticks, "now", ticks.now + 1))
