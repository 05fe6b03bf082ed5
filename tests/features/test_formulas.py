"""Formulas that the oracle shares with the kernel, held against what they are meant to approximate."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special, stats

from domain.events import Event, Value
from domain.time import DAY, HOUR, MINUTE
from features.aggregates import Aggregate, CircularTime, Decayed, Entropy, SpeedFromLast, Trend
from features.catalogue import compile_set
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.view import FeatureView
from tests.features.naive_values import best_and_fisher
from tests.features.streams import PLATFORM, START, memory_journal

NOON = START // DAY * DAY + 4 * HOUR  # in Shanghai


def last_answer(aggregate: Aggregate, rows: list[tuple[int, dict[str, Value]]]) -> dict[str, float]:
    """The answer to the last of (time, columns)."""
    base: dict[str, Value] = {"card_id": "a", "amount": 1, "currency": "CNY"}
    events = [Event("transaction", f"e{i}", t, t, {**base, **body}) for i, (t, body) in enumerate(rows)]
    view = FeatureView(entity="card_id", source="transaction", features=[aggregate, Decayed(over="90d")], name="card")
    chosen = compile_set(FeatureSettings(product="payment", own=[]), PLATFORM, (view,), (), {})
    row = build_snapshot(chosen, memory_journal(events), PLATFORM).table.to_pylist()[-1]
    return {name: row[name] for name in aggregate.names("card")}


def test_trend_is_the_exact_slope() -> None:
    rng = np.random.default_rng(1)
    for magnitude in (10**3, 10**9, 2**50):
        times = np.sort(rng.integers(0, 30 * DAY, 40)).tolist()
        amounts = rng.integers(-magnitude, magnitude, 40).tolist()
        rows = [(START + t, {"amount": x}) for t, x in zip(times, amounts, strict=True)]
        found = last_answer(Trend("amount", over=["60d"]), [*rows, (START + 31 * DAY, {})])["card_amount_trend_60d"]
        days, xs = [Fraction(t, DAY) for t in times], [Fraction(x, 100) for x in amounts]
        mean_day, mean_x = sum(days) / 40, sum(xs) / 40
        across = sum((d - mean_day) * (x - mean_x) for d, x in zip(days, xs, strict=True))
        exact = across / sum((d - mean_day) ** 2 for d in days)
        # Deviations from the means are rounded; there is no cancellation beyond that of the data.
        assert found == pytest.approx(float(exact), rel=1e-11)


def test_entropy_is_that_of_the_shares() -> None:
    values = ["m"] * 5 + ["n"] * 2 + ["o"]
    rows = [(START + i, {"merchant_id": value}) for i, value in enumerate(values)]
    found = last_answer(Entropy("merchant_id", over=["1h"]), [*rows, (START + MINUTE, {})])
    assert found["card_merchant_id_entropy_1h"] == pytest.approx(stats.entropy([5, 2, 1]), rel=1e-14)
    same = last_answer(Entropy("merchant_id", over=["1h"]), [*rows[:5], (START + MINUTE, {})])
    assert same["card_merchant_id_entropy_1h"] == 0.0


def test_weights_halve() -> None:
    rows = [(START, {"amount": 800}), (START + DAY, {"amount": 400}), (START + 2 * DAY, {})]
    found = last_answer(Decayed("amount", half_life=["1d", "2d"], over="30d"), rows)
    assert found["card_amount_decayed_sum_1d"] == pytest.approx(8 / 4 + 4 / 2, rel=1e-15)
    assert found["card_amount_decayed_sum_2d"] == pytest.approx(8 / 2 + 4 * math.sqrt(0.5), rel=1e-15)


def test_kappa_is_the_inverse_of_the_mean_resultant() -> None:
    """I₁(κ)/I₀(κ) = R; Best & Fisher's branches come within one per cent of it."""
    for r in np.linspace(0.02, 0.98, 97).tolist():
        kappa = best_and_fisher(r, 10**6)
        assert special.i1e(kappa) / special.i0e(kappa) == pytest.approx(r, rel=0.01)
    assert best_and_fisher(1.0, 100) == 500.0


def test_an_unusual_hour_deviates() -> None:
    habit = [(NOON + day * DAY + day % 3 * 10 * MINUTE, {}) for day in range(20)]
    name = "card_time_deviance_30d"
    usual, late, night = (
        last_answer(CircularTime(over=["30d"]), [*habit, (NOON + 20 * DAY + after, {})])[name]
        for after in (10 * MINUTE, 4 * HOUR, 12 * HOUR)
    )
    assert 0.0 <= usual < 0.1 < late < night <= 1000.0
    single = last_answer(CircularTime(over=["30d"]), [habit[0], (NOON + 12 * HOUR, {})])[name]
    assert single == 0.0


def test_distances_are_those_of_the_globe() -> None:
    shanghai: dict[str, Value] = {"latitude": 31.2304, "longitude": 121.4737}
    beijing: dict[str, Value] = {"latitude": 39.9042, "longitude": 116.4074}
    rows = [(START, shanghai), (START + HOUR, {}), (START + 2 * HOUR, beijing)]
    assert last_answer(SpeedFromLast(), rows)["card_km_from_last"] == pytest.approx(1067.3, abs=0.5)
    assert last_answer(SpeedFromLast(statistic="kmh"), rows)["card_kmh_from_last"] == pytest.approx(533.7, abs=0.3)
    antipode: dict[str, Value] = {"latitude": -31.2304, "longitude": 121.4737 - 180.0}
    half = math.pi * 6371.0088
    found = last_answer(SpeedFromLast(), [(START, shanghai), (START + HOUR, antipode)])["card_km_from_last"]
    assert found == pytest.approx(half, rel=1e-7)
    # Across the date line the short way, and at once: the time counts as a second.
    east, west = {"latitude": 0.0, "longitude": 179.9}, {"latitude": 0.0, "longitude": -179.9}
    rows = [(START, dict(east)), (START + 1, dict(west))]
    assert last_answer(SpeedFromLast(), rows)["card_km_from_last"] == pytest.approx(0.2 / 360 * 2 * half, rel=1e-6)
    assert last_answer(SpeedFromLast(statistic="kmh"), rows)["card_kmh_from_last"] == pytest.approx(
        0.2 / 360 * 2 * half * 3600, rel=1e-6
    )
