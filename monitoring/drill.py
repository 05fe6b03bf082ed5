"""Drills: what was rehearsed, how long each step took against its target, in a signed record nobody can trim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import Field

from domain.bilingual import Sourced
from domain.errors import AssayError, DataError
from domain.settings import Settings
from domain.time import SECOND, Clock, Duration, format_instant, parse_instant
from stores.home import Home
from stores.keys import secret_key
from stores.signed_lines import SignedLines

Came = Literal["kept", "late", "failed", "not assessed"]
KEY = "drills"
"""Name of the key that signs the records."""


class Target(Settings):
    """How long a step may take, and who says so."""

    within: Duration
    source: Sourced


class DrillSettings(Settings):
    """``configs/drills.yaml``.

    Parameters
    ----------
    targets : step → how long it may take. lost_decisions : how many acknowledged decisions a restore may lose.
    every : how often a drill is due.
    """

    targets: dict[str, Target]
    lost_decisions: int = Field(ge=0)
    lost_source: Sourced
    every: Target


@dataclass(frozen=True, slots=True)
class DrillStep:
    """One step.

    Parameters
    ----------
    seconds : None when it was not run. target : s, None where none is set. note : what was seen, or why it failed.
    """

    key: str
    came: Came
    seconds: float | None
    target: float | None
    note: str = ""


@dataclass(frozen=True)
class DrillRecord:
    """A whole drill; times are ISO 8601."""

    at: str
    actor: str
    where: Literal["copy", "home"]
    steps: tuple[DrillStep, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every step that could be run kept its target."""
        return all(step.came in ("kept", "not assessed") for step in self.steps)


class Drill:
    """Run steps one after the other and time them; a step that fails ends nothing but itself.

    Parameters
    ----------
    ticks : monotonic seconds.

    Examples
    --------
    >>> times = iter([0.0, 2.0, 2.0, 9.0])
    >>> drill = Drill({"kill": Target(within="3s", source="ours")}, lambda: next(times))
    >>> _ = drill.step("kill", lambda: "rules decide")
    >>> _ = drill.step("rollback", lambda: "the former bundle decides")
    >>> [(step.key, step.came, step.seconds) for step in drill.steps]
    [('kill', 'kept', 2.0), ('rollback', 'kept', 7.0)]
    """

    def __init__(self, targets: Mapping[str, Target], ticks: Callable[[], float]) -> None:
        self._targets = targets
        self._ticks = ticks
        self.steps: list[DrillStep] = []

    def step(self, key: str, work: Callable[[], str]) -> bool:
        """Do one step, which says what it saw; False when it failed."""
        target = None if key not in self._targets else self._targets[key].within / SECOND
        began = self._ticks()
        try:
            note = work()
        except AssayError as error:
            self.steps.append(DrillStep(key, "failed", self._ticks() - began, target, str(error)))
            return False
        seconds = self._ticks() - began
        came: Came = "kept" if target is None or seconds <= target else "late"
        self.steps.append(DrillStep(key, came, seconds, target, note))
        return True

    def skip(self, key: str, why: str) -> None:
        """Note a step that could not be run."""
        target = None if key not in self._targets else self._targets[key].within / SECOND
        self.steps.append(DrillStep(key, "not assessed", None, target, why))

    def sum(self, key: str, keys: tuple[str, ...], note: str) -> None:
        """A step whose time is that of others together, such as the recovery time; failed when one of them is."""
        target = None if key not in self._targets else self._targets[key].within / SECOND
        parts = [step for step in self.steps if step.key in keys]
        if any(step.came == "failed" for step in parts) or len(parts) < len(keys):
            self.steps.append(DrillStep(key, "failed", None, target, "one of its steps failed"))
            return
        seconds = sum(step.seconds or 0.0 for step in parts)
        came: Came = "kept" if target is None or seconds <= target else "late"
        self.steps.append(DrillStep(key, came, seconds, target, note))


def write_record(home: Home, record: DrillRecord, environment: Mapping[str, str]) -> str:
    """Append a record to the home's signed log; returns its signature."""
    return _lines(home, environment).append({**asdict(record), "passed": record.passed})


def read_records(home: Home, environment: Mapping[str, str], *, until: int | None = None) -> tuple[DrillRecord, ...]:
    """The drills of a home before ``until`` (µs UTC), oldest first.

    Raises
    ------
    DataError
        When a line was altered, or there are records and their key is gone.
    """
    if not home.drills.is_file():
        return ()
    if not (home.keys / f"{KEY}.key").is_file() and f"ASSAY_{KEY.upper()}_KEY" not in environment:
        raise DataError(
            f"{home.drills}: expected the key that signed the drills, found none; restore it from its backup"
        )
    found = []
    for line in _lines(home, environment).read():
        body = dict(line.body)
        steps = tuple(DrillStep(**step) for step in body.pop("steps"))
        body.pop("passed")
        record = DrillRecord(steps=steps, **body)
        if until is None or parse_instant(record.at) < until:
            found.append(record)
    return tuple(found)


def wait_until(
    check: Callable[[], bool], *, within: float, ticks: Callable[[], float], pause: Callable[[], None]
) -> None:
    """Ask again and again until it is so.

    Raises
    ------
    DataError
        When it is not within that many seconds.
    """
    end = ticks() + within
    while True:
        if check():
            return
        if ticks() > end:
            raise DataError(f"expected it within {within:g} s, it did not come about")
        pause()


def record_of(
    drill: Drill, actor: str, where: Literal["copy", "home"], clock: Clock, facts: Mapping[str, Any]
) -> DrillRecord:
    """The record of a drill that is over."""
    return DrillRecord(format_instant(clock()), actor, where, tuple(drill.steps), dict(facts))


def _lines(home: Home, environment: Mapping[str, str]) -> SignedLines:
    return SignedLines(home.drills, secret_key(home.keys, KEY, environment))
