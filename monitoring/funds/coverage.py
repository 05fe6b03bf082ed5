"""How far the money in custody reaches: its balance over the largest withdrawals of a horizon seen lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from domain.time import DAY
from monitoring.funds.settings import CoverageSettings


@dataclass(frozen=True, slots=True)
class Coverage:
    """The ratio and what it is made of.

    Parameters
    ----------
    ratio : None where it cannot be had; ``why`` then says so.
    balance : minor units on ``day``. largest : withdrawals of the worst horizon, which ended on ``worst_day``.
    n_days : with withdrawals, of the days looked back on.
    """

    ratio: float | None
    balance: int | None
    day: str | None
    largest: int
    worst_day: str | None
    n_days: int
    why: str = ""


def coverage(
    ledger: pd.DataFrame, currency: str, balance: int | None, day: str | None, settings: CoverageSettings
) -> Coverage:
    """The ratio at the end of a day.

    Parameters
    ----------
    ledger : as `monitoring.funds.movements` makes it. balance, day : the newest the bank told; None: it told none.
    """
    if balance is None or day is None:
        return Coverage(None, None, None, 0, None, 0, "no balance of the bank")
    begin = date.fromisoformat(day) - timedelta(days=settings.look_back // DAY - 1)
    own = ledger["withdrawal"].astype(bool) & (ledger["minor"] < 0) & (ledger["currency"] == currency)
    rows = ledger[own & (ledger["day"] >= begin.isoformat()) & (ledger["day"] <= day)]
    if not len(rows):
        return Coverage(None, balance, day, 0, None, 0, "no withdrawal within the time looked back on")
    daily = (-rows.groupby("day")["minor"].sum()).astype("int64")
    dense = daily.reindex([f"{each:%Y-%m-%d}" for each in pd.date_range(begin, day)], fill_value=0)
    # Whole numbers; a window at the edge of what is known holds fewer days and can only be smaller.
    sums = dense.rolling(settings.horizon // DAY, min_periods=1).sum()
    worst = str(sums.idxmax())
    largest = int(sums.max())
    return Coverage(balance / largest, balance, day, largest, worst, len(daily))
