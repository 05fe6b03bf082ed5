"""Reproduction: the same record gives the same bytes; what is not as it was is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import ModelError
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT, payments
from training.challenger import Trained
from training.provenance import Provenance
from training.reproduce import Reproduced, reproduce
from training.tracking import Tracker


def again(trained: tuple[Tracker, Trained], journal: Journal, threads: int | None = None) -> Reproduced:
    tracker, made = trained
    return reproduce(tracker, "fraud", journal, version=made.version, root=ROOT, actor="zhang", threads=threads)


@pytest.mark.slow
def test_the_recorded_inputs_give_the_same_bytes_and_what_came_later_changes_nothing(
    trained_once: tuple[Tracker, Trained], tmp_path: Path
) -> None:
    world = payments()
    grown = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    grown.append_tables(world, "shop")
    later = {kind: table.slice(0, 40) for kind, table in payments(seed=1).items()}
    renamed = {
        kind: table.set_column(0, "event_id", [[f"later-{kind}-{n}" for n in range(table.num_rows)]])
        for kind, table in later.items()
    }
    grown.append_tables(renamed, "shop")
    found = again(trained_once, grown)
    assert found.identical
    assert found.same_trees
    assert found.files == {"model.txt": True, "calibration.json": True, "cutoffs.yaml": True}
    assert {fact.name for fact in found.differences} <= {"code_revision"}  # somebody may edit a file meanwhile
    named = set(found.table().index)
    assert {"data_hash", "features", "journal", "rows", "lock_hash", "hardware", "threads", "python"} <= named
    assert "library lightgbm" in named
    # Another number of threads gives the same trees in other bytes, and is named.
    threaded = again(trained_once, grown, threads=2)
    assert not threaded.identical
    assert threaded.same_trees
    assert {"threads", "model.txt"} <= {fact.name for fact in threaded.differences}


@pytest.mark.slow
def test_other_data_are_told(trained_once: tuple[Tracker, Trained], tmp_path: Path) -> None:
    other = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    other.append_tables(payments(seed=4), "shop")
    found = again(trained_once, other)
    assert not found.identical
    assert not found.same_trees
    assert {"data_hash", "journal"} <= {fact.name for fact in found.differences}
    assert (
        found.as_dict()["differences"]["data_hash"]["recorded"] != found.as_dict()["differences"]["data_hash"]["found"]
    )


@pytest.mark.slow
def test_the_manifest_holds_the_record(trained_once: tuple[Tracker, Trained]) -> None:
    import json

    _, made = trained_once
    about = json.loads((made.bundle / "manifest.json").read_text())["about"]
    wanted = {
        "operator", "started_at", "finished_at", "data_hash", "features", "snapshot", "labels_as_of", "code_revision",
        "lock_hash", "libraries", "python", "hardware", "seed", "threads", "params", "rounds", "settings", "run_id",
    }  # fmt: skip
    assert wanted <= {name for name, value in about.items() if value not in ("", None)}
    assert about["snapshot"]["upto_seq"] > 6_000
    assert len(about["snapshot"]["data"]) == 64


def test_a_damaged_bundle_is_not_reproduced(make_home: Callable[[str], Home], journal: Journal, tmp_path: Path) -> None:
    tracker = Tracker.open(make_home("home"), {})
    (tmp_path / "made" / "bundle").mkdir(parents=True)
    (tmp_path / "made" / "bundle" / "model.txt").write_text("trees")
    with tracker.run("assay-fraud", "a run", {}) as run:
        run.folder(tmp_path / "made")
        version = tracker.register("fraud", run, "bundle", {"bundle": "abc"})
    with pytest.raises(ModelError, match=r"manifest\.json"):
        reproduce(tracker, "fraud", journal, version=version, root=ROOT, actor="zhang")


def test_libraries_are_compared_one_by_one() -> None:
    facts = Provenance.collect(ROOT, "lin").facts()
    assert "library numpy" in facts
    assert "operator" not in facts
