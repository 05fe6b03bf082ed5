"""The pieces of the audit against naive versions, and what a reader and a notebook are given."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from domain.errors import DataError, DefinitionError, InputError
from tests.training.intake.world import GROUP, KNOWN, TARGET, TIME, clean, leaked_score
from training.intake import Grade, IntakeSettings, audit
from training.intake.auc import encoded, flagged, interval, ranked
from training.intake.finding import Finding
from training.intake.reading import read_intake
from training.intake.twins import find_twins, row_hashes, scaled

WAIVER = {"check": "leaked_column", "column": "final_score", "reason": "known then", "by": "lin", "until": "2026-12-31"}


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_rank_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    y, score = rng.integers(0, 2, 60).astype(np.int8), rng.integers(0, 12, 60).astype(float)
    y[:2] = 0, 1
    expected = roc_auc_score(y, score)
    assert ranked(y, score, "").auc == pytest.approx(max(expected, 1 - expected))
    flag = score > 5
    expected = roc_auc_score(y, flag)
    assert flagged(y, flag, "").auc == pytest.approx(max(expected, 1 - expected))


def test_the_interval_covers():
    rng, inside = np.random.default_rng(0), 0
    for _ in range(300):
        y = np.repeat([1, 0], [40, 160])
        low, high = interval(ranked(y, y + rng.normal(0, 1, 200), "", either=False).auc, 40, 160)
        inside += low <= 0.7602 <= high  # Φ(1/√2)
    assert 0.91 <= inside / 300 <= 0.99


def test_rates_of_chance_values_rank_nothing():
    rng = np.random.default_rng(1)
    y = (rng.random(20_000) < 0.1).astype(np.int8)
    assert encoded(y, rng.integers(0, 3_000, 20_000), seed=0).auc == pytest.approx(0.5, abs=0.02)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 1e-4, 3e-3]))
@settings(max_examples=25, deadline=None)
def test_twins_are_those_of_the_naive_search(seed, noise):
    rng = np.random.default_rng(seed)
    learnt = np.round(rng.normal(size=(150, 6)), 3)
    learnt[rng.random(learnt.shape) < 0.1] = np.nan
    held = np.round(rng.normal(size=(40, 6)), 3)
    copied = rng.choice(150, 15, replace=False)
    held[:15] = learnt[copied] + noise * rng.normal(size=(15, 6))
    found = find_twins(learnt, held, 0.02, seed=1)
    A, B = scaled(learnt, held)
    gap = np.sqrt(((A[None] - B[:, None]) ** 2).mean(axis=2))
    exact = [next((k for k in range(150) if np.array_equal(learnt[k], row, equal_nan=True)), -1) for row in held]
    np.testing.assert_array_equal(found.exact, exact)
    assert set(np.flatnonzero(found.near >= 0)) <= set(np.flatnonzero(gap.min(axis=1) <= 0.02 + 1e-6))
    np.testing.assert_array_equal(found.near[:15], copied)


def test_hashes_of_different_rows_differ():
    X = np.stack(np.meshgrid(np.arange(200.0), np.arange(200.0)), axis=-1).reshape(-1, 2)
    assert len(np.unique(row_hashes(X))) == len(X)


def test_a_waiver_holds_by_name_until_its_day():
    frame = leaked_score(clean(1, 1_000), np.random.default_rng(0))

    def report(today, *waivers):
        given = IntakeSettings.model_validate({"waive": list(waivers)})
        return audit(frame, TARGET, time=TIME, known_at=KNOWN, settings=given, today=today, checks=["leaked_column"])

    held = report(date(2026, 12, 31), WAIVER)
    held.refuse_red()
    assert held.worst == "amber"
    (waived,) = held.of(Grade.AMBER)
    assert (waived.grade, waived.waived.by) == (Grade.RED, "lin")
    assert "waived by lin until 2026-12-31: known then" in held.table().iloc[0]["finding"]
    assert json.loads(held.to_json())["findings"][0]["waived"]["reason"] == "known then"
    over = report(date(2027, 1, 1), WAIVER)
    assert over.worst == "red"
    assert "expired on 2026-12-31" in " ".join(over.table()["finding"])
    with pytest.raises(DataError, match="check: leaked_column, column: final_score"):
        over.refuse_red()
    other = report(date(2026, 1, 1), WAIVER, {**WAIVER, "column": "income"})
    assert "is not needed" in other.of(Grade.NOTE)[0].summary
    with pytest.raises(DefinitionError, match="checks out of"):
        report(date(2026, 1, 1), {**WAIVER, "check": "leak"})


def test_a_report_for_a_notebook():
    frame = leaked_score(clean(2, 1_000), np.random.default_rng(0)).rename(columns={"final_score": "<b>score"})
    report = audit(frame, TARGET, time=TIME, known_at=KNOWN, group=GROUP)
    html = report._repr_html_()
    assert "&lt;b&gt;score" in html
    assert "<b>score" not in html
    figure = report.plot()
    assert [axes.get_xlabel() for axes in figure.axes] == ["AUC", "AUC"]
    assert len(figure.axes[0].patches) == min(15, len(report.alone))
    assert set(report.table()["grade"]) <= {grade.value for grade in Grade}
    assert repr(report).startswith("IntakeReport(red: 1,000 rows")
    assert json.loads(report.to_json())["worst"] == "red"


def test_what_cannot_be_audited_is_refused():
    frame = clean(3, 400)
    for columns, message in (
        ({"time": "when"}, "expected columns of the table"),
        ({"split_at": "2026-03-01"}, "expected --time with --split-at"),
        ({"time": TIME, "split_at": "2040-01-01T00:00:00Z"}, "choose another --split-at"),
    ):
        with pytest.raises(InputError, match=message):
            audit(frame, TARGET, **columns)
    with pytest.raises(InputError, match="name the event's value with --positive"):
        audit(frame, "channel")
    with pytest.raises(DataError, match="at least 200 labelled rows"):
        audit(frame.head(150), TARGET)
    assert (
        audit(frame, "channel", positive="web", checks=["id_column"]).about["events"] == (frame.channel == "web").sum()
    )


def test_files_are_read_as_they_are(tmp_path):
    frame = clean(4, 300).drop(columns=[TIME, KNOWN])
    frame.to_csv(tmp_path / "loans_train.csv", index=False, sep=";")
    frame.head(100).to_parquet(tmp_path / "loans_test.parquet")
    read, test = read_intake(tmp_path)
    assert len(read) == 400
    assert test.sum() == 100
    assert list(read.columns) == list(frame.columns)
    single, none = read_intake(tmp_path / "loans_train.csv")
    assert none is None
    pd.testing.assert_series_equal(single["income"], frame["income"])
    (tmp_path / "other_test.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="audit files of different tables one by one"):
        read_intake(tmp_path)
    with pytest.raises(InputError, match="nothing there"):
        read_intake(tmp_path / "nowhere")


def test_a_finding_that_names_no_column_is_waived_without_one():
    from training.intake.settings import Waiver
    from training.intake.waive import apply_waivers

    waiver = Waiver.model_validate({**WAIVER, "check": "duplicates", "column": None})
    (made,) = apply_waivers([Finding("duplicates", Grade.RED, "twins")], [waiver], date(2026, 1, 1))
    assert made.counts_as is Grade.AMBER
