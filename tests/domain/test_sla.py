"""Promised times at their edges: exactly due, over a weekend, a holiday, and where clocks are put forward or back."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import DefinitionError
from domain.matters import Timer
from domain.sla import BusinessHours, Promise
from domain.time import DAY, HOUR, MINUTE, SECOND, parse_instant

WEEK = ("mon", "tue", "wed", "thu", "fri")
SHANGHAI = BusinessHours(time_zone="Asia/Shanghai", days=WEEK, opens="09:00", closes="18:00")
BERLIN = BusinessHours(time_zone="Europe/Berlin", days=(*WEEK, "sat", "sun"), opens="00:30", closes="23:30")


def at(text: str) -> int:
    return parse_instant(text)


@pytest.mark.parametrize(
    ("start", "allowed", "due"),
    [
        ("2026-03-02T10:00:00+08:00", 2 * HOUR, "2026-03-02T12:00:00+08:00"),
        # What ends exactly at closing time ends then, not the next morning.
        ("2026-03-02T16:00:00+08:00", 2 * HOUR, "2026-03-02T18:00:00+08:00"),
        ("2026-03-02T16:00:00+08:00", 2 * HOUR + SECOND, "2026-03-03T09:00:01+08:00"),
        # Friday 17:00 and two hours: Monday 10:00.
        ("2026-03-06T17:00:00+08:00", 2 * HOUR, "2026-03-09T10:00:00+08:00"),
        # Saturday counts from Monday; before opening counts from opening; after closing from the next day.
        ("2026-03-07T12:00:00+08:00", HOUR, "2026-03-09T10:00:00+08:00"),
        ("2026-03-02T06:00:00+08:00", HOUR, "2026-03-02T10:00:00+08:00"),
        ("2026-03-02T18:00:00+08:00", HOUR, "2026-03-03T10:00:00+08:00"),
        ("2026-03-02T09:00:00+08:00", 9 * HOUR, "2026-03-02T18:00:00+08:00"),
    ],
)
def test_business_hours_pass_only_while_the_desk_is_open(start: str, allowed: int, due: str) -> None:
    assert SHANGHAI.due(at(start), allowed) == at(due)


def test_a_holiday_is_no_working_day_and_a_weekend_may_be_one() -> None:
    asked = at("2026-03-06T17:00:00+08:00")
    holiday = SHANGHAI.model_copy(update={"holidays": (date(2026, 3, 9),)})
    assert holiday.due(asked, 2 * HOUR) == at("2026-03-10T10:00:00+08:00")
    swapped = SHANGHAI.model_copy(update={"working_days": (date(2026, 3, 7),)})
    assert swapped.due(asked, 2 * HOUR) == at("2026-03-07T10:00:00+08:00")


def test_when_clocks_change_a_day_has_an_hour_less_or_more() -> None:
    # Europe/Berlin: 2026-03-29 has 23 hours, 2026-10-25 has 25. Wall-clock hours open, so 22 and 24 of them.
    for day, n_open in (("2026-03-29", 22), ("2026-10-25", 24), ("2026-03-28", 23)):
        start = parse_instant(f"{day}T00:30:00", "Europe/Berlin")
        assert BERLIN.due(start, n_open * HOUR) == parse_instant(f"{day}T23:30:00", "Europe/Berlin")
    # A promise around the clock is 24 real hours, whatever the wall says.
    start = parse_instant("2026-03-28T12:00:00", "Europe/Berlin")
    promise = Promise(within="24h", source="ours")
    assert promise.due(start, None) == parse_instant("2026-03-29T13:00:00", "Europe/Berlin")


def naive_due(hours: BusinessHours, start: int, allowed: int) -> int:
    """Minute by minute: obviously right, and slow."""
    moment = start
    while allowed > 0:
        allowed -= hours.passed(moment, moment + MINUTE)
        moment += MINUTE
    return moment


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 14 * 24 * 60), st.integers(1, 20 * 60), st.sampled_from([SHANGHAI, BERLIN]))
def test_the_due_time_is_what_counting_minutes_gives(offset: int, minutes: int, hours: BusinessHours) -> None:
    start = at("2026-03-20T00:00:00+08:00") + offset * MINUTE
    due = hours.due(start, minutes * MINUTE)
    assert due == naive_due(hours, start, minutes * MINUTE)
    assert hours.passed(start, due) == minutes * MINUTE
    assert hours.passed(start, due - 1) == minutes * MINUTE - 1


def test_exactly_24_hours_is_kept_and_a_microsecond_more_is_not() -> None:
    due = Promise(within="24h", source="ours").due(0, None)
    assert due == DAY
    assert Timer(0, due, DAY).kept(9 * DAY) is True
    assert Timer(0, due, DAY + 1).kept(9 * DAY) is False
    assert Timer(0, due).kept(DAY) is None
    assert Timer(0, due).kept(DAY + 1) is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"days": ()},
        {"days": ("Monday",)},
        {"opens": "18:00", "closes": "09:00"},
        {"holidays": ("2026-13-01",)},
    ],
)
def test_wrong_hours_are_refused(wrong: dict[str, object]) -> None:
    right = {"time_zone": "Asia/Shanghai", "days": WEEK, "opens": "09:00", "closes": "18:00"}
    assert BusinessHours(**right)
    with pytest.raises(ValidationError):
        BusinessHours(**{**right, **wrong})


def test_a_promise_in_business_hours_needs_them() -> None:
    with pytest.raises(DefinitionError, match="expected business_hours"):
        Promise(within="2h", business=True, source="ours").due(0, None)
