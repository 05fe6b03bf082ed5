"""What the book shows of each loan: instalments as they fall due, repayments as they come, the day it goes bad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.credit.lending import GRANTED, Book
from data.simulator.credit.months import DATE, Months
from data.simulator.rows import Array
from domain.time import HOUR

_BAD_DAYS = 90
_WRITTEN_OFF = 31  # days after going bad in which one more instalment is still billed


@dataclass(frozen=True)
class Instalments:
    """Instalments that fell due in the window."""

    loan: Array  # row of the book
    number: Array
    time: Array
    days_past_due: Array


@dataclass(frozen=True)
class Repayments:
    """Repayments that came in the window; amounts in fen."""

    loan: Array
    number: Array
    time: Array
    amount: Array
    days_late: Array
    shortfall: Array


@dataclass(frozen=True)
class Course:
    """How each loan went, as far as the window shows; dates are NaT where it did not happen."""

    went_bad: Array  # date it reached 90 days past due
    repaid: Array  # date nothing was owed any more
    anniversary: Array  # date 12 months after disbursement
    past_due_then: Array  # days past due on that date


def in_order(book: Book) -> None:
    """Money pays the oldest instalment first, so no instalment is paid before the one before it."""
    book.paid[:] = np.maximum.accumulate(book.paid, axis=1)


def course_of(book: Book, months: Months) -> Course:
    """Follow every loan to the end of the window."""
    number = np.arange(1, book.due.shape[1] + 1)[None, :]
    last = np.where(book.settled_early > 0, book.settled_early, book.term)
    owed = number <= last[:, None]
    late = owed & ~(book.paid < book.due + _BAD_DAYS * DATE)  # the books are closed before that day's payments
    ever = late.any(axis=1) & (book.decision == GRANTED)
    first = late.argmax(axis=1)
    went_bad = np.where(ever, book.due[np.arange(book.n), first] + _BAD_DAYS * DATE, np.datetime64("NaT", "D"))
    final = book.paid[np.arange(book.n), last - 1]
    disbursed = months.first_day + (np.searchsorted(months.midnights, book.disbursed, side="right") - 1) * DATE
    anniversary = months.day(
        _month(disbursed, months) + 12, 1 + (disbursed - disbursed.astype("datetime64[M]")) // DATE
    )
    return Course(went_bad, final, anniversary, _past_due(book, anniversary, last))


def instalments_of(book: Book, course: Course, months: Months) -> Instalments:
    """Every instalment billed before the end of the window."""
    loan, column = _billed(book, course)
    due = book.due[loan, column]
    time = months.at(due, 0.5)
    overdue = np.zeros(len(loan), dtype=np.int64)
    for number in range(book.due.shape[1]):
        mask = column == number
        rows = loan[mask]
        overdue[mask] = _past_due(book, book.due[:, number], np.full(book.n, number))[rows]
    keep = time < months.end
    return Instalments(loan[keep], column[keep] + 1, time[keep], overdue[keep])


def repayments_of(book: Book, months: Months, random: np.random.Generator) -> Repayments:
    """Every repayment before the end of the window; some tardy ones fall a little short."""
    number = np.arange(1, book.due.shape[1] + 1)[None, :]
    last = np.where(book.settled_early > 0, book.settled_early, book.term)
    loan, column = np.nonzero(~np.isnat(book.paid) & (number <= last[:, None]))
    days_late = ((book.paid[loan, column] - book.due[loan, column]) // DATE).astype(np.int64)
    time = months.at(book.paid[loan, column], np.clip(random.normal(14, 5, len(loan)), 0.1, 23.8))
    # Nobody repays before the money came: the first instalment of a loan paid out late may be due early.
    time = np.maximum(time, book.disbursed[loan] + 12 * HOUR)
    instalment = book.instalment[loan]
    short = (days_late > 3) & (random.random(len(loan)) < 0.14)
    shortfall = np.where(short, np.rint(100 * instalment * random.uniform(0.03, 0.4, len(loan))), 0)
    closing = (column + 1 == book.settled_early[loan]) & (book.settled_early[loan] > 0)
    rest = instalment * (book.term[loan] - column - 1) * 0.93
    amount = np.rint(100 * (instalment + np.where(closing, rest, 0.0))) - shortfall
    keep = time < months.end
    parts = (loan, column + 1, time, amount.astype(np.int64), days_late, shortfall.astype(np.int64))
    return Repayments(*(part[keep] for part in parts))


def _billed(book: Book, course: Course) -> tuple[Array, Array]:
    number = np.arange(1, book.due.shape[1] + 1)[None, :]
    last = np.where(book.settled_early > 0, book.settled_early, book.term)
    billed = (number <= last[:, None]) & (book.decision == GRANTED)[:, None]
    gone = book.due > (course.went_bad + _WRITTEN_OFF * DATE)[:, None]
    still_bad = book.n_paid < last
    loan, column = np.nonzero(billed & ~(gone & still_bad[:, None]))
    return loan, column


def _past_due(book: Book, day: Array, last: Array) -> Array:
    """Days past due of every loan on a date, instalments up to ``last`` counted."""
    n_paid = (book.paid < day[:, None]).sum(axis=1)
    oldest = book.due[np.arange(book.n), np.minimum(n_paid, book.due.shape[1] - 1)]
    behind = (n_paid < last) & (oldest < day)
    days: Array = np.where(behind, (day - oldest) // DATE, 0).astype(np.int64)
    return days


def _month(day: Array, months: Months) -> Array:
    month: Array = (day.astype("datetime64[M]") - months.first).astype(np.int64)
    return month
