"""A random split of timed events is marked in every output a run leaves."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pyarrow.parquet as pq
import pytest

from domain.settings import PlatformSettings
from domain.time import Clock
from scoring.reasons import ReasonBook
from stores.home import Home
from stores.journal import Journal
from tests.training.conftest import ROOT
from training.challenger import train
from training.registry import models
from training.settings import TrainingSettings
from training.splits import UNVERIFIED
from training.tracking import Tracker

# No figures of the split: the settings that ask for it, scores row by row, and counts that promotion reads, where a
# gate of its own refuses the split.
PLAIN = {"settings.yaml", "test_scores.parquet", "fairness.json", "stability.json"}


@pytest.mark.slow
def test_a_random_split_is_marked_in_every_output(
    journal: Journal, platform: PlatformSettings, book: ReasonBook, settings: TrainingSettings, clock: Clock,
    make_home: Callable[[str], Home],
) -> None:  # fmt: skip
    changes = {"split": "random_unverified", "shares": {"test": 0.2, "calibration": 0.2}}
    asked = TrainingSettings.model_validate({**settings.model_dump(mode="json"), **changes})
    tracker = Tracker.open(make_home("home"), {})
    made = train(asked, platform, journal, book, tracker, actor="lin", clock=clock, root=ROOT)

    for table in (made.table(), made.split.table(), made.measured.evaluation.grade_table()):
        assert all(UNVERIFIED in " ".join(map(str, row)) for row in table.itertuples())
    assert UNVERIFIED in repr(made)
    run = tracker.client.get_run(made.run_id)
    assert run.info.run_name.endswith("random split, unverified")
    assert run.data.tags["split_warning"] == UNVERIFIED
    assert [each.warning for each in models(tracker, "fraud").versions] == [UNVERIFIED]
    assert UNVERIFIED in models(tracker, "fraud").table()["warning"].to_list()
    assert json.loads((made.bundle / "manifest.json").read_text())["about"]["split_warning"] == UNVERIFIED
    left = [path for path in made.bundle.parent.rglob("*") if path.is_file() and made.bundle not in path.parents]
    for path in left:
        if path.name in PLAIN:
            continue
        if path.suffix == ".csv":
            table = pd.read_csv(path)
            assert table.empty or (table["warning"] == UNVERIFIED).all(), path.name
        elif path.suffix == ".parquet":
            assert (pq.read_schema(path).metadata or {})[b"warning"].decode() == UNVERIFIED, path.name
        else:
            assert UNVERIFIED in path.read_text(encoding="utf-8"), path.name
    assert {path.suffix for path in left} >= {".csv", ".json", ".svg"}
