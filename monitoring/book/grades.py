"""Credit grades: how they were given in the ledger, and where borrowers who came again moved to."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from monitoring.book.rolls import Matrix
from monitoring.local_days import local_day, month_name, months


class _Body(msgspec.Struct):
    credit_grade: str | None = None
    pd_band: list[float] | None = None


def graded(decisions: pa.Table, applications: pa.Table) -> pd.DataFrame:
    """The newest decision on every application: event_id, borrower_id, decided_at, score, action, grade, band_low.

    Parameters
    ----------
    decisions : of loans, as the ledger gives them, in chain order. applications : events.
    """
    decode = msgspec.json.Decoder(_Body).decode
    bodies = [decode(body) for body in decisions["body"].to_pylist()]
    names = ["seq", "event_id", "decided_at", "score", "action"]
    frame: pd.DataFrame = decisions.select(names).to_pandas()
    frame["grade"] = pd.Series([body.credit_grade for body in bodies], index=frame.index, dtype=object)
    lows = [np.nan if body.pd_band is None else body.pd_band[0] for body in bodies]
    frame["band_low"] = pd.Series(lows, index=frame.index, dtype=np.float64)
    borrowers: pd.DataFrame = applications.select(["seq", "borrower_id"]).to_pandas()
    return frame.merge(borrowers, on="seq", how="left").drop_duplicates("event_id", keep="last")


def grade_order(frame: pd.DataFrame) -> tuple[str, ...]:
    """The grades that were given, best first, by the lower end of their bands."""
    known = frame[frame["grade"].notna()]
    return tuple(known.groupby("grade")["band_low"].min().sort_values(kind="stable").index.tolist())


def grade_migration(frame: pd.DataFrame, zone: str, since: int, until: int) -> Matrix | None:
    """Moves of borrowers from their earlier grade to the one given in ``[since, until)``; None where nobody came again.

    Parameters
    ----------
    frame : as `graded` gives it. since, until : µs UTC.
    """
    known = frame[frame["grade"].notna() & frame["borrower_id"].notna()].sort_values(["decided_at", "seq"])
    names = grade_order(known)
    places: dict[Any, int] = {name: place for place, name in enumerate(names)}
    place = known["grade"].map(places).to_numpy(np.int64)
    before = pd.Series(place, index=known.index).groupby(known["borrower_id"]).shift(1)
    time = known["decided_at"].to_numpy(np.int64)
    moved = before.notna().to_numpy() & (time >= since) & (time < until)
    if not moved.any():
        return None
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (before.to_numpy()[moved].astype(np.int64), place[moved]), 1)
    first, last = (month_name(int(months(np.array([local_day(at, zone)]))[0])) for at in (since, until - 1))
    return Matrix(names, tuple(tuple(row) for row in counts.tolist()), first, last)
