"""The scorecard: bins against naive counting, evidence that moves one way, points that add up."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from training.families.family import Columns, Labelled
from training.families.scorecard import Card, Scorecard
from training.families.settings import ScorecardSettings
from training.families.woe import HALF, Bins, bin_category, bin_number

COLUMNS = Columns(("debt", "age", "channel", "noise"), ("channel",))


def world(n: int = 4_000, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=n), rng.integers(18, 80, n), rng.integers(0, 5, n), rng.normal(size=n)])
    logit = -2 + X[:, 0] - 0.03 * (X[:, 1] - 45) + 1.2 * (X[:, 2] == 3) - 0.5 * (X[:, 0] > 1.5)
    y = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    X[rng.random(n) < 0.1, 0] = np.nan
    X[rng.random(n) < 0.05, 1] = -999.0
    return Labelled(X, y)


def card_of(rows: Labelled) -> Card:
    family = Scorecard(seed=1, settings=ScorecardSettings(special={"age": [-999.0]}))
    return family.fit(COLUMNS, rows, family.starts(len(rows))[0], 1)


def test_a_bin_holds_what_counting_row_by_row_finds() -> None:
    rows = world()
    column, weight = rows.X[:, 1], np.random.default_rng(1).uniform(0.5, 2, len(rows))
    chosen = ScorecardSettings(bins=5, special={"age": [-999.0]})
    found = bin_number("age", column, rows.y, weight, chosen, 0)
    ends = [-math.inf, *found.edges, math.inf]
    goods, bads = weight[rows.y == 0].sum(), weight[rows.y == 1].sum()
    information = 0.0
    for place, each in enumerate(found.bins):
        if place < found.n_ordered:
            inside = (column != -999.0) & (column > ends[place]) & (column <= ends[place + 1])
        else:
            inside = column == -999.0 if each.label == "= -999" else np.isnan(column)
        good, bad = weight[inside & (rows.y == 0)].sum(), weight[inside & (rows.y == 1)].sum()
        assert (each.good, each.bad) == (pytest.approx(good), pytest.approx(bad))
        if good + bad:
            share_good, share_bad = (good + HALF) / (goods + HALF), (bad + HALF) / (bads + HALF)
            assert each.woe == pytest.approx(math.log(share_good / share_bad))
            information += (good / goods - bad / bads) * each.woe
    assert [each.label for each in found.bins[-2:]] == ["= -999", "missing"]
    assert found.information == pytest.approx(information)


numbers = st.lists(
    st.tuples(st.integers(-3, 12) | st.just(math.nan) | st.just(math.inf), st.booleans(), st.integers(1, 3)),
    min_size=5, max_size=60,
).filter(lambda rows: len({bad for _, bad, _ in rows}) == 2)  # fmt: skip


def binned(rows: list[tuple[float, bool, int]], sign: int | None) -> tuple[Bins, np.ndarray]:
    column, y, weight = (np.array(each, np.float64) for each in zip(*rows, strict=True))
    chosen = ScorecardSettings(bins=4, least_share=0.05)
    return bin_number("x", column, y.astype(np.int8), weight, chosen, sign), column


@settings(max_examples=30, deadline=None)
@given(numbers, st.sampled_from([1, -1]))
def test_evidence_moves_the_way_it_is_told(rows: list[tuple[float, bool, int]], sign: int) -> None:
    found, column = binned(rows, sign)
    ordered = [each.woe for each in found.bins[: found.n_ordered]]
    assert all(sign * (later - earlier) <= 0 for earlier, later in pairwise(ordered))
    assert len(ordered) <= 4
    assert sum(each.good + each.bad for each in found.bins) == pytest.approx(sum(row[2] for row in rows))
    assert np.isfinite(found.evidence(column)).all()


@settings(max_examples=30, deadline=None)
@given(numbers)
def test_the_data_choose_the_way_with_more_information(rows: list[tuple[float, bool, int]]) -> None:
    either = binned(rows, 0)[0].information
    assert either == pytest.approx(max(binned(rows, sign)[0].information for sign in (1, -1)))


def test_a_category_is_grouped_by_evidence_and_unseen_codes_count_as_missing() -> None:
    rng = np.random.default_rng(0)
    codes = rng.choice(8, 5_000, p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.08, 0.01, 0.01]).astype(np.float64)
    rate = np.array([0.1, 0.1, 0.4, 0.4, 0.2, 0.1, 0.9, 0.9])[codes.astype(int)]
    y = (rng.random(5_000) < rate).astype(np.int8)
    found = bin_category("channel", codes, y, np.ones(5_000), ScorecardSettings(bins=3))
    assert [set(each) for each in found.codes] == [{0, 1, 5}, {4}, {2, 3}, {6, 7}]
    assert found.evidence(np.array([np.nan, 99.0, -1.0])).tolist() == [0.0, 0.0, 0.0]
    assert np.diff([each.woe for each in found.bins[:3]]).max() < 0


def test_points_double_the_odds_where_they_say_so() -> None:
    """Siddiqi's own example: 600 points at 50 : 1 and 20 to double the odds; so 620 points stand for 100 : 1."""
    card = card_of(world())
    X = world(seed=3).X
    factor = 20 / math.log(2)
    assert factor == pytest.approx(28.8539, abs=1e-4)
    exact = 600 - factor * (math.log(50) + card.raw(X))
    # Each of base and features is rounded once.
    assert np.abs(card.points(X) - exact).max() <= 0.5 * (1 + card.complexity()["features"])
    at_odds = 487.123 + factor * math.log(100)
    assert at_odds == pytest.approx(620, abs=1e-3)


