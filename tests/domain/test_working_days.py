"""The calendar of filing clocks: holidays, weekends that are worked, and days it does not reach."""

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from domain.errors import DataError
from domain.working_days import WorkingDays
from tests.monitoring.aml.world import settings

SHIPPED = settings().large_value.working_days


def test_the_n_th_working_day_is_that_of_a_loop():
    for start in (SHIPPED.first + timedelta(days=k) for k in range(600)):
        day, left = start, 5
        while left:
            day += timedelta(days=1)
            free = day in SHIPPED.holidays or (day.isoweekday() in SHIPPED.weekend and day not in SHIPPED.worked)
            left -= not free
        assert SHIPPED.after(start, 5) == day


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-03-02", "2026-03-09"),  # a plain week
        ("2026-02-13", "2026-02-27"),  # 14 February is worked, then the Spring Festival
        ("2026-04-30", "2026-05-11"),  # 1 to 5 May are free, Saturday 9 May is worked
    ],
)
def test_five_working_days(day, due):
    assert SHIPPED.after(date.fromisoformat(day), 5) == date.fromisoformat(due)


def test_beyond_its_last_day_it_does_not_guess():
    with pytest.raises(DataError, match="2025-01-01 to 2026-12-31"):
        SHIPPED.after(date(2026, 12, 29), 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"holidays": ["2030-01-01"]},
        {"holidays": ["2026-01-04"], "worked": ["2026-01-04"]},
        {"worked": ["2026-01-05"]},
        {"weekend": [1, 2, 3, 4, 5, 6, 7]},
        {"first": "2027-01-01"},
    ],
)
def test_what_is_no_calendar_is_refused(wrong):
    told = {"first": "2026-01-01", "last": "2026-12-31", "weekend": [6, 7], "source": "a test"}
    with pytest.raises(ValidationError):
        WorkingDays.model_validate({**told, **wrong})
