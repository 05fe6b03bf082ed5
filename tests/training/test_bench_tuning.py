from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    folder = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("bench_tuning", folder / "bench_tuning.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["bench_tuning"] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@pytest.mark.parametrize("perturb", [False, True])
def test_figures_moved_by_a_millionth_are_told(bench: ModuleType, perturb: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        holds, text = bench.run(0.4, 1, perturb, n_rows=3_000)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "tuning"
    assert set(line["ratios"]) == {"cross_val_score trials in the same time"}
    assert all(ratio > 0 for ratio in line["ratios"].values())
    assert 0 <= line["figures"]["rightly_given_up"] <= 1
