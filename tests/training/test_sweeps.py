"""Sweeps: a constrained model passes, a planted violation is found where it is, however narrow."""

from __future__ import annotations

import lightgbm
import numpy as np
import optuna
import pytest

from domain.errors import DefinitionError, InputError
from training.families.family import Columns, Labelled
from training.families.lightgbm import Boosted, LightGBM
from training.sweeps import Violation, monotone_violations, thresholds

COLUMNS = Columns(("amount", "age", "noise", "channel"), ("channel",))
SIGNS = {"amount": 1, "age": -1, "channel": 1}


def world(n: int = 2_500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Risk rises with the amount and falls with the age, but not everywhere: there is something to hold back."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 6, n)
    logit = -2 + 1.5 * X[:, 0] - 2.5 * (X[:, 0] > 1.2) - X[:, 1] * (X[:, 3] != 2) + (X[:, 3] == 2)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    X[rng.random(X.shape) < 0.08] = np.nan
    return X, y


def wavy() -> tuple[Columns, Labelled, LightGBM]:
    """Three features that the model is told to rise with; the risk rises with two and waves along the third."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1_500, 3)).round(1)
    logit = X[:, 0] + X[:, 1] + 2 * np.sin(3 * X[:, 2]) - 1
    y = (rng.random(1_500) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    family = LightGBM(seed=1, threads=1, signs={"a": 1, "b": 1, "c": 1})
    return Columns(("a", "b", "c")), Labelled(X, y), family


def fitted(signs: dict[str, int], method: str = "basic", seed: int = 3) -> Boosted:
    family = LightGBM(seed=seed, threads=1, signs=signs, method=method)
    params = {**family.starts(2_500)[1], "num_leaves": 24}
    return family.fit(COLUMNS, Labelled(*world()), params, 60)


def violations(model: Boosted, signs: dict[str, int]) -> list[Violation]:
    X, _ = world(300, seed=9)
    return monotone_violations(model.raw, X, COLUMNS.names, signs, model_text=model.text, n_rows=60)


@pytest.mark.parametrize("seed", range(4))
def test_a_constrained_model_moves_with_its_signs_over_all_thresholds(seed: int) -> None:
    signs = {"amount": 1, "age": -1}
    assert violations(fitted(signs, seed=seed), signs) == []


def test_a_method_that_breaks_its_own_constraints_is_caught() -> None:
    """LightGBM 4.7 says it constrained this model; its ``advanced`` trees rise and fall all the same."""
    signs = {"amount": 1, "age": -1}
    model = fitted(signs, "advanced")
    assert "monotone_constraints=1 -1 0 0" in model.text
    assert {each.feature for each in violations(model, signs)} == {"amount", "age"}


def test_smoothing_breaks_the_constraints_and_is_caught() -> None:
    """LightGBM 4.7 moves a leaf towards its parent after it saw to the signs; the family refuses the parameter."""
    columns, rows, family = wavy()
    given = family.settings(columns, family.starts(1_500)[1], 0.2)
    dataset = family._dataset(columns, rows)
    for smooth in (0.0, 10.0):
        text = lightgbm.train({**given, "path_smooth": smooth}, dataset, 40).model_to_string()
        found = monotone_violations(Boosted(text).raw, rows.X, columns.names, family.signs, model_text=text)
        assert bool(found) == (smooth > 0)
    with pytest.raises(DefinitionError, match="path_smooth: expected 0"):
        family.fit(columns, rows, {**family.starts(1_500)[1], "path_smooth": 10.0}, 5)


def test_whatever_the_search_draws_keeps_to_the_signs() -> None:
    """Draws over the whole space: a parameter that breaks the signs must not be among those searched."""
    columns, rows, family = wavy()
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for params in [*family.starts(1_500), *(family.suggest(study.ask(), 1_500) for _ in range(10))]:
        text = family.fit(columns, rows, params, 40).text
        assert monotone_violations(Boosted(text).raw, rows.X, columns.names, family.signs, model_text=text) == []


def test_an_unconstrained_model_is_caught_on_both_features() -> None:
    signs = {"amount": 1, "age": -1}
    found = violations(fitted({}), signs)
    assert {each.feature for each in found} == {"amount", "age"}
    assert found[0].worst >= found[1].worst > 0.01
    assert "amount from" in str(next(each for each in found if each.feature == "amount"))


def test_a_violation_says_where_it_is() -> None:
    model = fitted({})
    for each in violations(model, {"amount": 1, "age": -1}):
        place = COLUMNS.names.index(each.feature)
        row = np.array([[each.row[name] for name in COLUMNS.names]] * 2)
        row[0, place], row[1, place] = each.low, each.high
        low, high = model.raw(row)
        assert each.low < each.high
        assert each.sign * (low - high) == pytest.approx(each.worst)


def test_two_leaves_of_one_tree_put_in_each_others_place_are_found() -> None:
    signs = {"amount": 1}
    X = np.linspace(0, 1, 400)[:, None]
    y = (np.random.default_rng(0).random(400) < X[:, 0]).astype(np.int8)
    family = LightGBM(seed=1, threads=1, signs=signs)
    params = {**family.starts(400)[1], "min_data_in_leaf": 5}
    text = family.fit(Columns(("amount",)), Labelled(X, y), params, 5).text
    assert monotone_violations(Boosted(text).raw, X, ("amount",), signs, model_text=text) == []
    # The text keeps its length, which its header counts.
    line = next(line for line in text.splitlines() if line.startswith("leaf_value="))
    values = line.removeprefix("leaf_value=").split()
    least, most = (values.index(str(each)) for each in (min(values, key=float), max(values, key=float)))
    values[least], values[most] = values[most], values[least]
    broken = text.replace(line, "leaf_value=" + " ".join(values), 1)
    found = monotone_violations(Boosted(broken).raw, X, ("amount",), signs, model_text=broken)
    assert [each.feature for each in found] == ["amount"]
    assert found[0].worst > 0.05


def test_a_step_between_two_quantiles_is_seen_through_the_text_only() -> None:
    text = "feature_names=a\n\nTree=0\nnum_leaves=3\nsplit_feature=0 0\nthreshold=0.5 0.5000001\ndecision_type=2 2\n"

    def raw(rows: np.ndarray) -> np.ndarray:
        return np.where((rows[:, 0] > 0.5) & (rows[:, 0] <= 0.5000001), 1.0, 0.0)

    X = np.linspace(0, 1, 1_000)[:, None]
    assert monotone_violations(raw, X, ("a",), {"a": 1}) == []
    found = monotone_violations(raw, X, ("a",), {"a": 1}, model_text=text)
    assert found[0].worst == 1.0
    assert found[0].low <= 0.5000001 < found[0].high


def test_thresholds_are_those_lightgbm_lists_and_leave_categories_out() -> None:
    text = fitted({}).text
    frame = lightgbm.Booster(model_str=text).trees_to_dataframe()
    numeric = frame[frame["decision_type"] == "<="]
    expected = {
        name: sorted({float(value) for value in part["threshold"]}) for name, part in numeric.groupby("split_feature")
    }
    assert {name: values.tolist() for name, values in thresholds(text).items()} == expected
    assert "channel" not in expected


def test_a_category_has_no_order_and_is_not_constrained() -> None:
    assert fitted(SIGNS).text == fitted({"amount": 1, "age": -1}).text


@pytest.mark.parametrize(("signs", "n"), [({"absent": 1}, 5), ({"a": 0}, 5), ({"a": 1}, 0)])
def test_what_cannot_be_swept_is_refused(signs: dict[str, int], n: int) -> None:
    with pytest.raises(InputError):
        monotone_violations(lambda rows: rows[:, 0], np.zeros((n, 1)), ("a",), signs)
