"""Roll rates: from one month's end to the next, where loans of each bucket of arrears go; and the five classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from monitoring.book.tape import Ints, Tape
from monitoring.local_days import first_day, local_days, month_name, months
from scoring.interval import wilson

BUCKETS = ("current", "1-29", "30-59", "60-89", "90+", "settled", "written_off")
"""States of a loan; the last two are left for good."""

CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss", "settled")
"""The five classes of assets, and what left them."""

STATEMENTS = ("0", "1", "2", "3+")
"""Months past due of a revolving account."""

_GONE = {"settled", "written_off"}
_BUCKET_EDGES = (1, 30, 60, 90)
# Measures for the risk classification of financial assets of commercial banks (CBIRC and PBOC, 2023), articles 10-13:
# overdue at all, over 90, over 270, over 360 days.
_CLASS_EDGES = (1, 91, 271, 361)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts of moves.

    Parameters
    ----------
    names : of rows and columns. counts[i][j] : loans that were in i at a month's end and in j at the next.
    since, until : names of the first and last month-end.
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    since: str
    until: str

    def rate(self, source: str, target: str) -> tuple[float, int] | None:
        """Share of a row that went to a column, and the size of the row; None where nothing was there."""
        row = self.counts[self.names.index(source)]
        n = sum(row)
        return None if n == 0 else (row[self.names.index(target)] / n, n)

    def worse(self, source: str, confidence: float = 0.95) -> tuple[float, float, float, int] | None:
        """Share of a row that went to anything worse, its interval, and the size of the row; settled is not worse."""
        at = self.names.index(source)
        row = self.counts[at]
        n = sum(row)
        if n == 0:
            return None
        hits = sum(count for place, count in enumerate(row) if place > at and self.names[place] != "settled")
        return (hits / n, *wilson(hits, n, confidence), n)


def buckets(tape: Tape, day: int) -> Ints:
    """Place in `BUCKETS` of every loan as the books of a day open; -1 before disbursement."""
    past_due, balance = tape.past_due(day), tape.balance(day)
    place = np.searchsorted(_BUCKET_EDGES, past_due, side="right").astype(np.int64)
    place[(balance <= 0) & (past_due == 0)] = BUCKETS.index("settled")
    place[past_due > tape.conventions.write_off_days] = BUCKETS.index("written_off")
    place[tape.column("day") >= day] = -1
    return place


def asset_classes(tape: Tape, day: int) -> Ints:
    """Place in `CLASSES` of every loan as the books of a day open; -1 before disbursement."""
    past_due, balance = tape.past_due(day), tape.balance(day)
    place = np.searchsorted(_CLASS_EDGES, past_due, side="right").astype(np.int64)
    place[(balance <= 0) & (past_due == 0)] = CLASSES.index("settled")
    place[tape.column("day") >= day] = -1
    return place


def roll_rates(tape: Tape, n_months: int) -> Matrix:
    """Moves between buckets over the last whole months, added up."""
    return _matrix(tape, n_months, BUCKETS, buckets)


def class_migration(tape: Tape, n_months: int) -> Matrix:
    """Moves between the five classes over the last whole months, added up."""
    return _matrix(tape, n_months, CLASSES, asset_classes)


def _matrix(tape: Tape, n_months: int, names: tuple[str, ...], state: Callable[[Tape, int], Ints]) -> Matrix:
    today = int(months(np.array([tape.today]))[0])
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    # The end of a month is the opening of the next one's first day; the present month has only just begun.
    ends = [int(first_day(today - back)) for back in range(n_months, -1, -1)]
    before = state(tape, ends[0])
    for end in ends[1:]:
        after = state(tape, end)
        known = before >= 0
        np.add.at(counts, (before[known], after[known]), 1)
        before = after
    for gone in _GONE & set(names):
        counts[names.index(gone)] = 0
    return Matrix(names, _tuples(counts), month_name(today - n_months - 1), month_name(today - 1))


def statement_rolls(statements: pa.Table, zone: str, today: int, n_months: int) -> Matrix:
    """Moves of revolving accounts between months past due, from one month's last statement to the next month's.

    Parameters
    ----------
    today : local day of the look; only whole months before it count.
    """
    frame: pd.DataFrame = statements.select(["loan_id", "event_time", "months_past_due", "seq"]).to_pandas()
    frame = frame[frame["loan_id"].notna() & frame["months_past_due"].notna()].sort_values(["event_time", "seq"])
    frame["month"] = months(local_days(frame["event_time"].to_numpy(np.int64), zone))
    frame = frame.drop_duplicates(["loan_id", "month"], keep="last")
    frame["state"] = np.clip(frame["months_past_due"].to_numpy(np.int64), 0, len(STATEMENTS) - 1)
    now = int(months(np.array([today]))[0])
    before = frame[["loan_id", "month", "state"]].assign(month=frame["month"] + 1)
    moves = before.merge(frame[["loan_id", "month", "state"]], on=["loan_id", "month"], suffixes=("", "_after"))
    moves = moves[(moves["month"] >= now - n_months) & (moves["month"] < now)]
    counts = np.zeros((len(STATEMENTS), len(STATEMENTS)), dtype=np.int64)
    np.add.at(counts, (moves["state"].to_numpy(), moves["state_after"].to_numpy()), 1)
    return Matrix(STATEMENTS, _tuples(counts), month_name(now - n_months - 1), month_name(now - 1))


def _tuples(counts: Ints) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in counts.tolist())
