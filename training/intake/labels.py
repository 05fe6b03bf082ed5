"""Whether the labels can be what they claim: over periods, in the order of the file, in when they became known."""

from __future__ import annotations

import numpy as np

from scoring.pages.words import Words, say
from training.intake.auc import ranked
from training.intake.finding import Finding, Grade
from training.intake.table import Audited

CHECK = "label_sanity"

_PERIODS = 10
_DAY = 86_400e6
_SURE = 6.0


def label_sanity(table: Audited) -> list[Finding]:
    """Rates of events over ten periods, the order of the file, and the delays of labels.

    A period without any event where ``expected_events`` were due is red: its labels have not come yet, or were lost. A
    rate that changes by ``rate_jump`` against the rest, beyond chance, is amber. Events first or last in a file without
    time are amber: whatever counts rows knows them.
    """
    found = [*_periods(table), *_file_order(table), *_delays(table)]
    if not found:
        rate, n = float(table.y.mean()), len(table.y)
        then = say("intake.no_period" if table.time is not None else "intake.no_time")
        words = say("intake.rate", events=int(table.y.sum()), n=n, rate=rate, then=then)
        found = [Finding(CHECK, Grade.GREEN, words, n=n)]
    return found


def _periods(table: Audited) -> list[Finding]:
    if table.time is None:
        return []
    found = []
    for number, rows in enumerate(np.array_split(table.order, _PERIODS), start=1):
        n, n_events = len(rows), int(table.y[rows].sum())
        others = int(table.y.sum()) - n_events
        if not others:
            continue
        rate = others / (len(table.y) - n)
        expected, ratio = rate * n, n_events / n / rate
        limit, due = table.limits.rate_jump, table.limits.expected_events
        example = (int(table.row[rows[0]]),)
        where = say("intake.period", number=number, of=_PERIODS, span=_span(table, rows))
        if n_events == 0 and expected >= due.value:
            words = say("intake.no_event", where=where, n=n, expected=expected)
            advice = "Its labels have not come yet, or were lost: cut the file where labels are complete."
            found.append(Finding(CHECK, Grade.RED, words, (), 0.0, limit=due, n=n, rows=example, advice=advice))
        elif max(ratio, 1 / max(ratio, 1e-9)) > limit.value and abs(n_events - expected) > _SURE * np.sqrt(
            expected + 1
        ):
            words = say("intake.rate_jump", where=where, events=n_events, n=n, ratio=ratio)
            advice = "Ask what changed: the definition, the reporting delay, or the world."
            found.append(Finding(CHECK, Grade.AMBER, words, (), ratio, limit=limit, n=n, rows=example, advice=advice))
    return found


def _span(table: Audited, rows: np.ndarray) -> Words:
    assert table.time is not None  # noqa: S101 - for the type checker
    first, last = table.time[rows[0]], table.time[rows[-1]]
    if table.clock == "steps":
        return say("intake.steps", first=first, last=last)
    days = [str(np.datetime64(int(moment), "us").astype("datetime64[D]")) for moment in (first, last)]
    return "…".join(days)


def _file_order(table: Audited) -> list[Finding]:
    if table.time is not None or len(np.unique(table.y)) < 2:
        return []
    alone = ranked(table.y, table.row.astype(float), "")
    if alone.low <= 0.55:
        return []
    first = float(np.median(table.row[table.y == 1])) < float(np.median(table.row[table.y == 0]))
    words = say("intake.file_order_first" if first else "intake.file_order_last", auc=alone.auc)
    advice = "Name the time (--time) if the order is one; else never let a column count rows, nor split by position."
    return [Finding(CHECK, Grade.AMBER, words, (), alone.auc, alone.low, alone.high, n=alone.n, advice=advice)]


def _delays(table: Audited) -> list[Finding]:
    if table.known_at is None or table.time is None:
        return []
    delay = table.known_at - table.time
    told = ~np.isnan(delay)
    found = []
    early = told & (delay < 0)
    if early.any():
        share = float(early.sum() / told.sum())
        limit = table.limits.late_share
        words = say("intake.known_early", share=share)
        rows = tuple(table.row[early][:5].tolist())
        grade = Grade.RED if share > limit.value else Grade.AMBER
        advice = "The times are of two clocks or two zones, or the columns are swapped."
        found.append(Finding(CHECK, grade, words, (), share, limit=limit, n=int(told.sum()), rows=rows, advice=advice))
    events = told & (table.y == 1)
    if events.sum() < 50:
        return found
    day = _DAY if table.clock == "µs" else 1.0
    unit = say("intake.days" if table.clock == "µs" else "intake.of_steps")
    usual = float(np.quantile(delay[events], 0.9))
    newest = float(np.nanmax(np.fmax(table.known_at, table.time)))
    young = (table.y == 0) & (table.time > newest - usual)
    share = float(young.mean())
    if share > table.limits.late_share.value:
        words = say("intake.young", n=int(young.sum()), share=share, usual=usual / day, unit=unit)
        advice = "Cut the file where labels are mature, or give it to `assay import` with its delay."
        rows = tuple(table.row[young][:5].tolist())
        limit = table.limits.late_share
        found.append(
            Finding(CHECK, Grade.AMBER, words, (), share, limit=limit, n=len(table.y), rows=rows, advice=advice)
        )
    return found
