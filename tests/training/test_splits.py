"""Periods and splits: always forward, never a label from later, random only by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import DataError, DefinitionError
from domain.labels import FRAUD_POLICY
from domain.time import DAY, HOUR, business_day
from scoring.labels import POSITIVE, Told
from tests.training.conftest import START
from training.calendar import day_numbers, start_of_day
from training.dataset import Dataset, label
from training.periods import forward_periods
from training.settings import Folds, TrainingSettings, Windows
from training.splits import UNVERIFIED, make_split

ZONE = "Asia/Shanghai"
days = st.integers(1, 20).map(lambda n: n * DAY)


def dataset(n_days: int, maturity: int, seed: int = 0, n: int = 4_000, delay: int = 2 * DAY) -> Dataset:
    """Fraud at random, each told up to ``delay`` later."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, max(1, n_days * DAY), n))
    fraud = rng.random(n) < 0.1
    known = time[fraud] + rng.integers(1, delay, int(fraud.sum()))
    ids = np.array([f"t{i}" for i in range(n)])
    rows = pa.table(
        {
            "seq": np.arange(1, n + 1), "client": ["shop"] * n, "event_id": ids, "event_time": time, "known_at": time,
            "customer_id": np.array([f"c{i}" for i in rng.integers(0, 200, n)]),
        }
    )  # fmt: skip
    told = pa.table(
        {
            "seq": np.arange(n + 1, n + 1 + len(known)), "client": ["shop"] * len(known), "event_time": known,
            "known_at": known, "subject_event_id": ids[fraud], "subject_time": time[fraud],
            "subject_kind": ["transaction"] * len(known), "code": ["confirmed_fraud"] * len(known),
        }
    )  # fmt: skip
    return label(rows, told, FRAUD_POLICY, maturity, as_of=START + (n_days * DAY or delay))


def with_(settings: TrainingSettings, **changes: Any) -> TrainingSettings:
    return TrainingSettings.model_validate({**settings.model_dump(mode="json"), **changes})


@given(
    test=days, calibration=days, valid=days, n=st.integers(1, 4), maturity=days, embargo=st.integers(0, 20),
    length=st.integers(20, 300), warm_up=st.integers(0, 20),
)  # fmt: skip
def test_periods_follow_each_other_with_the_embargo_between(
    test: int, calibration: int, valid: int, n: int, maturity: int, embargo: int, length: int, warm_up: int
) -> None:
    windows = Windows.model_validate({"test": test, "calibration": calibration, "warm_up": warm_up * DAY})
    folds = Folds.model_validate({"n": n, "valid": valid})
    last = START + length * DAY
    gap = embargo * DAY
    try:
        made = forward_periods(
            windows, folds, first=START, last=last - 1, as_of=last, maturity=maturity, embargo=gap, zone=ZONE
        )
    except DataError as error:
        assert "shorten windows" in str(error)  # noqa: PT017 - too short is one of the drawn cases
        assume(False)
    assert made.test.end + maturity <= last
    assert made.train.end == made.calibration.start
    assert made.calibration.end + gap == made.test.start
    assert made.train.start >= START + warm_up * DAY
    assert [valid.end for _, valid in made.folds[:-1]] == [valid.start for _, valid in made.folds[1:]]
    assert made.folds[-1][1].end == made.calibration.start
    for train, valid_period in made.folds:
        assert train.start == made.train.start
        assert train.start < train.end
        assert train.end + gap == valid_period.start
    for period in (made.train, made.calibration, made.test):
        assert start_of_day(period.end, ZONE) == period.end


def test_no_label_of_training_was_known_after_the_test_began(settings: TrainingSettings) -> None:
    data = dataset(60, 5 * DAY)
    split = make_split(data, settings, ZONE)
    assert split.test.period is not None
    for part in (split.train, split.calibration):
        status = data.status(split.test.period.start)
        assert part.y.tolist() == (status[part.rows] == POSITIVE).tolist()
        told_by = {int(row): int(at) for row, at in zip(data.told.row, data.told.known_at, strict=True)}
        assert all(told_by[int(row)] <= split.test.period.start for row in part.rows[part.y == 1])
        assert (data.event_time[part.rows] + data.maturity <= split.test.period.start).all()
    for fold in split.folds:
        assert fold.valid.period is not None
        assert (data.event_time[fold.train.rows] + data.maturity <= fold.valid.period.start).all()
        assert fold.train.y.tolist() == (data.status(fold.valid.period.start)[fold.train.rows] == POSITIVE).tolist()
    rows = [set(part.rows.tolist()) for part in (split.train, split.calibration, split.test)]
    assert len(rows[0] | rows[1] | rows[2]) == sum(len(part) for part in rows)


