"""What may be deployed as what: a shadow is free, a canary needs a reviewer, everybody needs the champion."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cli.main import main
from domain.decision import Product
from domain.errors import ModelError
from domain.time import DAY
from scoring.bundle import load_bundle, write_bundle
from stores.bundles import pointed, previous
from stores.home import Home
from tests.scoring.bundles import changed
from training.registry import deploy
from training.review import Ruling
from training.review_log import ReviewLog, subject_of
from training.tracking import Tracker

NOW = 1_790_000_000_000_000


@pytest.fixture
def home(tmp_path: Path, make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with versions 1 and 2 of a model in its registry; 1 is the champion, 2 the challenger."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # A child process for the golden rows takes seconds and has tests of its own.
    monkeypatch.setattr("training.registry.load_bundle", partial(load_bundle, score_golden_in_child=False))
    found = make_home("home")
    tracker = Tracker.open(found, {})
    for version in (1, 2):
        folder = tmp_path / f"run-{version}"
        digest = write_bundle(folder / "bundle", changed(Product.PAYMENT, about={"run": f"r{version}"}))
        with tracker.run("assay-fraud", "a run", {}) as run:
            run.folder(folder)
            tags = {"bundle": digest, "operator": "lin", "product": "payment"}
            tracker.register("fraud", run, "bundle", tags)
    tracker.client.set_registered_model_alias("assay-fraud", "champion", "1")
    return found


def log(home: Home) -> ReviewLog:
    return ReviewLog.open(home, {}, lambda: NOW)


def deployed(home: Home, **how: object) -> str:
    return deploy(Tracker.open(home, {}), "fraud", home, clock=lambda: NOW, reviews=log(home), **how).bundle  # type: ignore[arg-type]


def test_each_role_has_its_pointer_and_its_rights(home: Home) -> None:
    champion = deployed(home)
    assert pointed(home.pointers, "payment") == champion
    shadow = deployed(home, role="shadow")
    assert pointed(home.pointers, "payment.shadow") == shadow != champion
    with pytest.raises(ModelError, match=r"version 2 may not decide as a canary: .*expected a reviewer's verdict"):
        deployed(home, role="canary")
    with pytest.raises(ModelError, match="expected the champion to decide on everybody, got version 2"):
        deployed(home, version="2")
    assert pointed(home.pointers, "payment.canary") is None
    subject = subject_of(Tracker.open(home, {}), "fraud", "challenger")
    log(home).rule(subject, Ruling.APPROVE, "zhang", expires_at=NOW + 30 * DAY, longest=180 * DAY)
    assert deployed(home, role="canary") == shadow
    assert pointed(home.pointers, "payment.canary") == shadow
    assert pointed(home.pointers, "payment") == champion


def test_pointers_are_taken_away_and_turned_back_at_the_prompt(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    first = deployed(home)
    at = ["--home", str(home.root)]
    assert main([*at, "deploy", "fraud", "--back"]) == 4
    assert "a bundle that served payment before" in capsys.readouterr().err
    tracker = Tracker.open(home, {})
    tracker.client.set_registered_model_alias("assay-fraud", "champion", "2")
    second = deployed(home)
    assert (pointed(home.pointers, "payment"), previous(home.pointers, "payment")) == (second, first)
    assert main([*at, "deploy", "fraud", "--back"]) == 0
    assert (pointed(home.pointers, "payment"), previous(home.pointers, "payment")) == (first, second)
    deployed(home, role="shadow", version="2")
    assert main([*at, "deploy", "fraud", "--stop", "shadow"]) == 0
    assert pointed(home.pointers, "payment.shadow") is None
    capsys.readouterr()
    assert main([*at, "deploy", "fraud", "--stop", "canary"]) == 0
    assert "payment had no canary" in capsys.readouterr().out
    assert main([*at, "deploy", "fraud", "--stop", "canary", "--back"]) == 2
