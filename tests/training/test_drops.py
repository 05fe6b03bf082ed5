"""Drop rules against a loop over rows; sliding folds of one length."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import DataError, DefinitionError
from domain.time import DAY
from scoring.labels import NEGATIVE, POSITIVE, Told
from tests.training.test_splits import ZONE, dataset, with_
from training.drops import entity_codes, known_positive
from training.settings import TrainingSettings
from training.splits import Part, make_split


@given(data=st.data())
def test_what_was_known_of_an_entity_agrees_with_reading_its_rows_one_by_one(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    entity = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)), np.int64)
    outcome = st.tuples(st.integers(0, n - 1), st.integers(0, 9), st.sampled_from([POSITIVE, NEGATIVE]))
    drawn = sorted(data.draw(st.lists(outcome, max_size=12)), key=lambda each: each[:2])
    rows, known, codes = (np.array([each[place] for each in drawn], np.int64) for place in range(3))
    told = Told(rows, known, codes.astype(np.int8), 0)
    asked = data.draw(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 10)), min_size=1, max_size=8))

    def naive(who: int, at: int) -> bool:
        for row in np.flatnonzero(entity == who):
            newest = [code for subject, time, code in drawn if subject == row and time <= at][-1:]
            if who >= 0 and newest == [POSITIVE]:
                return True
        return False

    got = known_positive(entity, told, *(np.array(column, np.int64) for column in zip(*asked, strict=True)))
    assert got.tolist() == [naive(*each) for each in asked]


@pytest.mark.parametrize("when", ["before_part", "before_row"])
def test_entities_known_positive_are_taken_out_of_validation_and_test_and_counted(
    settings: TrainingSettings, when: str
) -> None:
    data = dataset(60, 5 * DAY)
    whole = make_split(data, settings, ZONE)
    split = make_split(data, with_(settings, drop=[{"entity": "customer_id", "known_positive": when}]), ZONE)
    customer = np.array(data.table["customer_id"].to_pylist())
    known = {}
    for row, at in zip(data.told.row, data.told.known_at, strict=True):
        known[customer[row]] = min(at, known.get(customer[row], at))

    def kept(part: Part) -> list[int]:
        assert part.period is not None
        start = part.period.start
        return [
            row for row in part.rows.tolist()
            if not (
                known.get(customer[row], np.inf) <= start
                if when == "before_part" else known.get(customer[row], np.inf) < data.event_time[row]
            )
        ]  # fmt: skip

    name = f"dropped: customer_id known positive {when.replace('_', ' ')}"
    folds = zip(whole.folds, split.folds, strict=True)
    for before, after in [(whole.test, split.test), *((a.valid, b.valid) for a, b in folds)]:
        assert after.rows.tolist() == kept(before)
        assert after.left_out()[name] >= len(before.rows) - len(after.rows) > 0
        assert name in split.table().loc["test", "left out"]
    assert split.train.rows.tolist() == whole.train.rows.tolist()
    assert split.calibration.rows.tolist() == whole.calibration.rows.tolist()


def test_entities_that_were_learnt_from_are_taken_out(settings: TrainingSettings) -> None:
    data = dataset(60, 5 * DAY, n=400)
    split = make_split(data, with_(settings, drop=[{"entity": "customer_id", "in_train": True}]), ZONE)
    customer = np.array(data.table["customer_id"].to_pylist())
    for train, measured in [(split.train, split.test), *((fold.train, fold.valid) for fold in split.folds)]:
        assert not set(customer[train.rows]) & set(customer[measured.rows])
    shares = {"test": 0.3, "calibration": 0.2}
    asked = with_(
        settings, split="random_unverified", shares=shares, drop=[{"entity": "customer_id", "in_train": True}]
    )
    random = make_split(data, asked, ZONE)
    assert not set(customer[random.train.rows]) & set(customer[random.test.rows])
    assert "dropped: customer_id in train" in random.test.left_out()


def test_a_row_without_the_entity_stays(settings: TrainingSettings) -> None:
    codes = entity_codes(dataset(60, DAY).table, "customer_id")
    assert codes.min() == 0
    told = Told(np.array([0]), np.array([1]), np.array([POSITIVE], np.int8), 0)
    assert not known_positive(np.array([-1, -1]), told, np.array([-1]), np.array([9])).any()


def test_a_rule_names_a_key_and_says_one_thing(settings: TrainingSettings) -> None:
    with pytest.raises(DefinitionError, match="drop: expected a key column out of customer_id, got 'card_id'"):
        make_split(dataset(60, 5 * DAY), with_(settings, drop=[{"entity": "card_id", "in_train": True}]), ZONE)
    both = {"entity": "card_id", "in_train": True, "known_positive": "before_part"}
    for rule in (both, {"entity": "card_id"}):
        with pytest.raises(ValidationError, match="expected either known_positive"):
            with_(settings, drop=[rule])
    shares = {"test": 0.2, "calibration": 0.2}
    with pytest.raises(ValidationError, match="known_positive needs parts that begin at a time"):
        with_(settings, split="stratified", shares=shares,
              drop=[{"entity": "card_id", "known_positive": "before_part"}])  # fmt: skip


def test_sliding_folds_learn_from_one_length(settings: TrainingSettings) -> None:
    data = dataset(90, 5 * DAY)
    folds = {"n": 3, "valid": "7d", "window": "sliding", "train": "14d"}
    slid = make_split(data, with_(settings, folds=folds), ZONE)
    grown = make_split(data, with_(settings, folds={"n": 3, "valid": "7d"}), ZONE)
    for one, other in zip(slid.folds, grown.folds, strict=True):
        assert one.train.period is not None
        assert other.train.period is not None
        assert one.train.period.end - one.train.period.start == 14 * DAY
        assert one.train.period.end == other.train.period.end
        assert one.valid.rows.tolist() == other.valid.rows.tolist()
        assert other.train.period.start == grown.train.period.start  # type: ignore[union-attr]  # forward parts have one
    # The final model may forget too, and then its folds reach back before its own beginning.
    windows = {"test": "10d", "calibration": "10d", "train": "14d"}
    forgetting = make_split(data, with_(settings, folds=folds, windows=windows), ZONE)
    assert [fold.train.period for fold in forgetting.folds] == [fold.train.period for fold in slid.folds]


def test_a_sliding_window_longer_than_the_history_is_refused(settings: TrainingSettings) -> None:
    folds = {"n": 2, "valid": "7d", "window": "sliding", "train": "40d"}
    with pytest.raises(DataError, match="expected 40d left to train the first fold on, got 11 days"):
        make_split(dataset(60, 5 * DAY), with_(settings, folds=folds), ZONE)
    for wrong in ({"window": "sliding"}, {"train": "40d"}):
        with pytest.raises(ValidationError, match="exactly when window is sliding"):
            with_(settings, folds={"n": 2, "valid": "7d", **wrong})
