"""The lending half of a simulation: from borrowers to event tables."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from data.simulator.credit import borrowers as people
from data.simulator.credit.borrowers import Borrowers
from data.simulator.credit.bureau import INQUIRY_PURPOSES, N_LENDERS, inquiries_of, statements_of
from data.simulator.credit.lending import GRANTED, PRODUCTS, PURPOSES, lend
from data.simulator.credit.months import Months
from data.simulator.credit.repayments import Course, course_of, in_order, instalments_of, repayments_of
from data.simulator.credit.verdicts import CODES, REFUSED_CODE, SOURCES, Verdicts, verdicts_of
from data.simulator.delivery import arrival
from data.simulator.geography import CITIES
from data.simulator.rows import NONE, Array, pick
from data.simulator.settings import SimulationSettings
from data.simulator.tables import event_ids, event_table, words
from data.simulator.world import World
from domain.events import CHANNELS, COMPLAINT_CLASSES
from domain.time import DAY

_LENDERS = tuple(f"LENDER{number:02d}" for number in range(N_LENDERS))
_CHANNEL_WEIGHTS = {"mobile": 6, "third_party_wallet": 3, "cash_agent": 1}
_REFUSED_COMPLAIN = 0.03
_YEAR = 12


class _Lender:
    """One lender's world while its tables are made."""

    def __init__(self, world: World) -> None:
        self.settings: SimulationSettings = world.settings
        self.months = Months.of(world.settings)
        self.borrowers = Borrowers.of(world, self.months)
        self.book = lend(world.settings, self.months, self.borrowers)
        self.loan_code = np.full(self.book.n, NONE)
        granted = np.flatnonzero(self.book.decision == GRANTED)
        self.loan_code[granted] = world.registers.loan.issue(len(granted))
        self.application_id = event_ids("app", self.book.n)
        self.person = world.registers.person.identifiers()
        self.device = world.registers.device.identifiers()
        self.ip = world.registers.ip.identifiers()
        self.loan = world.registers.loan.identifiers()

    def table(self, kind: str, event_id: pa.Array, time: Array, borrower: Array, **columns: pa.Array) -> pa.Table:
        """Events of a kind, in yuan, with their arrival."""
        known_at = arrival(self.settings, kind, time)
        who = words(self.person, self.borrowers.person[borrower])
        return event_table(kind, event_id, time, known_at, borrower_id=who, **columns)


def loan_events(world: World) -> tuple[dict[str, pa.Table], pa.Table]:
    """Event tables of applications, loans and all around them, and the truth about each application."""
    lender = _Lender(world)
    settings, months, book, borrowers = lender.settings, lender.months, lender.book, lender.borrowers
    in_order(book)
    course = course_of(book, months)
    verdicts = verdicts_of(settings, book, course, borrowers, months)
    applications = _applications(lender)
    tables = {
        "application": applications,
        "loan": _loans(lender),
        "statement": _statements(lender),
        "instalment": _instalments(lender, course),
        "repayment": _repayments(lender),
        "inquiry": _inquiries(lender),
        "outcome": _outcomes(lender, verdicts, _known(applications, lender)),
        "complaint": _complaints(lender, verdicts),
    }
    crook = borrowers.crook_month[book.borrower] != NONE
    truth = pa.table(
        {
            "event_id": lender.application_id,
            "kind": pa.repeat(pa.scalar("application"), book.n),
            "story": words(("honest", "first_party_loan"), crook.astype(np.int64)),
            "incident": pa.nulls(book.n, pa.int64()),
            "positive": pa.array(
                (book.decision == GRANTED) & (course.went_bad <= course.anniversary), mask=book.decision != GRANTED
            ),
        }
    )
    return tables, truth


def _yuan(n: int) -> pa.Array:
    return pa.repeat(pa.scalar("CNY"), n)


def _fen(yuan: Array) -> Array:
    fen: Array = np.rint(100 * yuan).astype(np.int64)
    return fen


def _applications(lender: _Lender) -> pa.Table:
    book, borrowers = lender.book, lender.borrowers
    who, n = book.borrower, book.n
    random = lender.settings.random("applications")
    channels = np.array([CHANNELS.index(name) for name in _CHANNEL_WEIGHTS])
    channel = channels[pick(random, list(_CHANNEL_WEIGHTS.values()), n)]
    elapsed = book.month
    return lender.table(
        "application",
        lender.application_id,
        book.time,
        who,
        customer_id=words(lender.person, borrowers.customer[who]),
        device_id=words(lender.device, np.where(channel == CHANNELS.index("cash_agent"), NONE, borrowers.device[who])),
        ip_id=words(lender.ip, np.where(channel == CHANNELS.index("cash_agent"), NONE, borrowers.ip[who])),
        amount=_fen(book.amount),
        currency=_yuan(n),
        channel=words(CHANNELS, channel),
        region=words([city.region for city in CITIES], borrowers.city[who]),
        term_months=book.term,
        product=words(PRODUCTS, book.product),
        purpose=words(PURPOSES, book.purpose),
        income_monthly=_fen(book.income),
        debt_monthly=_fen(book.debt),
        employment=words(people.EMPLOYMENT, borrowers.employment[who]),
        employed_months=borrowers.employed_months[who] + elapsed,
        education=words(people.EDUCATION, np.where(random.random(n) < 0.05, NONE, borrowers.education[who])),
        housing=words(people.HOUSING, borrowers.housing[who]),
        n_dependants=borrowers.dependants[who],
        age_years=borrowers.age[who] + elapsed // _YEAR,
        sex=words(people.SEX, borrowers.sex[who]),
        marital_status=words(people.MARITAL, borrowers.marital[who]),
    )


