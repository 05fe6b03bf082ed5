"""Time against datetime and zoneinfo: exact microseconds, declared zones, durations with units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from domain.errors import InputError
from domain.time import (
    DAY,
    EARLIEST,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    Duration,
    business_day,
    format_duration,
    format_instant,
    from_micros,
    parse_duration,
    parse_instant,
    system_clock,
    to_micros,
)

instants = st.integers(EARLIEST, LATEST)
zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Brussels", "America/New_York", "Asia/Kathmandu"])


@given(instants)
def test_instants_read_back_from_their_text(micros: int) -> None:
    assert parse_instant(format_instant(micros)) == micros
    assert to_micros(from_micros(micros)) == micros


@given(instants, st.integers(-14 * 60, 14 * 60))
def test_an_offset_changes_the_text_and_not_the_instant(micros: int, minutes: int) -> None:
    moved = from_micros(micros).astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant(moved.isoformat()) == micros
    # A zone in the text wins over the declared one.
    assert parse_instant(moved.isoformat(), "Asia/Shanghai") == micros


@given(instants, zones)
def test_a_business_day_is_the_date_on_the_wall(micros: int, zone: str) -> None:
    assert business_day(micros, zone) == datetime.fromtimestamp(micros // SECOND, tz=ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        # The days on which Brussels changes its clocks have 23 and 25 hours.
        ("2026-03-29T21:59:59+00:00", "Europe/Brussels", "2026-03-29"),
        ("2026-03-29T22:00:00+00:00", "Europe/Brussels", "2026-03-30"),
        ("2026-10-24T21:59:59+00:00", "Europe/Brussels", "2026-10-24"),
        ("2026-10-24T22:00:00+00:00", "Europe/Brussels", "2026-10-25"),
        ("2026-10-25T22:59:59+00:00", "Europe/Brussels", "2026-10-25"),
        ("2026-10-25T23:00:00+00:00", "Europe/Brussels", "2026-10-26"),
    ],
)
def test_days_of_summer_time(moment: str, zone: str, day: str) -> None:
    assert business_day(parse_instant(moment), zone).isoformat() == day


def test_a_naive_time_needs_a_zone() -> None:
    with pytest.raises(InputError, match="time zone"):
        parse_instant("2026-03-01T08:00:00")
    assert parse_instant("2026-03-01T08:00:00", "Asia/Shanghai") == parse_instant("2026-03-01T00:00:00Z")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "", None, 5])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="ISO 8601"):
        parse_instant(text, "UTC")


@pytest.mark.parametrize("zone", ["Asia/Peking2", "", "../etc/passwd", "CET/../UTC"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(InputError, match="IANA"):
        parse_instant("2026-03-01", zone)


@given(st.integers(0, 10**4), st.sampled_from(["s", "m", "h", "d", "w"]))
def test_durations_read_back_from_their_text(n: int, unit: str) -> None:
    micros = parse_duration(f"{n}{unit}")
    assert micros == n * {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}[unit]
    assert parse_duration(format_duration(micros)) == micros


def test_equal_durations_have_one_text() -> None:
    assert {format_duration(parse_duration(text)) for text in ("1d", "24h", "1440m", "86400s")} == {"1d"}
    assert format_duration(0) == "0d"


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5h", "1y", "7 d", "٣d", "999999999999w", "", None, 7])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="duration"):
        parse_duration(text)


def test_a_duration_of_part_of_a_second_has_no_text() -> None:
    with pytest.raises(InputError, match="whole seconds"):
        format_duration(1)


class Wait(BaseModel):
    wait: Duration


def test_settings_hold_microseconds_and_survive_their_own_dump() -> None:
    assert Wait.model_validate({"wait": "7d"}).wait == 7 * DAY
    assert Wait.model_validate(Wait(wait=7 * DAY).model_dump()).wait == 7 * DAY
    assert Wait.model_validate_json(Wait(wait=7 * DAY).model_dump_json()).wait == 7 * DAY


@pytest.mark.parametrize("value", [7, -DAY, True, 1.0, "soon", None])
def test_a_setting_without_a_unit_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration such as"):
        Wait.model_validate({"wait": value})


def test_the_clock_is_now() -> None:
    before = to_micros(datetime.now(tz=UTC))
    assert before <= system_clock() <= to_micros(datetime.now(tz=UTC))
