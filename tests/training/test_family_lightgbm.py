"""LightGBM's constraints, and categories that score at serving as they did in training."""

from __future__ import annotations

from itertools import combinations

import lightgbm
import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss

from domain.errors import DefinitionError
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from scoring.encode import Encoder
from scoring.scorer import Scorer
from training.families.catalogue import make
from training.families.constraints import catalogue_groups, expected_signs
from training.families.family import Columns, Labelled
from training.families.lightgbm import LightGBM
from training.families.settings import Constraints
from training.fitting import make_family
from training.settings import TrainingSettings
from training.sweeps import monotone_violations

COLUMNS = Columns(("amount", "age", "hour", "channel"), ("channel",))


@pytest.fixture(scope="module")
def feature_set(settings: TrainingSettings, platform: PlatformSettings) -> FeatureSet:
    return load_features(settings.features, platform, {})


def constrained(settings: TrainingSettings, **changed: object) -> TrainingSettings:
    return settings.model_copy(update={"constraints": Constraints.model_validate(changed)})


def world(n: int = 2_000, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 3] = rng.integers(0, 12, n)
    logit = -1.5 + X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + np.isin(X[:, 3], [2, 7])
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    X[rng.random(X.shape) < 0.1] = np.nan
    return Labelled(X, y)


def paths(text: str) -> set[frozenset[str]]:
    """Features that meet on a way from a root to a leaf, naively: parent by parent."""
    frame = lightgbm.Booster(model_str=text).trees_to_dataframe()
    feature = dict(zip(frame["node_index"], frame["split_feature"], strict=True))
    parent = dict(zip(frame["node_index"], frame["parent_index"], strict=True))
    found = set()
    for leaf in frame.loc[frame["split_feature"].isna(), "node_index"]:
        met, node = set(), parent[leaf]
        while node in feature:
            met.add(feature[node])
            node = parent[node]
        found.add(frozenset(met))
    return found


def test_the_catalogue_gives_the_signs_the_model_is_held_to(
    settings: TrainingSettings, feature_set: FeatureSet
) -> None:
    family = make_family(constrained(settings, monotone="catalogue"), feature_set)
    expected = {feature.name: feature.sign for feature in feature_set.features if feature.sign}
    assert family.signs == expected_signs(feature_set) == expected
    assert expected
    given = family.settings(Columns(feature_set.names, feature_set.categorical), {}, 0.1)
    assert given["monotone_constraints"] == [expected.get(name, 0) for name in feature_set.names]
    assert given["monotone_constraints_method"] == "basic"


def test_no_constraint_gives_lightgbm_none_of_its_parameters(
    settings: TrainingSettings, feature_set: FeatureSet
) -> None:
    family = make_family(constrained(settings, monotone="none"), feature_set)
    assert not {"monotone_constraints", "monotone_constraints_method", "interaction_constraints"} & set(
        family.settings(Columns(feature_set.names), {}, 0.1)
    )


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ({"monotone": {"amuont": 1}}, "amuont"),
        ({"interactions": [["amount", "absent"]]}, "absent"),
        ({"monotone": {"channel": 1}}, "a category has none"),
    ],
)
def test_a_constraint_on_what_is_no_ordered_feature_is_refused(
    settings: TrainingSettings, feature_set: FeatureSet, constraints: dict[str, object], message: str
) -> None:
    with pytest.raises(DefinitionError, match=message):
        make_family(constrained(settings, **constraints), feature_set)


def test_a_family_that_cannot_be_served_is_refused_by_train(
    settings: TrainingSettings, feature_set: FeatureSet
) -> None:
    with pytest.raises(DefinitionError, match="assay compare"):
        make_family(settings.model_copy(update={"family": "forest"}), feature_set)
    with pytest.raises(DefinitionError, match="one of lightgbm, logistic"):
        make("xgboost", settings, {})
    both = settings.model_copy(update={"loss": "cross_entropy", "imbalance": "weights"})
    with pytest.raises(DefinitionError, match="cross_entropy"):
        make("lightgbm", both, {})
    with pytest.raises(DefinitionError, match="features with groups"):
        make("lightgbm", constrained(settings, interactions="catalogue"), {})


def test_signs_named_in_the_settings_take_the_place_of_the_catalogues(settings: TrainingSettings) -> None:
    family = make("lightgbm", constrained(settings, monotone={"amount": 1}), {"age": -1})
    assert isinstance(family, LightGBM)
    assert family.signs == {"amount": 1}


def test_a_model_held_to_the_catalogue_sweeps_clean(settings: TrainingSettings) -> None:
    rows = world()
    signs = {"amount": 1, "age": -1}
    for weighted in ("none", "weights"):
        chosen = constrained(settings, monotone="catalogue").model_copy(update={"imbalance": weighted})
        family = make("lightgbm", chosen, signs)
        model = family.fit(COLUMNS, rows, {**family.starts(2_000)[1], "feature_fraction": 0.5}, 40)
        text = getattr(model, "text")  # noqa: B009 - of LightGBM's models only
        assert monotone_violations(model.raw, rows.X, COLUMNS.names, signs, model_text=text, n_rows=40) == []


