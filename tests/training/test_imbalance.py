"""Undersampling: draws that nothing else moves, the exact prior correction, whole parts where something is measured."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.settings import PlatformSettings
from domain.time import Clock
from scoring.metrics import calibration_line
from scoring.reasons import ReasonBook
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT
from training.calibration import fit_calibrator
from training.challenger import train
from training.dataset_settings import Undersampling
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.imbalance import corrected_probability, draws, thinning
from training.settings import TrainingSettings
from training.splits import Part
from training.tracking import Tracker


def rows_of(ids: list[str], client: str = "shop") -> pa.Table:
    return pa.table({"client": [client] * len(ids), "event_id": ids})


@given(ids=st.lists(st.text(min_size=1, max_size=8), min_size=1, unique=True), data=st.data(), seed=st.integers(0, 9))
def test_a_draw_depends_on_nothing_but_client_id_and_seed(ids: list[str], data: st.DataObject, seed: int) -> None:
    whole = dict(zip(ids, draws(rows_of(ids), seed), strict=True))
    some = data.draw(st.permutations(ids).map(lambda order: order[: max(1, len(order) // 2)]))
    assert [whole[name] for name in some] == draws(rows_of(some), seed).tolist()
    assert all(0 <= value < 1 for value in whole.values())


def test_draws_are_uniform_and_their_seeds_and_clients_independent() -> None:
    ids = [f"t{i}" for i in range(20_000)]
    first, other, client = draws(rows_of(ids), 1), draws(rows_of(ids), 2), draws(rows_of(ids, "bank"), 1)
    for drawn in (first, other, client):
        assert np.abs(np.histogram(drawn, 20, (0, 1))[0] - 1_000).max() < 5 * np.sqrt(1_000)
    for drawn in (other, client):
        assert abs(np.corrcoef(first, drawn)[0, 1]) < 4 / np.sqrt(len(ids))


def test_every_positive_is_kept_and_the_share_of_negatives() -> None:
    y = (np.arange(50_000) % 50 == 0).astype(np.int8)
    part = Part(np.arange(len(y)), y, None, {})
    table = rows_of([f"t{i}" for i in range(len(y))])
    thinned = thinning(Undersampling(undersample=0.2), table, 3)(part)
    assert thinned.y.sum() == y.sum()
    assert (thinned.y == y[thinned.rows]).all()
    assert abs((thinned.y == 0).sum() / (y == 0).sum() - 0.2) < 0.01
    for option in ("none", "weights"):
        assert thinning(option, table, 3)(part) is part


@given(p=st.floats(0.001, 0.999), beta=st.floats(0.001, 1.0))
def test_the_shift_of_the_raw_score_is_the_published_formula(p: float, beta: float) -> None:
    published = beta * p / (beta * p - p + 1)
    assert corrected_probability(np.array([np.log(p / (1 - p))]), beta)[0] == pytest.approx(published, rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_correction_alone_is_calibrated_where_the_model_can_be_right(seed: int) -> None:
    # Nine cells with a rate of their own: trees can say exactly what is true.
    rng = np.random.default_rng(seed)
    n = 200_000
    X = rng.integers(0, 3, (n, 2)).astype(float)
    truth = 1 / (1 + np.exp(-(-4.2 + 0.9 * X[:, 0] + 0.6 * X[:, 1])))
    y = (rng.random(n) < truth).astype(np.int8)
    learnt, later = np.arange(n // 2), np.arange(n // 2, n)
    thin = thinning(Undersampling(undersample=0.1), rows_of([str(i) for i in range(n)]), 5)
    part = thin(Part(learnt, y[learnt], None, {}))
    params = {"learning_rate": 0.3, "num_leaves": 9, "min_data_in_leaf": 1, "lambda_l2": 0.0}
    raw = LightGBM(seed=1, threads=1).fit(Columns(("a", "b")), Labelled(X[part.rows], part.y), params, 60).raw(X)
    beta = float((part.y == 0).sum() / (y[learnt] == 0).sum())

    alone = corrected_probability(raw[later], beta)
    slope, intercept = calibration_line(y[later], alone)
    # Two samples of 8,000 events each say their rate to 1.1 %: three of their standard errors together.
    assert alone.mean() == pytest.approx(y[later].mean(), rel=0.05)
    assert slope == pytest.approx(1, abs=0.06)
    assert intercept == pytest.approx(0, abs=0.12)
    # Without it, odds are ten times too high.
    assert calibration_line(y[later], 1 / (1 + np.exp(-raw[later])))[1] < -2
    # Platt's line on the raw score finds the same shift by itself.
    fitted = fit_calibrator(raw[later], y[later], "platt").probability(raw[later])
    assert np.abs(np.log(fitted / (1 - fitted)) - np.log(alone / (1 - alone))).max() < 0.12


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_a_share_lies_between_none_and_all(settings: TrainingSettings, share: float) -> None:
    with pytest.raises(ValidationError, match="undersample"):
        TrainingSettings.model_validate({**settings.model_dump(mode="json"), "imbalance": {"undersample": share}})


@pytest.mark.slow
def test_a_model_of_a_tenth_of_the_negatives_is_calibrated_and_its_bundle_says_so(
    journal: Journal, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings, clock: Clock,
    make_home: Callable[[str], Home],
) -> None:  # fmt: skip
    chosen = settings.model_copy(update={"imbalance": Undersampling(undersample=0.1)})
    tracker = Tracker.open(make_home("home"), {})
    made = train(chosen, platform, journal, book, tracker, actor="lin", clock=clock, root=ROOT)
    about = json.loads((made.bundle / "manifest.json").read_text())["about"]
    correction = about["prior_correction"]
    assert about["imbalance"] == "undersample"
    assert 0.07 < correction["beta"] < 0.13
    assert correction["raw_score_shift"] == pytest.approx(np.log(correction["beta"]))
    events = made.split.train.n_events
    assert correction["rows_learnt"] == events + round(correction["beta"] * (len(made.split.train.rows) - events))
    assert len(made.measured.scored.y) == len(made.split.test.rows)
    low, high = (
        made.measured.evaluation["calibration_intercept"].low,
        made.measured.evaluation["calibration_intercept"].high,
    )
    assert low is not None
    assert high is not None
    assert low < 0 < high
