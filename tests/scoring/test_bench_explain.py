from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("bench_explain", FOLDER / "bench_explain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("models", "peers"):
        monkeypatch.delitem(sys.modules, name)
    return module


@pytest.mark.parametrize("perturb", [False, True])
def test_a_value_moved_a_little_is_told(bench: ModuleType, perturb: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        holds, text = bench.run(0.1, perturb, n_trees=4, n_train=400, n_rows=40)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "explain"
    assert set(line["ratios"]) == {"pred_contrib", "shap", "pred_contrib_10000_rows"}
