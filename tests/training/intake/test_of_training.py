"""The audit within training: on the rows, labels and split of the run; red stops it, a waiver is recorded."""

import json

import numpy as np
import pyarrow as pa
import pytest

from domain.errors import DataError
from features.catalogue import load
from features.replay import build_snapshot
from stores.database import Database
from stores.journal import Journal
from tests.training.conftest import ROOT, payments
from training.challenger import train
from training.dataset import label
from training.intake import for_training
from training.settings import TrainingSettings
from training.splits import make_split
from training.tracking import Tracker

WAIVER = {
    "check": "leaked_column", "column": "x_review", "reason": "set before the decision", "by": "wang",
    "until": "2026-12-31",
}  # fmt: skip


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """The small world with a column that somebody wrote after the fraud was reported."""
    tables = payments()
    rng = np.random.default_rng(3)
    fraud = pa.compute.is_in(tables["transaction"]["event_id"], tables["outcome"]["subject_event_id"].combine_chunks())
    review = fraud.to_numpy().astype(float) * 2 + rng.normal(0, 0.4, tables["transaction"].num_rows)
    tables["transaction"] = tables["transaction"].append_column("x_review", pa.array(review))
    folder = tmp_path_factory.mktemp("leaking")
    journal = Journal(Database(folder / "assay.db"), folder / "journal")
    journal.append_tables(tables, "shop")
    return journal


def with_own(settings, *waivers):
    dumped = settings.model_dump(mode="json")
    dumped["features"]["own"] = ["amount", "channel", "x_review"]
    dumped["intake"]["waive"] = list(waivers)
    return TrainingSettings.model_validate(dumped)


def audited(settings, platform, journal, now):
    chosen = load(settings.features, platform, journal.extensions("transaction"))
    dataset = label(
        build_snapshot(chosen, journal, platform).table,
        journal.read("outcome"),
        settings.policy,
        settings.maturity.after,
    )
    return for_training(settings, dataset, make_split(dataset, settings, platform.time_zone), chosen, now=now)


def test_an_honest_world_is_not_stopped(settings, platform, journal, clock):
    report = audited(settings, platform, journal, clock())
    assert report.worst in ("green", "amber")
    report.refuse_red()
    assert "forward split of the training" in report.headline()


def test_a_leak_stops_the_training_before_the_search(settings, platform, leaking, book, clock, make_home, monkeypatch):
    def never(*_args, **_kwargs):
        raise AssertionError("the search was begun")

    monkeypatch.setattr("training.challenger.fit", never)
    with pytest.raises(DataError, match=r"(?s)leaked_column x_review: .*waive:.*column: x_review, reason: …, by: NAME"):
        train(
            with_own(settings), platform, leaking, book, Tracker.open(make_home("home"), {}), actor="lin", clock=clock,
            root=ROOT,
        )  # fmt: skip


@pytest.mark.slow
def test_a_waiver_is_recorded_with_the_model(settings, platform, leaking, book, clock, make_home):
    tracker = Tracker.open(make_home("home"), {})
    trained = train(with_own(settings, WAIVER), platform, leaking, book, tracker, actor="lin", clock=clock, root=ROOT)
    assert trained.intake.worst == "amber"
    assert tracker.version("fraud", trained.version).tags["intake"] == "amber"
    record = json.loads((trained.bundle.parent / "intake.json").read_text())
    (waived,) = [each for each in record["findings"] if each["waived"]]
    assert waived["grade"] == "red"
    assert waived["waived"] == WAIVER
    assert "waived by wang until 2026-12-31" in (trained.bundle.parent / "intake.csv").read_text()
    expired = with_own(settings, {**WAIVER, "until": "2026-01-31"})
    with pytest.raises(DataError, match="x_review"):
        train(expired, platform, leaking, book, tracker, actor="lin", clock=clock, root=ROOT)
