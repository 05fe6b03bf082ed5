"""A deliberately bad model is red in the right place of its report, and a good one is not.

Each entry of PLANTED is a fault, and the section and statistic that has to be red for it; add a line for every
section that judges anything.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.pages.page import Section
from scoring.pages.status import Status
from tests.training.report.changed import shipped
from tests.training.report.every_word import read_aloud, with_status
from tests.training.report.variants import grouped, ideal, leaky, told_by, wrong_somewhere
from training.report.evidence import Evidence
from training.report.plan import plans

Make = Callable[[Evidence, Path], Evidence]

GOOD: dict[str, Make] = {
    "segments": lambda evidence, _: ideal(evidence),
    "fairness": lambda evidence, folder: grouped(evidence, folder, 0.0),
    "robustness": lambda evidence, _: ideal(evidence),
}
"""Section → good evidence for it; the evidence as it was trained where none is given."""

PLANTED: list[tuple[str, Make, str, str]] = [
    ("credit_evidence", lambda evidence, _: wrong_somewhere(evidence), "segments", "calibration.amount"),
    ("credit_evidence", lambda evidence, _: wrong_somewhere(evidence), "segments", "n_weak_spots"),
    ("fraud_evidence", lambda evidence, _: wrong_somewhere(evidence), "segments", "calibration.amount"),
    ("credit_evidence", lambda evidence, folder: grouped(evidence, folder, 1.5), "fairness", "impact_ratio.sex.f"),
    ("credit_evidence", lambda evidence, folder: grouped(evidence, folder, 1.5), "fairness", "smd.sex.f"),
    ("credit_evidence", lambda evidence, folder: grouped(evidence, folder, 1.5), "fairness", "calibration_gap.sex.f"),
    ("credit_evidence", lambda evidence, folder: told_by(evidence, folder, 0.99), "fairness", "proxy_auc.sex.f"),
    ("fraud_evidence", lambda evidence, _: leaky(evidence), "robustness", "noise_auc"),
    ("credit_evidence", lambda evidence, _: leaky(evidence), "robustness", "noise_auc"),
]
"""Evidence, the fault, the section and the statistic (or finding) that must be red."""


def section_of(evidence: Evidence, key: str) -> Section:
    plan = next(each for each in plans(evidence.product) if each.key == key)
    return plan.build(evidence, shipped())


@pytest.mark.parametrize(
    ("fixture", "make", "key", "statistic"), PLANTED, ids=[f"{each[0][:6]} {each[3]}" for each in PLANTED]
)
def test_a_planted_fault_is_red_where_it_belongs(
    request: pytest.FixtureRequest, tmp_path: Path, fixture: str, make: Make, key: str, statistic: str
) -> None:
    section = section_of(make(request.getfixturevalue(fixture), tmp_path), key)
    assert statistic in with_status(section, Status.RED)
    assert section.status is Status.RED
    read_aloud(section)


@pytest.mark.parametrize("fixture", ["fraud_evidence", "credit_evidence"])
@pytest.mark.parametrize("key", sorted({each[2] for each in PLANTED}))
def test_a_good_model_is_not_red(request: pytest.FixtureRequest, tmp_path: Path, fixture: str, key: str) -> None:
    evidence: Evidence = request.getfixturevalue(fixture)
    made = GOOD[key](evidence, tmp_path) if key in GOOD else evidence
    section = section_of(made, key)
    assert with_status(section, Status.RED) == set()
    assert section.status is not Status.RED
