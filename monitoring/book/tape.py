"""The loan tape: every loan as it was known at an instant, its instalments, and the day each was paid.

1. loan events        -> a row a loan: amount, term, rate, product, region, day and month of disbursement
2. instalment events  -> a row an instalment: loan, number, day due, amount
3. repayment events   -> the day on which each instalment was paid, as far as the tolerance; prepaid ones get a row
4. one day            -> days past due and balance of every loan, vectorised

A day is seen as its books open: payments of the day itself are not in yet. Money names the instalment it pays; where
a loan's repayments name none, they pay the oldest first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from domain.money import FxTable
from monitoring.book.settings import Conventions
from monitoring.local_days import Days, local_day, local_days, months

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEVER = 2**40
"""A day that has not come."""

Reader = Callable[[str], pa.Table]
"""All events of a kind that had happened, and were known, before the end of the look."""


@dataclass(frozen=True)
class Tape:
    """Loans and their instalments as known at the end of the look.

    Parameters
    ----------
    today : local day whose opening the book is seen at.
    loan : loan_id, application_id, borrower_id, product, region (text or None), amount (minor units of base),
        term (months, 0 unknown), rate (annual, NaN unknown), instalment (minor units), day, month; a row a loan.
    row, number, due, amount, paid : of each instalment; ``row`` is that of its loan, ``due`` NEVER where it was paid
        before it was billed, ``paid`` NEVER while it was not.
    money_row, money_day, money : every repayment.
    n_orphans : instalments and repayments of no known loan, left out.
    """

    today: int
    conventions: Conventions
    loan: pd.DataFrame
    row: Ints
    number: Ints
    due: Days
    amount: Floats
    paid: Days
    money_row: Ints
    money_day: Days
    money: Floats
    n_orphans: int

    @property
    def n(self) -> int:
        """Number of loans."""
        return len(self.loan)

    def column(self, name: str) -> npt.NDArray[np.int64]:
        """A whole-number column of the loans."""
        return cast("npt.NDArray[np.int64]", self.loan[name].to_numpy(np.int64))

    def past_due(self, day: int) -> Ints:
        """Days past due of every loan as the books of a day open; 0 where nothing is."""
        late = (self.due < day) & (self.paid >= day)
        oldest = np.full(self.n, day, dtype=np.int64)
        np.minimum.at(oldest, self.row[late], self.due[late])
        return day - oldest

    def reached(self, days_past_due: int) -> Days:
        """The first day on which each loan was so many days past due; NEVER where it was not by today."""
        day = self.due + days_past_due
        hit = (self.paid >= day) & (day <= self.today)
        first = np.full(self.n, NEVER, dtype=np.int64)
        np.minimum.at(first, self.row[hit], day[hit])
        return first

    def balance(self, day: int) -> Floats:
        """Principal owed by every loan as the books of a day open, minor units; 0 before disbursement and once settled.

        The schedule's principal after the instalments paid so far, less what was paid beyond them. Without a term or
        rate, the amount less all repayments.
        """
        loan = self.loan
        amount, term = loan["amount"].to_numpy(np.float64), loan["term"].to_numpy(np.float64)
        rate, instalment = loan["rate"].to_numpy(np.float64) / 12, loan["instalment"].to_numpy(np.float64)
        paid = self.paid < day
        n_paid = np.bincount(self.row[paid], minlength=self.n).astype(np.float64)
        billed = np.bincount(self.row[paid], weights=self.amount[paid], minlength=self.n)
        came = self.money_day < day
        received = np.bincount(self.money_row[came], weights=self.money[came], minlength=self.n)
        scheduled = (term > 0) & np.isfinite(rate)
        left = np.maximum(amount - received, 0.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            growth = (1 + rate) ** term
            annuity = amount * (growth - (1 + rate) ** np.minimum(n_paid, term)) / (growth - 1)
            straight = amount * (1 - np.minimum(n_paid, term) / term)
        principal = np.where(np.abs(rate) > 1e-9, annuity, straight)
        principal = np.maximum(principal - np.maximum(received - billed, 0.0), 0.0)
        left = np.where(scheduled, principal, left)
        # What is missing from a last instalment within the tolerance does not keep a loan open.
        left[left <= self.conventions.tolerance * instalment] = 0.0
        left[self.column("day") >= day] = 0.0
        return cast("Floats", left)


def read_tape(read: Reader, conventions: Conventions, fx: FxTable, zone: str, until: int) -> Tape:
    """The tape of a platform at ``until`` (µs UTC)."""
    loan = _loans(read("loan"), fx, zone)
    row_of = pd.Series(np.arange(len(loan)), index=loan["loan_id"])
    billed, lost = _of_loans(read("instalment"), row_of, fx, zone)
    money, lost_too = _of_loans(read("repayment"), row_of, fx, zone)
    billed = billed.drop_duplicates(["row", "number"], keep="last")
    typical = billed.groupby("row")["amount"].median()
    loan["instalment"] = _annuity(loan)
    loan.loc[typical.index, "instalment"] = typical
    rows = _paid(billed, money, loan["instalment"].to_numpy(np.float64), conventions.tolerance)
    return Tape(
        today=local_day(until, zone), conventions=conventions, loan=loan, row=_ints(rows["row"]),
        number=_ints(rows["number"]), due=_ints(rows["due"]), amount=rows["amount"].to_numpy(np.float64),
        paid=_ints(rows["paid"]), money_row=_ints(money["row"]), money_day=_ints(money["day"]),
        money=money["amount"].to_numpy(np.float64), n_orphans=lost + lost_too,
    )  # fmt: skip


def _ints(values: pd.Series[int]) -> Ints:
    return cast("Ints", values.to_numpy(np.int64))


def _loans(table: pa.Table, fx: FxTable, zone: str) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas().drop_duplicates("loan_id", keep="last").reset_index(drop=True)
    day = local_days(frame["event_time"].to_numpy(np.int64), zone)
    return pd.DataFrame(
        {
            **{name: frame[name] for name in ("loan_id", "application_id", "borrower_id", "product", "region")},
            "amount": in_base(frame, fx),
            "term": frame["term_months"].fillna(0).to_numpy(np.int64),
            "rate": frame["rate_annual"].to_numpy(np.float64),
            "day": day,
            "month": months(day),
        }
    )


def in_base(frame: pd.DataFrame, fx: FxTable) -> Floats:
    """The ``amount`` column in minor units of the base currency, each at the rate known when it happened."""
    amount = frame["amount"].to_numpy(np.float64, copy=True)
    foreign = np.flatnonzero((frame["currency"] != fx.base).to_numpy())
    for place in foreign.tolist():
        line = frame.iloc[place]
        amount[place] = fx.to_base(int(line["amount"]), str(line["currency"]), int(line["event_time"]))
    return cast("Floats", amount)


def _of_loans(table: pa.Table, row_of: pd.Series[int], fx: FxTable, zone: str) -> tuple[pd.DataFrame, int]:
    """Row of the loan, number, day and amount, in order of time; and how many had no loan."""
    frame: pd.DataFrame = table.to_pandas()
    row = frame["loan_id"].map(row_of)
    known = row.notna().to_numpy()
    frame, row = frame[known], row[known]
    made = pd.DataFrame(
        {
            "row": row.to_numpy(np.int64),
            "number": frame["instalment_number"].fillna(0).to_numpy(np.int64),
            "day": local_days(frame["event_time"].to_numpy(np.int64), zone),
            "amount": in_base(frame, fx),
            "time": frame["event_time"].to_numpy(np.int64),
        }
    )
    return made.sort_values(["time", "row", "number"], kind="stable").reset_index(drop=True), int((~known).sum())


def _annuity(loan: pd.DataFrame) -> Floats:
    amount, term = loan["amount"].to_numpy(np.float64), np.maximum(loan["term"].to_numpy(np.float64), 1)
    rate = np.nan_to_num(loan["rate"].to_numpy(np.float64)) / 12
    with np.errstate(divide="ignore", invalid="ignore"):
        annuity = amount * rate / (1 - (1 + rate) ** -term)
    return cast("Floats", np.where(rate > 1e-9, annuity, amount / term))


def _paid(billed: pd.DataFrame, money: pd.DataFrame, instalment: Floats, tolerance: float) -> pd.DataFrame:
    """Every instalment with the day it was paid; those paid before they were billed are due NEVER."""
    named = money[money["number"] > 0]
    loose = money.loc[money["number"] <= 0, "row"].unique()
    rows = billed[["row", "number", "amount"]].assign(due=billed["day"])
    ahead = named[["row", "number"]].drop_duplicates().merge(rows, on=["row", "number"], how="left", indicator=True)
    ahead = ahead[ahead["_merge"] == "left_only"]
    extra = pd.DataFrame(
        {"row": ahead["row"], "number": ahead["number"], "due": NEVER, "amount": instalment[ahead["row"].to_numpy()]}
    )
    rows = pd.concat([rows, extra], ignore_index=True).sort_values(["row", "number"], kind="stable")
    # 1. Money that names its instalment: paid on the day on which enough of it is there.
    needed = named.merge(rows, on=["row", "number"], suffixes=("", "_due"))
    needed["sum"] = needed.groupby(["row", "number"])["amount"].cumsum()
    enough = needed[needed["sum"] >= (1 - tolerance) * needed["amount_due"]]
    paid = enough.groupby(["row", "number"])["day"].first().rename("paid")
    rows = rows.join(paid, on=["row", "number"])
    rows["paid"] = rows["paid"].fillna(NEVER).astype(np.int64)
    # 2. Loans whose money names none: the oldest instalment first.
    for row in loose.tolist():
        mine = rows.index[(rows["row"] == row) & (rows["due"] < NEVER)]
        came = money[money["row"] == row]
        owed = rows.loc[mine, "amount"]
        least = (owed.cumsum() - tolerance * owed).to_numpy(np.float64)
        place = np.searchsorted(came["amount"].cumsum().to_numpy(np.float64), least, side="left")
        days = np.append(came["day"].to_numpy(np.int64), NEVER)
        rows.loc[mine, "paid"] = days[np.minimum(place, len(days) - 1)]
    return rows
