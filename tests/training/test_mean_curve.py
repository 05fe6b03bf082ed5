"""A trial's rounds: by the words alone on any curves, not led by one fold's luck, and those the search carries."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.mean_curve import joint
from training.search import search
from training.settings import Search

CURVES = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=25), min_size=1, max_size=4)


def plainly(curves: list[list[float]], patience: int) -> list[list[float]]:
    """Each fold's calmed figure after every round up to the longest fit's end, by the module's words."""
    longest = max(len(curve) for curve in curves)
    told = []
    for curve in curves:
        calm = []
        for rounds in range(1, longest + 1):
            seen = curve[:rounds]
            size = min(patience, (len(seen) + 1) // 2)
            calm.append(sum(seen[-size:]) / size)
        told.append(calm)
    return told


@given(CURVES, st.integers(1, 12))
def test_rounds_are_where_the_mean_of_calmed_curves_is_highest(curves: list[list[float]], patience: int) -> None:
    found = joint(curves, patience)
    told = plainly(curves, patience)
    means = [sum(calm[place] for calm in told) / len(told) for place in range(len(told[0]))]
    assert means[found.rounds - 1] == pytest.approx(max(means), abs=1e-12)
    assert all(mean < max(means) + 1e-12 for mean in means)
    assert found.values == pytest.approx([calm[found.rounds - 1] for calm in told], abs=1e-12)


def test_luck_of_early_rounds_does_not_end_a_fit_that_learns() -> None:
    rng = np.random.default_rng(0)
    learns = 0.3 * (1 - 0.98 ** np.arange(1, 201))
    chosen, alone = [], []
    for _ in range(40):
        curves = [learns + rng.normal(0, 0.03, 200) for _ in range(3)]
        for curve in curves:
            curve[rng.integers(5, 40)] += 0.4
        chosen.append(joint([curve.tolist() for curve in curves], patience=30).rounds)
        alone.append(np.median([np.argmax(curve) + 1 for curve in curves]))
    assert np.max(alone) < 40
    assert np.min(chosen) > 80


def test_a_search_carries_the_rounds_and_the_figure_of_the_mean_curve() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1_500, 3))
    y = (rng.random(1_500) < 1 / (1 + np.exp(2.5 - X[:, 0]))).astype(np.int8)
    columns, family = Columns(("a", "b", "c")), LightGBM(seed=2, threads=1)
    folds = [(Labelled(X[:n], y[:n]), Labelled(X[n : n + 300], y[n : n + 300])) for n in (600, 900, 1_200)]
    budget = Search(trials=3, rounds=60, patience=10, coarse=False)
    found = search(family, columns, folds, budget, objective="average_precision", seed=2)
    # Folds are scored newest first.
    curves: list[list[float]] = [[] for _ in folds]
    for fold, curve in zip(reversed(folds), curves, strict=True):
        prepared = family.prepare(columns, *fold, "average_precision")
        prepared.score(found.params, rounds=60, patience=10, report=partial(_keep, curve))
    rounds, values = joint(curves, 10)
    trial = found.trials[found.chosen]
    assert (found.rounds, trial["rounds"], trial["values"]) == (rounds, rounds, list(values))
    assert found.value == pytest.approx(np.mean(values), abs=1e-12)
    assert len({len(curve) for curve in curves}) > 1


def _keep(curve: list[float], _: int, value: float) -> None:
    curve.append(value)
