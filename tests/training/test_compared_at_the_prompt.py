"""`assay compare` and `assay features ablate` on two homes: labels that follow the payments, and labels by lot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from tests.shared import RunAssay
from tests.training.conftest import payments
from training.settings import TrainingSettings, settings_text
from training.splits import UNVERIFIED

Prompt = Callable[..., Any]
FAMILIES = "lightgbm,logistic,isolation_forest"


def shuffled() -> dict[str, pa.Table]:
    """The same payments and as many frauds, told as late: but of payments drawn by lot."""
    made = payments()
    paid, told = made["transaction"], made["outcome"]
    late = told["known_at"].to_numpy() - told["subject_time"].to_numpy()
    drawn = paid.take(pa.array(np.sort(np.random.default_rng(3).permutation(paid.num_rows)[: told.num_rows])))
    known = pa.array(drawn["event_time"].to_numpy() + late)
    columns = {"event_time": known, "known_at": known, "subject_event_id": drawn["event_id"],
               "subject_time": drawn["event_time"], "merchant_id": drawn["merchant_id"]}  # fmt: skip
    for name, values in columns.items():
        told = told.set_column(told.column_names.index(name), name, values)
    return {"transaction": paid, "outcome": told}


@pytest.fixture(name="prompt")
def _prompt(
    make_home: Callable[[str], Home], settings: TrainingSettings, tmp_path: Path, run_assay: RunAssay
) -> Prompt:
    def run(world: dict[str, pa.Table], *command: str, **changes: object) -> Any:
        home = make_home(f"home-{len(list(tmp_path.iterdir()))}")
        database = Database(home.database)
        Journal(database, home.segments).append_tables(world, "shop")
        database.close()
        config = tmp_path / f"{home.root.name}.yaml"
        config.write_text(yaml.safe_dump({**yaml.safe_load(settings_text(settings)), **changes}), encoding="utf-8")
        named = [str(config) if each == "CONFIG" else each for each in command]
        code, out, err = run_assay("--home", str(home.root), "--actor", "lin", *named, "--json")
        assert code == 0, err
        return json.loads(out)

    return run


def test_who_saw_labels_ranks_better_only_where_there_is_something_to_learn(prompt: Prompt) -> None:
    told = {}
    for name, world in (("real", payments()), ("lot", shuffled())):
        found = prompt(world, "compare", "CONFIG", "--families", FAMILIES)
        assert found["warning"] is None
        told[name] = (found, {each["family"]: each for each in found["contenders"]})
    real, by_family = told["real"]
    assert [each["family"] for each in real["contenders"]] == FAMILIES.split(",")
    prevalence = real["n_events"] / real["n"]
    for family in ("lightgbm", "logistic"):
        assert by_family[family]["figures"]["average_precision"][0] > 2 * prevalence
        assert by_family[family]["figures"]["auc"][1]["low"] > 0.6
    lost, interval = by_family["isolation_forest"]["differences"]["average_precision"]
    assert interval["high"] < 0 or (lost < 0 and interval["low"] < 0)
    _, by_family = told["lot"]
    for each in by_family.values():
        low, high = (each["figures"]["auc"][1][name] for name in ("low", "high"))
        assert low < 0.58, each
        assert high > 0.42, each
    for family in ("logistic", "isolation_forest"):
        interval = by_family[family]["differences"]["auc"][1]
        assert interval["low"] < 0 < interval["high"]


def test_a_random_split_is_marked_and_a_forward_one_is_not(prompt: Prompt) -> None:
    """The forward one: the test above."""
    by_lot = {"split": "random_unverified", "shares": {"test": 0.2, "calibration": 0.2}, "windows": None}
    found = prompt(payments(), "compare", "CONFIG", "--families", "lightgbm", **by_lot)
    assert found["warning"] == UNVERIFIED


def test_a_group_is_missed_where_it_makes_the_labels_and_nowhere_else(prompt: Prompt) -> None:
    real, lot = (prompt(world, "features", "ablate", "CONFIG", "--rounds", "20") for world in (payments(), shuffled()))
    alone = [{each["group"]: each["alone"] for each in found["groups"]} for found in (real, lot)]
    assert alone[0]["payment"] > 3 * real["n_events"] / real["n_rows"]
    assert alone[0]["payment"] > 2 * alone[0]["timing"]
    # By lot no group ranks better than the share of frauds, by more than chance makes of so few.
    assert max(alone[1].values()) < 2.5 * lot["n_events"] / lot["n_rows"]
    assert real["whole"] > 3 * lot["whole"]