def test_a_label_told_after_the_test_began_is_not_learnt(settings: TrainingSettings) -> None:
    # Told within 30 days but taken as mature after 5: what is told later must still read as good in training.
    data = dataset(90, 5 * DAY, delay=30 * DAY)
    split = make_split(data, settings, ZONE)
    final = data.status(data.as_of)[split.train.rows] == POSITIVE
    assert split.train.y.sum() < final.sum()
    declared = make_split(data, with_(settings, labels_known="at_cut"), ZONE)
    assert declared.train.y.tolist() == final.tolist()


def test_a_test_that_reaches_into_immature_labels_is_refused(settings: TrainingSettings) -> None:
    data = dataset(60, 5 * DAY)
    windows = {"test": "10d", "calibration": "10d", "end": "2026-02-28T00:00:00+08:00"}
    with pytest.raises(DataError, match=r"ImmatureLabels: [\d,]+ of [\d,]+ test rows .* younger than the 5d maturity"):
        make_split(data, with_(settings, windows=windows), ZONE)


def test_immature_rows_of_training_are_left_out_and_counted(settings: TrainingSettings) -> None:
    split = make_split(dataset(60, 5 * DAY), with_(settings, embargo="1d"), ZONE)
    assert split.calibration.counts["immature"] > 0
    assert len(split.calibration.rows) == split.calibration.counts["positive"] + split.calibration.counts["negative"]


def test_a_period_without_a_class_says_so(settings: TrainingSettings) -> None:
    data = dataset(60, 5 * DAY)
    silent = replace(data, told=Told(data.told.row[:0], data.told.known_at[:0], data.told.code[:0], 0))
    with pytest.raises(DataError, match="expected matured positives and negatives, got 0 and"):
        make_split(silent, settings, ZONE)


def test_a_random_split_of_timed_events_is_refused_unless_asked_for_by_name(settings: TrainingSettings) -> None:
    data, shares = dataset(60, 5 * DAY), {"test": 0.2, "calibration": 0.2}
    with pytest.raises(DefinitionError, match="random_unverified"):
        make_split(data, with_(settings, split="stratified", shares=shares), ZONE)
    asked = make_split(data, with_(settings, split="random_unverified", shares=shares), ZONE)
    assert asked.warning == UNVERIFIED
    rates = [part.y.mean() for part in (asked.train, asked.calibration, asked.test)]
    assert max(rates) - min(rates) < 0.01
    seen = np.concatenate([fold.valid.rows for fold in asked.folds])
    assert sorted(seen.tolist()) == asked.train.rows.tolist()


def test_groups_stay_together(settings: TrainingSettings) -> None:
    data, shares = dataset(0, 0), {"test": 0.2, "calibration": 0.2}
    split = make_split(data, with_(settings, split="grouped", group="customer_id", shares=shares), ZONE)
    keys = np.array(data.table["customer_id"].to_pylist())
    parts = [set(keys[part.rows]) for part in (split.train, split.calibration, split.test)]
    assert len(parts[0] | parts[1] | parts[2]) == sum(len(part) for part in parts)
    for fold in split.folds:
        assert not set(keys[fold.train.rows]) & set(keys[fold.valid.rows])
    with pytest.raises(DefinitionError, match="expected a key column of the snapshot"):
        make_split(data, with_(settings, split="grouped", group="nothing_id", shares=shares), ZONE)


def test_a_forward_split_needs_time(settings: TrainingSettings) -> None:
    with pytest.raises(DataError, match="split: stratified"):
        make_split(dataset(0, 0), settings, ZONE)


@given(
    st.lists(st.integers(START - 400 * DAY, START + 400 * DAY), min_size=1, max_size=20), st.sampled_from([ZONE, "UTC"])
)
def test_day_numbers_are_local_dates(times: list[int], zone: str) -> None:

    got = day_numbers(np.array(times), zone)
    assert [np.datetime64("1970-01-01") + np.timedelta64(day, "D") for day in got] == [
        np.datetime64(business_day(time, zone)) for time in times
    ]
    assert all(start_of_day(time, zone) <= time < start_of_day(time, zone) + 24 * HOUR for time in times)


def test_the_table_lists_every_part_with_what_was_left_out(settings: TrainingSettings) -> None:
    split = make_split(dataset(60, 5 * DAY), with_(settings, embargo="1d"), ZONE)
    table = split.table()
    folds = [f"fold {number} {half}" for number in range(1, len(split.folds) + 1) for half in ("train", "valid")]
    assert table.index.tolist() == [*folds, "train", "calibration", "test"]
    assert table.loc["calibration", "left out"] == f"{split.calibration.counts['immature']:,} immature"
    assert table["rows"].tolist() == [len(part.y) for part in split.parts().values()]
    assert table["days"].tolist()[-2:] == [10.0, 10.0]
