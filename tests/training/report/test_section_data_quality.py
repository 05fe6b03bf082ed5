"""Features that break between training and test, constants, and a prevalence that moves are seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.pages.status import Status
from tests.training.report.changed import built, with_parts
from tests.training.report.every_word import every_word, named
from training.profile import by_period, by_week, constants, outside, quantiles
from training.report.evidence import Evidence
from training.report.sections import data_quality


def whole(evidence: Evidence) -> Evidence:
    """Without what the small worlds lack by themselves: every value known, none constant, all within range."""
    rng = np.random.default_rng(0)
    rows = {}
    for part in ("train", "calibration", "test"):
        mine = getattr(evidence, part)
        X = rng.random(mine.X.shape)
        X[:2] = np.array([[0.0], [1.0]])
        rows[part] = replace(mine, X=X)
    return with_parts(evidence, **rows)


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_it_is_never_red_on_an_honest_world(request: pytest.FixtureRequest, name: str) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    built(data_quality, evidence, effort="light")
    section = built(data_quality, whole(evidence))
    assert {each.key: each.status for each in section.statistics if each.key != "prevalence_ratio"} == {
        "missing_moved": Status.PASS, "constant": Status.PASS, "out_of_range": Status.PASS,
    }  # fmt: skip


def test_features_that_stop_arriving_count_by_what_they_bear(fraud_evidence: Evidence) -> None:
    good = whole(fraud_evidence)
    told = fraud_evidence.frame("shap.csv")
    assert told is not None
    for name in (told["feature"].iloc[0], told["feature"].iloc[-1]):
        X = good.test.X.copy()
        X[: len(X) // 2, good.bundle.feature_set.names.index(name)] = np.nan
        section = built(data_quality, with_parts(good, test=replace(good.test, X=X)))
        moved = named(section, "missing_moved")
        assert moved.value == pytest.approx(told.set_index("feature")["share"][name])
        assert name in " ".join(every_word(section, "en"))
    X = np.where(np.arange(len(good.test.X))[:, None] % 2, np.nan, good.test.X)
    moved = named(built(data_quality, with_parts(good, test=replace(good.test, X=X))), "missing_moved")
    assert (moved.status, round(moved.value or 0.0, 9)) == (Status.RED, 1.0)


def test_constants_and_other_units_are_seen(fraud_evidence: Evidence) -> None:
    good = whole(fraud_evidence)
    X = good.train.X.copy()
    X[:, :15] = 3.0
    section = built(data_quality, with_parts(good, train=replace(good.train, X=X)))
    assert named(section, "constant").status is Status.RED
    assert named(section, "constant").value == 15 / X.shape[1]
    beyond = named(built(data_quality, with_parts(good, test=replace(good.test, X=good.test.X * 100))), "out_of_range")
    assert beyond.status is Status.RED


def test_a_prevalence_that_trebles_is_red(fraud_evidence: Evidence) -> None:
    usual = named(built(data_quality, fraud_evidence), "prevalence_ratio")
    assert usual.status is Status.PASS
    test = fraud_evidence.test
    y = np.where(np.arange(len(test.y)) % 6 == 0, 1, test.y).astype(np.int8)
    found = named(built(data_quality, with_parts(fraud_evidence, test=replace(test, y=y))), "prevalence_ratio")
    assert found.status is Status.RED
    assert found.value == pytest.approx(y.mean() / fraud_evidence.train.y.mean())


def test_columns_beside_naive_versions() -> None:
    rng = np.random.default_rng(1)
    X = np.where(rng.random((200, 4)) < 0.2, np.nan, rng.normal(size=(200, 4)))
    X[:, 2] = np.nan
    X[:, 3] = 1.0
    assert constants(X).tolist() == [len({str(value) for value in X[:, j]}) == 1 for j in range(4)]
    known = X[~np.isnan(X[:, 0]), 0]
    assert quantiles(X, (0.5,))[0, 0] == np.median(known)
    share = outside(X, np.full(4, -1.0), np.full(4, 1.0))
    assert share[0] == sum(abs(value) > 1 for value in known) / len(known)
    assert np.isnan(share[2])
    assert share[3] == 0.0


def test_weeks_become_months_where_there_are_many() -> None:
    start = 20_454  # 2026-01-01
    day = np.arange(start, start + 400)
    assert not by_week(day)
    months = by_period(day, (np.arange(400) % 4 == 0).astype(np.int8), weekly=False)
    assert months[0].label == "2026-01"
    assert months[0].n == 31
    assert len(months) == 14
    assert sum(each.n_events for each in months) == 100
    weeks = by_period(day[:14], np.ones(14, np.int8))
    assert [(each.label, each.n, each.rate) for each in weeks] == [("2026-01-01", 7, 1.0), ("2026-01-08", 7, 1.0)]
    assert by_period(day[:0], np.zeros(0, np.int8)) == ()
