"""A lender made by hand: loans with monthly instalments of 1,000.00, paid or missed as the test says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.events import Event
from domain.settings import PlatformSettings
from domain.time import DAY, HOUR, parse_instant
from monitoring.book.book import Book, Sources, read_book
from monitoring.book.settings import BookSettings, pricing_of
from monitoring.book.tape import Tape, read_tape
from monitoring.oversight.look import Look
from monitoring.seen import seen
from stores.home import Home
from stores.journal import Journal
from stores.ledger import Ledger
from stores.settings_files import load_settings
from tests.monitoring.planted import CONFIGS, UNTIL

SETTINGS = load_settings(CONFIGS / "book.yaml", BookSettings)
PLATFORM = load_settings(CONFIGS / "platform.yaml", PlatformSettings)
PRICING = pricing_of(CONFIGS / "credit.yaml")
ZONE = PLATFORM.time_zone


@dataclass(frozen=True)
class Lent:
    """A loan disbursed on the 10th of a month, due on the 10th of each later one.

    Parameters
    ----------
    month : as 2025-03. missed : numbers of the instalments that were never paid. late : number → days late.
    """

    name: str
    month: str
    term: int = 12
    missed: frozenset[int] = frozenset()
    late: tuple[tuple[int, int], ...] = ()
    region: str = "CN-SH"
    product: str = "cash_loan"
    amount: int = 1_200_000
    currency: str = "CNY"
    numbered: bool = True

    def events(self) -> Iterator[Event]:
        """Its events, as far as the end of the looks of the tests."""
        body = {"borrower_id": f"b-{self.name}", "loan_id": self.name, "currency": self.currency}
        start = day_of(self.month, 0) + 9 * HOUR
        made = [
            Event("loan", f"loan-{self.name}", start, start + 1,
                  {**body, "application_id": f"app-{self.name}", "amount": self.amount, "term_months": self.term,
                   "rate_annual": 0.0, "product": self.product, "region": self.region})
        ]  # fmt: skip
        late = dict(self.late)
        for number in range(1, self.term + 1):
            due = day_of(self.month, number)
            part = {**body, "amount": self.amount // self.term}
            told = {**part, "instalment_number": number}
            made.append(Event("instalment", f"due-{self.name}-{number}", due, due + 1, told))
            if number not in self.missed:
                time = due + late.get(number, -1) * DAY + 12 * HOUR
                made.append(
                    Event("repayment", f"paid-{self.name}-{number}", time, time + 1, told if self.numbered else part)
                )
        return iter([event for event in made if event.known_at < UNTIL])


def day_of(month: str, after: int) -> int:
    """Midnight of the 10th of a month, some months later."""
    year, number = (int(part) for part in month.split("-"))
    number += after - 1
    return parse_instant(f"{year + number // 12}-{number % 12 + 1:02d}-10T00:00:00+08:00")


def lent(loans: Iterable[Lent]) -> list[Event]:
    """The events of some loans."""
    return [event for loan in loans for event in loan.events()]


def months_back(n: int) -> str:
    """The month so many before May 2026, when the looks are taken."""
    at = 2026 * 12 + 4 - n
    return f"{at // 12}-{at % 12 + 1:02d}"


def tape_of(journal: Journal, until: int = UNTIL) -> Tape:
    return read_tape(
        lambda kind: seen(journal, kind, until), SETTINGS.conventions, PLATFORM.fx_table(), ZONE, until
    )  # fmt: skip


def look_at(journal: Journal, root: Path, until: int = UNTIL) -> Look:
    ledger = Ledger(journal.database, bytes(32))
    return Look(Home(root), CONFIGS, PLATFORM, journal.database, journal, ledger, until - 30 * DAY, until)


def book_of(journal: Journal, root: Path, until: int = UNTIL, settings: BookSettings = SETTINGS) -> Book:
    return read_book(Sources.of_look(look_at(journal, root, until)), settings, PRICING, PLATFORM, until)
