"""Cut-offs chosen for money: the fast optimiser against every possible choice, and against plain counting."""

from __future__ import annotations

import json
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import DefinitionError
from training.calibration import fit_calibrator
from training.cutoffs import GRADES, choose_cutoffs, grade_codes
from training.money_settings import Costs, Cutoffs
from training.regret import CutoffCost, cost_figures, cost_of_cutoffs
from training.settings import TrainingSettings
from training.stakes import Stakes, grade_costs
from training.thresholds import Ladder, cheapest

ACTIONS = {
    "step_up": {"catches": 0.6, "each": "0.10 CNY", "friction": "2.00 CNY", "source": "a test"},
    "review": {"catches": 0.9, "each": "12.00 CNY", "friction": "1.00 CNY", "source": "a test"},
    "decline": {"catches": 1.0, "each": "0.00 CNY", "friction": "30.00 CNY", "source": "a test"},
}
COSTS = Costs.model_validate({"review": "12.00 CNY", "friction": "30.00 CNY", "source": "a test", "actions": ACTIONS})


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, tuple[float, float, float]]:
    """Probabilities with ties, integer costs of four grades, traffic, an alert budget and ceilings."""
    n = draw(st.integers(1, 12))
    p = np.array(draw(st.lists(st.integers(1, 8), min_size=n, max_size=n))) / 10
    cost = np.array(draw(st.lists(st.lists(st.integers(0, 20), min_size=4, max_size=4), min_size=n, max_size=n)), float)
    unlabelled = np.array(draw(st.lists(st.integers(1, 9), max_size=6))) / 10
    traffic = np.concatenate([p, unlabelled])
    limits = sorted(draw(st.lists(st.integers(0, len(traffic)), min_size=3, max_size=3)), reverse=True)
    return p, cost, traffic, float(draw(st.integers(0, 12))), (limits[0], limits[1], limits[2])


def brute_force(
    p: np.ndarray, cost: np.ndarray, traffic: np.ndarray, budget: float, most: tuple[float, float, float]
) -> float:
    """Every rising triple of cut-offs out of the probabilities there are, and one above them all."""
    best = np.inf
    for triple in combinations_with_replacement(sorted({*p, 2.0}), 3):
        at_or_above = [int((traffic >= cut).sum()) for cut in triple]
        if at_or_above[1] - at_or_above[2] > budget or any(
            n > limit for n, limit in zip(at_or_above, most, strict=True)
        ):
            continue
        grades = [sum(probability >= cut for cut in triple) for probability in p]
        best = min(best, sum(cost[row, grade] for row, grade in enumerate(grades)))
    return best


@trials(max_examples=400)
@given(problems())
def test_the_cheapest_cutoffs_are_those_of_a_search_through_all(
    problem: tuple[np.ndarray, np.ndarray, np.ndarray, float, tuple[float, float, float]],
) -> None:
    p, cost, traffic, budget, most = problem
    ladder = Ladder.of(p)
    places = cheapest(ladder.sums(cost), ladder.above(traffic), budget, most)
    cuts = ladder.cutoffs(places)
    assert 0 < cuts[0] < cuts[1] < cuts[2] <= 1
    codes = grade_codes(p, dict(zip(GRADES, cuts, strict=True)))
    assert cost[np.arange(len(p)), codes].sum() == brute_force(p, cost, traffic, budget, most)
    graded = grade_codes(traffic, dict(zip(GRADES, cuts, strict=True)))
    assert (graded == 2).sum() <= budget
    assert all((graded >= grade).sum() <= limit for grade, limit in zip((1, 2, 3), most, strict=True))


def test_costs_of_grades_are_those_of_a_plain_count() -> None:
    rng = np.random.default_rng(0)
    y, amount = (rng.random(50) < 0.3).astype(np.int8), rng.integers(1, 10**6, 50)
    matrix = grade_costs(y, amount, COSTS)
    for fraud, money, row in zip(y, amount, matrix, strict=True):
        expected = [money * fraud]
        for name, free, spent, friction in (
            ("step_up", 0.4, 10, 200),
            ("review", 0.1, 1200, 100),
            ("decline", 0, 0, 3000),
        ):
            del name
            expected.append(spent + (free * money if fraud else friction))
        np.testing.assert_allclose(row, expected)


