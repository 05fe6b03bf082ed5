"""Drifted units: a column whose whole scale jumps by a known factor between two periods."""

from __future__ import annotations

import numpy as np

from scoring.pages.words import Words, say
from training.intake.finding import Finding, Grade
from training.intake.table import Audited, Column

CHECK = "unit_drift"

FACTORS = (10.0, 100.0, 1_000.0, 1e4, 1e6, 60.0, 3_600.0, 24.0, 1_440.0, 86_400.0, 7.0, 12.0)
"""What scales change by when somebody changes a unit; messages say of what each is."""

_CHUNKS = 12
_LEAST = 50
_ROWS = 4_000
_QUANTILES = (0.25, 0.5, 0.75, 0.9)
_STEADY = 1.6
_PERIODS_EACH_SIDE = 3


def unit_drift(table: Audited) -> list[Finding]:
    """Compare quartiles over twelve periods; a step of all of them by one known factor, steady on both sides, is red.

    Factors below 10 happen without a change of unit, so they are amber. Without time, the file's own order stands in,
    and given parts (a folder's train and test files) are compared as they are.
    """
    found, n = [], 0
    chunks = [chunk[:: max(1, len(chunk) // _ROWS)] for chunk in np.array_split(table.order, _CHUNKS)]
    order = say("intake.periods" if table.time is not None else "intake.stretches")
    for column in table.columns:
        if column.form != "number" or column.n_values < 10 or column.id_like:
            continue
        n += 1
        step = _step(column, chunks, table.limits.unit_tolerance.value)
        if step is None and table.given_parts:
            step = _between(column, table.train, table.test, table.limits.unit_tolerance.value)
        if step is not None:
            found.append(_finding(table, column, step, chunks))
    if found:
        return found
    return [Finding(CHECK, Grade.GREEN, say("intake.no_jump", n=n, order=order), n=len(table.y))]


def _finding(table: Audited, column: Column, step: tuple[int, float, float], chunks: list[np.ndarray]) -> Finding:
    place, ratio, factor = step
    grade = Grade.RED if factor >= 10 else Grade.AMBER
    where = say("intake.between_parts")
    rows: tuple[int, ...] = ()
    if place >= 0:
        first = int(chunks[place][0])
        rows = (int(table.row[first]),)
        where = say("intake.from_stretch", number=place + 1, of=len(chunks))
        if table.time is not None:
            where = say("intake.from_period", number=place + 1, of=len(chunks), moment=_moment(table, first))
    unit = say(f"intake.factor_{factor:.0f}")
    words = say("intake.rises" if ratio > 1 else "intake.falls", factor=max(ratio, 1 / ratio), where=where, unit=unit)
    advice = "Bring both into one unit before anything is learnt; the source of the change knows which rows."
    return Finding(
        CHECK, grade, words, (column.name,), ratio, limit=table.limits.unit_tolerance, n=len(table.y), rows=rows,
        advice=advice,
    )  # fmt: skip


def _moment(table: Audited, position: int) -> Words:
    assert table.time is not None  # noqa: S101 - for the type checker
    if table.clock == "steps":
        return say("intake.step", step=float(table.time[position]))
    return str(np.datetime64(int(table.time[position]), "us").astype("datetime64[D]"))


def _levels(values: np.ndarray) -> np.ndarray | None:
    known = np.abs(values[~np.isnan(values)])
    known = known[known > 0]
    return None if len(known) < _LEAST else np.log(np.quantile(known, _QUANTILES))


def _step(column: Column, chunks: list[np.ndarray], tolerance: float) -> tuple[int, float, float] | None:
    """Chunk where the new scale begins, the ratio and the known factor; None where there is no such step."""
    levels = [_levels(column.values[chunk]) for chunk in chunks]
    for place in range(1, len(chunks)):
        # The change may fall within a chunk: then that chunk is a mixture, and its neighbours are compared.
        for gap in (1, 2):
            before, after = place - 1, place - 1 + gap
            if after >= len(chunks):
                continue
            first, second = levels[before], levels[after]
            if first is None or second is None:
                continue
            found = _known(second - first, tolerance)
            # One period before is enough for a factor that nothing but a unit gives.
            if found is not None and found[1] < 10 and min(before + 1, len(chunks) - after) < _PERIODS_EACH_SIDE:
                continue
            if found is not None and _steady(levels[: before + 1]) and _steady(levels[after:]):
                return after if gap == 1 else place, *found
    return None


def _between(column: Column, train: np.ndarray, test: np.ndarray, tolerance: float) -> tuple[int, float, float] | None:
    first, second = _levels(column.values[train]), _levels(column.values[test])
    found = None if first is None or second is None else _known(second - first, tolerance)
    return None if found is None else (-1, *found)


def _known(moves: np.ndarray, tolerance: float) -> tuple[float, float] | None:
    """The common ratio of quantiles and the factor it is; None where they move apart, or by no such factor."""
    middle = float(np.median(moves))
    if np.abs(moves - middle).max() > 2 * tolerance:
        return None
    for factor in FACTORS:
        if abs(abs(middle) - np.log(factor)) <= tolerance:
            return float(np.exp(middle)), factor
    return None


def _steady(levels: list[np.ndarray | None]) -> bool:
    middles = [level[1] for level in levels if level is not None]
    return not middles or float(np.ptp(middles)) < np.log(_STEADY)
