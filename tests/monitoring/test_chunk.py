"""Chunks against the calendar, and against a naive scan."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InputError
from domain.time import DAY, HOUR, business_day, parse_instant
from monitoring.chunk import Chunker, by_size

moments = st.integers(0, 2 * 10**15)


@given(moments, st.sampled_from(["day", "week", "month"]), st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]))
def test_a_moment_lies_in_its_chunk_and_chunks_leave_no_gap(moment, period, zone):
    chunker = Chunker(period, zone)
    chunk = chunker.around(moment)
    assert chunk.since <= moment < chunk.until
    assert chunker.around(chunk.since) == chunker.around(chunk.until - 1) == chunk
    (before,) = chunker.before(chunk, 1)
    assert before.until == chunk.since
    assert business_day(chunk.since, zone).isoformat().startswith(chunk.name)


def test_a_day_may_have_23_hours():
    chunker = Chunker("day", "Europe/Berlin")
    assert chunker.around(parse_instant("2026-03-29T12:00:00+02:00")).length == 23 * HOUR


def test_only_whole_chunks_lie_between():
    chunker = Chunker("day", "UTC")
    assert [chunk.since for chunk in chunker.between(1, 3 * DAY - 1)] == [DAY]
    assert chunker.newest(3 * DAY).since == 2 * DAY
    assert chunker.newest(3 * DAY - 1).since == DAY


@given(st.lists(moments, max_size=40), st.integers(1, 7))
def test_chunks_by_size_hold_each_row_once(times, size):
    found = list(by_size(np.array(times, np.int64), size))
    rows = [row for _, places in found for row in places.tolist()]
    assert len(rows) == len(set(rows)) == len(times) // size * size
    for chunk, places in found:
        assert all(chunk.since <= times[row] < chunk.until for row in places)


def test_a_size_of_nothing_is_refused():
    with pytest.raises(InputError, match="a size of at least 1, got 0"):
        list(by_size(np.array([1]), 0))
