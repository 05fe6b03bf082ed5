"""From a challenger to a champion and back: gates, verdicts, people, tampering, with a real MLflow store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.errors import ModelError
from domain.time import DAY, Clock
from scoring.bundle import load_bundle
from stores.bundles import pointed
from stores.home import Home
from training.challenger import BUNDLE, Trained
from training.gates.gate import Verdict
from training.gates.settings import GateSettings
from training.promotion import Promotion, promote
from training.registry import deploy, models
from training.review import Ruling, Severity, Status, Subject
from training.review_log import ReviewLog, publish, subject_of
from training.rollback import rollback
from training.tracking import Tracker

LONGEST = 180 * DAY


@dataclass
class Desk:
    """A store of its own with copies of one trained challenger, and the log of its reviews."""

    home: Home
    tracker: Tracker
    reviews: ReviewLog
    limits: GateSettings
    clock: Clock
    trained: tuple[Tracker, Trained]
    folders: list[Path] = field(default_factory=list)

    def register(self, **tags: str) -> Path:
        """One more version of the same bundle, its scores beside a champion's; returns the folder of its run."""
        source, made = self.trained
        record = source.version("fraud", made.version)
        copied = self.home.root / f"copy-{len(self.folders)}"
        shutil.copytree(made.bundle.parent, copied)
        scores = pq.read_table(copied / "test_scores.parquet")
        place = scores.column_names.index("champion_raw_score")
        scores = scores.set_column(place, "champion_raw_score", scores["raw_score"])
        pq.write_table(scores, copied / "test_scores.parquet")
        with self.tracker.run("assay-fraud", "a copy", {}) as run:
            run.folder(copied)
            self.tracker.register("fraud", run, BUNDLE, {**record.tags, "intake": "green", **tags})
        self.folders.append(self.tracker.fetch(f"{run.artifact_uri}/{BUNDLE}").parent)
        return self.folders[-1]

    def promote(self, approver: str = "wang", **changes: str) -> Promotion:
        return promote(
            self.tracker, "fraud", approver=approver, reviews=self.reviews, limits=self.limits, clock=self.clock,
            **changes,  # type: ignore[arg-type]
        )  # fmt: skip

    def subject(self, which: str | int = "challenger") -> Subject:
        return subject_of(self.tracker, "fraud", which)

    def rule(
        self, which: str | int = "challenger", ruling: Ruling = Ruling.APPROVE, days: int = 90, conditions: str = ""
    ) -> None:
        said = self.reviews.rule(
            self.subject(which), ruling, "zhang", expires_at=self.reviews.now() + days * DAY, longest=LONGEST,
            conditions=(conditions,) if conditions else (),
        )  # fmt: skip
        publish(self.tracker, said, self.reviews)

    def tags(self, version: int) -> dict[str, str]:
        return dict(self.tracker.version("fraud", version).tags)

    def aliases(self) -> dict[int, tuple[str, ...]]:
        return {each.version: each.aliases for each in models(self.tracker, "fraud").versions}


