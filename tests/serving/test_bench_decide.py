"""The verdict of the comparison of decisions: a score moved by a billionth, a refusal or a missing row is told."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from serving.load.histogram import Histogram

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = ("bench_decide", "closed_loop", "decide_servers", "decide_world", "peers", "stillness")
SCORES = [0.25, 0.5, 0.125]


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("bench_decide")
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


def told(bench: ModuleType, refused: int = 0) -> dict[str, object]:
    """Figures of three servers, ours the fastest."""
    made = {}
    for name, rate, p99 in ((bench.OURS, 900.0, 9_000), (bench.BENTOML, 30.0, 180_000), (bench.MLFLOW, 100.0, 60_000)):
        made[name] = bench.Measured([rate] * 5, [1e6 / rate] * 5, refused=refused)
        for turn in (p99, p99 // 2, p99 // 3):
            one = Histogram()
            one.record_all([turn // 4] * 60 + [turn] * 40)
            made[name].half.add(one)
            made[name].turns_us.append(turn)
    return made


def scores(bench: ModuleType) -> dict[str, list[float]]:
    return {name: list(SCORES) for name in (bench.OURS, bench.BENTOML, bench.MLFLOW)}


@pytest.mark.parametrize("perturb", [False, True])
def test_a_perturbed_score_is_told(bench: ModuleType, perturb: bool) -> None:
    holds, text = bench.report(scores(bench), told(bench), {"n_features": 105}, perturb)
    line = json.loads(text.splitlines()[-1])
    assert holds is not perturb
    assert line["equal"] is not perturb
    assert line["bench"] == "decide"
    assert line["ratios"]["throughput_vs_bentoml_pandas_sklearn_shap"] == 30.0
    assert line["ratios"]["throughput_vs_mlflow"] == 9.0
    # Of all turns together: 40 of 300 are of the slowest.
    assert line["ratios"]["p99_at_half_load_vs_bentoml_pandas_sklearn_shap"] == pytest.approx(20.0, rel=2e-3)
    assert "3.0 to 9.0" in text
    assert set(bench.AT_LEAST) <= set(line["ratios"])
    assert line["figures"]["n_features"] == 105


def test_a_server_that_refuses_or_leaves_out_rows_is_told(bench: ModuleType) -> None:
    assert bench.report(scores(bench), told(bench, refused=1), {}, False)[0] is False
    short = scores(bench)
    short[bench.MLFLOW].pop()
    assert bench.report(short, told(bench), {}, False)[0] is False
    assert bench.same({bench.OURS: [], bench.MLFLOW: []}) is False


def test_main_ends_with_one_when_answers_differ(
    bench: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The servers are started by `python benchmarks/bench_decide.py`; here only what they gave is planted."""
    monkeypatch.setattr(bench, "make_world", lambda *_, **__: None)
    still = importlib.import_module("stillness").summary([0.0002] * 97 + [0.002] * 3)
    monkeypatch.setattr(bench, "stillness", lambda: still)
    for perturb, code in ((False, 0), (True, 1)):
        monkeypatch.setattr(
            bench, "compare", lambda _, __, moved, figures: bench.report(scores(bench), told(bench), figures, moved)
        )
        assert bench.main(["--perturb"] if perturb else []) == code
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].endswith("3.0 % of readings took over 4 times the median")
        line = json.loads(lines[-1])
        assert line["equal"] is not perturb
        assert line["figures"]["touch_slow_share"] == 0.03


def test_how_still_the_machine_is(bench: ModuleType) -> None:
    found = bench.stillness(0.1)
    assert 0 < found["touch_ms"] <= found["touch_p99_ms"]
    assert 0 <= found["touch_slow_share"] < 1
