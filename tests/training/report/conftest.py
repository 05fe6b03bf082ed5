"""Evidence of a fraud model of the small world, and of a credit model of a small simulated one."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoring.bundle import load_bundle
from stores.home import Home
from training.challenger import Trained
from training.report.evidence import Evidence, read_evidence
from training.tracking import Tracker


@pytest.fixture(scope="session")
def fraud_evidence(trained_once: tuple[Tracker, Trained]) -> Evidence:
    """Payments: about 1,000 rows of test with some forty frauds."""
    _, made = trained_once
    bundle = load_bundle(made.bundle, score_golden_in_child=False)
    return read_evidence(bundle, made.bundle.parent, version=made.version)


@pytest.fixture(scope="session")
def credit_evidence(credit_home: Path) -> Evidence:
    """Loans: about 200 rows of test with some twenty defaults, protected attributes among what was counted."""
    tracker = Tracker.open(Home(credit_home), {})
    version = tracker.version("credit", 1)
    folder = tracker.fetch(str(version.source))
    return read_evidence(load_bundle(folder, score_golden_in_child=False), folder.parent, version=int(version.version))
