"""Traffic in which customers repeat themselves: unchanged it is as quiet as is stated, changed it is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from domain.decision import Product
from domain.events import Event
from monitoring.calculators.calculator import Calculator, Terms
from monitoring.calculators.feature_drift import FeatureDrift
from monitoring.calculators.missing_share import MissingShare
from monitoring.calculators.rates import Rates
from monitoring.calculators.score_drift import ScoreDrift
from monitoring.customers import customers_of
from monitoring.traffic import Traffic
from scoring.clusters import covariance, effective
from scoring.drift import psi
from stores.database import Database
from stores.journal import Journal

TERMS = Terms(confidence=0.95)
NAMES = ("amount", "count", "ratio", "channel")
KINDS = (FeatureDrift, ScoreDrift, MissingShare, Rates)
SEEDS = 60


def traffic(seed: int, n: int, n_customers: int, own: float, *, moved: float = 0.0) -> Traffic:
    """Some customers pay often; ``own`` of the variance of whatever they do is theirs."""
    rng = np.random.default_rng([7, seed])
    whose = (n_customers * rng.random(n) ** 2).astype(np.int64)

    def column() -> np.ndarray:
        theirs = rng.normal(size=n_customers)[whose]
        return np.sqrt(own) * theirs + np.sqrt(1 - own) * rng.normal(size=n)

    raw = -2.2 + 1.3 * column() + moved
    score = 1 / (1 + np.exp(-raw))
    place = np.searchsorted([0.2, 0.4, 0.7], score, side="right")
    ratio = np.where(column() > 0.9 - moved, np.nan, column())
    code = np.searchsorted([0.3, 1.2], column()).astype(float)
    frame = pd.DataFrame(
        {
            "raw": raw, "score": score, "whose": whose,
            "grade": np.array(["normal", "attention", "warning", "high"])[place],
            "action": np.array(["approve", "step_up", "review", "decline"])[place],
        }
    )  # fmt: skip
    vectors = np.column_stack([np.exp(3 + column() + moved), np.floor(np.exp(0.7 * column())), ratio, code])
    return Traffic(frame, vectors, np.ones(n, bool), NAMES, frozenset({"channel"}))


def nameless(rows: Traffic) -> Traffic:
    return replace(rows, frame=rows.frame.drop(columns="whose"))


def alarms(kind: type[Calculator], *, known: bool, own: float = 0.5) -> int:
    """Of 60 chunks of unchanged traffic; a reference is a thin sample and does not say whose its rows are."""
    raised = 0
    for seed in range(SEEDS):
        fitted = kind(TERMS).fit(nameless(traffic(1000 + seed, 2000, 20_000, own)))
        chunk = traffic(seed, 600, 150, own)
        raised += any(result.alarming for result in fitted.calculate(chunk if known else nameless(chunk)))
    return raised


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_unchanged_customers_raise_at_most_the_stated_share(kind: type[Calculator]) -> None:
    """5 % of 60 are 3; 8 would come by chance in 1 exam of 80."""
    assert alarms(kind, known=True) <= 8


def test_taken_as_independent_their_rows_would_alarm_every_other_time() -> None:
    """The control: the clusters are real."""
    assert alarms(FeatureDrift, known=False) > 20


def test_a_change_is_found_all_the_same() -> None:
    reference = nameless(traffic(1, 2000, 2000, 0.3))
    chunk = traffic(2, 1500, 600, 0.3, moved=0.8)
    wanted = {FeatureDrift: "amount", ScoreDrift: "raw score", MissingShare: "ratio", Rates: "alert rate"}
    for kind, name in wanted.items():
        found = {result.name for result in kind(TERMS).fit(reference).calculate(chunk) if result.alarming}
        assert name in found, kind.name


def test_without_repeats_chance_is_what_it_was() -> None:
    rng = np.random.default_rng(1)
    then, now = rng.normal(size=3000), rng.normal(size=1000)
    plain = psi(then, now)
    alone = psi(then, now, clusters=(None, np.arange(1000)))
    assert alone.value == plain.value
    assert alone.by_chance == pytest.approx(plain.by_chance, rel=0.02)
    # Every row told twice is worth half as many.
    twice = psi(then, np.repeat(now, 2), clusters=(None, np.repeat(np.arange(1000), 2)))
    assert twice.by_chance == pytest.approx(plain.by_chance, rel=0.02)


def test_the_covariance_is_that_of_a_thousand_draws_of_customers() -> None:
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(1000):
        kind = rng.choice(3, size=80, p=[0.5, 0.3, 0.2])
        rows = np.where(rng.random(400) < 0.6, kind[np.arange(400) % 80], rng.choice(3, size=400, p=[0.5, 0.3, 0.2]))
        shares.append(np.bincount(rows, minlength=3) / 400)
    told = covariance(rows, 3, np.arange(400) % 80)
    assert told == pytest.approx(np.cov(np.array(shares).T), abs=0.0008)
    hits, n = effective(rows == 0, np.arange(400) % 80)
    assert hits / n == pytest.approx(np.mean(rows == 0))
    assert n == pytest.approx(400 / (1 + 4 * 0.36), rel=0.3)


def test_whose_a_request_is_comes_from_the_journal(tmp_path) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    bodies = [
        {"customer_id": "a"},
        {"customer_id": "b", "card_id": "k"},
        {"card_id": "k"},
        {},
        {"customer_id": "a"},
        {},
    ]
    events = [
        Event("transaction", f"t{place}", place, place, {"amount": 1, "currency": "CNY", **body})
        for place, body in enumerate(bodies)
    ]
    seqs = np.array([each.seq for each in journal.append(events)])
    whose = customers_of(journal, Product.PAYMENT, seqs[::-1])[::-1]
    assert whose[0] == whose[4]
    assert len(set(whose.tolist())) == 5
    assert len(customers_of(journal, Product.LOAN, np.array([], np.int64))) == 0
