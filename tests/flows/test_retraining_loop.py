"""The way back through the commands: a request with its evidence becomes a challenger, and only people make a champion.

world of sixty days --train, review, promote, deploy at day 48--> champion
days 48 to 60, the last eight with larger amounts --rehearse--> decisions
--retrain --ask--> request with evidence --retrain--> challenger --review, promote--> champion
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from cli.main import main
from data.simulator.load import CLIENT
from domain.time import DAY, format_instant
from stores.bundles import pointed
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT, START, payments
from tests.training.test_labels_under_attack import N_FLIPS, flips

LEARNT, SHIFTED, END = START + 48 * DAY, START + 52 * DAY, START + 60 * DAY
SETTINGS = {
    "name": "fraud", "product": "payment", "label_policy": "fraud-2026-11", "objective": "average_precision",
    "features": {"product": "payment", "views": ["card", "merchant", "merchant_traffic"], "own": ["amount", "channel"]},
    "maturity": {"after": "5d", "source": "the small world's chargebacks take up to 5 days"},
    "windows": {"test": "7d", "calibration": "7d"}, "folds": {"n": 2, "valid": "4d"},
    "search": {"trials": 2, "rounds": 40, "patience": 10},
    "cutoffs": {"by": "share", "attention": 0.10, "warning": 0.04, "high": 0.01, "source": "a test"},
    "alert_budget": {"per_day": 5, "source": "a test"}, "card": "card_id",
    "seed": 11, "threads": 1, "resamples": 60, "report": "none",
}  # fmt: skip

Assay = Callable[..., tuple[int, str, str]]


def champion(root: Path, registry: bytes, grows: int = 1) -> Home:
    """A home with a deployed champion that lin trained, and decisions since; late amounts are so many times as large.

    It is made where it is used: the registry names its artifacts by their place.
    """
    shutil.copytree(ROOT / "configs", root / "configs")
    (root / "configs" / "fraud.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    home = Home(root / "home")
    database = Database(home.database)
    home.registry.write_bytes(registry)
    events = payments()
    paid = events["transaction"]
    place = paid.column_names.index("amount")
    larger = np.where(paid["event_time"].to_numpy() >= SHIFTED, grows, 1)
    events["transaction"] = paid.set_column(place, "amount", pa.array(paid["amount"].to_numpy() * larger))
    Journal(database, home.segments).append_tables(events, CLIENT)
    database.close()
    for arguments in (
        ("train", "fraud", "--as-of", format_instant(LEARNT), "--actor", "lin"),
        ("review", "fraud", "--verdict", "approve", "--reviewer", "zhang"),
        ("promote", "fraud", "--approver", "wang"),
        ("deploy", "fraud"),
        ("rehearse", "payment", "--since", format_instant(LEARNT)),
    ):
        assert main(["--home", str(home.root), "--configs", str(root / "configs"), *arguments]) == 0, arguments
    return home


@pytest.fixture(name="assay")
def _assay(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Assay:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # A child process for the golden rows takes seconds, seven times, and has tests of its own.
    monkeypatch.setattr("scoring.bundle.check_in_child", lambda folder: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["--home", str(tmp_path / "home"), "--configs", str(tmp_path / "configs"), *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def told(assay: Assay, *arguments: str, code: int = 0) -> Any:
    found, out, err = assay(*arguments, "--json")
    assert found == code, err
    return json.loads(out)


def standing(assay: Assay) -> dict[int, list[str]]:
    """Version of the fraud model → its aliases."""
    return {int(each["version"]): sorted(each["aliases"]) for each in told(assay, "models")}


def drifting(request: Any) -> set[str]:
    return {each["name"] for each in request["evidence"]["drift"]}


@pytest.mark.slow
def test_a_request_becomes_a_challenger_and_people_make_it_champion(
    assay: Assay, tmp_path: Path, empty_registry: bytes
) -> None:
    home = champion(tmp_path, empty_registry, grows=20)
    served = pointed(home.pointers, "payment")
    until = ("--until", format_instant(SHIFTED))
    quiet = told(assay, "retrain", "fraud", "--ask", "it is a month old", "--by", "lin", *until, "--last", "4d")
    assert quiet["evidence"]["labels_waiting"] == 0
    assert (quiet["state"], quiet["evidence"]["bundle"], quiet["evidence"]["drift_assessed"]) == ("open", served, True)
    assert "amount" not in drifting(quiet)
    assert told(assay, "retrain", quiet["id"], "--close", "nothing drifts")["state"] == "closed"
    until = ("--until", format_instant(END))
    asked = told(assay, "retrain", "fraud", "--ask", "amounts grew", "--by", "lin", *until, "--last", "8d")
    assert "amount" in drifting(asked)
    assert asked["evidence"]["n_decisions"] > quiet["evidence"]["n_decisions"] > 0
    assert {each["name"] for each in asked["evidence"]["realised"]} >= {"event rate", "auc"}

    trained = told(assay, "retrain", asked["id"][:6], "--actor", "lin")
    assert (trained["state"], trained["outcome"]["version"], trained["outcome"]["by"]) == ("trained", 2, "lin")
    assert trained["evidence"] == asked["evidence"]
    assert standing(assay) == {1: ["champion"], 2: ["challenger"]}
    assert pointed(home.pointers, "payment") == served != trained["outcome"]["bundle"]
    code, _, err = assay("retrain", asked["id"])
    assert (code, "expected an open request" in err) == (3, True)
    assert [each["state"] for each in told(assay, "retrain", "--list")] == ["closed", "trained"]

    code, _, err = assay("promote", "fraud", "--approver", "lin")
    assert (code, "approver: failed" in err, "review: failed" in err) == (4, True, True)
    assert standing(assay)[1] == ["champion"]
    told(assay, "review", "fraud", "--verdict", "approve", "--reviewer", "zhang")
    # The world did move: the gate on stability says so, and a person answers for going on.
    code, _, err = assay("promote", "fraud", "--approver", "wang")
    assert (code, "stability: failed" in err) == (4, True)
    assert standing(assay)[1] == ["champion"]
    told(assay, "promote", "fraud", "--approver", "wang", "--force", "amounts grew for good: the campaign goes on")
    assert standing(assay) == {1: ["previous"], 2: ["champion"]}
    # Serving reads its pointer alone: nothing but a deployment moves it.
    assert pointed(home.pointers, "payment") == served
    assert assay("deploy", "fraud")[0] == 0
    assert pointed(home.pointers, "payment") == trained["outcome"]["bundle"]


@pytest.mark.slow
def test_flipped_labels_stop_the_promotion_until_a_person_has_ruled(
    assay: Assay, tmp_path: Path, empty_registry: bytes
) -> None:
    home = champion(tmp_path, empty_registry)
    calm = told(assay, "labels", "payment")
    assert (calm["n_held"], calm["n_outcomes"]) == (0, payments()["outcome"].num_rows)
    database = Database(home.database)
    Journal(database, home.segments).append_tables({"outcome": flips()}, "desk")
    database.close()
    held = told(assay, "labels", "payment", code=1)
    assert (held["n_waiting"], {(each["source"], each["client"]) for each in held["held"]}) == (
        N_FLIPS, {("analyst", "desk")}
    )  # fmt: skip

    asked = told(assay, "retrain", "fraud", "--ask", "a month old", "--until", format_instant(END))
    assert asked["evidence"]["labels_waiting"] == N_FLIPS
    assert told(assay, "retrain", asked["id"], "--actor", "lin")["outcome"]["version"] == 2
    told(assay, "review", "fraud", "--verdict", "approve", "--reviewer", "zhang")
    code, _, err = assay("promote", "fraud", "--approver", "wang")
    assert (code, f"labels: failed ({N_FLIPS} held back" in err) == (4, True)
    assert standing(assay) == {1: ["champion"], 2: ["challenger"]}

    ruled = ("--rule", "release", "--source", "analyst", "--by", "wang", "--reason", "the ring was confirmed by phone")
    assert told(assay, "labels", "payment", *ruled)["n_waiting"] == 0
    # What was trained meanwhile has not learnt from them: it stays refused, its successor is not.
    code, _, err = assay("promote", "fraud", "--approver", "wang")
    assert (code, "labels: failed" in err) == (4, True)
    assert assay("train", "fraud", "--actor", "lin")[0] == 0
    told(assay, "review", "fraud", "--verdict", "approve", "--reviewer", "zhang")
    promoted = told(assay, "promote", "fraud", "--approver", "wang")
    assert [gate["verdict"] for gate in promoted["gates"] if gate["name"] == "labels"] == ["passed"]
    assert standing(assay) == {1: ["previous"], 2: [], 3: ["champion"]}
