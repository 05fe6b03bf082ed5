"""The search and the family: seeded, pruned, reproducible, at home with missing values and categories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from domain.errors import DefinitionError
from scoring.scorer import Scorer
from tests.training.study_worker import Valley
from tests.training.study_worker import run as search_valley
from training.families.family import Columns, Labelled, Prepared
from training.families.lightgbm import LightGBM
from training.mean_curve import joint
from training.search import Searched, StudyPlace, search
from training.settings import Search

COLUMNS = Columns(("amount", "age", "noise", "channel"), ("channel",))


def world(n: int = 3_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 4, n)
    y = (rng.random(n) < 1 / (1 + np.exp(3 - X[:, 0] - (X[:, 3] == 2) * 2))).astype(np.int8)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, y


def found(seed: int = 5, objective: str = "average_precision") -> Searched:
    X, y = world()
    folds = [
        (Labelled(X[: 500 * k], y[: 500 * k]), Labelled(X[500 * k : 500 * k + 500], y[500 * k : 500 * k + 500]))
        for k in (3, 4, 5)
    ]
    family = LightGBM(seed=seed, threads=1)
    told: list[tuple[str, int, int, str]] = []
    result = search(
        family, COLUMNS, folds, Search(trials=5, rounds=40, patience=8), objective=objective, seed=seed,
        progress=lambda *step: told.append(step),
    )  # fmt: skip
    assert [step[1] for step in told if step[0] == "search"] == [1, 2, 3, 4, 5]
    return result


def test_the_same_seed_finds_the_same_and_fits_the_same_bytes() -> None:
    first, second = found(), found()
    assert dict(first.params) == dict(second.params)
    assert (first.rounds, first.value) == (second.rounds, second.value)
    X, y = world()
    family = LightGBM(seed=5, threads=1)
    rows = Labelled(X, y)
    text = family.fit(COLUMNS, rows, first.params, first.rounds).text
    assert text == family.fit(COLUMNS, rows, second.params, second.rounds).text
    assert text != LightGBM(seed=6, threads=1).fit(COLUMNS, rows, first.params, first.rounds).text
    assert Scorer(text).n_trees == first.rounds


def test_the_chosen_trial_ran_all_folds_and_is_no_worse_than_the_calm_beginning() -> None:
    result = found()
    complete = {trial["number"]: trial for trial in result.trials if trial["state"] == "complete"}
    assert result.value == complete[result.chosen]["value"] >= complete[0]["value"]
    assert len(complete[result.chosen]["values"]) == 3
    assert result.value == pytest.approx(np.mean(complete[result.chosen]["values"]))
    assert result.table()["value"].is_monotonic_decreasing
    assert len(result.trials) == 5


@pytest.mark.parametrize(
    ("objective", "oracle"), [("average_precision", average_precision_score), ("auc", roc_auc_score)]
)
def test_a_fold_is_scored_as_scikit_learn_scores_it(objective: str, oracle: object) -> None:
    X, y = world()
    family = LightGBM(seed=1, threads=1)
    earlier, later = Labelled(X[:2000], y[:2000]), Labelled(X[2000:], y[2000:])
    told: list[float] = []
    tried = family.prepare(COLUMNS, earlier, later, objective).score(
        family.starts(2000)[0], rounds=30, patience=30, report=lambda _, value: told.append(value)
    )
    model = family.fit(COLUMNS, earlier, family.starts(2000)[0], tried.rounds)
    assert len(told) == 30
    assert max(told) == tried.value
    assert callable(oracle)
    assert tried.value == pytest.approx(oracle(y[2000:], model.raw(X[2000:])), abs=1e-6)


def test_bins_made_once_give_what_bins_made_anew_give() -> None:
    X, y = world()
    family = LightGBM(seed=1, threads=1)
    halves = Labelled(X[:2000], y[:2000]), Labelled(X[2000:], y[2000:])
    shared = family.prepare(COLUMNS, *halves, "auc")
    leaves = [{**family.starts(2000)[0], "min_data_in_leaf": size} for size in (5, 400, 50)]
    reused = [shared.score(params, rounds=15, patience=15) for params in leaves]
    anew = [family.prepare(COLUMNS, *halves, "auc").score(params, rounds=15, patience=15) for params in leaves]
    assert reused == anew


@pytest.mark.parametrize(("coarse", "bins"), [(True, 63), (False, 255)])
def test_trials_of_few_rows_have_fewer_bins_unless_they_are_to_have_all(coarse: bool, bins: int) -> None:
    X, y = world(2_000)
    halves = Labelled(X[:1_000], y[:1_000]), Labelled(X[1_000:], y[1_000:])
    family = LightGBM(seed=1, threads=1)
    budget = Search(trials=1, rounds=20, patience=5, coarse=coarse)
    result = search(family, COLUMNS, [halves], budget, objective="auc", seed=1)
    curve: list[float] = []
    replace(family, max_bin=bins).prepare(COLUMNS, *halves, "auc").score(
        family.starts(1_000)[0], rounds=20, patience=5, report=lambda _, value: curve.append(value)
    )
    assert (result.rounds, (result.value,)) == joint([curve], 5)


def test_a_study_of_coarse_trials_is_not_gone_on_with_by_others(tmp_path: Path) -> None:
    X, y = world(2_000)
    halves = Labelled(X[:1_000], y[:1_000]), Labelled(X[1_000:], y[1_000:])
    place = StudyPlace("bins", f"sqlite:///{tmp_path}/bins.db")

    def go(coarse: bool) -> Searched:
        budget = Search(trials=2, rounds=5, patience=5, coarse=coarse)
        return search(LightGBM(1, 1), COLUMNS, [halves], budget, objective="auc", seed=1, study=place)

    assert len(go(True).trials) == 2
    with pytest.raises(DefinitionError, match=r"begun with other family .*another name"):
        go(False)


def test_weights_move_the_level_not_the_sense() -> None:
    X, y = world()
    params = LightGBM(seed=1, threads=1).starts(3000)[0]
    rows = Labelled(X, y)
    plain = LightGBM(seed=1, threads=1).fit(COLUMNS, rows, params, 30).raw(X)
    weighted = LightGBM(seed=1, threads=1, weighted=True).fit(COLUMNS, rows, params, 30).raw(X)
    assert weighted.mean() > plain.mean() + 0.5
    assert roc_auc_score(y, weighted) > 0.8


def test_a_grid_is_tried_whole_after_its_beginning_and_no_further() -> None:
    result = search_valley(None, 50, budget={"method": "grid", "pruning": "none"})
    tried = [(trial["x"], trial["depth"]) for trial in result.trials]
    assert tried[0] == (0.5, 2)
    assert sorted(tried) == sorted((x, depth) for x in (0.5, 1.0, 3.0) for depth in (2, 5))
    assert dict(result.params) == {"x": 3.0, "depth": 5}
    # A smaller budget sees the first part of the same order, and counts the same way.
    shorter = search_valley(None, 4, budget={"method": "grid", "pruning": "none"})
    assert [(trial["x"], trial["depth"]) for trial in shorter.trials] == tried[:4]


def test_a_grid_names_what_it_varies_and_the_rest_stays() -> None:
    X, y = world(1_200)
    halves = [(Labelled(X[:800], y[:800]), Labelled(X[800:], y[800:]))]
    family = LightGBM(seed=1, threads=1)
    result = search(
        family, COLUMNS, halves, Search(trials=3, rounds=5, patience=5, method="grid"), objective="auc", seed=1
    )
    calm = family.starts(800)[0]
    assert len(result.trials) == 3
    for trial in result.trials:
        assert {name: trial[name] for name in calm if name not in family.grid(800)} == {
            name: value for name, value in calm.items() if name not in family.grid(800)
        }
    family.fit(COLUMNS, halves[0][0], result.params, result.rounds)


def test_draws_at_random_do_not_look_at_results() -> None:
    plain = search_valley(None, 14, budget={"method": "random", "pruning": "none"})
    moved = search_valley(None, 14, Shifted(), budget={"method": "random", "pruning": "none"})
    assert [trial["x"] for trial in plain.trials] == [trial["x"] for trial in moved.trials]
    guided = search_valley(None, 14, budget={"pruning": "none"})
    elsewhere = search_valley(None, 14, Shifted(), budget={"pruning": "none"})
    assert [trial["x"] for trial in guided.trials] != [trial["x"] for trial in elsewhere.trials]


class Shifted(Valley):
    """The same ranges, another valley."""

    def prepare(self, columns: Columns, train: Labelled, valid: Labelled, objective: str) -> Prepared:
        fold = super().prepare(columns, train, valid, objective)
        return replace(fold, shift=2.0)  # type: ignore[type-var]


def test_the_champions_parameters_are_tried_first_within_the_ranges_of_today() -> None:
    first = search_valley(None, 3, start={"x": 99.0, "depth": 3}).trials[0]
    assert (first["x"], first["depth"]) == (4.0, 3)
    other = search_valley(None, 3, start={"width": 3}).trials[0]
    assert (other["x"], other["depth"]) == (0.5, 2)


def test_a_budget_smaller_than_the_beginnings_ends() -> None:
    X, y = world(800)
    folds = [(Labelled(X[:400], y[:400]), Labelled(X[400:], y[400:]))]
    family = LightGBM(seed=5, threads=1)
    assert len(family.starts(400)) > 1
    result = search(family, COLUMNS, folds, Search(trials=1, rounds=5, patience=5), objective="auc", seed=5)
    assert [trial["state"] for trial in result.trials] == ["complete"]
