from __future__ import annotations

import gc
import weakref

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ModelError
from scoring import asked
from scoring import scorer as module
from scoring.scorer import FAST, PLAIN, WALK, Scorer, check_model_text, parity_rows
from scoring.trees import Trees, read_trees
from scoring.walk import Walk
from tests.scoring.models import KINDS, NAMES, model_text, rows

SCORERS: dict[str, tuple[Scorer, lightgbm.Booster]] = {}


def of(kind: str) -> tuple[Scorer, lightgbm.Booster]:
    if kind not in SCORERS:
        SCORERS[kind] = Scorer(model_text(kind)), lightgbm.Booster(model_str=model_text(kind))
    return SCORERS[kind]


def predicted(booster: lightgbm.Booster, X: np.ndarray) -> np.ndarray:
    return booster.predict(X, raw_score=True, num_iteration=booster.current_iteration(), num_threads=1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_engine_gives_the_bits_of_booster_predict(kind: str) -> None:
    scorer, booster = of(kind)
    X = np.vstack([rows(300, seed=9), parity_rows(scorer._infos, seed=5)])
    assert scorer.engine is (FAST if kind == "linear_leaves" else WALK)
    expected = predicted(booster, X)
    assert [scorer.raw(row).hex() for row in X] == [float(value).hex() for value in expected]
    assert scorer.raw_many(X).tobytes() == expected.tobytes()
    assert scorer.raw_many(X, threads=2).tobytes() == expected.tobytes()


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=64),
    st.sampled_from([0.0, -0.0, np.nan, 1e-35, -1e-35, 1e-36, 2.0**31, 2.0**53, 39.0, 40.0, 39.9, -1.0]),
)


@settings(max_examples=150, deadline=None)
@given(row=st.lists(numbers, min_size=len(NAMES), max_size=len(NAMES)), kind=st.sampled_from(sorted(KINDS)))
def test_any_row_scores_as_the_library_says(row: list[float], kind: str) -> None:
    scorer, booster = of(kind)
    x = np.array(row)
    assert scorer.raw(x).hex() == float(predicted(booster, x.reshape(1, -1))[0]).hex()


def test_scores_and_contributions_may_be_asked_for_in_any_order() -> None:
    scorer, _ = of("plain")
    X = rows(30)
    alone = [scorer.raw(row) for row in X]
    between = []
    for row in X:
        scorer.contributions_many(X[:2])
        between.append(scorer.raw(row))
        scorer.raw_many(X[:2], threads=2)
    assert between == alone


