from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from domain.errors import ModelError
from scoring.explainer import Explainer
from scoring.scorer import Scorer
from tests.scoring.models import KINDS, model_text, rows


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"linear_leaves"}))
def test_contributions_add_up_to_the_raw_score(kind: str) -> None:
    scorer = Scorer(model_text(kind))
    explainer = Explainer(scorer)
    X = rows(25, seed=4)
    values = explainer.contributions_many(X)
    assert values.shape == (25, 6)
    assert np.abs(values.sum(axis=1) - scorer.raw_many(X)).max() < 1e-9
    assert np.stack([explainer.contributions(row) for row in X]).tobytes() == values.tobytes()


def test_contributions_are_the_librarys() -> None:
    booster = lightgbm.Booster(model_str=model_text("plain"))
    X = rows(10, seed=4)
    expected = booster.predict(X, pred_contrib=True, num_iteration=booster.current_iteration(), num_threads=1)
    assert Explainer(Scorer(model_text("plain"))).contributions_many(X).tobytes() == expected.tobytes()


def test_it_says_what_it_computes() -> None:
    explainer = Explainer(Scorer(model_text("stump")))
    assert (explainer.method, explainer.units) == ("path-dependent TreeSHAP", "raw log-odds")


def test_a_feature_the_model_does_not_use_contributes_nothing() -> None:
    values = Explainer(Scorer(model_text("stump"))).contributions_many(rows(50))
    assert (np.abs(values[:, :-1]) > 0).any(axis=0).sum() <= 1


def test_linear_leaves_are_refused() -> None:
    with pytest.raises(ModelError, match=r"a model of plain trees, got .*linear trees"):
        Explainer(Scorer(model_text("linear_leaves"))).contributions(np.zeros(5))


def test_rows_of_another_shape_are_refused() -> None:
    explainer = Explainer(Scorer(model_text("stump")))
    for row in (np.zeros(4), np.zeros(5, dtype=np.float32), np.zeros((1, 5))):
        with pytest.raises(ModelError, match=r"to explain|to score"):
            explainer.contributions(row)
    assert explainer.contributions_many(np.zeros((0, 5))).shape == (0, 6)
