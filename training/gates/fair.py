"""Gates on fairness, one per protected attribute: shares of favourable answers, in all and among the good.

A group fails when it is beyond a limit and the 95 % interval leaves out equality: small groups swing widely.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from training.fairness import Disparity, GroupCounts, disparities
from training.gates.gate import Gate, Verdict, verdict_of
from training.gates.settings import Fairness


def fair(path: Path, limits: Fairness) -> Iterator[Gate]:
    """A gate for each attribute that was measured; one that says so where there was none.

    Parameters
    ----------
    path : what training logged as `fairness.json`.
    """
    counted = [GroupCounts(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
    if not counted:
        yield _unassessed("fairness", "no protected attribute in the data", limits)
    for attribute, groups in groupby(counted, key=lambda each: each.attribute):
        yield _of(attribute, tuple(groups), limits)


def _of(attribute: str, groups: tuple[GroupCounts, ...], limits: Fairness) -> Gate:
    name = f"fairness_{attribute}"
    found = disparities(groups, limits.favourable_below, limits.least_rows)
    if not found:
        known = ", ".join(f"{each.group} {each.n}" for each in groups)
        return _unassessed(name, f"fewer than two groups of {limits.least_rows} rows ({known})", limits)
    low = min(found, key=lambda each: each.ratio)
    wide = max(found, key=lambda each: abs(each.gap))
    said = (
        f"impact ratio {low.ratio:.2f} [{low.ratio_interval[0]:.2f}, {low.ratio_interval[1]:.2f}] "
        f"({low.group} beside {low.best}, {low.n} rows); "
        f"opportunity {wide.gap:+.3f} [{wide.gap_interval[0]:+.3f}, {wide.gap_interval[1]:+.3f}] ({wide.group})"
    )
    faults = [each.group for each in found if _unfair(each, limits)]
    said += f"; beyond a limit: {', '.join(faults)}" if faults else ""
    return Gate(name, verdict_of(not faults), False, said, _limit(limits), limits.source)


def _unfair(found: Disparity, limits: Fairness) -> bool:
    low, high = found.gap_interval
    fewer = found.ratio < limits.impact_ratio and found.ratio_interval[1] < 1
    return fewer or (abs(found.gap) > limits.opportunity and not low <= 0 <= high)


def _limit(limits: Fairness) -> str:
    return (
        f"impact ratio at least {limits.impact_ratio:g}, opportunity within ±{limits.opportunity:g}, "
        f"favourable below {limits.favourable_below}"
    )


def _unassessed(name: str, why: str, limits: Fairness) -> Gate:
    required = limits.unassessed == "refuse"
    return Gate(name, Verdict.NOT_ASSESSED, False, why, _limit(limits), limits.source, required)
