"""The figures a platform discloses for a month, each by its definition, from what was known when the month ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from domain.errors import InputError, expected_got
from domain.settings import PlatformSettings
from domain.time import format_instant
from monitoring.book.book import Book, Sources, read_book
from monitoring.book.settings import BookSettings
from monitoring.book.tape import Tape, in_base, read_tape
from monitoring.chunk import Chunk, Chunker
from monitoring.disclosure.settings import Definition, DisclosureSettings, Figure
from monitoring.oversight.look import Look
from scoring.pricing_settings import Pricing

_MINOR = 100
_NO_LENDERS = "the journal holds no events of lenders"
_NO_RELATED = "the journal does not say which borrowers are related parties"


@dataclass(frozen=True, slots=True)
class Item:
    """One figure; amounts in units of the base currency.

    Parameters
    ----------
    value : None where it is not assessed; ``note`` says why.
    form : how it is written. money : whether its unit is the base currency.
    """

    figure: Figure
    value: float | None
    form: str
    money: bool
    definition: Definition
    note: str = ""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A month's report, as known at its end."""

    month: Chunk
    currency: str
    items: tuple[Item, ...]

    def item(self, figure: Figure) -> Item:
        """One figure."""
        return next(item for item in self.items if item.figure is figure)

    def as_dict(self) -> dict[str, Any]:
        """As JSON: every figure with definition and source."""
        return {
            "period": self.month.name,
            "since": format_instant(self.month.since),
            "until": format_instant(self.month.until),
            "currency": self.currency,
            "figures": {
                item.figure.value: {
                    "value": item.value,
                    "unit": self.currency if item.money else "",
                    "note": item.note,
                    **item.definition.model_dump(),
                }
                for item in self.items
            },
        }


def month_of(text: str, zone: str, now: int) -> Chunk:
    """The calendar month of a text such as ``2026-03``.

    Raises
    ------
    InputError
        When it is no month, or is not over.

    Examples
    --------
    >>> month_of("2026-03", "UTC", 2**60).name
    '2026-03'
    """
    from domain.time import parse_instant

    where = "disclosure period"
    try:
        month = Chunker("month", zone).around(parse_instant(f"{text}-01", zone))
    except InputError as error:
        raise InputError(expected_got("a month such as 2026-03", text, where)) from error
    if month.name != text:
        raise InputError(expected_got("a month such as 2026-03", text, where))
    if month.until > now:
        raise InputError(expected_got("a month that is over", text, where))
    return month


def disclose(
    look: Look,
    month: Chunk,
    settings: DisclosureSettings,
    book_settings: BookSettings,
    pricing: Pricing | None,
) -> Disclosure:
    """The report of a month.

    Parameters
    ----------
    look : at the end of the month, see `at_end_of`.
    """
    sources = Sources.of_look(look)
    platform = look.platform
    book = read_book(sources, book_settings, pricing, platform, month.until)
    tape = read_tape(sources.read, book_settings.conventions, platform.fx_table(), platform.time_zone, month.until)
    values: dict[Figure, tuple[float | None, str]] = {
        **_lending(tape, book, month, platform),
        **_arrears(book),
        **_payments(sources, month, platform),
        **_compensation(sources, settings, platform),
        Figure.LENDERS_TOTAL: (None, _NO_LENDERS),
        Figure.RELATED_BALANCE: (None, _NO_RELATED),
    }
    items = tuple(
        Item(each, values[each][0], *_FORMS.get(each, (",.0f", False)), settings.definitions[each], values[each][1])
        for each in Figure
    )
    return Disclosure(month, platform.base_currency, items)


_FORMS: dict[Figure, tuple[str, bool]] = {
    **dict.fromkeys(
        (
            Figure.LOANS_TOTAL_AMOUNT, Figure.LOANS_AMOUNT, Figure.AVERAGE_LOAN, Figure.BALANCE, Figure.OVERDUE_AMOUNT,
            Figure.OVERDUE_1_29, Figure.OVERDUE_30_59, Figure.OVERDUE_60_89, Figure.OVERDUE_90, Figure.RELATED_BALANCE,
            Figure.COMPENSATION_AMOUNT, Figure.PAYMENTS_AMOUNT,
        ),
        (",.2f", True),
    ),
    **dict.fromkeys(
        (Figure.TOP_TEN_SHARE, Figure.TOP_SHARE, Figure.OVERDUE_RATE, Figure.BAD_DEBT_RATE, Figure.COVER),
        (".2%", False),
    ),
}  # fmt: skip


