from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "bench_score.py"
    monkeypatch.syspath_prepend(str(path.parent))
    spec = importlib.util.spec_from_file_location("bench_score", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(sys.modules, "models")
    return module


@pytest.mark.parametrize("perturb", [False, True])
def test_a_score_moved_by_one_last_place_is_told(bench: ModuleType, perturb: bool) -> None:
    holds, text = bench.run(0.1, perturb, n_trees=4, n_train=400)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "score"
    assert set(line["ratios"]) == {"sklearn", "booster_predict"}
    assert all(ratio > 0 for ratio in line["ratios"].values())
