from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    pytest.importorskip("polars", reason="expected polars: make setup")
    folder = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("bench_features", folder / "bench_features.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@pytest.mark.parametrize("perturb", [False, True])
def test_an_answer_moved_by_one_last_place_is_told(bench: ModuleType, tmp_path: Path, perturb: bool) -> None:
    holds, text = bench.run(1, perturb, tmp_path, n=3000, n_cold=1000)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "features"
    assert set(line["ratios"]) == set(bench.AT_LEAST)
    assert all(ratio > 0 for ratio in line["ratios"].values())


def test_growth_streams_from_file_to_file(bench: ModuleType, tmp_path: Path) -> None:
    bench.write_events(tmp_path / "in.parquet", 2000, 1)
    told = bench.stream(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert told["n"] == 2000
    made = bench.pq.read_table(tmp_path / "out.parquet")
    assert made.column_names == list(bench.the_plan()[1])
    assert bench.differences(made, bench.ours(tmp_path / "in.parquet", 1)) == 0
