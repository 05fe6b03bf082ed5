"""The section on the operating point: what is caught, what it costs, who is approved; red where it does harm."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scoring.pages.page import Picture, Section, Table
from scoring.pages.status import Status
from tests.training.report.changed import LIGHT, drawn, with_parts
from tests.training.report.every_word import WORDS, said, statuses
from training.alerts import daily_alerts
from training.money_settings import AlertBudget, Costs
from training.regret import cost_of_cutoffs
from training.report.evidence import Evidence
from training.report.rival import champion_scores
from training.report.sections.operating_point import SECTION
from training.stakes import Stakes

_ACTION = {"catches": 0.9, "each": "1.00 CNY", "friction": "1.00 CNY", "source": "a test"}
COSTS = Costs(
    review="12.00 CNY", friction="30.00 CNY", source="a test",
    actions={"step_up": {**_ACTION, "catches": 0.6}, "review": _ACTION, "decline": {**_ACTION, "catches": 1.0}},
)  # fmt: skip


def tables(section: Section) -> dict[str, Table]:
    """Tables by key, those under pictures too."""
    blocks = [block.table if isinstance(block, Picture) else block for block in section.blocks]
    return {block.key: block for block in blocks if isinstance(block, Table)}


def copied(evidence: Evidence, folder: Path) -> Evidence:
    """The same artifacts in a folder of the test's own."""
    for path in evidence.folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder / path.name)
    return replace(evidence, folder=folder)


def priced(evidence: Evidence, folder: Path, per_day: int = 5) -> Evidence:
    """With the cost of the frozen cut-offs, as a run with costs logs it."""
    made, test = copied(evidence, folder), evidence.test.scored()
    budget = AlertBudget(per_day=per_day, source="a test")
    stakes = Stakes.of(test.probability, test.y, test.amount, 10.0, COSTS, budget)
    assert stakes is not None
    cost = cost_of_cutoffs(
        test.y, test.day, stakes, evidence.settings.cutoffs, evidence.bundle.cutoffs, currency="CNY", n_draws=60, seed=1
    )
    told = {**evidence.json("thresholds.json"), "test": json.loads(cost.to_json())}
    (folder / "thresholds.json").write_text(json.dumps(told), encoding="utf-8")
    return made


def test_payments_are_measured_at_the_budget(fraud_evidence: Evidence) -> None:
    section = SECTION.build(fraud_evidence, LIGHT)
    assert section.status is not Status.RED
    assert said(section)
    found = {each.key: each for each in section.statistics}
    told = {each["name"]: each["value"] for each in fraud_evidence.json("evaluation.json")["figures"]}
    for key, name in (("recall_at_budget",) * 2, ("precision_at_budget",) * 2, ("card_precision_100",) * 2,
                      ("value_detection_rate_at_budget", "value_detection_rate")):  # fmt: skip
        assert found[key].value == pytest.approx(told[name])
    assert found["saved_share"].value is None
    assert section.not_run
    assert sum(int(str(row[2])) for row in tables(section)["grades"].rows) == fraud_evidence.about["rows"]["test"]


def test_costs_stand_where_the_run_knows_them(fraud_evidence: Evidence, tmp_path: Path) -> None:
    evidence = priced(fraud_evidence, tmp_path)
    section = SECTION.build(evidence, LIGHT)
    assert said(section)
    found = {each.key: each for each in section.statistics}
    values = evidence.json("thresholds.json")["test"]["values"]
    assert found["saved_share"].value == pytest.approx(1 - values["cost"] / values["cost_without_model"])
    assert found["regret_share"].value == pytest.approx(values["regret"] / values["cost_without_model"])
    assert (found["saved_share"].status, found["regret_share"].status) != (Status.RED, Status.RED)
    assert {"cost", "cutoffs"} <= set(tables(section))


def test_more_reviews_than_the_budget_are_red(fraud_evidence: Evidence, tmp_path: Path) -> None:
    evidence = priced(fraud_evidence, tmp_path)
    told = evidence.json("thresholds.json")
    told["test"]["n_reviewed"] = [9.0, 30]
    (tmp_path / "thresholds.json").write_text(json.dumps(told), encoding="utf-8")
    assert statuses(SECTION.build(evidence, LIGHT))["reviews_per_day"] is Status.RED


