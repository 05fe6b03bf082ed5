"""`assay policy what-if` over a home with two weeks of decisions: another policy moves them, the same one none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.decision import Product
from domain.time import DAY, format_instant
from tests.monitoring.test_what_if import N_DAYS, stricter, two_weeks
from tests.scoring.bundles import CONFIGS
from tests.scoring.desk import AT, KEY
from tests.scoring.test_policy import shipped
from tests.shared import RunAssay

SINCE = AT - AT % DAY


def asked(run: RunAssay, folder: Path, policy: dict[str, Any], n_days: int, *more: str) -> tuple[int, str, str]:
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    period = ["--since", format_instant(SINCE), "--until", format_instant(SINCE + n_days * DAY)]
    return run("--home", str(folder), "--configs", str(CONFIGS), "policy", "what-if", str(path), *period, *more)


def what_if(
    run: RunAssay, folder: Path, policy: dict[str, Any], n_days: int = 2 * N_DAYS, *more: str
) -> dict[str, Any]:
    code, out, err = asked(run, folder, policy, n_days, *more, "--json")
    assert code == 0, err
    return json.loads(out)


def moved(found: dict[str, Any]) -> int:
    return sum(n for then, line in found["matrix"].items() for now, n in line.items() if then != now)


def test_a_past_period_is_judged_by_the_labels_of_now_or_of_a_time_that_is_named(
    tmp_path: Path, run_assay: RunAssay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--until ends the decisions alone: outcomes of the last days are told after it."""
    monkeypatch.setenv("ASSAY_CHAIN_KEY", KEY.hex())
    now = SINCE + 400 * DAY
    monkeypatch.setattr("domain.time.system_clock", lambda: now)
    two_weeks(tmp_path).journal.database.close()
    same, n_days = shipped(Product.PAYMENT), 5
    of_now = what_if(run_assay, tmp_path, same, n_days)
    assert of_now["labels_as_of"] == format_instant(now)
    assert (of_now["labels"]["immature"], of_now["labels"]["positive"] > 0) == (0, True)
    assert of_now["figures"]["old_value_caught"]
    end = format_instant(SINCE + n_days * DAY)
    of_then = what_if(run_assay, tmp_path, same, n_days, "--as-of", end)
    assert (of_then["n"], of_then["labels_as_of"]) == (of_now["n"], end)
    assert (of_then["labels"]["positive"], of_then["labels"]["negative"]) == (0, 0)
    assert of_then["labels"]["immature"] > 0
    assert "value_caught" in of_then["not_assessed"]
    assert f"known by {end}" in " ".join(asked(run_assay, tmp_path, same, n_days, "--as-of", end)[1].split())
    code, _, err = asked(run_assay, tmp_path, same, n_days, "--as-of", format_instant(now + DAY))
    assert (code, "--as-of: expected a time that has passed" in err) == (2, True)


def test_a_stricter_policy_moves_decisions_and_the_same_one_none(
    tmp_path: Path, run_assay: RunAssay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_CHAIN_KEY", KEY.hex())
    two_weeks(tmp_path).journal.database.close()
    same = what_if(run_assay, tmp_path, shipped(Product.PAYMENT))
    other = what_if(run_assay, tmp_path, {**shipped(Product.PAYMENT), **stricter(Product.PAYMENT)})
    assert same["n"] == other["n"] > 200
    assert moved(same) == 0
    changes = {name: each for name, each in same["figures"].items() if name.startswith("change_")}
    assert changes
    assert {(each["value"], each["low"], each["high"]) for each in changes.values()} == {(0.0, 0.0, 0.0)}
    assert moved(other) > 20
    assert other["figures"]["change_alerts_per_day"]["low"] > 0
    lines = {each["name"]: each for each in other["rules"]}
    assert lines["amount_cap"]["hits"] > lines["amount_cap"]["moved"] > 0
