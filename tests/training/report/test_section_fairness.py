"""Fairness: measures against naive versions on rows, and a section that never sees a row."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from scoring.pages.page import Picture, Table
from scoring.pages.status import Status
from tests.training.report.changed import shipped
from tests.training.report.every_word import named, read_aloud, with_status
from tests.training.report.variants import grouped, told_by
from training.cutoffs import GRADES
from training.evaluation import Scored
from training.fairness import ARTIFACT, GroupCounts, count_groups, disparities
from training.group_measures import (
    auc_interval,
    calibration_gap,
    frontier,
    observed_to_expected,
    predictive_equality,
    standardised_difference,
)
from training.proxies import ARTIFACT as PROXIES
from training.proxies import proxies_of
from training.report.evidence import ROWS, Evidence
from training.report.sections.fairness import build


@pytest.fixture(scope="module")
def people() -> tuple[Scored, np.ndarray, dict[str, float]]:
    """Scores of two groups, one of them half a deviation higher."""
    rng = np.random.default_rng(8)
    sex = rng.choice(["f", "m"], 3_000)
    raw = rng.normal(-2 + 0.5 * (sex == "f"), 1.0)
    p = 1 / (1 + np.exp(-raw))
    scored = Scored((rng.random(3_000) < p).astype(np.int8), raw, p, np.zeros(3_000, np.int64))
    return scored, sex, dict(zip(GRADES, np.quantile(p, [0.6, 0.8, 0.9]).tolist(), strict=True))


def test_measures_from_counts_are_those_from_rows(people: tuple[Scored, np.ndarray, dict[str, float]]) -> None:
    scored, sex, cuts = people
    few, many = count_groups(scored, pa.table({"sex": sex}), ["sex"], cuts)
    mine, theirs = sex == "f", sex == "m"
    approved, bad = scored.probability < cuts["high"], scored.y == 1

    (found,) = disparities([few, many], "high", 100)
    assert found.ratio == pytest.approx(approved[mine].mean() / approved[theirs].mean())
    assert found.gap == pytest.approx(approved[theirs & ~bad].mean() - approved[mine & ~bad].mean())

    made = predictive_equality(few, many, "high")
    assert made.value == pytest.approx(approved[theirs & bad].mean() - approved[mine & bad].mean())
    assert made.low < made.value < made.high

    d = standardised_difference(few, many)
    pooled = ((mine.sum() - 1) * scored.raw[mine].var(ddof=1) + (theirs.sum() - 1) * scored.raw[theirs].var(ddof=1)) / (
        len(sex) - 2
    )
    assert d.value == pytest.approx((scored.raw[mine].mean() - scored.raw[theirs].mean()) / np.sqrt(pooled))

    assert few.sum_probability is not None
    ratio = observed_to_expected(few.n_bad, few.n, few.sum_probability)
    assert ratio.value == pytest.approx(scored.y[mine].sum() / scored.probability[mine].sum())

    both = [scored.y[rows].sum() / scored.probability[rows].sum() for rows in (mine, theirs)]
    gap = calibration_gap(few, many)
    assert gap.value == pytest.approx(both[0] / both[1])
    assert gap.low < gap.value < gap.high

    for cut in frontier([few, many]):
        below = scored.probability < cut.probability
        assert cut.approved == pytest.approx(below.mean())
        assert cut.bad_rate == pytest.approx(scored.y[below].mean())
        shares = {group: below[sex == group].mean() for group in ("f", "m")}
        assert cut.ratio == pytest.approx(min(shares.values()) / max(shares.values()))


def test_the_interval_of_the_difference_covers_the_truth() -> None:
    """Nineteen times in twenty, as a simulation tells."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        groups = []
        for name, mean in (("f", 0.3), ("m", 0.0)):
            raw = rng.normal(mean, 1.0, 150)
            groups.append(GroupCounts("sex", name, 150, 140, {}, {}, sum_raw=raw.sum(), sum_raw_squared=(raw**2).sum()))
        made = standardised_difference(*groups)
        covered += made.low <= 0.3 <= made.high
    assert 0.92 < covered / 400 < 0.98


def test_the_interval_of_an_auc_covers_the_truth() -> None:
    rng = np.random.default_rng(2)
    truth, covered = 0.7602, 0  # Φ(1/√2) of normal scores one deviation apart
    for _ in range(300):
        score = np.concatenate([rng.normal(1, 1, 60), rng.normal(0, 1, 90)])
        low, high = auc_interval(float(roc_auc_score(np.repeat([1, 0], [60, 90]), score)), 60, 150)
        covered += low <= truth <= high
    assert 0.92 < covered / 300 < 0.99


def test_a_group_too_small_leaves_only_its_size(people: tuple[Scored, np.ndarray, dict[str, float]]) -> None:
    scored, sex, cuts = people
    rare = np.where(np.arange(len(sex)) < 12, "x", sex)
    told = {each.group: each.as_dict() for each in count_groups(scored, pa.table({"sex": rare}), ["sex"], cuts)}
    assert told["x"] == {
        "attribute": "sex", "group": "x", "n": 12, "n_good": int((scored.y[:12] == 0).sum()), "below": {},
        "good_below": {}, "edges": (), "below_edge": (), "good_below_edge": (), "sum_raw": None,
        "sum_raw_squared": None, "sum_probability": None,
    }  # fmt: skip
    assert len(told["f"]["edges"]) == len(told["m"]["below_edge"]) == 19


