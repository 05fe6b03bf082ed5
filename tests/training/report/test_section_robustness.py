"""Robustness: disturbances against naive versions, an attacker who may choose, and a scorer that answers anything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, roc_auc_score

from features.catalogue import described
from scoring.pages.page import Picture
from scoring.pages.status import Status
from tests.training.report.changed import shipped, with_parts
from tests.training.report.every_word import named, read_aloud, with_status
from tests.training.report.variants import leaky
from training.attackers import CHOSEN, evade, is_chosen
from training.report.evidence import Evidence
from training.report.sections.robustness import build
from training.robustness import draw_sample, earlier_rows, failures, measure_changes, with_noise, without

CUTS = {"attention": 0.3, "warning": 0.5, "high": 0.7}


def linear(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A model that adds up what is there."""
    raw = np.clip(np.nan_to_num(X, nan=0.0).sum(axis=1), -700, 700)
    return raw, 1 / (1 + np.exp(-raw))


def world(n: int = 3_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, (rng.random(n) < linear(X)[1]).astype(np.int8)


def test_a_change_is_what_it_is_on_the_rows() -> None:
    X, y = world()
    before, after = linear(X), linear(without(X, [0]))
    (made,) = measure_changes(y, np.ones(len(y)), before, {"missing:a": after}, CUTS, cluster=None, n_draws=100, seed=1)
    assert made.auc == pytest.approx(roc_auc_score(y, after[0]))
    assert made.auc_loss == pytest.approx(roc_auc_score(y, before[0]) - roc_auc_score(y, after[0]))
    losses = [average_precision_score(y, raw) for raw in (before[0], after[0])]
    assert made.ap_loss == pytest.approx(losses[0] - losses[1])
    assert made.rank_correlation == pytest.approx(spearmanr(before[0], after[0])[0])
    bounds = list(CUTS.values())
    grades = [np.searchsorted(bounds, probability, side="right") for _, probability in (before, after)]
    assert made.grades == pytest.approx((grades[0] != grades[1]).mean())
    assert 0 < made.auc_loss_interval.low < made.auc_loss < made.auc_loss_interval.high
    assert made.grades_interval.low < made.grades < made.grades_interval.high


def test_a_sample_stands_for_all_rows() -> None:
    """Its weighted figures are those of all rows but for chance."""
    X, _ = world(40_000)
    raw, p = linear(X)
    y = (np.random.default_rng(1).random(len(p)) < p**4).astype(np.int8)
    drawn = draw_sample(y, 12_000, seed=2)
    assert drawn.weight.sum() == pytest.approx(len(y))
    assert y[drawn.place].sum() == min(y.sum(), 6_000)
    mine = (raw[drawn.place], p[drawn.place])
    (made,) = measure_changes(
        y[drawn.place], drawn.weight, mine, {"noise:0": mine}, CUTS, cluster=None, n_draws=20, seed=1
    )
    assert made.auc == pytest.approx(roc_auc_score(y, raw), abs=0.01)
    assert (made.auc_loss, made.ap_loss, made.grades) == (0, 0, 0)
    assert made.rank_correlation == pytest.approx(1)


def test_noise_is_of_the_size_that_is_said() -> None:
    rng = np.random.default_rng(0)
    reference = np.column_stack([rng.normal(0, 5, 20_000), rng.integers(0, 40, 20_000), np.zeros(20_000)])
    reference[:100, 2] = 1.0
    X = reference[:5_000].copy()
    X[::7, 0] = np.nan
    made = with_noise(X, reference, [0, 1, 2], 0.1, seed=1)
    low, high = np.quantile(reference[:, 0], [0.25, 0.75])
    assert np.nanstd(made[:, 0] - X[:, 0]) == pytest.approx(0.1 * (high - low), rel=0.05)
    assert (np.isnan(made[:, 0]) == np.isnan(X[:, 0])).all()
    assert (made[:, 1] == np.round(made[:, 1])).all()
    assert ((made[:, 1] >= 0) & (made[:, 1] <= 39)).all()
    assert (with_noise(X, reference, [], 0.1, seed=1)[:, 1:] == X[:, 1:]).all()


def test_an_earlier_row_is_the_last_of_the_card_or_any_before() -> None:
    card = np.random.default_rng(0).integers(0, 30, 400)
    naive = [max((j for j in range(i) if card[j] == card[i]), default=i) for i in range(400)]
    assert earlier_rows(card, 400, seed=0).tolist() == naive
    by_lot = earlier_rows(None, 400, seed=0)
    assert by_lot[0] == 0
    assert (by_lot[1:] < np.arange(1, 400)).all()


def test_an_attacker_gains_with_what_may_be_chosen_and_only_with_that() -> None:
    X, y = world()
    caught = X[(y == 1) & (linear(X)[1] >= 0.7)][:100]
    none = evade(caught, X[y == 0], linear, 0.7, ("a", "b", "c"), (), ())
    one, all_three = (
        evade(caught, X[y == 0], linear, 0.7, ("a", "b", "c"), chosen, ()) for chosen in (("a",), ("a", "b", "c"))
    )
    assert (none.n_free, none.fall) == (0, 0.0)
    least = np.quantile(X[y == 0][:, 0], 0.02, method="inverted_cdf")
    moved = caught.copy()
    moved[:, 0] = np.minimum(moved[:, 0], least)
    assert one.n_free == one.alone["a"] == (linear(moved)[1] < 0.7).sum()
    assert 0 < one.n_free < all_three.n_free == len(caught)
    assert all_three.fall > one.fall > 0


def test_what_is_derived_from_the_chosen_follows_it() -> None:
    X, y = world()
    X[:, 2] = 2 * X[:, 0]

    def by_derived(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return rows[:, 2], 1 / (1 + np.exp(-rows[:, 2]))

    def doubled(rows: np.ndarray, original: np.ndarray) -> np.ndarray:
        assert rows.shape == original.shape
        return np.column_stack([rows[:, :2], 2 * rows[:, 0]])

    caught = X[by_derived(X)[1] >= 0.7][:100]
    still, moved = (
        evade(caught, X[y == 0], by_derived, 0.7, ("a", "b", "c"), ("a",), (), *follow) for follow in ((), (doubled,))
    )
    assert (still.n_free, still.fall) == (0, 0.0)
    assert moved.n_free == len(caught)


def test_what_an_attacker_chooses_follows_from_the_catalogue() -> None:
    chosen = {each.name for each in described("payment") if is_chosen(each, "payment")}
    assert {"amount", "channel", "hour_of_day", "ip_count_1h", "payee_known_fraud_count_90d"} <= chosen
    assert not {"card_count_30d", "customer_amount_mean_30d", "account_device_id_age", "platform_count_ratio_1h_7d"} & (
        chosen
    )
    loans = {each.name for each in described("loan") if is_chosen(each, "loan")}
    assert {"income_monthly", "purpose", "debt_to_income"} <= loans
    assert not {"repayment_late_share_1095d", "inquiry_count_365d", "utilisation_last"} & loans
    assert CHOSEN.keys() == {"payment", "loan"}


@pytest.mark.parametrize("fixture", ["fraud_evidence", "credit_evidence"])
def test_no_input_crashes_the_scorer_of_a_bundle(request: pytest.FixtureRequest, fixture: str) -> None:
    evidence: Evidence = request.getfixturevalue(fixture)
    bundle = evidence.bundle

    def score(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raw = bundle.scorer.raw_many(X)
        return raw, bundle.calibrator.probability(raw)

    assert failures(evidence.test.X[:3], score)[0] == 0
    for value in (np.inf, -np.inf, 1e300, np.nan):
        assert np.isfinite(bundle.scorer.raw(np.full(len(bundle.encoder.names), value)))


@pytest.mark.parametrize("fixture", ["fraud_evidence", "credit_evidence"])
@pytest.mark.parametrize("effort", ["full", "light"])
def test_the_section_reads_in_both_languages(request: pytest.FixtureRequest, fixture: str, effort: str) -> None:
    evidence: Evidence = request.getfixturevalue(fixture)
    section = build(evidence, shipped(effort=effort))
    told = read_aloud(section)
    assert "IQR" in told["en"]
    assert "噪声" in told["zh"]
    keys = [each.key for each in section.statistics]
    assert keys == [
        "noise_auc", "noise_grades", "missing_auc", "stale_auc", "unseen_auc", "evasion", "evasion_single", "extremes",
    ]  # fmt: skip
    assert with_status(section, Status.RED) == set()
    assert named(section, "extremes").status is Status.PASS
    assert (named(section, "stale_auc").value is None) is (effort == "light")
    assert bool(section.not_run) is (effort == "light")
    picture = next(block for block in section.blocks if isinstance(block, Picture))
    assert len(picture.table.rows) >= 8


def test_noise_undoes_a_model_that_knows_its_test_by_heart(credit_evidence: Evidence) -> None:
    section = build(leaky(credit_evidence), shipped())
    assert "noise_auc" in with_status(section, Status.RED)
    assert (named(section, "noise_auc").value or 0) > 0.05


def test_with_few_events_only_the_extremes_are_tried(fraud_evidence: Evidence) -> None:
    rows = fraud_evidence.test
    few = with_parts(fraud_evidence, rows.only((rows.y == 0) | (np.cumsum(rows.y == 1) <= 3)))
    section = build(few, shipped())
    read_aloud(section)
    assert named(section, "robustness").value is None
    assert named(section, "extremes").status is Status.PASS


def test_a_model_that_uses_nothing_to_choose_cannot_be_evaded(fraud_evidence: Evidence) -> None:
    """Without events at the cut-off too nothing is guessed."""
    high = replace(fraud_evidence.bundle, cutoffs=dict.fromkeys(fraud_evidence.bundle.cutoffs, 0.9999))
    section = build(with_parts(fraud_evidence, fraud_evidence.test, bundle=high), shipped())
    assert named(section, "evasion").value is None
    read_aloud(section)
