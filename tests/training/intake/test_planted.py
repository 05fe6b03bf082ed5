"""Each planted fault is found, by the check it is meant for, with its column; without that check nobody finds it."""

import re

import numpy as np
import pandas as pd
import pytest

from domain.errors import DataError
from tests.training.intake.world import GROUP, KNOWN, RED, TARGET, TIME, clean, nearly_twice, twice
from training.intake import Grade, audit
from training.intake.checks import CHECK_NAMES

BY_TIME = {"time": TIME, "known_at": KNOWN, "group": GROUP}
STATIC = [TIME, KNOWN, GROUP]


def red(report):
    return {(finding.check, finding.columns) for finding in report.of(Grade.RED)}


@pytest.mark.parametrize("fault", RED)
def test_a_planted_fault_is_red_and_named(fault):
    plant, check, column = RED[fault]
    frame = plant(clean(1), np.random.default_rng(5))
    wanted = (check, () if column is None else (column,))
    report = audit(frame, TARGET, **BY_TIME, checks=[check])
    assert red(report) == {wanted}
    assert all(re.search("[一-鿿]", found["summary_zh"]) for found in report.as_dict()["findings"])
    if column is not None:
        with pytest.raises(DataError, match=f"{check} {column}: .*\n.*by name in the config"):
            audit(frame, TARGET, **BY_TIME, checks=[check]).refuse_red()


@pytest.mark.parametrize("fault", ["filled for some of the bad only", "yuan become fen", "a time after the event"])
def test_no_other_check_finds_it_instead(fault):
    plant, check, _ = RED[fault]
    others = [name for name in CHECK_NAMES if name != check]
    assert red(audit(plant(clean(1), np.random.default_rng(5)), TARGET, **BY_TIME, checks=others)) == set()


@pytest.mark.parametrize("plant", [twice, nearly_twice])
def test_twins_across_parts_are_red_with_the_optimism_they_cause(plant):
    # Labels of a coin: whatever a model gains on the test, it gains by knowing rows again.
    frame = clean(2).drop(columns=STATIC)
    rng = np.random.default_rng(9)
    frame = plant(frame.assign(**{TARGET: rng.integers(0, 2, len(frame))}), rng)
    report = audit(frame, TARGET, checks=["duplicates"])
    (found,) = report.of(Grade.RED)
    assert found.check == "duplicates"
    assert found.value > found.low > 0.005
    pairs = frame[["bureau", "age", "n_late"]].to_numpy()
    assert len(found.rows) == 5
    assert all((pd.DataFrame(pairs) == pairs[row]).all(axis=1).sum() >= 1 for row in found.rows)
    # The same rows, once each: nothing to find.
    once = frame.drop_duplicates(["age", "region", "n_late", "term", "bureau", "channel"])
    assert audit(once, TARGET, checks=["duplicates"]).worst == "green"


def test_twins_show_in_shuffled_labels():
    once = clean(3).drop(columns=STATIC)
    assert audit(once, TARGET, checks=["permuted_labels"]).worst == "green"
    again = audit(pd.concat([once] * 6, ignore_index=True), TARGET, checks=["permuted_labels"])
    assert [finding.check for finding in again.of(Grade.RED)] == ["permuted_labels"]


def test_entities_in_both_parts_show_in_labels_swapped_between_them():
    rng = np.random.default_rng(6)
    # Eighty rows a customer, who can be told by income and age: known again on the other side.
    who = rng.integers(0, 50, 4_000)
    frame = clean(5).drop(columns=[TIME, KNOWN]).assign(**{GROUP: who})
    frame["income"], frame["age"] = 3_000 + 37.0 * who, 20 + who % 7
    rows = rng.random(len(frame)) < 0.25
    mixed = audit(frame, TARGET, group=GROUP, test=rows, checks=["permuted_labels"])
    assert [finding.grade for finding in mixed.findings if "whole" in finding.summary] == [Grade.RED]
    apart = audit(frame, TARGET, group=GROUP, checks=["permuted_labels"])
    assert [finding.grade for finding in apart.findings if "whole" in finding.summary] != [Grade.RED]


def test_parts_that_differ_are_told_with_what_drives_it():
    frame = clean(7)
    later = np.arange(len(frame)) >= 0.75 * len(frame)
    moved = frame.assign(bureau=frame["bureau"] + 150 * later, tick=np.arange(len(frame)) * 3.7)
    report = audit(moved, TARGET, **BY_TIME, checks=["adversarial"])
    (amber,) = report.of(Grade.AMBER)
    assert amber.columns[0] == "bureau"
    assert "bureau" in amber.summary
    (timely,) = report.of(Grade.NOTE)
    assert timely.columns == ("tick",)
    assert max(report.drivers, key=report.drivers.get) in ("bureau", "tick")
    assert audit(frame, TARGET, **BY_TIME, checks=["adversarial"]).worst == "green"


