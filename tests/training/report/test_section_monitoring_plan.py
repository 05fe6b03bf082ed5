"""The plan shows monitoring's own limits, and when the first performance can be known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import yaml

from domain.time import DAY
from scoring.bundle import Bundle
from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import built, with_about, with_parts
from tests.training.report.every_word import ROOT, every_word, named
from training.intake.auc import interval
from training.label_clock import ENOUGH_EVENTS, label_clock
from training.report.evidence import Evidence
from training.report.sections import monitoring_plan

FILE = ROOT / "configs" / "monitoring.yaml"


@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_limits_are_those_of_monitoring(request: pytest.FixtureRequest, name: str) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    section = built(monitoring_plan, evidence, monitoring=FILE)
    assert section.status in (Status.PASS, Status.AMBER)
    (watched,) = (each for each in section.blocks if isinstance(each, Table) and each.key == "watched")
    told = yaml.safe_load(FILE.read_text())
    assert [row[1:4] for row in watched.rows] == [
        tuple(told[key][grade] for grade in ("attention", "warning", "high"))
        for key in ("psi", "distance", "missing", "rate", "degraded", "data", "latency")
    ]
    assert named(section, "first_matured").value == evidence.settings.maturity.after / DAY


def test_without_the_file_it_says_so(fraud_evidence: Evidence, tmp_path: Path) -> None:
    for path in (None, tmp_path / "absent.yaml"):
        section = built(monitoring_plan, fraud_evidence, monitoring=path)
        assert len(section.not_run) == 1
        assert not [each for each in section.blocks if isinstance(each, Table) and each.key == "watched"]


def test_the_first_mature_label_is_a_maturity_after_the_training(fraud_evidence: Evidence) -> None:
    made = with_about(fraud_evidence, finished_at="2026-03-01T00:00:00Z")
    assert "First mature labels, had it decided from that day = 2026-03-06T00:00:00Z" in every_word(
        built(monitoring_plan, made), "en"
    )


class Small(Bundle):
    """A bundle whose reference holds too few rows."""

    def reference(self) -> pa.Table:
        return super().reference().slice(0, 150)


def test_a_reference_too_small_for_drift_is_red(fraud_evidence: Evidence) -> None:
    bundle = fraud_evidence.bundle
    small = Small(**{name: getattr(bundle, name) for name in bundle.__dataclass_fields__})
    section = built(monitoring_plan, replace(fraud_evidence, bundle=small))
    assert named(section, "reference_rows").status is Status.RED


def test_without_positives_nobody_knows_when(fraud_evidence: Evidence) -> None:
    test = fraud_evidence.test
    section = built(monitoring_plan, with_parts(fraud_evidence, test=replace(test, y=np.zeros_like(test.y))))
    assert named(section, "enough").status is Status.NOT_ASSESSED


def test_the_clock_beside_counting_days() -> None:
    rng = np.random.default_rng(0)
    time = np.sort(rng.integers(0, 40 * DAY, 4_000))
    y = (rng.random(4_000) < 0.02).astype(np.int8)
    # The same traffic again and again: on which day is the last of these positives mature?
    times = np.concatenate([time[y == 1] + 40 * DAY * turn for turn in range(9)])
    clock = label_clock(time, y, 5 * DAY, events=len(times))
    assert clock.enough == pytest.approx(times.max() / DAY + 5, rel=0.02)
    assert math.isinf(label_clock(time, np.zeros(4_000, np.int8), DAY).enough)
    low, high = interval(0.8, ENOUGH_EVENTS, 100_000)
    assert 0.06 < (high - low) / 2 < 0.08
