"""A light report sees rows by lot, in the order of time, and says nothing of the others."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from training.report.evidence import Evidence
from training.report.lighter import lighter


def test_rows_are_drawn_and_stay_together(fraud_evidence: Evidence) -> None:
    light = lighter(fraud_evidence, 300)
    assert [len(part.y) for part in (light.train, light.calibration, light.test)] == [300, 300, 300]
    assert len(fraud_evidence.test.y) > 300
    places = np.searchsorted(np.sort(fraud_evidence.test.seq), light.test.seq)
    order = np.argsort(fraud_evidence.test.seq)
    assert (fraud_evidence.test.raw[order][places] == light.test.raw).all()
    assert pc.equal(light.test.table["seq"], light.test.seq).to_pylist() == [True] * 300
    assert (np.diff(light.test.event_time) >= 0).all()
    assert light.test.n_whole == fraud_evidence.test.n_whole
    again = lighter(fraud_evidence, 300)
    assert (again.test.seq == light.test.seq).all()


def test_few_rows_stay_as_they_are(fraud_evidence: Evidence) -> None:
    assert lighter(fraud_evidence, 1_000_000).test is fraud_evidence.test
