"""What others know of a borrower: monthly statements of a card elsewhere, and inquiries of lenders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.credit.borrowers import Borrowers
from data.simulator.credit.lending import Book
from data.simulator.credit.months import DATE, Months
from data.simulator.rows import NONE, Array, pick
from domain.time import MINUTE

N_LENDERS = 24
OURSELVES = 0
INQUIRY_PURPOSES = ("consumer_loan", "credit_card", "mortgage", "account_review")

_OWN_INQUIRY, _AHEAD = 0.6, 0.25


@dataclass(frozen=True)
class Statements:
    """Statements in the window and the year before; amounts in fen."""

    borrower: Array
    time: Array
    balance: Array
    limit: Array
    minimum: Array
    past_due: Array


@dataclass(frozen=True)
class Inquiries:
    """Inquiries in the window and the year before."""

    borrower: Array
    time: Array
    lender: Array
    purpose: Array


def statements_of(borrowers: Borrowers, months: Months, random: np.random.Generator) -> Statements:
    """One statement a month of every card account."""
    holders = np.flatnonzero(borrowers.card != NONE)
    statement_day = random.integers(3, 27, borrowers.n)
    who = np.repeat(holders, months.n)
    month = np.tile(np.arange(months.n), len(holders))
    time = months.at(months.day(month, statement_day[who]), 4.0)
    overdue = borrowers.past_due[who, month]
    used = borrowers.utilisation[who, month]
    ahead = (overdue == 0) & (used < 0.35) & (random.random(len(who)) < _AHEAD)
    balance = 100 * np.rint(used * borrowers.card_limit[who])
    keep = time < months.end
    parts = (
        who,
        time,
        balance.astype(np.int64),
        (100 * borrowers.card_limit[who]).astype(np.int64),
        np.rint(balance * 0.1 / 100).astype(np.int64) * 100,
        np.where(ahead, -1, overdue),
    )
    return Statements(*(part[keep] for part in parts))


def inquiries_of(borrowers: Borrowers, book: Book, months: Months, random: np.random.Generator) -> Inquiries:
    """Inquiries of other lenders all the time, and a flurry before an application; crooks ask everywhere at once."""
    counts = borrowers.inquiries.copy()
    counts[borrowers.crook_month != NONE] //= 2
    who, month = np.nonzero(counts)
    times = counts[who, month]
    who, month = np.repeat(who, times), np.repeat(month, times)
    day = (
        months.day(month, np.ones(len(month), dtype=int))
        + (random.random(len(month)) * months.month_length(month)).astype(np.int64) * DATE
    )
    usual = months.at(day, np.clip(random.normal(14, 4, len(who)), 0.2, 23.8))
    # Around applications: shopping in the weeks before, our own inquiry minutes after.
    strain = borrowers.strain[book.borrower, book.month]
    crook = borrowers.crook_month[book.borrower] != NONE
    n_shopped = np.where(
        crook, random.integers(3, 9, book.n), random.poisson(0.45 * np.exp(0.35 * np.clip(strain, -2, 3)))
    )
    row = np.repeat(np.arange(book.n), n_shopped)
    span = np.where(crook[row], 9.0, 25.0)
    shopped = book.time[row] - (random.random(len(row)) * span * 24 * 60 * MINUTE).astype(np.int64) - MINUTE
    ours = np.flatnonzero(random.random(book.n) < _OWN_INQUIRY)
    lender = 1 + pick(random, 1.0 / np.arange(1, N_LENDERS), len(who) + len(row))
    borrower = np.concatenate([who, book.borrower[row], book.borrower[ours]])
    time = np.concatenate([usual, shopped, book.time[ours] + 2 * MINUTE])
    purpose = np.concatenate(
        [
            pick(random, (4, 3, 1, 2), len(who)),
            pick(random, (6, 2, 0.3, 0), len(row)),
            np.zeros(len(ours), dtype=np.int64),
        ]
    )
    lender = np.concatenate([lender, np.full(len(ours), OURSELVES)])
    keep = time < months.end
    return Inquiries(borrower[keep], time[keep] // 1000 * 1000, lender[keep], purpose[keep])