@pytest.fixture
def desk(
    trained_once: tuple[Tracker, Trained], make_home: Callable[[str], Home], limits: GateSettings, clock: Clock
) -> Desk:
    home = make_home("home")
    made = Desk(home, Tracker.open(home, {}), ReviewLog.open(home, {}, clock), limits, clock, trained_once)
    made.register()
    return made


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Golden rows are scored here only: a process for each takes seconds, and one test below has it."""
    monkeypatch.setattr("training.gates.bundle.load_bundle", partial(load_bundle, score_golden_in_child=False))


def damage(model: Path) -> str:
    """Change a leaf; returns what the file held."""
    whole = model.read_text()
    model.write_text(whole.replace("leaf_value=", "leaf_value=1", 1))
    return whole


@pytest.mark.usefixtures("in_process")
@pytest.mark.slow
def test_a_champion_is_made_replaced_and_brought_back(desk: Desk) -> None:
    desk.rule()
    first = desk.promote()
    assert first.former is None
    assert first.force_reason is None
    assert {gate.name: gate.verdict.value for gate in first.gates} == {
        "approver": "passed", "review": "passed", "bundle": "passed", "not_worse": "passed",
        "calibration": "not assessed", "evidence": "passed", "stability": "passed", "monotonicity": "passed",
        "fairness": "not assessed", "latency": "passed", "intake": "passed", "labels": "not assessed",
    }  # fmt: skip
    assert all(gate.limit and gate.source for gate in first.gates)
    assert first.table().loc["latency", "value"].endswith("medians of 200")

    second = desk.register(paired_with="1", intake="amber")
    after = desk.promote()
    assert after.former == 1
    assert "on the same rows" in str(next(gate for gate in after.gates if gate.name == "not_worse"))
    assert desk.aliases() == {2: ("champion",), 1: ("previous",)}
    with pytest.raises(ModelError, match="is the champion already"):
        desk.promote(version="2")

    # A damaged champion is no hindrance to going back, and cannot be deployed meanwhile.
    whole = damage(second / BUNDLE / "model.txt")
    with pytest.raises(ModelError, match=r"model\.txt: expected sha256"):
        deploy(desk.tracker, "fraud", desk.home, clock=desk.clock)
    for approver, reason in (("", "a reason"), ("wang", "  ")):
        with pytest.raises(ModelError, match="for a rollback, got none"):
            rollback(desk.tracker, "fraud", approver=approver, reason=reason, clock=desk.clock)
    back = rollback(desk.tracker, "fraud", approver="wang", reason="declines doubled", clock=desk.clock)
    assert (back.version, back.withdrawn, back.previous) == (1, 2, None)
    assert desk.aliases() == {2: (), 1: ("champion",)}
    assert desk.tags(2)["rolled_back_because"] == desk.tags(1)["restored_because"] == "declines doubled"
    (kept,) = (desk.folders[0] / "rollbacks").iterdir()
    assert json.loads(kept.read_text())["withdrawn"] == 2
    deployed = deploy(desk.tracker, "fraud", desk.home, clock=desk.clock)
    assert (deployed.version, pointed(desk.home.pointers, "payment")) == (1, deployed.bundle)
    with pytest.raises(ModelError, match="expected a previous champion to go back to, found none"):
        rollback(desk.tracker, "fraud", approver="wang", reason="again", clock=desk.clock)

    # What was withdrawn needs a new verdict; then it may come back, and is no longer marked.
    (second / BUNDLE / "model.txt").write_text(whole)
    with pytest.raises(ModelError, match="older than the rollback"):
        desk.promote(version="2")
    desk.rule(2)
    assert desk.promote(version="2").former == 1
    assert desk.tags(2)["rolled_back_at"] == ""


def test_a_damaged_previous_champion_is_not_brought_back(desk: Desk) -> None:
    desk.register()
    for version, alias in (("1", "previous"), ("2", "champion")):
        desk.tracker.client.set_registered_model_alias("assay-fraud", alias, version)
    damage(desk.folders[0] / BUNDLE / "model.txt")
    with pytest.raises(ModelError, match=r"version 1 cannot be brought back: .*model\.txt"):
        rollback(desk.tracker, "fraud", approver="wang", reason="a test", clock=desk.clock)
    assert desk.aliases()[2] == ("challenger", "champion")


@pytest.mark.usefixtures("in_process")
def test_a_rollback_can_be_followed_by_another(desk: Desk) -> None:
    desk.register(replaced="1")
    desk.register(replaced="2")
    for version, alias in (("2", "previous"), ("3", "champion")):
        desk.tracker.client.set_registered_model_alias("assay-fraud", alias, version)
    assert rollback(desk.tracker, "fraud", approver="wang", reason="a test", clock=desk.clock).previous == 1
    desk.tracker.client.delete_registered_model_alias("assay-fraud", "champion")  # its record may be gone
    again = rollback(desk.tracker, "fraud", approver="wang", reason="a test", clock=desk.clock)
    assert (again.version, again.withdrawn, again.previous) == (1, None, None)


def refused(desk: Desk, why: str, **changes: str) -> None:
    """The challenger stays one, however much somebody wants it, and what was found is written down."""
    with pytest.raises(ModelError, match=why):
        desk.promote(force_reason="in a hurry", **changes)
    assert desk.aliases() == {1: ("challenger",)}
    tags = desk.tags(1)
    assert "refused_because" in tags
    assert "promoted_at" not in tags


@pytest.mark.slow
def test_every_gate_is_recorded_when_promotion_is_refused(desk: Desk) -> None:
    refused(desk, "approver: failed .*review: failed .*expected a reviewer's verdict, got none", approver=" LIN ")
    assert desk.tags(1)["gate.latency"].startswith("passed: ")
    written = json.loads((desk.folders[0] / "gates.json").read_text())
    assert written["promoted"] is False
    assert [(gate["name"], gate["verdict"]) for gate in written["gates"]][1] == ("review", "failed")
    (attempt,) = (desk.folders[0] / "promotions").iterdir()
    assert json.loads(attempt.read_text()) == written


@pytest.mark.usefixtures("in_process")
@pytest.mark.slow
def test_a_verdict_that_was_touched_or_cut_off_does_not_count(desk: Desk) -> None:
    desk.reviews.find(desk.subject(), Severity.RED, "labels leak", "lin", "2026-12-31", "zhang")
    desk.rule(ruling=Ruling.CONDITIONS, conditions="the leak is closed")
    refused(desk, r"red findings are open: F1 \(lin, due 2026-12-31\)")
    desk.reviews.settle(desk.subject(), "F1", Status.CLOSED, "the column was dropped", "zhang")
    desk.rule()
    path = desk.home.reviews
    content = path.read_bytes()
    path.write_bytes(content.replace(b"labels leak", b"labels weak"))
    refused(desk, "line 1: expected a signature that verifies")
    assert models(desk.tracker, "fraud", desk.reviews).versions[0].review == "does not verify"
    path.write_bytes(b"".join(content.splitlines(keepends=True)[:-1]))
    refused(desk, "cut off, or the review lies in another home")
    path.write_bytes(content)
    (listed,) = models(desk.tracker, "fraud", desk.reviews).versions
    assert (listed.review, listed.review_expires_at[:5]) == ("approve", "2026-")


@pytest.mark.usefixtures("in_process")
@pytest.mark.slow
def test_a_reason_overrules_what_is_not_firm_and_nothing_else(desk: Desk) -> None:
    desk.rule()
    whole = damage(desk.folders[0] / BUNDLE / "model.txt")
    refused(desk, r"bundle: failed .*model\.txt")
    (desk.folders[0] / BUNDLE / "model.txt").write_text(whole)
    for name in ("stability.json", "test_scores.parquet"):
        (desk.folders[0] / name).unlink()
    desk.tracker.note("fraud", 1, {"intake": "red"})
    with pytest.raises(ModelError, match=r"worst finding red\); --force REASON overrules") as refusal:
        desk.promote()
    for gate in ("not_worse", "calibration", "stability"):
        assert f"{gate}: not assessed" in str(refusal.value)
    done = desk.promote(approver="zhang", force_reason="the finding is a duplicate file, see F2")
    assert done.force_reason is not None
    assert [gate.name for gate in done.gates if gate.verdict is Verdict.FAILED] == ["intake"]
    assert desk.tags(1)["force_reason"] == done.force_reason
    assert desk.aliases() == {1: ("champion",)}
    (listed,) = models(desk.tracker, "fraud").versions
    assert listed.gates.startswith("6 of 12 passed; failed: intake; not assessed: calibration, fairness, ")
