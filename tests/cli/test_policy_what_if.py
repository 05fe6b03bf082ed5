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


def what_if(run: RunAssay, folder: Path, policy: dict[str, Any]) -> dict[str, Any]:
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    period = ["--since", format_instant(SINCE), "--until", format_instant(SINCE + 2 * N_DAYS * DAY)]
    code, out, err = run(
        "--home", str(folder), "--configs", str(CONFIGS), "policy", "what-if", str(path), *period, "--json"
    )
    assert code == 0, err
    return json.loads(out)


def moved(found: dict[str, Any]) -> int:
    return sum(n for then, line in found["matrix"].items() for now, n in line.items() if then != now)


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
