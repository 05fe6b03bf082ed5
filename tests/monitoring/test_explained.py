"""Drift explained: told apart only where something moved, by the feature that moved, in the segment that moved."""

from __future__ import annotations

import numpy as np

from monitoring.explained import segments, told_apart
from monitoring.traffic import Traffic
from tests.monitoring.test_every_calculator import changed, moved, traffic


def both(chunk: Traffic):
    found = told_apart(traffic(1000, 1500), chunk)
    assert found is not None
    return found


def test_unchanged_traffic_cannot_be_told_apart():
    assert sum(both(traffic(seed, 600)).low > 0.55 for seed in range(5)) == 0


def test_what_moved_is_the_driver():
    found = both(moved(traffic(1), 0, lambda values: values * 3))
    assert found.low > 0.6
    assert next(iter(found.drivers)) == "amount"


def test_the_order_of_rows_does_not_matter():
    rows = moved(traffic(2), 0, lambda values: values * 2)
    assert both(rows) == both(rows.take(np.random.default_rng(1).permutation(len(rows))))


def test_too_few_rows_are_not_told_apart():
    assert told_apart(traffic(1), traffic(2, 99)) is None


def test_a_segment_that_grew_is_named_first():
    rows = traffic(3)
    region = np.where(np.arange(len(rows)) % 2 == 0, "west", rows.frame["region"])
    first, *_ = segments(traffic(1000, 1500), changed(rows, region=region))
    assert (first.column, first.value, first.moved) == ("region", "west", True)
    quiet = [each for each in segments(traffic(1000, 1500), rows) if each.moved]
    assert len(quiet) <= 1
