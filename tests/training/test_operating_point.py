"""Alert curve, tenths, approvals and swap sets against naive counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from training.alert_curve import AlertCurve, capacities
from training.alerts import daily_alerts, daily_ranks
from training.approval import approval_curve, swap_set
from training.deciles import breaks, deciles


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    y = (rng.random(3_000) < 0.06).astype(np.int8)
    return {
        "y": y,
        "score": np.round(rng.normal(size=3_000) + 1.5 * y, 1),
        "day": rng.integers(100, 130, 3_000),
        "amount": rng.integers(1, 90_000, 3_000),
    }


def test_every_capacity_is_the_daily_alerts_of_that_many(rows: dict[str, np.ndarray]) -> None:
    y, score, day, amount = rows.values()
    per_day = capacities(7, 150)
    assert 7 in per_day
    curve = AlertCurve.of(y, score, day, amount, per_day)
    found = curve.figures()
    for at, k in enumerate(per_day):
        alert = daily_alerts(score, day, int(k))
        hits = y[alert].sum()
        assert found["precision"][at] == pytest.approx(hits / alert.sum())
        assert found["recall"][at] == pytest.approx(hits / y.sum())
        assert found["value_detection_rate"][at] == pytest.approx((amount * y)[alert].sum() / (amount * y).sum())
        assert found["false_per_fraud"][at] == pytest.approx((alert.sum() - hits) / hits)
        assert found["lift"][at] == pytest.approx(hits / alert.sum() / y.mean())


def test_a_day_that_counts_twice_is_the_same_as_its_rows_twice(rows: dict[str, np.ndarray]) -> None:
    y, score, day, amount = rows.values()
    curve = AlertCurve.of(y, score, day, amount, np.array([3, 10]))
    times = np.where(curve.days == 110, 2.0, 1.0)
    copied = {name: np.concatenate([values, values[day == 110]]) for name, values in rows.items()}
    copied["day"] = np.concatenate([day, np.full((day == 110).sum(), 999)])
    other = AlertCurve.of(*copied.values(), np.array([3, 10])).figures()
    for name, values in curve.figures(times).items():
        np.testing.assert_allclose(values, other[name])
    for low, high in curve.bands(200, seed=1).values():
        assert (low <= high).all()
    low, high = curve.bands(200, seed=1)["recall"]
    assert (low < curve.figures()["recall"]).all()
    assert (curve.figures()["recall"] < high).all()


def test_ranks_are_those_of_pandas(rows: dict[str, np.ndarray]) -> None:
    frame = pd.DataFrame(rows)
    naive = frame.groupby("day")["score"].rank(method="first", ascending=False) - 1
    assert daily_ranks(rows["score"], rows["day"]).tolist() == naive.astype(int).tolist()


def test_tenths_hold_every_row_once_and_rise(rows: dict[str, np.ndarray]) -> None:
    y, score = rows["y"], rows["score"]
    made = deciles(y, score)
    assert sum(each.n for each in made) == len(y)
    assert sum(each.n_events for each in made) == y.sum()
    assert all(above.least > below.most for above, below in pairwise(made))
    for each in made:
        mine = (score >= each.least) & (score <= each.most)
        assert (each.n, each.n_events) == (mine.sum(), y[mine].sum())
        assert each.lift == pytest.approx(y[mine].mean() / y.mean())
        so_far = score >= each.least
        assert each.rows_so_far == pytest.approx(so_far.mean())
        assert each.events_so_far == pytest.approx(y[so_far].sum() / y.sum())
        assert each.rate_so_far == pytest.approx(y[so_far].mean())
    assert breaks(made) == 0
    assert breaks(deciles(y, -score)) > 0


def test_the_curve_of_approvals_is_counted_and_its_band_holds_it(rows: dict[str, np.ndarray]) -> None:
    y, score = rows["y"], np.random.default_rng(1).permutation(3_000) + 900.0 * rows["y"]
    share = np.array([0.1, 0.5, 1.0])
    made = approval_curve(y, score, share, 200, seed=2)
    order = np.argsort(score, kind="stable")
    assert made.rate.tolist() == [y[order[: round(each * 3_000)]].mean() for each in share]
    assert (made.low <= made.rate).all()
    assert (made.rate <= made.high).all()
    again = approval_curve(y, np.arange(3_000.0), share, 400, seed=2)
    spread = np.sqrt(y.mean() * (1 - y.mean()) / 3_000)
    assert again.high[-1] - again.low[-1] == pytest.approx(2 * 1.96 * spread, rel=0.15)


def test_swap_sides_are_those_of_two_sorted_lists(rows: dict[str, np.ndarray]) -> None:
    y, new = rows["y"], rows["score"] + np.arange(3_000) * 1e-9
    old = new + np.random.default_rng(3).normal(size=3_000)
    made = swap_set(y, new, old, 2_000)
    mine, theirs = (set(np.argsort(score)[:2_000].tolist()) for score in (new, old))
    wanted = [mine & theirs, mine - theirs, theirs - mine, set(range(3_000)) - mine - theirs]
    for side, places in zip(made.sides, wanted, strict=True):
        assert (side.n, side.n_events) == (len(places), y[sorted(places)].sum())
    assert made.sides[1].n == made.sides[2].n
    assert made.gain == pytest.approx(made.sides[2].rate - made.sides[1].rate)
    assert 0 < made.low < made.gain < made.high
    same = swap_set(y, new, new, 2_000)
    assert np.isnan(same.gain)
