"""The interval of the index, the course over time and what is missing, each against draws or a naive count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import norm

from scoring.drift import Psi, psi
from training.missing import missing_changes, unseen_categories
from training.over_time import Traffic, mean_between, over_time
from training.psi_interval import psi_interval


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.4])
def test_the_interval_holds_the_true_index_as_often_as_it_says(shift: float) -> None:
    rng = np.random.default_rng(1)
    now = np.diff(norm.cdf([-np.inf, *(norm.ppf(np.arange(1, 10) / 10) - shift), np.inf]))
    truth = float(((now - 0.1) * np.log(now / 0.1)).sum())
    held = []
    for _ in range(400):
        between = psi_interval(psi(rng.normal(size=900), rng.normal(shift, 1, size=700)))
        held.append(between.low <= truth <= between.high)
    assert 0.91 < np.mean(held) <= 0.99


def test_large_indices_go_on_where_small_ones_end() -> None:
    below, above = (psi_interval(Psi(x * 0.002, 1_000, 1_000, 10, 0, 0, 0.95)) for x in (999.9, 1_000.1))
    assert above.low == pytest.approx(below.low, rel=0.01)
    assert above.high == pytest.approx(below.high, rel=0.01)
    assert psi_interval(Psi(0.0, 10, 10, 1, 0, 0, 0.95)).high == 0.0


def test_the_mean_of_clusters_is_as_sure_as_their_number() -> None:
    rng = np.random.default_rng(2)
    held, naive = [], []
    for _ in range(300):
        cluster = np.repeat(np.arange(40), 25)
        values = rng.normal(size=40)[cluster] + rng.normal(size=1_000)
        _, between = mean_between(values, cluster)
        held.append(between.low <= 0 <= between.high)
        _, rows = mean_between(values, np.zeros(1_000, np.int64))
        naive.append(rows.low <= 0 <= rows.high)
    assert 0.9 < np.mean(held) < 0.985
    assert np.mean(naive) < 0.6


def test_every_period_counts_its_own_rows() -> None:
    rng = np.random.default_rng(3)
    day = np.sort(rng.integers(20_000, 20_120, 2_000))
    y = rng.integers(-1, 2, 2_000).astype(np.int8)
    raw, p = rng.normal(size=2_000), rng.random(2_000)
    early = day < 20_080
    parts = {name: Traffic(day[m], y[m], raw[m], p[m]) for name, m in (("train", early), ("test", ~early))}
    unit, periods = over_time(parts, raw[early])
    frame = pd.DataFrame({"y": y, "p": p, "part": np.where(early, "train", "test")})
    frame["month"] = pd.to_datetime(day, unit="D").strftime("%Y-%m")
    assert unit == "month"
    assert len(periods) == frame.groupby(["part", "month"]).ngroups
    for each in periods:
        mine = frame[(frame["part"] == each.part) & (frame["month"] == each.name)]
        known = mine[mine["y"] >= 0]
        assert (each.n, each.n_labelled, each.n_events) == (len(mine), len(known), known["y"].sum())
        assert each.rate == pytest.approx(known["y"].mean())
        assert each.score == pytest.approx(mine["p"].mean())
        assert each.rate_between.low < each.rate < each.rate_between.high
        assert each.psi.n_current == len(mine)


def test_missing_and_unseen_are_counted() -> None:
    rng = np.random.default_rng(4)
    before, now = (np.where(rng.random((n, 2)) < share, np.nan, 1.0) for n, share in ((500, 0.1), (700, 0.4)))
    for place, each in enumerate(missing_changes(before, now, ["a", "b"])):
        assert each.before == np.isnan(before[:, place]).mean()
        assert each.now == np.isnan(now[:, place]).mean()
        assert each.between.low < 0.3 < each.between.high
    texts = pa.array(["qr", "fax", None, "telex", "qr"]).dictionary_encode()
    (found,) = unseen_categories(pa.table({"channel": texts}), {"channel": ("qr", "mobile")})
    assert (found.n, found.share, found.examples) == (2, 0.4, ("fax", "telex"))
