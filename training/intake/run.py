"""The intake audit: a table is looked at before anything is learnt from it.

frame  --column by column-->  numbers, codes, times      --target-->  events
       --time | group | files-->  training and test rows  --checks, one by one-->  findings
findings  --waivers by name-->  report: red, amber, note, green, not assessed
"""

from __future__ import annotations

import time as wall
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import DataError, DefinitionError, InputError, expected_got
from training.intake.adversarial import drivers
from training.intake.checks import CHECK_NAMES, CHECKS
from training.intake.columns import clock_of, column_of
from training.intake.finding import ORDER, Finding
from training.intake.parts import choose_parts
from training.intake.report import IntakeReport
from training.intake.settings import IntakeSettings
from training.intake.table import COLUMN_ROWS, MODEL_ROWS, Audited
from training.intake.waive import CHECK as WAIVER
from training.intake.waive import apply_waivers
from training.progress import Progress, silent

_LEAST_ROWS = 200
_LEAST_EVENTS = 20
_POSITIVE = ("1", "1.0", "true", "yes", "y", "bad", "fraud", "default", "positive", "t")


def audit(
    frame: pd.DataFrame,
    target: str,
    *,
    positive: str | None = None,
    time: str | None = None,
    known_at: str | None = None,
    group: str | None = None,
    split_at: str | None = None,
    test: Sequence[bool] | np.ndarray | None = None,
    settings: IntakeSettings | None = None,
    today: date | None = None,
    checks: Collection[str] | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Progress = silent,
) -> IntakeReport:
    """Audit a table.

    Parameters
    ----------
    target : column of the outcome; ``positive`` is its value that is the event.
    time, known_at : columns of when the event was and when its label became known. group : column of an entity.
    split_at : the test begins here (a time, or a step); ``test`` says it row by row instead.
    today : waivers that ended before it are expired; none is when it is not given.
    checks : names of the checks to run; all by default.

    Raises
    ------
    InputError
        When a column is not there or the target has not two classes.
    DataError
        When there are too few rows or events to say anything.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.random(2_000) < 0.2
    >>> frame = pd.DataFrame({"income": rng.lognormal(8, 1, 2_000), "score": y + rng.normal(0, 0.1, 2_000)})
    >>> frame["bad"] = y.astype(int)
    >>> report = audit(frame, "bad", threads=1, checks=["leaked_column"])
    >>> report.worst, report.findings[0].columns
    ('red', ('score',))
    """
    names = [name for name in (target, time, known_at, group) if name is not None]
    missing = [name for name in names if name not in frame.columns]
    if missing:
        shown = ", ".join(map(str, frame.columns[:30]))
        raise InputError(expected_got(f"columns of the table ({shown})", ", ".join(missing), "intake"))
    y, labelled = events_of(frame[target], positive)
    settings = settings or IntakeSettings()
    row = np.flatnonzero(labelled)
    clock, known = None, None
    unit = "µs"
    if time is not None:
        clock, unit = clock_of(time, frame[time])
        told = labelled & ~np.isnan(clock)
        if told.sum() < 0.5 * labelled.sum():
            raise InputError(
                expected_got("times in most rows", f"{int(told.sum()):,} of {int(labelled.sum()):,}", time)
            )
        row = np.flatnonzero(told)
    if known_at is not None:
        known = clock_of(known_at, frame[known_at])[0][row]
    y, kept = y[row], frame.iloc[row]
    refuse_few(y)
    codes = None if group is None else pd.factorize(frame[group].iloc[row])[0].astype(np.int64)
    given = None if test is None else np.asarray(test, bool)[row]
    times = None if clock is None else clock[row]
    parts = choose_parts(
        y, time=times, at=_at(split_at, time, unit), at_text=split_at or "", group=codes, group_name=group or "",
        given=given, seed=seed,
    )  # fmt: skip
    inputs = [name for name in frame.columns if name not in names]
    columns = []
    for place, name in enumerate(inputs):
        progress("columns", place, len(inputs), str(name))
        columns.append(column_of(str(name), kept[name]))
    table = Audited(
        tuple(columns), y, parts.train, parts.test, parts.how, parts.forward, row, settings.limits, times,
        "µs" if unit == "µs" else "steps", known, codes, group or "", parts.given, seed, threads,
    )  # fmt: skip
    about = {"target": target, "unlabelled": int((~labelled).sum()), "without_time": int(labelled.sum()) - len(row)}
    return audit_table(table, settings, today=today, checks=checks, about=about, progress=progress)


