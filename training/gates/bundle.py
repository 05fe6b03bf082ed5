"""Gates on the bundle itself: its bytes, its golden rows, the time of one score."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from domain.errors import ModelError
from scoring.bundle import Bundle, load_bundle
from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Latency

_ROUNDS = 9
_CALLS = 200


def intact(folder: Path, expected: str) -> tuple[Gate, Bundle | None]:
    """Every file of the bundle is what was registered, and its golden rows score exactly, in a child process."""

    def gate(verdict: Verdict, value: str) -> Gate:
        return Gate("bundle", verdict, True, value, f"hash {expected[:12]}…, golden rows bit for bit", "the registry")

    try:
        bundle = load_bundle(folder)
    except ModelError as error:
        return gate(Verdict.FAILED, str(error)), None
    if bundle.hash != expected:
        return gate(Verdict.FAILED, f"expected hash {expected[:12]}…, got {bundle.hash[:12]}…"), None
    return gate(Verdict.PASSED, f"{bundle.hash[:12]}… verified, golden rows agree"), bundle


def quick(score: Callable[[np.ndarray], float], rows: np.ndarray, limits: Latency) -> Gate:
    """One row's score within its time.

    Parameters
    ----------
    score : of one encoded row. rows : float64[n, m], scored one by one in turn.
    """
    took = one_row_us(score, rows)
    value = f"{took:.0f} µs a row, the least of {_ROUNDS} medians of {_CALLS}"
    limit = f"at most {limits.score_us:,.0f} µs"
    return Gate("latency", verdict_of(took <= limits.score_us), False, value, limit, limits.source)


def one_row_us(call: Callable[[np.ndarray], object], rows: np.ndarray) -> float:
    """µs of a call on one row, the least of several medians: a neighbour on the machine can only make it look slower.

    Parameters
    ----------
    rows : float64[n, m], given one by one in turn.
    """
    each = [np.ascontiguousarray(row) for row in rows]
    return min(_median_us(call, each) for _ in range(_ROUNDS))


def _median_us(score: Callable[[np.ndarray], object], rows: list[np.ndarray]) -> float:
    took = []
    for call in range(_CALLS):
        row = rows[call % len(rows)]
        start = time.perf_counter_ns()
        score(row)
        took.append(time.perf_counter_ns() - start)
    return statistics.median(took) / 1_000
