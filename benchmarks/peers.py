"""What every comparison needs: interleaved rounds, medians, the last line of JSON."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def interleaved(
    ways: Mapping[str, Callable[[], Any]], rounds: Mapping[str, int]
) -> tuple[dict[str, float], dict[str, Any]]:
    """Median seconds of each way over its rounds, in turns, and what its last round gave."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    given: dict[str, Any] = {}
    for turn in range(max(rounds.values())):
        for name, way in ways.items():
            if turn < rounds[name]:
                given.pop(name, None)
                started = time.perf_counter()
                given[name] = way()
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}, given


def verdict(bench: str, equal: bool, ratios: Mapping[str, float], figures: Mapping[str, Any]) -> str:
    """The last line."""
    return json.dumps({"bench": bench, "equal": equal, "ratios": dict(ratios), "figures": dict(figures)})


def table(rows: Sequence[tuple[str, float, float | None, float | None]], unit: str) -> list[str]:
    """Lines of a table: way, figure, its ratio and what the ratio must be at least."""
    lines = [f"{'':<52}{unit:>10}{'ratio':>8}{'at least':>10}"]
    for name, figure, ratio, least in rows:
        line = f"{name:<52}{figure:>10.3f}"
        if ratio is not None and least is not None:
            line += f"{ratio:>8.1f}{least:>10.1f}"
        lines.append(line)
    return lines
