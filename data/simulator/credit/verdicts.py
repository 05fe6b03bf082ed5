"""What became of each application, and when it could be known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.simulator.credit.borrowers import Borrowers
from data.simulator.credit.lending import GRANTED, NOT_DISBURSED, REFUSED, WITHDRAWN, Book
from data.simulator.credit.months import Months
from data.simulator.credit.repayments import Course
from data.simulator.rows import NONE, Array
from data.simulator.settings import SimulationSettings
from domain.time import DAY

CODES = (
    "default_90dpd_12m",
    "performing_12m",
    "past_due_30_89",
    "repaid",
    "first_party_fraud",
    "refused",
    "withdrawn",
    "not_disbursed",
)
DEFAULT, PERFORMING, PAST_DUE, REPAID, FIRST_PARTY, REFUSED_CODE, GIVEN_UP, UNPAID_OUT = range(len(CODES))
SOURCES = ("analyst", "customer", "collections")
ANALYST, CUSTOMER, COLLECTIONS = range(len(SOURCES))

_BATCH_HOUR = 3.0  # collections closes its books at night
_RECOGNISED = 0.65
_INDETERMINATE_DAYS = 30


@dataclass(frozen=True)
class Verdicts:
    """Outcomes of applications that became known in the window."""

    application: Array
    time: Array
    code: Array
    source: Array


def verdicts_of(
    settings: SimulationSettings, book: Book, course: Course, borrowers: Borrowers, months: Months
) -> Verdicts:
    """Refusals at once; loans when they go bad, are repaid, or have run for 12 months."""
    random = settings.random("verdicts")
    rows = np.arange(book.n)
    night = _BATCH_HOUR + random.random(book.n)
    granted = book.decision == GRANTED
    bad = granted & (course.went_bad <= course.anniversary)
    repaid = granted & ~bad & (course.repaid < course.anniversary)
    aged = granted & ~bad & ~repaid
    behind = aged & (course.past_due_then >= _INDETERMINATE_DAYS)
    parts = [
        _became(rows, bad, months.at(course.went_bad, night), DEFAULT, COLLECTIONS),
        _became(rows, repaid, months.at(course.repaid, 23.9), REPAID, COLLECTIONS),
        _became(rows, behind, months.at(course.anniversary, night), PAST_DUE, COLLECTIONS),
        _became(rows, aged & ~behind, months.at(course.anniversary, night), PERFORMING, COLLECTIONS),
        _became(rows, book.decision == REFUSED, book.decided, REFUSED_CODE, ANALYST),
        _became(rows, book.decision == WITHDRAWN, book.decided, GIVEN_UP, CUSTOMER),
        _became(rows, book.decision == NOT_DISBURSED, book.decided + 3 * DAY, UNPAID_OUT, ANALYST),
    ]
    # Collections recognise some of the crews, before or after the loan is formally bad.
    crook = bad & (borrowers.crook_month[book.borrower] != NONE) & (random.random(book.n) < _RECOGNISED)
    seen = months.at(course.went_bad, 11.0) + (random.uniform(-40, 50, book.n) * DAY).astype(np.int64)
    parts.append(_became(rows, crook, seen, FIRST_PARTY, COLLECTIONS))
    # A misposted payment makes a good loan look bad, until its anniversary says otherwise.
    misposted = aged & ~behind & (random.random(book.n) < settings.mistaken_share / 2)
    wrong = book.disbursed + (random.uniform(120, 350, book.n) * DAY).astype(np.int64)
    parts.append(_became(rows, misposted, wrong, DEFAULT, COLLECTIONS))
    application, time, code, source = (np.concatenate(column) for column in zip(*parts, strict=True))
    known = time < months.end
    return Verdicts(application[known], time[known], code[known], source[known])


def _became(rows: Array, mask: Array, time: Array, code: int, source: int) -> tuple[Array, Array, Array, Array]:
    n = int(mask.sum())
    return rows[mask], time[mask], np.full(n, code), np.full(n, source)
