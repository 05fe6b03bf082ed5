"""Figures weighted by propensity are those of all traffic; unweighted ones are those of what a policy let through."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from domain.errors import DataError
from domain.settings import PlatformSettings
from domain.time import DAY
from scoring.metrics import Ranking, brier
from scoring.reasons import ReasonBook
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import N_DAYS, ROOT, START, payments
from training.challenger import train
from training.evaluation import Scored, evaluate
from training.settings import TrainingSettings
from training.tracking import Tracker

CUTS = {"attention": 0.1, "warning": 0.3, "high": 0.6}


def traffic(seed: int, n: int = 6_000) -> tuple[Scored, Scored]:
    """All requests, and those whose label is seen: approved ones, and a tenth of what the old policy declined."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(-2.5, 1.2, n)
    y = (rng.random(n) < 1 / (1 + np.exp(-raw))).astype(np.int8)
    # The old policy knew something of its own, and declined what both found risky.
    declined = raw + rng.normal(0, 0.7, n) + y > -1.0
    propensity = np.where(declined, 0.1, 1.0)
    seen = rng.random(n) < propensity
    whole = Scored(y, raw, 1 / (1 + np.exp(-raw)), np.arange(n) % 10)
    return whole, Scored(y[seen], raw[seen], whole.probability[seen], whole.day[seen], propensity=propensity[seen])


def test_weighted_figures_are_unbiased_where_naive_ones_are_not(settings: TrainingSettings) -> None:
    chosen = settings.model_copy(update={"propensity": "x_propensity", "resamples": 50, "alert_budget": None})
    naive, weighted, truth = [], [], []
    for seed in range(24):
        whole, seen = traffic(seed)
        result = evaluate(seen, chosen, CUTS, rows="a test", base_currency="CNY")
        names = ("prevalence", "auc", "average_precision", "brier")
        naive.append([result[name].value for name in names])
        weighted.append([result[f"{name}_weighted"].value for name in names])
        ranking = Ranking.of(whole.y, whole.raw)
        truth.append([whole.y.mean(), ranking.auc(), ranking.average_precision(), brier(whole.y, whole.probability)])
        assert result["events_weighted"].value == pytest.approx((seen.y / seen.propensity).sum())
    off = np.array(weighted) - truth
    error = off.std(axis=0, ddof=1) / np.sqrt(len(off))
    assert (np.abs(off.mean(axis=0)) < 3 * error).all()
    missed = (np.array(naive) - truth).mean(axis=0)
    assert (np.abs(missed) > 5 * error).all()


def test_a_propensity_of_one_changes_nothing_and_rows_outside_the_sample_count_nothing(
    settings: TrainingSettings,
) -> None:
    chosen = settings.model_copy(update={"propensity": "x_propensity", "alert_budget": None})
    whole, _ = traffic(3)
    n = len(whole.y)
    out = np.where(np.arange(n) % 2, np.nan, 1.0)
    for propensity, kept in ((np.ones(n), np.arange(n)), (out, np.arange(0, n, 2))):
        scored = Scored(whole.y, whole.raw, whole.probability, whole.day, propensity=propensity)
        result = evaluate(scored, chosen, CUTS, rows="a test", base_currency="CNY")
        ranking = Ranking.of(whole.y[kept], whole.raw[kept])
        figure = result["auc_weighted"]
        assert figure.value == pytest.approx(ranking.auc(), abs=1e-12)
        assert (figure.n, figure.n_events) == (len(kept), whole.y[kept].sum())
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < ranking.auc() < figure.high
        assert "by 1/x_propensity" in figure.note


def test_without_a_column_it_is_not_assessed(settings: TrainingSettings) -> None:
    whole, _ = traffic(1)
    for name, why in ((None, "settings name no propensity column"), ("x_p", "no request carries x_p")):
        chosen = settings.model_copy(update={"propensity": name, "alert_budget": None})
        result = evaluate(whole, chosen, CUTS, rows="a test", base_currency="CNY")
        figure = result["average_precision_weighted"]
        assert (figure.value, figure.note) == (None, f"not assessed: {why}")


@pytest.mark.parametrize("wrong", [0.0, -0.5, 1.5, np.inf])
def test_a_propensity_that_is_none_is_refused(settings: TrainingSettings, wrong: float) -> None:
    whole, _ = traffic(1)
    propensity = np.ones(len(whole.y))
    propensity[7] = wrong
    scored = Scored(whole.y, whole.raw, whole.probability, whole.day, propensity=propensity)
    with pytest.raises(DataError, match="x_p: expected probabilities above 0 and at most 1"):
        evaluate(scored, settings.model_copy(update={"propensity": "x_p"}), CUTS, rows="a test", base_currency="CNY")


def test_the_model_may_not_read_it(settings: TrainingSettings) -> None:
    content = settings.model_dump(mode="json")
    content["features"]["own"] = ["amount", "x_propensity"]
    with pytest.raises(ValidationError, match="x_propensity tells the old policy"):
        TrainingSettings.model_validate({**content, "propensity": "x_propensity"})


@pytest.mark.slow
def test_training_reads_the_propensity_that_events_carry(
    tmp_path: Path, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings,
    make_home: Callable[[str], Home],
) -> None:  # fmt: skip
    world = payments()
    rng = np.random.default_rng(0)
    drawn = np.where(rng.random(world["transaction"].num_rows) < 0.1, 0.05, 1.0)
    drawn[::50] = np.nan
    column = pa.array(drawn, from_pandas=True)
    world["transaction"] = world["transaction"].append_column("x_propensity", column)
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    journal.append_tables(world, "shop")
    ticks = count(START + (N_DAYS + 1) * DAY, 1_000_000)
    made = train(
        settings.model_copy(update={"propensity": "x_propensity"}), platform, journal, book,
        Tracker.open(make_home("home"), {}), actor="lin", clock=lambda: next(ticks), root=ROOT,
    )  # fmt: skip
    scored = made.measured.scored
    assert scored.propensity is not None
    ids = journal.read("transaction", columns=["seq"])["seq"].to_numpy()
    assert len(ids) == len(drawn)
    assert set(np.unique(scored.propensity[~np.isnan(scored.propensity)])) == {0.05, 1.0}
    figure = made.measured.evaluation["average_precision_weighted"]
    assert figure.value is not None
    assert figure.n == int((~np.isnan(scored.propensity)).sum()) < len(scored.y)