def test_a_call_for_fewer_trees_would_reach_the_prepared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why the booster is kept private; should the library mend it, the rule may go."""
    without_walk(monkeypatch)
    scorer = Scorer(model_text("plain"))
    row = rows(1)[0]
    whole = scorer.raw(row)
    scorer._booster.predict(row.reshape(1, -1), raw_score=True, num_iteration=1, num_threads=1)
    assert scorer.raw(row) != whole
    scorer.raw_many(row.reshape(1, -1))
    assert scorer.raw(row) == whole


def without_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(trees: Trees) -> Walk:
        raise ModelError("too large")

    monkeypatch.setattr(module, "Walk", refused)


def one_place_up(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    honest = getattr(Scorer, method)
    monkeypatch.setattr(Scorer, method, lambda self, row: float(np.nextafter(honest(self, row), np.inf)))


def test_the_librarys_call_is_used_where_our_walk_does_not_cover_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    without_walk(monkeypatch)
    scorer = Scorer(model_text("plain"))
    assert scorer.engine is FAST
    X = rows(20)
    assert [scorer.raw(row) for row in X] == of("plain")[0].raw_many(X).tolist()


def test_the_plain_engine_is_used_where_the_library_lacks_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    without_walk(monkeypatch)
    monkeypatch.setattr(module, "_SYMBOLS", ("NoSuchCall",))
    scorer = Scorer(model_text("plain"))
    assert scorer.engine is PLAIN
    X = rows(20)
    assert [scorer.raw(row) for row in X] == of("plain")[0].raw_many(X).tolist()


@pytest.mark.parametrize(("wrong", "engine"), [(("_raw_walked",), FAST), (("_raw_walked", "_raw_fast"), PLAIN)])
def test_an_engine_is_not_used_where_one_bit_differs(
    wrong: tuple[str, ...], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for method in wrong:
        one_place_up(monkeypatch, method)
    scorer = Scorer(model_text("plain"))
    assert scorer.engine is engine
    X = rows(20)
    assert [scorer.raw(row) for row in X] == of("plain")[0].raw_many(X).tolist()


@pytest.mark.parametrize("n_trees", [1, 7, 8, 9, 25])
def test_leaves_are_added_in_the_order_of_the_trees(n_trees: int) -> None:
    """Trees of many sizes, some of one leaf, and a number of them that is no multiple of those walked together."""
    X = rows(1_500)
    booster = lightgbm.Booster(
        {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3},
        lightgbm.Dataset(X, (X[:, 1] > 2) * 1.0, free_raw_data=False),
    )
    rng = np.random.default_rng(n_trees)
    for _ in range(n_trees):
        booster.reset_parameter({"num_leaves": int(rng.choice([2, 5, 80])), "learning_rate": float(rng.random())})
        booster.update()
    scorer = Scorer(booster.model_to_string(num_iteration=-1))
    assert scorer.engine is WALK
    assert [scorer.raw(row).hex() for row in X] == [float(value).hex() for value in predicted(booster, X)]


def test_many_features_and_sets_of_many_words() -> None:
    rng = np.random.default_rng(11)
    X = np.column_stack([rng.normal(size=(2_000, 300)), rng.integers(0, 500, (2_000, 2))]).astype(float)
    y = ((X[:, 300] % 3 == 0) ^ (X[:, 5] + X[:, 77] > 0)).astype(float)
    booster = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1, "min_data_per_group": 1, "cat_smooth": 0.1},
        lightgbm.Dataset(X, y, categorical_feature=[300, 301]), 30,
    )  # fmt: skip
    scorer = Scorer(booster.model_to_string(num_iteration=-1))
    assert scorer.engine is WALK
    probe = np.vstack([X[:200], scorer.parity_rows()])
    probe[:40, 300] = [31, 32, 63, 64, 511, 512, 544, 2**31 - 1, 2**31, -0.5] * 4
    assert [scorer.raw(row).hex() for row in probe] == [float(value).hex() for value in predicted(booster, probe)]


@pytest.mark.parametrize("what", ["columns", "splits"])
def test_more_than_sixteen_bits_count_is_left_to_the_library(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = read_trees(model_text("plain"))
    needed = 2 * 14 + 1 if what == "splits" else trees.n_features
    monkeypatch.setattr(asked, "_MOST", needed)
    with pytest.raises(ModelError, match=r"model\.txt: expected splits of a tree and features|expected splits"):
        Walk(trees)
    scorer = Scorer(model_text("plain"))
    assert scorer.engine is FAST


def test_parity_rows_reach_every_leaf_of_a_small_model() -> None:
    scorer = Scorer(model_text("plain"))
    leaves = scorer._booster.predict(parity_rows(scorer._infos), pred_leaf=True, num_iteration=1, num_threads=1)
    assert len(np.unique(leaves[:, 0])) >= 6
    assert np.isnan(parity_rows(scorer._infos)).any()


@pytest.mark.parametrize(
    "row", [np.zeros(4), np.zeros(6), np.zeros((1, 5)), np.zeros(5, dtype=np.float32), np.zeros(5, dtype=np.int64)]
)
def test_a_row_of_another_shape_is_refused(row: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"row to score: expected float64\[5\]"):
        of("plain")[0].raw(row)


@pytest.mark.parametrize("matrix", [np.zeros(5), np.zeros((2, 4)), np.zeros((2, 5), dtype=np.float32)])
def test_rows_of_another_shape_are_refused(matrix: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"rows to score: expected float64\[n, 5\]"):
        of("plain")[0].raw_many(matrix)


def test_no_rows_give_no_scores() -> None:
    assert of("plain")[0].raw_many(np.zeros((0, 5))).shape == (0,)


def test_a_strided_or_read_only_row_scores_the_same() -> None:
    X = rows(10)
    column_major = np.asfortranarray(X)
    frozen = np.frombuffer(X[3].tobytes())
    scorer, _ = of("plain")
    assert scorer.raw(column_major[3]) == scorer.raw(frozen) == scorer.raw(X[3])
    assert scorer.raw_many(column_major).tobytes() == scorer.raw_many(X).tobytes()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.8, 0.9, 0.97])
def test_a_text_cut_off_within_its_trees_is_refused_before_the_library_sees_it(share: float) -> None:
    text = model_text("plain")
    end = text.index("end of trees")
    with pytest.raises(ModelError, match=r"model\.txt"):
        check_model_text(text[: int(end * share)])


def test_a_spliced_text_is_refused() -> None:
    text = model_text("plain")
    without = text[: text.index("Tree=3\n")] + text[text.index("Tree=4\n") :]
    with pytest.raises(ModelError, match="expected 30 trees"):
        Scorer(without)
    with pytest.raises(ModelError, match="cut off"):
        Scorer(text.replace("leaf_value=", "leaf_value=0 ", 1))


def test_a_model_of_several_classes_is_refused() -> None:
    X = rows(300)
    booster = lightgbm.train(
        {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1},
        lightgbm.Dataset(X, np.arange(300) % 3), 2,
    )  # fmt: skip
    with pytest.raises(ModelError, match="one score a row"):
        Scorer(booster.model_to_string(num_iteration=-1))


def test_no_trees_are_refused() -> None:
    with pytest.raises(ModelError, match="at least one tree"):
        Scorer("")
    head = model_text("plain").split("\nTree=0\n")[0]
    with pytest.raises(ModelError, match="cut off"):
        Scorer(head)


def test_a_scorer_frees_what_it_holds() -> None:
    scorer = Scorer(model_text("stump"))
    booster = weakref.ref(scorer._booster)
    scorer.raw(np.zeros(5))
    del scorer
    gc.collect()
    assert booster() is None