def test_a_column_that_is_the_same_for_everybody_of_a_day_is_told_by_name():
    frame = clean(9)
    day = (frame[TIME] - frame[TIME].min()).dt.total_seconds() / 86_400
    rng = np.random.default_rng(4)
    # A mean over everybody's last week; the row's own value over it; and a calendar that comes again.
    week = 500 + 20 * np.sin(day / 9) + rng.normal(0, 0.3, len(frame))
    frame = frame.assign(week_mean=week, over_week=frame["amount"] / week, weekday=frame[TIME].dt.day_of_week)
    report = audit(frame, TARGET, **BY_TIME, checks=["calendar_column"])
    assert [(each.grade, each.columns) for each in report.findings] == [(Grade.AMBER, ("week_mean",))]
    rank, period = frame["week_mean"].rank(), np.arange(len(frame)) * 80 // len(frame)
    within = ((rank - rank.groupby(period).transform("mean")) ** 2).sum() / (len(frame) - 80)
    assert report.findings[0].value == pytest.approx(1 - within / rank.var(), abs=1e-9)
    noise = frame.assign(week_mean=rng.normal(0, 1, len(frame)))
    assert audit(noise, TARGET, **BY_TIME, checks=["calendar_column"]).worst == "green"
    (without,) = audit(frame.drop(columns=STATIC), TARGET, checks=["calendar_column"]).findings
    assert without.grade is Grade.NOT_ASSESSED


def test_given_parts_in_different_units_are_red():
    frame = clean(8).drop(columns=STATIC).sample(frac=1.0, random_state=0, ignore_index=True)
    test = np.arange(len(frame)) % 4 == 0
    frame["income"] = np.where(test, frame["income"] * 100, frame["income"])
    report = audit(frame, TARGET, test=test, checks=["unit_drift"])
    assert red(report) == {("unit_drift", ("income",))}
    assert "between the given parts" in report.findings[0].summary


SHAPES = {
    "empty": ("constant_column", lambda f, rng: np.full(len(f), np.nan)),
    "constant": ("constant_column", lambda f, rng: "CN"),
    "nearly_constant": ("constant_column", lambda f, rng: (np.arange(len(f)) == 7) * 1),
    "row_number": ("id_column", lambda f, rng: np.arange(len(f))),
    "contract_id": ("id_column", lambda f, rng: rng.choice(10**7, len(f), False)),
    "hash": ("id_column", lambda f, rng: [f"{k:x}" for k in rng.choice(10**7, len(f), False)]),
    "as_text": ("mixed_types", lambda f, rng: [f"{v:,.0f}" for v in f["amount"]]),
    "mixed": ("mixed_types", lambda f, rng: np.where(rng.random(len(f)) < 0.02, "unknown", f["age"].astype(str))),
    "minus_999": ("sentinel_value", lambda f, rng: np.where(rng.random(len(f)) < 0.03, -999, f["age"])),
    "nines": ("sentinel_value", lambda f, rng: np.where(rng.random(len(f)) < 0.03, 9_999, f["age"])),
    "uniform": ("synthetic_column", lambda f, rng: rng.random(len(f))),
    "normal": ("synthetic_column", lambda f, rng: rng.normal(50, 10, len(f))),
    "total": ("synthetic_column", lambda f, rng: f["income"] * 12 - 3 * f["amount"]),
    "loan_amount": ("synthetic_column", lambda f, rng: np.round(f["amount"], -3)),
    "made_amount": ("synthetic_column", lambda f, rng: 7 * 10 ** rng.integers(0, 5, len(f)) + rng.random(len(f))),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_an_odd_column_is_told_by_name(name):
    check, make = SHAPES[name]
    frame = clean(11)
    frame[name] = make(frame, np.random.default_rng(2))
    told = [finding for finding in audit(frame, TARGET, **BY_TIME, checks=[check]).findings if name in finding.columns]
    assert told, name
    assert told[0].check == check
    assert told[0].grade in (Grade.NOTE, Grade.AMBER)
    # The other columns of the table are not accused.
    before = audit(clean(11), TARGET, **BY_TIME, checks=[check])
    assert before.worst == "green"


def test_columns_drawn_one_by_one_are_told():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"v{k}": rng.gamma(2, size=3_000) for k in range(8)})
    frame[TARGET] = rng.random(3_000) < 0.2
    report = audit(frame, TARGET, checks=["synthetic_column"])
    assert "no two of 8 numeric columns go together" in " ".join(f.summary for f in report.of(Grade.AMBER))


def test_a_rate_that_jumps_and_a_sorted_file_are_told():
    frame = clean(12)
    place, rng = np.arange(len(frame)) / len(frame), np.random.default_rng(1)
    burst = (place > 0.3) & (place < 0.4) & (rng.random(len(frame)) < 0.6)
    report = audit(frame.assign(bad=np.maximum(frame["bad"], burst)), TARGET, **BY_TIME, checks=["label_sanity"])
    assert "period 4 of 10" in report.of(Grade.AMBER)[0].summary
    ordered = frame.sort_values(TARGET, kind="stable", ignore_index=True).drop(columns=STATIC)
    (found,) = audit(ordered, TARGET, checks=["label_sanity"]).of(Grade.AMBER)
    assert "towards the end of the file" in found.summary


def test_labels_known_before_their_event_and_immature_ones_are_told():
    frame = clean(13)
    early = frame.assign(**{KNOWN: frame[TIME] - pd.Timedelta("3D")})
    report = audit(early, TARGET, **BY_TIME, checks=["label_sanity"])
    assert "before their event" in report.of(Grade.RED)[0].summary
    # Bad loans become known within 60 days; the file ends with its last application.
    soon = frame[TIME] + pd.to_timedelta(np.random.default_rng(1).integers(1, 60, len(frame)), unit="D")
    cut = frame[TIME].max()
    young = frame.assign(**{KNOWN: soon.where((frame[TARGET] == 1) & (soon <= cut))})
    report = audit(young, TARGET, **BY_TIME, checks=["label_sanity"])
    assert any("they are immature, not good" in finding.summary for finding in report.of(Grade.AMBER))
