"""Several fits as one text: the mean raw score, kept by everything that reads a model."""

from __future__ import annotations

from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from domain.errors import DataError
from scoring.explainer import Explainer
from scoring.scorer import Scorer
from training.families.averaged import averaged
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.sweeps import monotone_violations

COLUMNS = Columns(("amount", "age", "hour", "channel"), ("channel",))
FAMILY = LightGBM(seed=3, threads=1)


def world(n: int = 2_000, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 6, n)
    logit = -2.5 + X[:, 0] + np.sin(2 * X[:, 2]) + np.isin(X[:, 3], [2, 5])
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    X[rng.random(X.shape) < 0.1] = np.nan
    return Labelled(X, y)


def texts(rows: Labelled, *, rounds: int = 15, n: int = 3, family: LightGBM = FAMILY) -> list[str]:
    params = family.starts(len(rows))[0]
    return [replace(family, seed=3 + 7919 * place).fit(COLUMNS, rows, params, rounds).text for place in range(n)]


def test_the_raw_score_is_the_mean_of_those_of_the_fits() -> None:
    rows = world()
    params = FAMILY.starts(len(rows))[0]
    whole = replace(FAMILY, fits=3).fit(COLUMNS, rows, params, 15)
    # Bins are drawn by the seed only where there are more rows than LightGBM looks at for them.
    alone = [Scorer(text).raw_many(rows.X) for text in texts(rows)]
    assert np.ptp(np.stack(alone), axis=0).max() > 0.05
    # The sums run in another order.
    np.testing.assert_allclose(whole.raw(rows.X), np.mean(alone, axis=0), rtol=0, atol=1e-12)
    assert whole.complexity()["trees"] == Scorer(whole.text).n_trees == 45


def test_one_fit_is_what_it_always_was_and_several_are_the_same_again() -> None:
    rows = world()
    params = FAMILY.starts(len(rows))[0]
    assert replace(FAMILY, fits=1).fit(COLUMNS, rows, params, 5).text == texts(rows, rounds=5, n=1)[0]
    first, again = (replace(FAMILY, fits=2).fit(COLUMNS, rows, params, 5).text for _ in range(2))
    assert first == again
    # What LightGBM writes: nothing changes when it reads and writes it once more.
    assert lightgbm.Booster(model_str=first).model_to_string(num_iteration=-1) == first


def test_contributions_add_up_to_the_score() -> None:
    rows = world()
    scorer = Scorer(averaged(texts(rows)))
    told = Explainer(scorer).contributions_many(rows.X[:50])
    np.testing.assert_allclose(told.sum(axis=1), scorer.raw_many(rows.X[:50]), rtol=0, atol=1e-9)


def test_signs_are_kept() -> None:
    rows = world()
    family = replace(FAMILY, signs={"amount": 1})
    params = family.starts(len(rows))[0]
    kept, free = (
        replace(each, fits=3).fit(COLUMNS, rows, {**params, "path_smooth": 0.0}, 15) for each in (family, FAMILY)
    )
    assert not monotone_violations(kept.raw, rows.X, COLUMNS.names, {"amount": 1}, model_text=kept.text)
    assert monotone_violations(free.raw, rows.X, COLUMNS.names, {"amount": 1}, model_text=free.text)


def test_a_fit_that_finds_no_split_counts_with_its_one_leaf() -> None:
    rows = world(200)
    flat = FAMILY.fit(COLUMNS, rows, {**FAMILY.starts(200)[0], "min_data_in_leaf": 199}, 3).text
    steep = texts(rows, rounds=3, n=1)[0]
    mean = (Scorer(flat).raw_many(rows.X) + Scorer(steep).raw_many(rows.X)) / 2
    np.testing.assert_allclose(Scorer(averaged([flat, steep])).raw_many(rows.X), mean, rtol=0, atol=1e-12)


def test_models_of_other_columns_are_refused() -> None:
    rows = world()
    params = FAMILY.starts(len(rows))[0]
    other = FAMILY.fit(Columns(("amount", "age", "hour", "x_channel")), rows, params, 5).text
    with pytest.raises(DataError, match="models of the same columns"):
        averaged([texts(rows, rounds=5, n=1)[0], other])


def test_the_mean_of_five_ranks_later_rows_better_than_one_of_them_does() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(9_000, 30))
    y = (rng.random(9_000) < 1 / (1 + np.exp(4 - X[:, :6].sum(axis=1) * 0.6))).astype(np.int8)
    columns = Columns(tuple(f"number_{place}" for place in range(30)))
    learnt, later = Labelled(X[:2_000], y[:2_000]), slice(2_000, None)
    params = FAMILY.starts(2_000)[0]
    alone = [
        average_precision_score(y[later], replace(FAMILY, seed=seed).fit(columns, learnt, params, 60).raw(X[later]))
        for seed in range(3, 8)
    ]
    whole = replace(FAMILY, fits=5).fit(columns, learnt, params, 60)
    assert average_precision_score(y[later], whole.raw(X[later])) > np.mean(alone) + 0.003
