"""Evaluation: every figure against a plain count, honest about what it could not assess."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.errors import DefinitionError
from training.evaluation import Evaluation, Scored, evaluate
from training.settings import TrainingSettings

CUTS = {"attention": 0.1, "warning": 0.3, "high": 0.6}


@pytest.fixture(scope="module")
def scored() -> Scored:
    rng = np.random.default_rng(8)
    n = 4_000
    raw = rng.normal(-3, 1.5, n)
    p = 1 / (1 + np.exp(-raw))
    return Scored(
        y=(rng.random(n) < p).astype(np.int8), raw=raw, probability=p, day=np.sort(rng.integers(20_000, 20_012, n)),
        amount=rng.integers(100, 90_000, n), card=rng.integers(0, 700, n).astype(str).astype(object),
    )  # fmt: skip


def run(scored: Scored, settings: TrainingSettings, **changes: Any) -> Evaluation:
    chosen = TrainingSettings.model_validate({**settings.model_dump(mode="json"), **changes})
    return evaluate(scored, chosen, CUTS, rows="a test", base_currency="CNY")


def test_alert_figures_are_counted_day_by_day(scored: Scored, settings: TrainingSettings) -> None:
    result = run(scored, settings)
    frame = pd.DataFrame({"y": scored.y, "raw": scored.raw, "day": scored.day, "amount": scored.amount})
    alerts = frame.sort_values("raw", ascending=False).groupby("day").head(5)
    caught, false_alerts = int(alerts["y"].sum()), int((alerts["y"] == 0).sum())
    lost = frame.loc[frame["y"] == 1, "amount"].sum()
    saved = alerts.loc[alerts["y"] == 1, "amount"].sum()
    assert result["precision_at_budget"].value == pytest.approx(caught / len(alerts))
    assert result["recall_at_budget"].value == pytest.approx(caught / frame["y"].sum())
    assert result["value_detection_rate"].value == pytest.approx(saved / lost)
    assert result["cost"].value == pytest.approx((lost - saved + 2_000 * len(alerts) + 5_000 * false_alerts) / 100)
    assert result["cost"].note.startswith("CNY; bootstrap over")
    assert result["cost_without_model"].value == lost / 100
    top = frame.nlargest(40, "raw")
    assert result["recall_at_1pct"].value == pytest.approx(top["y"].sum() / frame["y"].sum())


def test_every_figure_lies_in_its_interval_with_n_and_events_beside(scored: Scored, settings: TrainingSettings) -> None:
    *figures, weighted = run(scored, settings).figures
    assert weighted.name == "average_precision_weighted"  # needs a propensity: see test_propensity.py
    for figure in figures:
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low <= figure.value <= figure.high, figure.name
        assert (figure.n, figure.n_events) == (len(scored.y), int(scored.y.sum()))


def test_grades_add_up(scored: Scored, settings: TrainingSettings) -> None:
    grades = run(scored, settings).grade_table()
    assert grades["n"].sum() == len(scored.y)
    assert grades["n_events"].sum() == scored.y.sum()
    assert grades["rate"].is_monotonic_increasing
    assert grades.loc["high", "n"] == (scored.probability >= 0.6).sum()


def test_what_has_no_source_is_not_assessed(scored: Scored, settings: TrainingSettings) -> None:
    result = run(scored, settings, alert_budget=None, costs=None)
    for name in ("recall_at_budget", "value_detection_rate", "cost"):
        assert result[name].value is None
        assert "not assessed" in result[name].note
    assert "test_cost" not in result.metrics()
    assert json.loads(result.to_json())["figures"][-1]["value"] is None


def test_costs_in_another_currency_are_refused(scored: Scored, settings: TrainingSettings) -> None:
    costs = {"review": "1.00 USD", "friction": "1.00 USD", "source": "a test"}
    with pytest.raises(DefinitionError, match=r"costs\.review: expected money in CNY, got '1\.00 USD'"):
        run(scored, settings, costs=costs)


def test_a_warning_stands_beside_every_figure(scored: Scored, settings: TrainingSettings) -> None:
    result = evaluate(scored, settings, CUTS, rows="a test", base_currency="CNY", warning="random split")
    assert result.table()["note"].str.startswith("random split").all()
    assert json.loads(result.to_json())["warning"] == "random split"


def test_the_same_seed_gives_the_same_intervals(scored: Scored, settings: TrainingSettings) -> None:
    assert run(scored, settings).to_json() == run(scored, settings).to_json()
    assert run(scored, settings).to_json() != run(scored, settings, seed=12).to_json()
