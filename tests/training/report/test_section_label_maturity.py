"""Labels that came later than declared, and rows measured before their label was final, are seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scoring.pages.page import Table
from scoring.pages.status import Status
from tests.training.report.changed import built, with_files, with_parts
from tests.training.report.every_word import named
from training.report.evidence import Evidence
from training.report.sections import label_maturity

HEAD = "code,verdict,rows,median_days,days_95pct,maturity_days,late,late_share,waiting\n"


def test_the_small_world_waits_long_enough(fraud_evidence: Evidence) -> None:
    section = built(label_maturity, fraud_evidence)
    assert section.status is Status.PASS
    assert named(section, "late_positives").n == 213
    (statuses,) = (each for each in section.blocks if isinstance(each, Table) and each.key == "statuses")
    assert statuses.rows[2][1:6] == (1021, 1021, 1021, 40, 981)


def test_labels_known_at_the_cut_are_told(credit_evidence: Evidence) -> None:
    section = built(label_maturity, credit_evidence)
    assert [each.key for each in section.findings] == ["at_cut"]
    assert section.status is Status.AMBER


@pytest.mark.parametrize(("late", "status"), [(5, Status.PASS), (15, Status.AMBER), (60, Status.RED)])
def test_late_positives_are_judged(fraud_evidence: Evidence, tmp_path: Path, late: int, status: Status) -> None:
    told = f"{HEAD}chargeback_fraud,positive,100,9,30,5,{late},{late / 100},3\nrepaid,negative,900,1,1,5,900,1,0\n"
    section = built(label_maturity, with_files(fraud_evidence, tmp_path, label_sources_csv=told))
    assert named(section, "late_positives").status is status
    assert named(section, "late_positives").value == late / 100


def test_a_measured_row_that_is_immature_is_red(fraud_evidence: Evidence) -> None:
    status = fraud_evidence.test.status.copy()
    status[:7] = "immature"
    broken = with_parts(fraud_evidence, test=replace(fraud_evidence.test, status=status))
    assert named(built(label_maturity, broken), "immature_measured").status is Status.RED
    unlabelled = np.where(np.arange(len(status)) < 7, -1, fraud_evidence.test.y).astype(np.int8)
    fine = with_parts(fraud_evidence, test=replace(fraud_evidence.test, status=status, y=unlabelled))
    assert named(built(label_maturity, fine), "immature_measured").status is Status.PASS


def test_absent_records_are_not_assessed(fraud_evidence: Evidence, tmp_path: Path) -> None:
    bare = with_files(fraud_evidence, tmp_path, "label_sources.csv", "labels.json")
    section = built(label_maturity, bare)
    assert named(section, "late_positives").status is Status.NOT_ASSESSED
    assert named(section, "early_positives").value is None