def world(seed: int, n: int = 6_000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, raw scores, amounts and days of payments that a model ranks fairly well."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-4, 1.6, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-raw))).astype(np.int8)
    amount = np.exp(rng.normal(9, 1.2, n)).astype(np.int64) * (1 + 3 * y)
    return y, raw, amount, np.sort(rng.integers(0, 12, n))


def priced(
    shares: Cutoffs, per_day: int = 20, seed: int = 1, kind: str = "isotonic"
) -> tuple[CutoffCost, Stakes, dict[str, float]]:
    y, raw, amount, _ = world(0, 40_000)
    calibrator = fit_calibrator(raw, y, kind)  # type: ignore[arg-type]
    p = calibrator.probability(raw)
    cutoffs = choose_cutoffs(p, shares, Stakes(p, grade_costs(y, amount, COSTS), 80.0, per_day))
    y, raw, amount, day = world(seed)
    stakes = Stakes(calibrator.probability(raw), grade_costs(y, amount, COSTS), 12.0, per_day)
    made = cost_of_cutoffs(y, day, stakes, shares, cutoffs, currency="CNY", n_draws=60, seed=3)
    return made, stakes, cutoffs


WIDE = Cutoffs(by="cost", attention=0.5, warning=0.4, high=0.3, source="a test")


def test_the_cost_of_frozen_cutoffs_is_counted_grade_by_grade() -> None:
    made, stakes, cutoffs = priced(WIDE)
    y, _, amount, _ = world(1)
    total = 0.0
    for fraud, money, p in zip(y, amount, stakes.probability, strict=True):
        if p >= cutoffs["high"]:
            total += 0 if fraud else 3_000
        elif p >= cutoffs["warning"]:
            total += 1_200 + (0.1 * money if fraud else 100)
        elif p >= cutoffs["attention"]:
            total += 10 + (0.4 * money if fraud else 200)
        else:
            total += money if fraud else 0
    assert made.values["cost"] == pytest.approx(total / 100)
    assert made.values["cost_without_model"] == pytest.approx(amount[y == 1].sum() / 100)
    assert made.values["saved_share"] == pytest.approx(1 - total / amount[y == 1].sum())
    assert made.table()["n"].sum() == len(y)
    assert made.table()["cost"].sum() == pytest.approx(total / 100)
    for name, value in made.values.items():
        assert made.spread[name].low <= value <= made.spread[name].high, name


def test_money_beats_shares_and_hindsight_beats_both() -> None:
    made, stakes, _ = priced(WIDE)
    shares, _, _ = priced(Cutoffs(by="share", attention=0.03, warning=0.01, high=0.003, source="a test"))
    assert made.values["cost"] < shares.values["cost"] < shares.values["cost_without_model"]
    for each in (made, shares):
        assert each.values["regret"] >= 0
        assert each.values["regret"] == pytest.approx(each.values["cost"] - each.values["cost_in_hindsight"])
    again = grade_codes(stakes.probability, made.hindsight)
    cost = stakes.cost[np.arange(len(again)), again].sum() / 100
    assert cost == pytest.approx(made.values["cost_in_hindsight"])


@given(st.integers(0, 10_000), st.sampled_from(["cost", "share", "probability"]), st.integers(1, 60))
@trials(max_examples=25, deadline=None)
def test_regret_is_never_negative_whatever_was_frozen(seed: int, by: str, per_day: int) -> None:
    rng = np.random.default_rng(seed)
    y, raw, amount, day = world(seed, 400)
    stakes = Stakes(1 / (1 + np.exp(-raw)), grade_costs(y, amount, COSTS), 12.0, per_day)
    a, b, c = sorted(rng.uniform(0.001, 0.9, 3).tolist(), reverse=by != "probability")
    frozen = dict(zip(GRADES, sorted(rng.uniform(0.001, 0.9, 3).tolist()), strict=True))
    chosen = Cutoffs(by=by, attention=a, warning=b, high=c, source="a test")  # type: ignore[arg-type]
    made = cost_of_cutoffs(y, day, stakes, chosen, frozen, currency="CNY", n_draws=10, seed=1)
    assert made.values["cost_in_hindsight"] <= made.values["cost"] * (1 + 1e-12) + 1e-9
    assert made.values["regret"] >= 0
    assert made.spread["regret"].low >= 0


def test_the_alert_budget_holds_on_the_traffic_it_was_chosen_for_and_a_smaller_one_costs_more() -> None:
    y, raw, amount, _ = world(0, 40_000)
    p = fit_calibrator(raw, y, "isotonic").probability(raw)
    costs = []
    for per_day in (40, 5, 1):
        stakes = Stakes(p, grade_costs(y, amount, COSTS), 80.0, per_day)
        codes = grade_codes(p, choose_cutoffs(p, WIDE, stakes))
        assert (codes == 2).sum() <= 80 * per_day
        costs.append(stakes.cost[np.arange(len(codes)), codes].sum())
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


@pytest.mark.parametrize("kind", ["platt", "isotonic", "beta"])
def test_grades_follow_the_raw_score_even_where_calibration_is_flat(kind: str) -> None:
    y, raw, amount, _ = world(0, 40_000)
    p = fit_calibrator(raw, y, kind).probability(raw)  # type: ignore[arg-type]
    if kind == "isotonic":
        assert len(np.unique(p)) < len(np.unique(raw)) / 2
    cutoffs = choose_cutoffs(p, WIDE, Stakes(p, grade_costs(y, amount, COSTS), 80.0, 20))
    codes = grade_codes(p, cutoffs)
    assert (np.diff(codes[np.argsort(raw, kind="stable")]) >= 0).all()
    for grade in (1, 2, 3):
        above = codes >= grade
        # Those at or above a grade are the highest raw scores: a budget spent on either picks the same rows.
        assert above.any()
        assert raw[above].min() > raw[~above].max()


def test_where_nothing_is_worth_stopping_nobody_is() -> None:
    rng = np.random.default_rng(0)
    p, y = rng.random(500) * 0.5, np.zeros(500, np.int8)
    stakes = Stakes(p, grade_costs(y, np.full(500, 100), COSTS), 5.0, 10)
    assert (grade_codes(p, choose_cutoffs(p, WIDE, stakes)) == 0).all()


def test_a_cost_curve_is_the_cost_with_that_cutoff_moved() -> None:
    made, stakes, cutoffs = priced(WIDE)
    p, n_days = stakes.probability, stakes.n_days
    for grade in GRADES:
        curve = dict(made.curves[grade])
        own = (p >= cutoffs[grade]).sum() / n_days
        assert curve[own] == pytest.approx(made.values["cost"])
        for rows, cost in list(curve.items())[:: max(1, len(curve) // 7)]:
            moved = {**cutoffs, grade: np.sort(p)[::-1][round(rows * n_days) - 1] if rows else 1.0}
            codes = grade_codes(p, moved) if len({*moved.values()}) == 3 else None
            if codes is not None:
                assert cost == pytest.approx(stakes.cost[np.arange(len(p)), codes].sum() / 100)


def test_everything_is_written_down() -> None:
    made, _, cutoffs = priced(WIDE)
    assert made.plot().axes[0].get_xscale() == "log"
    content = json.loads(made.to_json())
    assert content["cutoffs"] == cutoffs
    assert content["values"]["regret"] == made.values["regret"]
    assert content["spread"]["regret"] == {"low": made.spread["regret"].low, "high": made.spread["regret"].high}
    figures = cost_figures(made, 10, 2)
    names = [figure.name for figure in figures]
    assert names == [f"cutoffs_{name}" for name in made.values]
    assert figures[0].note == "CNY; bootstrap over 12 days"
    assert [(each.value, each.note[:12]) for each in cost_figures(None, 10, 2)] == [(None, "not assessed")] * 2


def test_cost_without_money_is_refused() -> None:
    with pytest.raises(DefinitionError, match="use by: share"):
        choose_cutoffs(np.linspace(0.1, 0.9, 9), WIDE)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actions": {"step_up": ACTIONS["step_up"]}}, "expected each of step_up, review, decline, got step_up"),
        ({"review": "12.00 USD"}, "costs in one currency, got CNY, USD"),
        ({"review": "-1.00 CNY"}, "got less for review"),
        ({"actions": {**ACTIONS, "review": {**ACTIONS["review"], "source": ""}}}, "source"),
        ({"actions": {**ACTIONS, "review": {**ACTIONS["review"], "catches": 1.2}}}, "catches"),
    ],
)
def test_costs_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Costs.model_validate({**COSTS.model_dump(mode="json"), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"costs": None}, "cutoffs.by cost: expected costs.actions with"),
        ({"costs": {"review": "1.00 CNY", "friction": "1.00 CNY", "source": "a test"}}, "expected costs.actions with"),
        ({"costs": None, "alert_budget": None}, "expected costs.actions and alert_budget with their sources"),
        ({"cutoffs": {**WIDE.model_dump(), "high": 0.45}}, "falling shares"),
        ({"pricing": {"horizon_months": 12, "term_months": 12}}, "pricing: expected product loan, got payment"),
    ],
)
def test_cutoffs_by_cost_need_what_they_are_made_of(
    settings: TrainingSettings, changes: dict[str, object], message: str
) -> None:
    whole = {**settings.model_dump(mode="json"), "cutoffs": WIDE.model_dump(), "costs": COSTS.model_dump(mode="json")}
    assert TrainingSettings.model_validate(whole).cutoffs.by == "cost"
    with pytest.raises(ValidationError, match=message):
        TrainingSettings.model_validate({**whole, **changes})


def test_hindsight_may_review_as_much_as_the_frozen_cutoffs_did() -> None:
    # A review catches everything for nothing; the frozen cut-offs review far more than the budget allows.
    rng = np.random.default_rng(0)
    p, y = rng.random(300), np.ones(300, np.int8)
    cost = np.tile([100.0, 100.0, 0.0, 100.0], (300, 1))
    frozen = {"attention": 0.1, "warning": 0.2, "high": 0.999999}
    anything = Cutoffs(by="probability", attention=0.1, warning=0.2, high=0.9, source="a test")
    made = cost_of_cutoffs(
        y, np.arange(300) // 100, Stakes(p, cost, 3.0, 1), anything, frozen, currency="CNY", n_draws=20, seed=1
    )
    assert made.values["cost_in_hindsight"] <= made.values["cost"]
    assert made.n_reviewed[0] > 1
