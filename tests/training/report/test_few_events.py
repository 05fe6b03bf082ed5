"""A report of a model that has hardly seen an event: everything stands in it, assessed or not, and can be drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scoring.pages.render import render
from tests.training.report.changed import with_parts
from training.report.assemble import assemble, catalogue, report_settings
from training.report.evidence import Evidence

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("n_events", [0, 1, 4])
@pytest.mark.parametrize("name", ["fraud_evidence", "credit_evidence"])
def test_a_test_period_with_few_events_can_be_reported(
    name: str, n_events: int, request: pytest.FixtureRequest
) -> None:
    evidence: Evidence = request.getfixturevalue(name)
    test = evidence.test
    events = np.flatnonzero(test.y == 1)[:n_events]
    kept = test.y != 1
    kept[events] = True
    page = assemble(with_parts(evidence, test.only(kept)), report_settings(ROOT / "configs", light=True))
    html = render(page, catalogue(), "en")
    assert len(page.sections) > 20
    assert "not assessed" in html
