"""Alerts per day and card precision against slow, obviously right versions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.alerts import card_precision, daily_alerts


def naive_card_precision(
    y: list[int], score: list[float], day: list[int], card: list[int], k: int
) -> tuple[list[float], list[int]]:
    """The book's loop, word for word but with ties broken by card."""
    caught: list[int] = []
    precision, compromised = [], []
    for today in sorted(set(day)):
        best: dict[int, tuple[float, int]] = {}
        for i in range(len(y)):
            if day[i] == today and card[i] not in caught:
                top, bad = best.get(card[i], (-np.inf, 0))
                best[card[i]] = (max(top, score[i]), max(bad, y[i]))
        order = sorted(best, key=lambda c: (-best[c][0], c))
        hits = [c for c in order[:k] if best[c][1] == 1]
        precision.append(len(hits) / k)
        compromised.append(sum(bad for _, bad in best.values()))
        caught += hits
    return precision, compromised


row = st.tuples(st.integers(0, 1), st.integers(0, 4).map(float), st.integers(0, 3), st.integers(0, 6))
rows = st.lists(row, min_size=1, max_size=60)


@given(rows, st.integers(1, 4))
def test_card_precision_is_the_published_loop(cases: list[tuple[int, float, int, int]], k: int) -> None:
    y, score, day, card = (list(column) for column in zip(*cases, strict=True))
    got = card_precision(np.array(y), np.array(score), np.array(day), np.array(card), k)
    precision, compromised = naive_card_precision(y, score, day, card, k)
    assert got.precision.tolist() == pytest.approx(precision)
    assert got.compromised.tolist() == compromised
    assert got.mean <= got.ceiling + 1e-12


@given(rows, st.integers(1, 4))
def test_daily_alerts_are_the_first_of_each_day(cases: list[tuple[int, float, int, int]], k: int) -> None:
    _, score, day, _ = (np.array(column) for column in zip(*cases, strict=True))
    got = daily_alerts(score, day, k)
    frame = pd.DataFrame({"score": score, "day": day}).sort_values("score", ascending=False, kind="stable")
    expected = np.zeros(len(score), bool)
    expected[frame.groupby("day").head(k).index] = True
    assert got.tolist() == expected.tolist()


def test_a_row_without_a_card_is_left_out() -> None:
    got = card_precision(np.array([1, 1]), np.array([0.9, 0.8]), np.array([0, 0]), np.array(["a", None], object), 1)
    assert got.compromised.tolist() == [1]
