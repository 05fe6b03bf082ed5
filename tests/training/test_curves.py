"""Curves against scikit-learn; periods against the calendar."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from training.curves import class_shares, precision_recall, roc
from training.spans import spans_of


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    y = (rng.random(3_000) < 0.1).astype(np.int8)
    return y, np.round(rng.normal(size=3_000) + y, 2)


def test_every_point_is_one_of_scikit_learns(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    false, true, _ = roc_curve(y, score, drop_intermediate=False)
    mine = roc(y, score, at_most=10_000)
    np.testing.assert_allclose(mine, (false, true), atol=1e-12)
    precision, recall, _ = precision_recall_curve(y, score)
    theirs = {(round(a, 9), round(b, 9)) for a, b in zip(recall, precision, strict=True)}
    found = list(zip(*precision_recall(y, score), strict=True))
    assert len(found) > 150
    assert {(round(a, 9), round(b, 9)) for a, b in found} <= theirs


def test_a_thinned_curve_keeps_its_ends_and_its_area(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    whole, thin = roc(y, score, at_most=10_000), roc(y, score, at_most=60)
    assert len(thin[0]) <= 60
    assert (thin[0][0], thin[1][0], thin[0][-1], thin[1][-1]) == (0.0, 0.0, 1.0, 1.0)
    assert auc(*thin) == pytest.approx(auc(*whole), abs=0.005)


def test_shares_of_both_classes_are_whole(rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, score = rows
    edges, negative, positive = class_shares(y, score)
    assert negative.sum() == pytest.approx(1)
    assert positive.sum() == pytest.approx(1)
    middle = (edges[1:] + edges[:-1]) / 2
    assert positive @ middle == pytest.approx(score[y == 1].mean(), abs=0.1)


def test_the_longest_unit_with_a_course_is_taken() -> None:
    first = (datetime.date(2026, 1, 30) - datetime.date(1970, 1, 1)).days
    assert spans_of(first + np.arange(40)).names == ("2026-01", "2026-02", "2026-03")
    weeks = spans_of(first + np.arange(20))
    assert weeks.unit == "week"
    assert all(datetime.date.fromisoformat(name).weekday() == 0 for name in weeks.names)
    assert np.bincount(weeks.code).tolist() == [3, 7, 7, 3]
    assert spans_of(first + np.arange(3), "month").names == ("2026-01", "2026-02")
    assert spans_of(np.array([first])).names == ("2026-01-30",)
