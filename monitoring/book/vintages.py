"""Vintage curves: of the loans disbursed in a month, the share ever so many days past due by months on book.

A cell is only given once the whole month of loans has been on book that long: what is not known yet is blank, not 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.book.tape import Tape
from monitoring.local_days import first_day, month_name, months
from scoring.interval import wilson

SEVERITIES = (30, 60, 90)
"""Days past due."""


@dataclass(frozen=True, slots=True)
class Vintage:
    """Loans disbursed in one month.

    Parameters
    ----------
    month : as 2026-03. n : loans. amount : disbursed, minor units.
    hits : days past due → loans that had ever reached them by the end of month 0, 1, 2 … on book; only months that
        are over.
    """

    month: str
    n: int
    amount: float
    hits: dict[int, tuple[int, ...]]

    def share(self, severity: int, months_on_book: int) -> float | None:
        """Share of the loans that ever were so many days past due by then; None while it is not known."""
        counts = self.hits[severity]
        return counts[months_on_book] / self.n if months_on_book < len(counts) else None


def vintages(tape: Tape, months_on_book: int) -> tuple[Vintage, ...]:
    """All vintages, oldest first, along months 0 to ``months_on_book`` after the month of disbursement."""
    if not tape.n:
        return ()
    month, amount = tape.column("month"), tape.loan["amount"].to_numpy(np.float64)
    today = int(months(np.array([tape.today]))[0])
    reached = {severity: tape.reached(severity) for severity in SEVERITIES}
    found = []
    for cohort in np.unique(month).tolist():
        mine = month == cohort
        # The end of month k on book is the opening of the first day of the next month, which must have come.
        ends = [int(first_day(cohort + k + 1)) for k in range(min(months_on_book, today - cohort - 1) + 1)]
        hits = {severity: tuple(int((days[mine] <= end).sum()) for end in ends) for severity, days in reached.items()}
        found.append(Vintage(month_name(cohort), int(mine.sum()), float(amount[mine].sum()), hits))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of loans with its interval; None where too few are mature."""

    name: str
    n: int
    n_events: int
    value: float | None
    low: float | None
    high: float | None
    n_immature: int = 0


def share_of(name: str, n: int, n_events: int, least: int, confidence: float, n_immature: int = 0) -> Share:
    """A share and its score interval.

    Examples
    --------
    >>> share_of("2026-03", 100, 5, 50, 0.95).value, share_of("2026-03", 10, 5, 50, 0.95).value
    (0.05, None)
    """
    if n < least:
        return Share(name, n, n_events, None, None, None, n_immature)
    return Share(name, n, n_events, n_events / n, *wilson(n_events, n, confidence), n_immature)


def bad_rates(tape: Tape, least: int, confidence: float) -> tuple[Share, ...]:
    """Of each month's loans, the share in default within the declared months; whole only once they are over."""
    rules = tape.conventions
    found = []
    for vintage in vintages(tape, rules.default_months):
        hits = vintage.hits[_severity(rules.default_days)]
        if len(hits) > rules.default_months:
            found.append(share_of(vintage.month, vintage.n, hits[-1], least, confidence))
    return tuple(found)


def _severity(days: int) -> int:
    return min(SEVERITIES, key=lambda each: abs(each - days))


def first_payment_defaults(tape: Tape, least: int, confidence: float) -> tuple[Share, ...]:
    """Of each month's loans, the share whose first instalment was still unpaid so many days after it was due.

    Loans whose first instalment is not that old yet are immature, and counted apart.
    """
    wait = tape.conventions.first_payment_days
    first = (tape.number == 1) & (tape.due + wait <= tape.today)
    judged, hit = np.zeros(tape.n, dtype=bool), np.zeros(tape.n, dtype=bool)
    judged[tape.row[first]] = True
    hit[tape.row[first]] = tape.paid[first] >= tape.due[first] + wait
    month = tape.column("month")
    found = []
    for cohort in np.unique(month).tolist():
        mine = month == cohort
        n, n_events = int((judged & mine).sum()), int((hit & mine).sum())
        found.append(share_of(month_name(cohort), n, n_events, least, confidence, int((~judged & mine).sum())))
    return tuple(found)