def test_an_order_upside_down_is_red_at_the_budget(fraud_evidence: Evidence) -> None:
    test = replace(fraud_evidence.test, raw=-fraud_evidence.test.raw)
    section = SECTION.build(with_parts(fraud_evidence, test), LIGHT)
    found = {each.key: each for each in section.statistics}
    assert found["lift_at_budget"].status is Status.RED
    scored = test.scored()
    alert = daily_alerts(scored.raw, scored.day, 5)
    assert found["recall_at_budget"].value == pytest.approx(scored.y[alert].sum() / scored.y.sum())


def test_loans_have_tenths_grades_approvals_and_a_swap_set(credit_evidence: Evidence) -> None:
    section = SECTION.build(credit_evidence, LIGHT)
    assert section.status is not Status.RED
    assert said(section)
    found, shown = {each.key: each for each in section.statistics}, tables(section)
    assert {"deciles", "bands", "approval", "swap"} <= set(shown)
    test = credit_evidence.test.scored()
    below = test.probability < credit_evidence.bundle.cutoffs["warning"]
    assert found["approval_rate"].value == pytest.approx(below.mean())
    assert found["approved_bad_rate"].value == pytest.approx(test.y[below].mean())
    assert found["bad_rate_cut"].value == pytest.approx(1 - test.y[below].mean() / test.y.mean())
    assert sum(int(str(row[1])) for row in shown["swap"].rows) == len(test.y)


def test_loans_in_the_wrong_order_are_red(credit_evidence: Evidence) -> None:
    rows = drawn(credit_evidence.test, 4_000)
    wrong = replace(rows, raw=-rows.raw)
    section = SECTION.build(with_parts(credit_evidence, wrong), LIGHT)
    found = statuses(section)
    assert found["top_decile_lift"] is found["decile_breaks"] is found["swap_gain"] is Status.RED
    assert said(section)


def test_the_champion_is_found_in_any_order_of_rows(credit_evidence: Evidence, tmp_path: Path) -> None:
    evidence = copied(credit_evidence, tmp_path)
    path = tmp_path / "test_scores.parquet"
    test, table = evidence.test.scored(), pq.read_table(path)
    assert champion_scores(evidence, test) is None
    scores = table.set_column(
        table.column_names.index("champion_raw_score"),
        "champion_raw_score",
        pa.array(table["raw_score"].to_numpy() + 2),
    )
    mixed = np.random.default_rng(1).permutation(table.num_rows)
    pq.write_table(scores.take(pa.array(mixed)), path)
    found = champion_scores(evidence, test)
    assert found is not None
    np.testing.assert_array_equal(found, test.raw + 2)
    section = SECTION.build(evidence, LIGHT)
    assert not section.not_run
    assert [row[1] for row in tables(section)["swap"].rows][1:3] == [0, 0]
    pq.write_table(scores.slice(1), path)
    assert champion_scores(evidence, test) is None


def test_too_few_events_are_not_assessed(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    kept = test.only((test.y != 1) | (np.cumsum(test.y == 1) <= 4))
    section = SECTION.build(with_parts(fraud_evidence, kept), LIGHT)
    assert section.status is Status.NOT_ASSESSED
    assert len(section.not_run) == 1
    assert said(section)


def test_the_riskiest_tenth_is_the_first_row_of_the_tenths(credit_evidence: Evidence) -> None:
    """Where the rows do not part into ten, or rows of equal score stand at the edge."""
    for n, places in ((217, None), (217, 1), (400, 0)):
        rows = drawn(credit_evidence.test.only(credit_evidence.test.labelled), n)
        tied = rows if places is None else replace(rows, raw=np.round(rows.raw, places))
        section = SECTION.build(with_parts(credit_evidence, tied), LIGHT)
        found, (first, *_) = {each.key: each for each in section.statistics}, tables(section)["deciles"].rows
        assert found["top_decile_lift"].value == pytest.approx(first[6])
        assert found["top_decile_capture"].value == pytest.approx(first[8])
        assert f"{float(str(first[7])):.1%}" in WORDS.tongue("en")(found["top_decile_capture"].note)
