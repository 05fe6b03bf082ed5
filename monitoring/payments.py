"""Payments as indicators count them: authorisations only, amounts in the base currency."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from domain.money import FxTable, exponent
from monitoring.sight import Sight

PLACES = ("customer_id", "payee_id", "merchant_id", "region", "channel")
"""What payments may pile up on."""

_COLUMNS = ["event_time", "amount", "currency", *PLACES]


def payments(sight: Sight, *, since: int | None = None) -> pd.DataFrame:
    """Authorised payments from ``since`` (by default the chunk's start) to the chunk's end, in order of time.

    Columns: event_time (µs UTC), amount (units of the base currency), and the keys of `PLACES`, None where absent.
    A capture, reversal or refund is the same payment again and is left out.
    """
    frame = sight.once("payments", lambda: _all(sight))
    start = sight.since if since is None else since
    first, last = np.searchsorted(frame["event_time"].to_numpy(), [start, sight.until], side="left")
    span = frame.iloc[int(first) : int(last)]
    return span[span["known_at"] < sight.until].drop(columns="known_at")


def _all(sight: Sight) -> pd.DataFrame:
    table = sight.look.journal.read("transaction", columns=["known_at", "stage", *_COLUMNS])
    first = pc.fill_null(pc.equal(table["stage"], "authorisation"), True)
    frame: pd.DataFrame = table.filter(first).drop_columns(["stage"]).to_pandas()
    frame = frame.sort_values("event_time", kind="stable")
    amount = _in_base(frame, sight.look.platform.fx_table())
    return frame.drop(columns="currency").assign(amount=amount)


def _in_base(frame: pd.DataFrame, fx: FxTable) -> np.ndarray:
    """Amounts in whole units of the base currency, each currency at the rate of its day."""
    amount = frame["amount"].to_numpy(np.float64, copy=True)
    foreign = np.flatnonzero((frame["currency"] != fx.base).to_numpy())
    times, minors, names = (frame[name].to_numpy() for name in ("event_time", "amount", "currency"))
    for place in foreign.tolist():
        amount[place] = fx.to_base(int(minors[place]), str(names[place]), int(times[place]))
    return amount / 10.0 ** exponent(fx.base)
