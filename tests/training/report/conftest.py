"""Evidence of a fraud model of the small world, and of a credit model of a small simulated one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.main import main
from scoring.bundle import load_bundle
from stores.home import Home
from training.challenger import Trained
from training.report.evidence import Evidence, read_evidence
from training.tracking import CHALLENGER, Tracker

ROOT = Path(__file__).parents[3]
WORLD = ["--days", "14", "--customers", "100", "--months", "36", "--borrowers", "1200"]


@pytest.fixture(scope="session")
def fraud_evidence(trained_once: tuple[Tracker, Trained]) -> Evidence:
    """Payments: about 1,000 rows of test with some forty frauds."""
    _, made = trained_once
    bundle = load_bundle(made.bundle, score_golden_in_child=False)
    return read_evidence(bundle, made.bundle.parent, version=made.version)


@pytest.fixture(scope="session")
def credit_evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """Loans: about 200 rows of test with some twenty defaults, protected attributes among what was counted."""
    home = tmp_path_factory.mktemp("credit") / "home"
    assert main(["--home", str(home), "simulate", "--seed", "5", *WORLD]) == 0
    brief = home.parent / "brief.yaml"
    brief.write_text((ROOT / "configs" / "quick.yaml").read_text(encoding="utf-8").replace("light", "none"), "utf-8")
    quick = ["--with", str(brief)]
    assert main(["--home", str(home), "train", str(ROOT / "configs" / "credit.yaml"), *quick, "--actor", "lin"]) == 0
    tracker = Tracker.open(Home(home), {})
    version = tracker.version("credit", CHALLENGER)
    folder = tracker.fetch(str(version.source))
    return read_evidence(load_bundle(folder, score_golden_in_child=False), folder.parent, version=int(version.version))
