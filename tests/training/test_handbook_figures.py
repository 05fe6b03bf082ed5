"""Figures of test weeks: scikit-learn's on the rows a resample of days would hold, and differences that are paired."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.metrics import Ranking
from training.alerts import card_precision
from training.protocols.handbook_figures import FIGURES, Measured, ScoredWeek, resampled_days


def week(seed: int, lift: float = 1.0) -> tuple[ScoredWeek, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    day, y = np.repeat(np.arange(7), 40), (rng.random(280) < 0.2).astype(np.int8)
    raw = rng.normal(size=280) + lift * y
    cards = card_precision(y, raw, day, rng.integers(0, 60, 280), k=5)
    return ScoredWeek(Ranking.of(y, raw), cards, day, int(y.sum())), y, raw, day


def test_days_drawn_twice_are_rows_laid_out_twice() -> None:
    scored, y, raw, day = week(1)
    counts = np.array([2, 0, 1, 1, 3, 0, 0])
    rows = np.repeat(np.arange(len(y)), counts[day])
    auc, ap, cards = scored.figures(counts)
    assert auc == pytest.approx(roc_auc_score(y[rows], raw[rows]))
    assert ap == pytest.approx(average_precision_score(y[rows], raw[rows]))
    assert cards == pytest.approx(np.repeat(scored.cards.precision, counts).mean())


def test_a_line_holds_means_spread_and_interval() -> None:
    made = Measured.of([week(1)[0], week(2)[0]], 60, seed=5)
    line = made.line("ours")
    singles = np.array([week(1)[0].figures(), week(2)[0].figures()])
    for place, name in enumerate(FIGURES):
        cell = line.cells[name]
        assert cell.value == pytest.approx(singles[:, place].mean())
        assert cell.sd == pytest.approx(singles[:, place].std(ddof=1))
        assert cell.low is not None
        assert cell.high is not None
        assert cell.low < cell.value < cell.high
    assert (line.n, line.n_events) == (560, made.n_events)


def test_a_difference_is_paired_on_the_same_days() -> None:
    one, other = ([week(seed, lift)[0] for seed in (1, 2)] for lift in (1.0, 1.5))
    first, second = Measured.of(one, 60, seed=5), Measured.of(other, 60, seed=5)
    same = first.less(Measured.of(one, 60, seed=5), "itself")
    assert all((cell.value, cell.low, cell.high) == (0, 0, 0) for cell in same.cells.values())
    paired = second.less(first, "lifted").cells["AUC"]
    apart = second.less(Measured.of(one, 60, seed=6), "lifted, other days").cells["AUC"]
    assert paired.low is not None
    assert paired.high is not None
    assert apart.low is not None
    assert apart.high is not None
    assert 0 < paired.value == apart.value
    assert paired.high - paired.low < apart.high - apart.low


def test_every_week_keeps_its_number_of_days() -> None:
    for weeks in resampled_days([7, 5], 20, seed=1):
        assert [int(counts.sum()) for counts in weeks] == [7, 5]
        assert [len(counts) for counts in weeks] == [7, 5]


def test_one_week_has_no_spread_over_weeks() -> None:
    assert dataclasses.asdict(Measured.of([week(1)[0]], 20, seed=1).line("one").cells["AP"])["sd"] is None