def test_the_printed_card_gives_the_points_of_a_row_by_hand() -> None:
    card = card_of(world())
    table = card.table()
    points = {(row["feature"], row["bin"]): row["points"] for _, row in table.iterrows()}
    row = np.array([[np.nan, -999.0, 3.0, 0.0]])
    by_hand = points["(base)", ""] + points["debt", "missing"] + points["age", "= -999"]
    by_hand += next(worth for (feature, label), worth in points.items() if feature == "channel" and "3" in label)
    assert set(table["feature"]) == {"(base)", "debt", "age", "channel"}
    assert card.points(row)[0] == by_hand
    for _, part in table.iloc[1:].groupby("feature"):
        assert part["share"].sum() == pytest.approx(1)
        assert part["points"].corr(part["woe"]) > 0.99


def test_the_bins_of_the_catalogue_move_as_it_expects_and_others_freely() -> None:
    rows = world()
    against = {"debt": -1}
    family = Scorecard(seed=1, settings=ScorecardSettings(monotone="catalogue"), signs=against)
    debt, age = family.fit(COLUMNS, rows, family.starts(4_000)[0], 1).evidence.features[:2]
    assert (debt.feature, debt.n_ordered) == ("debt", 1)
    assert age.n_ordered > 2


def test_no_feature_turns_its_evidence_round() -> None:
    """Two columns that say the same: a logistic regression would give the weaker one a coefficient above 0."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=6_000)
    y = (rng.random(6_000) < 1 / (1 + np.exp(2 - 2 * truth))).astype(np.int8)
    noise = rng.normal(size=6_000)
    X = np.column_stack([truth + 0.1 * noise, truth + 0.5 * noise])
    family = Scorecard(seed=1, settings=ScorecardSettings(bins=8))
    card = family.fit(Columns(("a", "b")), Labelled(X, y), {"least_information": 0.001, "C": 10.0}, 1)
    assert card.line.coefficients.max() <= 0


def test_a_card_is_nearly_as_good_as_the_truth() -> None:
    later = world(seed=3)
    debt = np.nan_to_num(later.X[:, 0])
    truth = debt - 0.5 * (debt > 1.5) - 0.03 * np.where(later.X[:, 1] < 0, 0, later.X[:, 1] - 45)
    truth += 1.2 * (later.X[:, 2] == 3)
    card = card_of(world())
    assert roc_auc_score(later.y, card.raw(later.X)) > roc_auc_score(later.y, truth) - 0.02
    assert roc_auc_score(later.y, -card.points(later.X)) > roc_auc_score(later.y, truth) - 0.02