def _lending(
    tape: Tape, book: Book, month: Chunk, platform: PlatformSettings
) -> dict[Figure, tuple[float | None, str]]:
    from monitoring.local_days import local_day

    first = local_day(month.since, platform.time_zone)
    mine = tape.column("day") >= first
    amount = tape.loan["amount"].to_numpy(np.float64)
    n, total = int(mine.sum()), float(amount[mine].sum()) / _MINOR
    borrowers = tape.loan["borrower_id"]
    largest = book.concentration("borrower")
    nothing = "nothing is owed"
    return {
        Figure.LOANS_TOTAL_AMOUNT: (float(amount.sum()) / _MINOR, ""),
        Figure.LOANS_TOTAL_N: (tape.n, ""),
        Figure.LOANS_AMOUNT: (total, ""),
        Figure.LOANS_N: (n, ""),
        Figure.AVERAGE_LOAN: (total / n, "") if n else (None, "no loan was paid out in the month"),
        Figure.BALANCE: (book.balance / _MINOR, ""),
        Figure.BALANCE_N: (book.n_owed, ""),
        Figure.BORROWERS_TOTAL: (int(borrowers.nunique()), ""),
        Figure.BORROWERS: (int(borrowers[mine].nunique()), ""),
        Figure.TOP_TEN_SHARE: (None, nothing) if largest is None else (sum(part.share for part in largest.parts), ""),
        Figure.TOP_SHARE: (None, nothing) if largest is None else (largest.parts[0].share, ""),
    }


def _arrears(book: Book) -> dict[Figure, tuple[float | None, str]]:
    owed = {name: (n, balance) for name, n, balance in book.by_bucket}
    late = [name for name in owed if name != "current"]
    overdue = sum(owed[name][1] for name in late)
    buckets = (Figure.OVERDUE_1_29, Figure.OVERDUE_30_59, Figure.OVERDUE_60_89, Figure.OVERDUE_90)
    nothing = (None, "nothing is owed")
    if book.held is None:
        cover: tuple[float | None, str] = (None, "configs/book.yaml gives no reserve with a source for this day")
    else:
        cover = (book.cover_bad, "" if book.cover_bad is not None else "there are no bad loans")
    return {
        Figure.OVERDUE_AMOUNT: (overdue / _MINOR, ""),
        Figure.OVERDUE_N: (sum(owed[name][0] for name in late), ""),
        **{figure: (owed[name][1] / _MINOR, "") for figure, name in zip(buckets, late, strict=True)},
        Figure.OVERDUE_90_N: (owed["90+"][0], ""),
        Figure.OVERDUE_RATE: (overdue / book.balance, "") if book.balance else nothing,
        Figure.BAD_DEBT_RATE: nothing if book.bad_debt_rate is None else (book.bad_debt_rate, ""),
        Figure.COVER: cover,
    }


def _payments(sources: Sources, month: Chunk, platform: PlatformSettings) -> dict[Figure, tuple[float | None, str]]:
    table = sources.read("transaction")
    keep = pc.and_(
        pc.greater_equal(table["event_time"], month.since),
        pc.fill_null(pc.equal(table["stage"], "authorisation"), True),
    )
    frame = table.filter(keep).select(["event_time", "amount", "currency", "customer_id"]).to_pandas()
    complaints = sources.read("complaint")
    n_complaints = int(pc.sum(pc.greater_equal(complaints["event_time"], month.since)).as_py() or 0)
    return {
        Figure.PAYMENTS_AMOUNT: (float(in_base(frame, platform.fx_table()).sum()) / _MINOR, ""),
        Figure.PAYMENTS_N: (len(frame), ""),
        Figure.PAYERS: (int(frame["customer_id"].nunique()), ""),
        Figure.COMPLAINTS: (n_complaints, ""),
    }


def _compensation(
    sources: Sources, settings: DisclosureSettings, platform: PlatformSettings
) -> dict[Figure, tuple[float | None, str]]:
    rules = settings.compensation
    table = sources.read("repayment")
    both = (Figure.COMPENSATION_AMOUNT, Figure.COMPENSATION_N)
    if rules is None:
        return dict.fromkeys(both, (None, "configs/disclosure.yaml does not say how compensation is told"))
    if rules.column not in table.column_names:
        return dict.fromkeys(both, (None, f"repayments have no column {rules.column}: nobody says who paid"))
    frame = table.select(["event_time", "amount", "currency", rules.column]).to_pandas()
    frame = frame[frame[rules.column].isin(rules.payers)].reset_index(drop=True)
    amount = float(in_base(frame, platform.fx_table()).sum()) / _MINOR
    return {Figure.COMPENSATION_AMOUNT: (amount, ""), Figure.COMPENSATION_N: (len(frame), "")}
