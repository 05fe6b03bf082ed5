"""The benchmark of online features notices a value that is wrong by its last bit."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "bench_online.py"
    spec = importlib.util.spec_from_file_location("bench_online", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_online"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("perturb", [False, True])
def test_an_answer_moved_by_one_last_place_is_told(bench: ModuleType, perturb: bool) -> None:
    holds, text = bench.run(0.1, 600, perturb, n_warm=1500, n_asked=20)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "online"
    assert set(line["ratios"]) == {"python", "python_typical_request"}
    assert all(ratio > 0 for ratio in line["ratios"].values())
    assert line["figures"]["n_entities"] > 100
