"""The measurements of memory and of starts: a leak, a refusal and an answer that differs are told."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from serving.load.drive import Result

FOLDER = Path(__file__).parents[2] / "benchmarks"
MODULES = ("bench_memory", "bench_start", "decide_world", "memory_server", "peers")
RATE, FILLED = 60.0, 600.0


@pytest.fixture(scope="module")
def bench() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in ("bench_memory", "bench_start")}
    finally:
        sys.path.remove(str(FOLDER))
        for name in MODULES:
            sys.modules.pop(name, None)


def told(
    memory: ModuleType, leak: float = 0.0, minutes: int = 30, refused: int = 0
) -> tuple[bool, dict[str, object], str]:
    """The verdict on readings that fill up, then swing by some megabytes, with a leak in bytes a request."""
    rng = np.random.default_rng(4)
    samples = []
    for at in np.arange(-5.0, 60.0 * minutes, 5.0):
        filling = 80e6 * (1 - np.exp(-max(at, 0.0) / 120))
        swinging = 1e6 * np.sin(at / 90) + float(rng.normal(0, 3e5))
        resident = 300e6 + filling + swinging + leak * RATE * max(at, 0.0)
        samples.append(memory.Sample(float(at), 10**8, int(resident), 40_000, 10**7))
    result = Result(1_000)
    result.statuses.update({200: 1_000 - refused, 503: refused})
    holds, text = memory.report(samples, result, RATE, FILLED)
    return holds, json.loads(text.splitlines()[-1]), text


def test_what_swings_is_flat_and_a_leak_is_not(bench: dict[str, ModuleType]) -> None:
    memory = bench["bench_memory"]
    holds, line, text = told(memory)
    assert holds is line["equal"] is True
    assert "flat" in text
    assert line["figures"]["minutes_full"] == 20
    holds, line, text = told(memory, leak=300.0)
    assert holds is line["equal"] is False
    assert "NOT flat" in text
    assert line["figures"]["bytes_a_request"] == pytest.approx(300, abs=60)


def test_too_short_a_run_and_a_refusal_show_nothing(bench: dict[str, ModuleType]) -> None:
    assert told(bench["bench_memory"], minutes=12)[0] is False
    assert told(bench["bench_memory"], refused=1)[0] is False


def test_the_interval_holds_the_true_slope_of_what_resembles_its_past(bench: dict[str, ModuleType]) -> None:
    rng, times, held = np.random.default_rng(8), np.arange(40.0), 0
    for _ in range(300):
        noise = np.zeros(40)
        for place in range(1, 40):
            noise[place] = 0.4 * noise[place - 1] + rng.normal()
        rise, half = bench["bench_memory"].slope(times, 0.3 * times + noise)
        held += abs(rise - 0.3) <= half
    # 95 % are promised; of so few points Newey and West's is a little narrow.
    assert held >= 250


def test_customers_come_and_go(bench: dict[str, ModuleType]) -> None:
    traffic = bench["bench_memory"].Passing("t", 3, lambda: 0)
    seen = []
    for _ in range(30_000):
        traffic.n_made += 1
        seen.append(traffic._payment()["customer_id"])
    assert len(set(seen[:12_000])) > 6_000
    assert not set(seen[:2_000]) & set(seen[-2_000:])


@pytest.mark.slow
def test_starts_are_measured_and_compared(bench: dict[str, ModuleType], tmp_path: Path) -> None:
    start = bench["bench_start"]
    starts = start.measure(tmp_path, 300, 1)
    for perturb in (False, True):
        equal, text = start.report(starts, perturb)
        line = json.loads(text.splitlines()[-1])
        assert equal is line["equal"] is not perturb
        assert line["figures"]["all_replayed_cpu_s"] > 0