def audit_table(
    table: Audited,
    settings: IntakeSettings,
    *,
    today: date | None = None,
    checks: Collection[str] | None = None,
    about: dict[str, Any] | None = None,
    progress: Progress = silent,
) -> IntakeReport:
    """Run the checks on a prepared table.

    Raises
    ------
    DefinitionError
        When a check or a waiver names a check that does not exist.
    """
    unknown = sorted(({*(checks or ())} | {waiver.check for waiver in settings.waive}) - set(CHECK_NAMES))
    if unknown:
        raise DefinitionError(expected_got(f"checks out of {', '.join(CHECK_NAMES)}", ", ".join(unknown), "intake"))
    chosen = [check for check in CHECKS if checks is None or check.name in checks]
    findings: list[Finding] = []
    seconds = {}
    for place, check in enumerate(chosen):
        progress("intake", place, len(chosen), check.asks)
        began = wall.perf_counter()
        findings += check.run(table)
        seconds[check.name] = wall.perf_counter() - began
    progress("intake", len(chosen), len(chosen), "done")
    # A waiver of a check that was not run is neither used nor unused.
    waivers = [waiver for waiver in settings.waive if waiver.check in {check.name for check in chosen}]
    told = apply_waivers(findings, waivers, today or date.min)
    order = {name: place for place, name in enumerate((*CHECK_NAMES, WAIVER))}
    ranked = sorted(told, key=lambda each: (ORDER.index(each.counts_as), order[each.check]))
    facts = {
        "rows": len(table.y), "events": int(table.y.sum()), "columns": len(table.columns), "split": table.split,
        "train_rows": len(table.train), "test_rows": len(table.test), "seed": table.seed,
        "rows_of_columns": min(len(table.y), COLUMN_ROWS), "rows_of_models": MODEL_ROWS,
        "limits": {name: getattr(settings.limits, name).value for name in type(settings.limits).model_fields},
        **(about or {}),
    }  # fmt: skip
    moved = {driver.column: driver.auc for driver in drivers(table)} if "adversarial" in seconds else {}
    alone = {name: found.auc for name, found in table.alone.items()} if "leaked_column" in seconds else {}
    return IntakeReport(facts, tuple(ranked), alone, moved, seconds)


def events_of(target: pd.Series, positive: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Events int8[n] and which rows have a label bool[n].

    Raises
    ------
    InputError
        When it cannot be told which value is the event.

    Examples
    --------
    >>> events_of(pd.Series(["good", "bad", None]))[0].tolist()
    [0, 1, 0]
    """
    labelled = target.notna().to_numpy()
    texts = target[labelled].astype(str).str.strip()
    values = sorted(texts.unique())
    if positive is None and len(values) == 2:
        likely = [value for value in values if value.lower() in _POSITIVE]
        positive = likely[0] if len(likely) == 1 else None
    elif positive is not None and positive not in values:
        floats = [value for value in values if value == f"{positive}.0"]
        positive = floats[0] if floats else positive
    if positive is None or positive not in values or len(values) < 2:
        shown = ", ".join(values[:10]) + ("…" if len(values) > 10 else "")
        raise InputError(
            expected_got("a target of two values, of which one is the event", shown, str(target.name))
            + "; name the event's value with --positive"
        )
    y = np.zeros(len(target), np.int8)
    y[labelled] = (texts == positive).to_numpy()
    return y, labelled


def refuse_few(y: np.ndarray) -> None:
    """Refuse what says nothing.

    Raises
    ------
    DataError
        Below 200 labelled rows or 20 of either class.
    """
    n_events = int(y.sum())
    if len(y) < _LEAST_ROWS or min(n_events, len(y) - n_events) < _LEAST_EVENTS:
        expected = f"at least {_LEAST_ROWS} labelled rows and {_LEAST_EVENTS} of each class"
        raise DataError(expected_got(expected, f"{len(y):,} rows with {n_events:,} events", "intake"))


def _at(split_at: str | None, time: str | None, unit: str) -> float | None:
    if split_at is None:
        return None
    if time is None:
        raise InputError(expected_got("--time with --split-at", "none", "intake"))
    if unit == "steps":
        try:
            return float(split_at)
        except ValueError:
            raise InputError(expected_got(f"a step, as {time} counts", split_at, "split_at")) from None
    from domain.time import parse_instant

    return float(parse_instant(split_at, "UTC"))