def test_proxies_find_what_tells_a_group_and_nothing_where_nothing_does() -> None:
    rng = np.random.default_rng(3)
    sex = rng.choice(["f", "m"], 2_000)
    job = np.where(rng.random(2_000) < 0.8, sex == "f", rng.random(2_000) < 0.5).astype(float)
    # Both ends tell the group: no rank of the value itself would.
    odd = np.where(sex == "f", rng.choice([-1, 1], 2_000) * rng.uniform(1, 2, 2_000), rng.uniform(-1.2, 1.2, 2_000))
    luck = rng.normal(size=2_000)
    luck[rng.random(2_000) < 0.2] = np.nan
    attributes = pa.table({"sex": sex, "age": rng.integers(20, 70, 2_000)})
    found = proxies_of(
        np.column_stack([job, odd, luck]), ("job", "odd", "luck"), {"job"}, attributes, ["sex", "age"], seed=1
    )
    first = found[0]
    assert (first.attribute, first.group) == ("sex", "f")
    assert len(found) == 5
    assert first.features["odd"] > 0.9
    assert first.features["job"] == pytest.approx(roc_auc_score(sex == "f", job), abs=0.03)
    assert first.features["luck"] == pytest.approx(0.5, abs=0.06)
    assert first.low > 0.9
    # Nothing here tells the age; out of fold the trees do not pretend to.
    assert all(0.4 < each.auc < 0.6 for each in found[1:])


def test_the_section_of_a_credit_model(credit_evidence: Evidence) -> None:
    section = build(credit_evidence, shipped())
    told = read_aloud(section)
    assert "12 CFR 1002" in told["en"]
    assert "政策指标" in told["zh"]
    keys = {each.key.rpartition(".")[0] for each in section.statistics}
    assert {"impact_ratio.sex", "smd.sex", "equal_opportunity.sex", "calibration.sex", "proxy_auc.sex"} <= keys
    assert section.status is not Status.RED
    counts = json.loads((credit_evidence.folder / ARTIFACT).read_text())
    table = next(block for block in section.blocks if isinstance(block, Table) and block.key == "groups")
    assert len(table.rows) == len(counts)
    assert sum(each["n"] for each in counts if each["attribute"] == "sex") == credit_evidence.test.labelled.sum()


def test_the_section_needs_no_row(credit_evidence: Evidence, tmp_path: Path) -> None:
    """It is built from artifacts alone; what it says cannot come from a person."""
    whole = build(credit_evidence, shipped())
    told_of = grouped(credit_evidence, tmp_path, 0.0)
    (told_of.folder / ROWS).unlink()
    for name in (ARTIFACT, PROXIES):
        (told_of.folder / name).write_bytes((credit_evidence.folder / name).read_bytes())
    again = build(told_of, shipped())
    assert read_aloud(again) == read_aloud(whole)


def test_an_unfair_model_is_red_and_a_fair_one_is_not(credit_evidence: Evidence, tmp_path: Path) -> None:
    fair = build(grouped(credit_evidence, tmp_path / "fair", 0.0), shipped())
    assert with_status(fair, Status.RED) == set()
    assert {"impact_ratio.sex.f", "impact_ratio.sex.m"} & with_status(fair, Status.PASS)
    unfair = build(grouped(credit_evidence, tmp_path / "unfair", 1.5), shipped())
    assert {"impact_ratio.sex.f", "smd.sex.f", "equal_opportunity.sex.f", "calibration_gap.sex.f"} <= with_status(
        unfair, Status.RED
    )
    assert named(unfair, "calibration.sex.m").status is Status.PASS
    assert any(isinstance(block, Picture) for block in unfair.blocks)


def test_features_that_tell_a_group_are_red(credit_evidence: Evidence, tmp_path: Path) -> None:
    strong, weak = (build(told_by(credit_evidence, tmp_path / str(auc), auc), shipped()) for auc in (0.99, 0.6))
    assert with_status(strong, Status.RED) == {"proxy_auc.sex.f"}
    assert named(weak, "proxy_auc.sex.f").status is Status.PASS


def test_without_attributes_or_artifact_nothing_is_assessed(fraud_evidence: Evidence, tmp_path: Path) -> None:
    section = build(fraud_evidence, shipped())
    assert section.status is Status.NOT_ASSESSED
    assert "name no protected attribute" in read_aloud(section)["en"]
    bare = build(replace(fraud_evidence, folder=tmp_path), shipped())
    assert "train the model again" in read_aloud(bare)["en"]


def test_counts_of_an_older_run_are_read_as_far_as_they_go(credit_evidence: Evidence, tmp_path: Path) -> None:
    old = [
        {"attribute": "sex", "group": group, "n": 300, "n_good": 260, "below": {"high": 280, "attention": 200},
         "good_below": {"high": 250, "attention": 190}}
        for group in ("f", "m")
    ]  # fmt: skip
    made = grouped(credit_evidence, tmp_path, 0.0)
    (made.folder / ARTIFACT).write_text(json.dumps(old))
    section = build(made, shipped())
    read_aloud(section)
    assert named(section, "impact_ratio.sex.m").value == 1
    assert named(section, "smd.sex.m").value is None


def test_groups_too_small_to_judge_are_named_in_the_language_of_the_page(credit_evidence: Evidence) -> None:
    told = read_aloud(build(credit_evidence, shipped()))
    assert "未婚（single）：" in told["zh"]
    assert not re.search(r"(?<!（)\b(divorced|married|single|widowed) \d", told["zh"])
    assert re.search(r"single \d+", told["en"])