def test_only_features_of_one_list_meet_on_a_path() -> None:
    family = LightGBM(seed=1, threads=1, interactions=(("amount", "age"), ("hour",)))
    free = LightGBM(seed=1, threads=1)
    params = free.starts(2_000)[1]
    lists = [{"amount", "age"}, {"hour"}, {"channel"}]
    assert all(any(path <= each for each in lists) for path in paths(family.fit(COLUMNS, world(), params, 20).text))
    met = paths(free.fit(COLUMNS, world(), params, 20).text)
    assert any({first, second} <= path for path in met for first, second in combinations(["amount", "hour"], 2))


def test_interactions_by_group_follow_the_catalogue(settings: TrainingSettings, feature_set: FeatureSet) -> None:
    family = make_family(constrained(settings, interactions="catalogue"), feature_set)
    groups = catalogue_groups(feature_set)
    assert {frozenset(each) for each in family.interactions} == {
        frozenset(name for name in groups if groups[name] == group) for group in set(groups.values())
    }


def test_soft_labels_are_fitted_as_rows_of_both_kinds() -> None:
    """Cross-entropy on .7 is what seven bads and three goods in ten say, and its raw score is log-odds."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (400, 1)).astype(np.float64)
    share = np.array([0.1, 0.4, 0.7, 0.9])[X[:, 0].astype(int)]
    params = {**LightGBM(1, 1).starts(400)[1], "min_data_in_leaf": 5, "path_smooth": 0.0}
    soft = LightGBM(1, 1, loss="cross_entropy").fit(Columns(("x",)), Labelled(X, share), params, 200)
    both = Labelled(np.vstack([X, X]), np.repeat([1, 0], 400).astype(np.int8), np.concatenate([share, 1 - share]))
    hard = LightGBM(1, 1).fit(Columns(("x",)), both, params, 200)
    probes = np.arange(4.0)[:, None]
    np.testing.assert_allclose(soft.raw(probes), hard.raw(probes), atol=0.05)
    np.testing.assert_allclose(1 / (1 + np.exp(-soft.raw(probes))), [0.1, 0.4, 0.7, 0.9], atol=0.02)


def test_unseen_and_missing_categories_score_as_in_training() -> None:
    """The loss LightGBM counts on its own bins is that of the scores serving gives from texts, row by row."""
    rng = np.random.default_rng(0)
    channels = np.array(["app", "card", "cash", "kiosk", "qr", "web", "wire", None], dtype=object)
    chances = [0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.01, 0.04]

    def table(n: int, names: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        text = rng.choice(names, n, p=chances)
        amount = rng.normal(size=n)
        risky = np.isin(text, ["cash", "web"]) | np.array([each is None for each in text])
        y = (rng.random(n) < 1 / (1 + np.exp(2 - amount - 2 * risky))).astype(np.int8)
        return pa.table({"amount": amount, "channel": pa.array(text, pa.string())}), y

    train, y = table(3_000, channels)
    later, y_later = table(1_000, np.where(channels == "qr", "satellite", channels))
    encoder = Encoder(["amount", "channel"], {"channel": sorted(c for c in channels if c is not None)})
    columns = Columns(("amount", "channel"), ("channel",))
    family = LightGBM(seed=1, threads=1)
    dataset = family._dataset(columns, Labelled(encoder.matrix(train), y))
    held = family._dataset(columns, Labelled(encoder.matrix(later), y_later), reference=dataset)
    counted: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        {**family.settings(columns, family.starts(3_000)[1], 0.2), "metric": "binary_logloss"}, dataset, 40,
        valid_sets=[dataset, held], valid_names=["train", "held"], callbacks=[lightgbm.record_evaluation(counted)],
    )  # fmt: skip
    scorer = Scorer(str(booster.model_to_string(num_iteration=-1)))
    for name, rows, truth in (("train", train, y), ("held", later, y_later)):
        X = encoder.matrix(rows)
        single = np.array([scorer.raw(row) for row in X])
        assert single.tobytes() == scorer.raw_many(X).tobytes()
        assert log_loss(truth, 1 / (1 + np.exp(-single))) == pytest.approx(
            counted[name]["binary_logloss"][-1], abs=1e-12
        )
    unseen = encoder.matrix(pa.table({"amount": [0.3], "channel": ["satellite"]}))[0]
    missing = encoder.matrix(pa.table({"amount": [0.3], "channel": pa.array([None], pa.string())}))[0]
    other_codes = [np.array([0.3, code]) for code in (-1.0, 99.0)]
    scores = {scorer.raw(row) for row in (unseen, missing, *other_codes)}
    assert len(scores) == 1
    assert scores != {scorer.raw(np.array([0.3, 0.0]))}
