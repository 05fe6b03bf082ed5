"""Lending, month by month: who applies, who is granted, who pays.

Each month first the loans that run fall due, then borrowers apply; so a later application can know how the
earlier loan went, and what is refused never shows how it would have gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.credit.borrowers import Borrowers, sigmoid
from data.simulator.credit.months import DATE, Months
from data.simulator.rows import NONE, Array, pick
from data.simulator.settings import SimulationSettings
from domain.time import HOUR, MINUTE

TERMS: Array = np.array([6, 12, 18, 24, 36])
PRODUCTS = ("consumer_loan", "cash_loan", "education_loan")
PURPOSES = ("purchase", "home_improvement", "education", "medical", "travel", "debt_consolidation", "business")
GRANTED, REFUSED, WITHDRAWN, NOT_DISBURSED = range(4)

_APPETITE = 0.065
_REFUSE_ABOVE = 0.72
_MAX_TERM = int(TERMS.max())
_MILLISECOND = 1000
_CATCH_UP = 4  # months after the last instalment in which arrears may still be paid

RUNNING, SETTLED, DEFAULTED = range(3)


@dataclass
class Book:
    """Applications and, for those disbursed, loans; a loan is known by the row of its application.

    ``paid`` holds the date each instalment was paid in full, NaT while it was not; ``due`` its due date.
    """

    borrower: Array
    month: Array
    time: Array
    amount: Array  # yuan asked for
    term: Array
    product: Array
    purpose: Array
    income: Array  # yuan declared
    debt: Array
    decision: Array
    decided: Array  # µs UTC
    granted: Array  # yuan
    rate: Array
    disbursed: Array  # µs UTC
    due_day: Array
    instalment: Array  # yuan
    state: Array
    n_paid: Array
    settled_early: Array  # instalment number with which the rest was paid, 0 when not
    due: Array  # [, instalment]
    paid: Array  # [, instalment]

    @property
    def n(self) -> int:
        """Number of applications."""
        return len(self.borrower)


def lend(settings: SimulationSettings, months: Months, borrowers: Borrowers) -> Book:
    """Run the lender to the end of the window."""
    random = settings.random("lending")
    cohorts: list[Book] = []
    free_from = np.zeros(borrowers.n, dtype=np.int64)
    for month in range(months.n - settings.loan_months, months.n):
        in_arrears = np.zeros(borrowers.n, dtype=bool)
        for book in cohorts:
            _collect(random, months, borrowers, book, month)
            in_arrears[book.borrower[_arrears(book, month) > 0]] = True
        cohort = _apply(random, months, borrowers, month, free_from, in_arrears)
        wait = np.where(cohort.decision == GRANTED, random.integers(4, 12, cohort.n), random.integers(1, 6, cohort.n))
        free_from[cohort.borrower] = month + wait
        cohorts.append(cohort)
    merged = {name: np.concatenate([getattr(cohort, name) for cohort in cohorts]) for name in Book.__dataclass_fields__}
    return _in_time_order(Book(**merged), months)


def _in_time_order(book: Book, months: Months) -> Book:
    order = np.argsort(book.time, kind="stable")
    order = order[book.time[order] < months.end]  # the last month may be a part of one
    return Book(**{name: getattr(book, name)[order] for name in Book.__dataclass_fields__})


def _apply(
    random: np.random.Generator, months: Months, borrowers: Borrowers, month: int, free_from: Array, in_arrears: Array
) -> Book:
    strain = borrowers.strain[:, month]
    crook = borrowers.crook_month == month
    eager = random.random(borrowers.n) < np.minimum(_APPETITE * np.exp(0.28 * strain), 0.5)
    who = np.flatnonzero(crook | (eager & (free_from <= month) & (borrowers.crook_month == NONE)))
    n, crook = len(who), crook[who]
    # 1. The form: what is asked for, and income and debt as declared.
    wish = borrowers.income[who] * np.exp(random.normal(0.75, 0.6, n) + 0.5 * crook)
    amount = np.clip(np.rint(wish / 1000), 2, 300) * 1000
    term = TERMS[pick(random, (1.5, 4, 1.5, 2.2, 1), n)]
    overstated = np.exp(random.normal(0.04, 0.12, n) + 0.03 * strain[who] + 0.2 * crook)
    income = np.rint(borrowers.income[who] * overstated / 100) * 100
    owed = borrowers.income[who] * np.clip(0.16 + 0.07 * strain[who] + random.normal(0, 0.09, n), 0, 0.8)
    debt = np.rint(owed * random.uniform(0.5, 1.05, n) / 10) * 10
    day = months.day(month, np.ones(n, dtype=int)) + random.integers(0, int(months.month_length(month)), n) * DATE
    time = months.at(day, np.clip(random.normal(15, 4, n), 0.2, 23.8)) // _MILLISECOND * _MILLISECOND
    # 2. The decision of the lender of that time: form and bureau, read by a rough score.
    due_day = 1 + (day - day.astype("datetime64[M]")).astype(np.int64)
    instalment = _annuity(amount, np.full(n, 0.18), term)
    score = _rough_score(random, borrowers, who, month, (debt + instalment) / income, in_arrears[who])
    decision = np.where(score > _REFUSE_ABOVE, REFUSED, GRANTED)
    fate = random.random(n)
    decision[(decision == GRANTED) & (fate < 0.03) & ~crook] = WITHDRAWN
    decision[(decision == GRANTED) & (fate > 0.98) & ~crook] = NOT_DISBURSED
    granted = np.where(score > 0.6, np.rint(amount * 0.7 / 1000), amount / 1000) * 1000
    rate = np.round(np.clip(0.105 + 0.05 * (score + 0.6) + random.normal(0, 0.008, n), 0.08, 0.24), 3)
    decided = time + (np.exp(random.normal(0.6, 1.2, n)) * HOUR).astype(np.int64) + 3 * MINUTE
    disbursed = decided + (random.exponential(18 * HOUR, n)).astype(np.int64) + 20 * MINUTE
    number = np.arange(1, _MAX_TERM + 1)
    return Book(
        borrower=who,
        month=np.full(n, month),
        time=time,
        amount=amount,
        term=term,
        product=pick(random, (5, 4, 1), n),
        purpose=pick(random, (4, 2, 1, 1, 1, 1.5, 1), n),
        income=income,
        debt=debt,
        decision=decision,
        decided=decided,
        granted=granted,
        rate=rate,
        disbursed=disbursed,
        due_day=due_day,
        instalment=np.rint(_annuity(granted, rate, term) * 100) / 100,
        state=np.where(decision == GRANTED, RUNNING, SETTLED),
        n_paid=np.zeros(n, dtype=np.int64),
        settled_early=np.zeros(n, dtype=np.int64),
        due=months.day(month + number[None, :], due_day[:, None]),
        paid=np.full((n, _MAX_TERM), np.datetime64("NaT", "D")),
    )


def _rough_score(
    random: np.random.Generator, borrowers: Borrowers, who: Array, month: int, burden: Array, in_arrears: Array
) -> Array:
    recent = slice(max(0, month - 6), month)
    has_card = borrowers.card[who] != NONE
    overdue = np.where(has_card, borrowers.past_due[who, recent].max(axis=1), 0)
    used = np.where(has_card, borrowers.utilisation[who, month - 1], 0.45)
    asked = borrowers.inquiries[who, max(0, month - 3) : month].sum(axis=1)
    score: Array = (
        1.4 * (burden - 0.45)
        + 0.45 * np.minimum(overdue, 3)
        + 0.9 * (used - 0.5)
        + 0.12 * asked
        + 2.0 * in_arrears
        + 0.3 * (borrowers.employment[who] == 5)
        + random.normal(0, 0.45, len(who))
    )
    return score


def _annuity(amount: Array, rate: Array, term: Array) -> Array:
    monthly = rate / 12
    payment: Array = amount * monthly / (1 - (1 + monthly) ** -term)
    return payment


def _arrears(book: Book, month: int) -> Array:
    """Instalments due by a month and unpaid, per application; 0 where nothing runs."""
    fallen_due = np.clip(np.minimum(month - book.month, book.term), 0, None)
    unpaid: Array = np.where(book.state == RUNNING, fallen_due - book.n_paid, 0)
    return unpaid


def _collect(random: np.random.Generator, months: Months, borrowers: Borrowers, book: Book, month: int) -> None:
    """What the running loans of one cohort do in one month: miss, pay one, catch up, settle early, default."""
    k = month - int(book.month[0]) if book.n else 0
    rows = np.flatnonzero((book.state == RUNNING) & (k <= book.term + _CATCH_UP))
    if k < 1 or not len(rows):
        return
    who = book.borrower[rows]
    strain = borrowers.strain[who, month]
    crook = borrowers.crook_month[who] != NONE
    owed = np.minimum(k, book.term[rows]) - book.n_paid[rows]
    arrears = owed - (k <= book.term[rows])
    burden = book.instalment[rows] / borrowers.income[who]
    # 1. Miss, or pay: everything owed, or the oldest instalment only.
    leaning = 1.1 * strain - 3.65 + 1.5 * (burden - 0.3) + 1.1 * np.minimum(arrears, 2)
    missed = (random.random(len(rows)) < sigmoid(leaning)) | (crook & ((k > 1) | (book.borrower[rows] % 3 > 0)))
    all_paid = random.random(len(rows)) < sigmoid(0.8 - 0.5 * strain)
    count = np.where(missed, 0, np.where(all_paid | (arrears == 0), owed, np.minimum(owed, 1)))
    # 2. When: mostly a little early, under strain some days late.
    tardy = random.random(len(rows)) < sigmoid(1.0 * strain - 2.3)
    delay = np.where(tardy, random.geometric(0.16, len(rows)), -random.integers(0, 7, len(rows)))
    delay = np.clip(delay, -6, 26)
    reference = months.day(np.full(len(rows), month), book.due_day[rows])
    first = book.n_paid[rows]
    for offset in range(int(count.max(initial=0))):
        paying = count > offset
        # Arrears cannot be paid before they are due; an instalment of an earlier month never is.
        book.paid[rows[paying], first[paying] + offset] = reference[paying] + delay[paying] * DATE
    book.n_paid[rows] = first + count
    # 3. Where the loan stands now.
    early = (count > 0) & (book.n_paid[rows] == k) & (k >= 3) & (k < book.term[rows])
    early &= random.random(len(rows)) < 0.014 * np.exp(-0.3 * strain)
    book.settled_early[rows[early]] = k
    done = early | (book.n_paid[rows] >= book.term[rows])
    lost = ~done & (np.minimum(k, book.term[rows]) - book.n_paid[rows] > 3 - (k > book.term[rows]))
    book.state[rows[done]] = SETTLED
    book.state[rows[lost]] = DEFAULTED
