"""Segments and weak spots: figures against scikit-learn, a planted spot found, none found in a model that is right."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from scoring.metrics import Ranking
from scoring.pages.page import Picture
from scoring.pages.status import Status
from tests.training.report.changed import shipped, with_parts
from tests.training.report.every_word import WORDS, named, read_aloud, with_status
from tests.training.report.variants import ideal, wrong_somewhere
from training.intervals import bootstrap
from training.report.evidence import Evidence
from training.report.sections.segments import build
from training.segments import OTHER, measure_segments, of_category, of_number
from training.weak_spots import holm, weak_spots


def world(seed: int, n: int = 6_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of two numbers and a category, their probabilities, and labels that follow them."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 3, n)])
    X[rng.random(n) < 0.1, 1] = np.nan
    p = 1 / (1 + np.exp(2.5 - X[:, 0]))
    return X, p, (rng.random(n) < p).astype(np.int8)


NAMES, CATEGORIES = ("a", "b", "channel"), {"channel": ("app", "web", "till")}


@pytest.mark.parametrize("by_day", [False, True])
def test_a_planted_weak_spot_is_found_and_named(by_day: bool) -> None:
    X, p, y = world(seed=1)
    rng = np.random.default_rng(2)
    spot = (X[:, 2] == 1) & (X[:, 1] > 0.2)
    y[spot] = rng.random(spot.sum()) < np.minimum(1, 3 * p[spot])
    days = rng.integers(0, 20, len(y)) if by_day else None
    found = weak_spots(X, NAMES, CATEGORIES, y, p, cluster=days, seed=4)
    top = found[0]
    assert top.verified
    assert top.low > 1.2
    assert {(term.feature, term.sign, term.value) for term in top.terms} >= {("channel", "=", "web")}
    assert {term.feature for term in top.terms} >= {"b", "channel"}
    assert [spot.adjusted for spot in found] == sorted(spot.adjusted for spot in found)


def test_a_model_that_is_right_has_hardly_ever_a_weak_spot() -> None:
    """Holm holds the chance of any false alarm below one in twenty."""
    alarms = 0
    for seed in range(40):
        X, p, y = world(seed=100 + seed, n=2_000)
        alarms += any(spot.verified for spot in weak_spots(X, NAMES, CATEGORIES, y, p, cluster=None, seed=seed))
    assert alarms <= 4


def test_a_wrong_level_alone_is_no_weak_spot() -> None:
    X, p, y = world(seed=1)
    odds = p / (1 - p) * 3
    assert not any(
        spot.verified for spot in weak_spots(X, NAMES, CATEGORIES, y, odds / (1 + odds), cluster=None, seed=4)
    )


def test_leaves_part_the_rows_that_verify_them() -> None:
    X, p, y = world(seed=3)
    found = weak_spots(X, NAMES, CATEGORIES, y, p, cluster=None, seed=4)
    assert sum(spot.n for spot in found) == 3_000
    assert sum(spot.expected for spot in found) == pytest.approx(sum(spot.n_events for spot in found), rel=1e-6)


def test_holm_is_the_least_level_at_which_the_steps_reject() -> None:
    rng = np.random.default_rng(0)
    p = np.round(rng.random(7) ** 3, 3)
    corrected = holm(p)
    for place in range(len(p)):
        naive = max(min(1.0, (p >= each).sum() * each) for each in p if each <= p[place])
        assert corrected[place] == pytest.approx(naive)


def test_figures_are_those_of_scikit_learn_on_the_rows_of_the_segment() -> None:
    X, p, y = world(seed=5)
    raw = np.log(p / (1 - p)) + np.random.default_rng(6).normal(size=len(p))
    dimensions = [of_category("channel", X[:, 2], CATEGORIES["channel"]), of_number("b", X[:, 1], 4)]
    made = measure_segments(
        dimensions, y, raw, p, cluster=None, cost=np.arange(len(y), dtype=float), n_draws=50, seed=0
    )
    assert [each.label for each in made if each.dimension == "b"][-1] == "missing"
    places = [(d.key, label, np.flatnonzero(d.code == k)) for d in dimensions for k, label in enumerate(d.labels)]
    assert sum(len(rows) for _, _, rows in places) == 2 * len(y)
    for each, (dimension, label, rows) in zip(made, places, strict=True):
        assert (each.dimension, each.label, each.n, each.n_events) == (dimension, label, len(rows), y[rows].sum())
        assert each.auc == pytest.approx(roc_auc_score(y[rows], raw[rows]))
        assert each.average_precision == pytest.approx(average_precision_score(y[rows], raw[rows]))
        assert each.ratio == pytest.approx(y[rows].sum() / p[rows].sum())
        assert each.low < each.ratio < each.high
        assert each.auc_interval is not None
        assert each.auc_interval.low < each.auc < each.auc_interval.high
        assert each.cost == pytest.approx(rows.mean())


@pytest.mark.parametrize("by_day", [False, True])
def test_intervals_from_bins_are_those_of_resampled_rows(by_day: bool) -> None:
    X, p, y = world(seed=7)
    raw = np.log(p / (1 - p)) + np.random.default_rng(8).normal(size=len(p))
    days = np.sort(np.random.default_rng(9).integers(0, 25, len(y))) if by_day else None
    dimension = of_category("channel", X[:, 2], CATEGORIES["channel"])
    made = measure_segments([dimension], y, raw, p, cluster=days, cost=None, n_draws=800, seed=0)
    for place, each in enumerate(made):
        rows = np.flatnonzero(dimension.code == place)
        ranking = Ranking.of(y[rows], raw[rows])
        naive = bootstrap(ranking.figures, len(rows), None if days is None else days[rows], 800, seed=1)
        for name, interval in (("auc", each.auc_interval), ("average_precision", each.average_precision_interval)):
            assert interval is not None
            wide = naive[name].high - naive[name].low
            assert interval.low == pytest.approx(naive[name].low, abs=0.12 * wide)
            assert interval.high == pytest.approx(naive[name].high, abs=0.12 * wide)


def test_rare_values_stand_together() -> None:
    codes = np.repeat(np.arange(12.0), np.arange(12, 0, -1))
    made = of_category("mcc", codes, [f"m{place:02d}" for place in range(12)])
    assert made.labels == (*(f"m{place:02d}" for place in range(7)), OTHER)
    assert (made.code == 7).sum() == 5 + 4 + 3 + 2 + 1


@pytest.mark.parametrize("fixture", ["fraud_evidence", "credit_evidence"])
@pytest.mark.parametrize("effort", ["full", "light"])
def test_the_section_reads_in_both_languages(request: pytest.FixtureRequest, fixture: str, effort: str) -> None:
    evidence: Evidence = request.getfixturevalue(fixture)
    section = build(evidence, shipped(effort=effort))
    told = read_aloud(section)
    assert "amount" in told["en"]
    assert "校准" in told["zh"]
    assert {"calibration.amount", "calibration.history", "n_weak_spots"} <= {each.key for each in section.statistics}
    count = named(section, "n_weak_spots")
    assert count.n is not None
    assert 0 < count.n < evidence.test.labelled.sum()


def test_a_fault_in_one_segment_is_red_there_and_not_elsewhere(credit_evidence: Evidence) -> None:
    good, bad = (build(make(credit_evidence), shipped()) for make in (ideal, wrong_somewhere))
    assert with_status(good, Status.RED) == set()
    red = with_status(bad, Status.RED)
    assert {"calibration.amount", "n_weak_spots"} <= red
    assert "calibration.channel" not in red
    # The lowest fifth of amounts is what the finding names.
    assert "amount" in read_aloud(bad)["en"].partition("Weak spot: ")[2][:60]


def test_without_events_nothing_is_assessed(credit_evidence: Evidence) -> None:
    rows = credit_evidence.test
    section = build(with_parts(credit_evidence, rows.only(rows.y == 0)), shipped())
    assert section.status is Status.NOT_ASSESSED
    assert read_aloud(section)["en"].count("the test holds no labelled events") == 1


def test_a_panel_without_a_mark_says_why(credit_evidence: Evidence) -> None:
    """No segment of the small test has the events for an AUC; many have those for calibration."""
    for evidence, empty in ((credit_evidence, True), (ideal(credit_evidence), False)):
        section = build(evidence, shipped())
        (picture,) = (each for each in section.blocks if isinstance(each, Picture) and each.key == "segments")
        for lang, words in (("zh", "没有一段"), ("en", "no segment has 20")):
            left, _ = picture.draw(WORDS.tongue(lang)).axes
            assert any(words in text.get_text() for text in left.texts) is empty