def _loans(lender: _Lender) -> pa.Table:
    book, borrowers = lender.book, lender.borrowers
    rows = np.flatnonzero((book.decision == GRANTED) & (book.disbursed < lender.months.end))
    return lender.table(
        "loan",
        event_ids("loan", len(rows)),
        book.disbursed[rows],
        book.borrower[rows],
        loan_id=words(lender.loan, lender.loan_code[rows]),
        application_id=lender.application_id.take(rows),
        amount=_fen(book.granted[rows]),
        currency=_yuan(len(rows)),
        term_months=book.term[rows],
        rate_annual=book.rate[rows],
        product=words(PRODUCTS, book.product[rows]),
        region=words([city.region for city in CITIES], borrowers.city[book.borrower[rows]]),
    )


def _statements(lender: _Lender) -> pa.Table:
    made = statements_of(lender.borrowers, lender.months, lender.settings.random("statements"))
    return lender.table(
        "statement",
        event_ids("statement", len(made.time)),
        made.time,
        made.borrower,
        loan_id=words(lender.loan, lender.borrowers.card[made.borrower]),
        currency=_yuan(len(made.time)),
        balance=made.balance,
        credit_limit=made.limit,
        minimum_due=made.minimum,
        months_past_due=made.past_due,
    )


def _instalments(lender: _Lender, course: Course) -> pa.Table:
    book = lender.book
    made = instalments_of(book, course, lender.months)
    return lender.table(
        "instalment",
        event_ids("instalment", len(made.time)),
        made.time,
        book.borrower[made.loan],
        loan_id=words(lender.loan, lender.loan_code[made.loan]),
        amount=_fen(book.instalment[made.loan]),
        currency=_yuan(len(made.time)),
        instalment_number=made.number,
        days_past_due=made.days_past_due,
    )


def _repayments(lender: _Lender) -> pa.Table:
    book = lender.book
    made = repayments_of(book, lender.months, lender.settings.random("repayments"))
    return lender.table(
        "repayment",
        event_ids("repayment", len(made.time)),
        made.time,
        book.borrower[made.loan],
        loan_id=words(lender.loan, lender.loan_code[made.loan]),
        amount=made.amount,
        currency=_yuan(len(made.time)),
        instalment_number=made.number,
        days_late=made.days_late,
        shortfall=made.shortfall,
    )


def _inquiries(lender: _Lender) -> pa.Table:
    made = inquiries_of(lender.borrowers, lender.book, lender.months, lender.settings.random("inquiries"))
    return lender.table(
        "inquiry",
        event_ids("inquiry", len(made.time)),
        made.time,
        made.borrower,
        lender_id=words(_LENDERS, made.lender),
        purpose=words(INQUIRY_PURPOSES, made.purpose),
    )


def _known(applications: pa.Table, lender: _Lender) -> Array:
    known = np.empty(lender.book.n, dtype=np.int64)
    order = np.argsort(applications["event_id"].to_numpy(zero_copy_only=False))  # ids count in row order
    known[:] = applications["known_at"].to_numpy()[order]
    return known


def _outcomes(lender: _Lender, verdicts: Verdicts, known_at: Array) -> pa.Table:
    book, borrowers = lender.book, lender.borrowers
    row = verdicts.application
    # A decision made minutes after a late application was learned of cannot be known before it.
    time = np.maximum(verdicts.time, known_at[row] + 1)
    kept = np.flatnonzero(time < lender.months.end)
    kept = kept[np.argsort(time[kept], kind="stable")]
    row, time = row[kept], time[kept]
    who = book.borrower[row]
    return event_table(
        "outcome",
        event_ids("app-outcome", len(row)),
        time,
        time,
        subject_event_id=lender.application_id.take(row),
        subject_kind=pa.repeat(pa.scalar("application"), len(row)),
        subject_time=book.time[row],
        code=words(CODES, verdicts.code[kept]),
        source=words(SOURCES, verdicts.source[kept]),
        customer_id=words(lender.person, borrowers.customer[who]),
        borrower_id=words(lender.person, borrowers.person[who]),
        amount=_fen(np.where(book.decision[row] == GRANTED, book.granted[row], book.amount[row])),
        currency=_yuan(len(row)),
    )


def _complaints(lender: _Lender, verdicts: Verdicts) -> pa.Table:
    random = lender.settings.random("refused complain")
    book = lender.book
    refused = np.flatnonzero(verdicts.code == REFUSED_CODE)
    voiced = refused[random.random(len(refused)) < _REFUSED_COMPLAIN]
    time = verdicts.time[voiced] + (random.exponential(2 * DAY, len(voiced))).astype(np.int64)
    order = np.argsort(time, kind="stable")
    order = order[time[order] < lender.months.end]
    row = verdicts.application[voiced[order]]
    return lender.table(
        "complaint",
        event_ids("loan-complaint", len(order)),
        time[order],
        book.borrower[row],
        subject_event_id=lender.application_id.take(row),
        complaint_class=words(COMPLAINT_CLASSES, np.full(len(order), COMPLAINT_CLASSES.index("credit_refusal"))),
        channel=words(CHANNELS, np.full(len(order), CHANNELS.index("mobile"))),
    )
