"""The figures a platform discloses for a month, each by its definition, from what was known when the month ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from domain.bilingual import Both
from domain.errors import InputError, expected_got
from domain.money import exponent
from domain.settings import PlatformSettings
from domain.time import format_instant
from monitoring.book.book import Book, Sources, read_book
from monitoring.book.settings import BookSettings
from monitoring.book.tape import Tape, in_base, read_tape
from monitoring.chunk import Chunk, Chunker
from monitoring.disclosure.settings import Definition, DisclosureSettings, Figure
from monitoring.oversight.look import Look
from scoring.pricing_settings import Pricing

_KNOWN = Both("", "")
_NO_LENDERS = Both("日志中没有出借人的事件", "the journal holds no events of lenders")
_NO_RELATED = Both("日志没有说明哪些借款人是关联方", "the journal does not say which borrowers are related parties")
_NO_LOANS = Both("当月没有放款", "no loan was paid out in the month")
_NOTHING_OWED = Both("没有未还余额", "nothing is owed")
_NO_RESERVE = Both(
    "configs/book.yaml没有这一天的准备金及来源", "configs/book.yaml gives no reserve with a source for this day"
)
_NO_BAD = Both("没有逾期90天以上的贷款", "there are no bad loans")
_NO_RULE = Both("configs/disclosure.yaml没有说明如何识别", "configs/disclosure.yaml does not say how it is told")

Told = tuple[float | None, Both]
"""A value, and why there is none."""


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
    note: Both = _KNOWN


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
                    "note_zh": item.note.zh if item.value is None else "",
                    "note_en": item.note.en if item.value is None else "",
                    **item.definition.as_dict(),
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
    values: dict[Figure, Told] = {
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


def _lending(tape: Tape, book: Book, month: Chunk, platform: PlatformSettings) -> dict[Figure, Told]:
    from monitoring.local_days import local_day

    first = local_day(month.since, platform.time_zone)
    mine = tape.column("day") >= first
    amount = tape.loan["amount"].to_numpy(np.float64)
    unit = book.unit
    n, total = int(mine.sum()), float(amount[mine].sum()) / unit
    borrowers = tape.loan["borrower_id"]
    largest = book.concentration("borrower")
    return {
        Figure.LOANS_TOTAL_AMOUNT: (float(amount.sum()) / unit, _KNOWN),
        Figure.LOANS_TOTAL_N: (tape.n, _KNOWN),
        Figure.LOANS_AMOUNT: (total, _KNOWN),
        Figure.LOANS_N: (n, _KNOWN),
        Figure.AVERAGE_LOAN: (total / n if n else None, _NO_LOANS),
        Figure.BALANCE: (book.balance / unit, _KNOWN),
        Figure.BALANCE_N: (book.n_owed, _KNOWN),
        Figure.BORROWERS_TOTAL: (int(borrowers.nunique()), _KNOWN),
        Figure.BORROWERS: (int(borrowers[mine].nunique()), _KNOWN),
        Figure.TOP_TEN_SHARE: (None, _NOTHING_OWED)
        if largest is None
        else (sum(part.share for part in largest.parts), _KNOWN),
        Figure.TOP_SHARE: (None, _NOTHING_OWED) if largest is None else (largest.parts[0].share, _KNOWN),
    }


def _arrears(book: Book) -> dict[Figure, Told]:
    unit = book.unit
    owed = {name: (n, balance) for name, n, balance in book.by_bucket}
    late = [name for name in owed if name != "current"]
    overdue = sum(owed[name][1] for name in late)
    buckets = (Figure.OVERDUE_1_29, Figure.OVERDUE_30_59, Figure.OVERDUE_60_89, Figure.OVERDUE_90)
    nothing = (None, _NOTHING_OWED)
    if book.held is None:
        cover: Told = (None, _NO_RESERVE)
    else:
        cover = (book.cover_bad, _NO_BAD)
    return {
        Figure.OVERDUE_AMOUNT: (overdue / unit, _KNOWN),
        Figure.OVERDUE_N: (sum(owed[name][0] for name in late), _KNOWN),
        **{figure: (owed[name][1] / unit, _KNOWN) for figure, name in zip(buckets, late, strict=True)},
        Figure.OVERDUE_90_N: (owed["90+"][0], _KNOWN),
        Figure.OVERDUE_RATE: (overdue / book.balance, _KNOWN) if book.balance else nothing,
        Figure.BAD_DEBT_RATE: nothing if book.bad_debt_rate is None else (book.bad_debt_rate, _KNOWN),
        Figure.COVER: cover,
    }


def _payments(sources: Sources, month: Chunk, platform: PlatformSettings) -> dict[Figure, Told]:
    unit = 10 ** exponent(platform.base_currency)
    table = sources.read("transaction")
    keep = pc.and_(
        pc.greater_equal(table["event_time"], month.since),
        pc.fill_null(pc.equal(table["stage"], "authorisation"), True),
    )
    frame = table.filter(keep).select(["event_time", "amount", "currency", "customer_id"]).to_pandas()
    complaints = sources.read("complaint")
    n_complaints = int(pc.sum(pc.greater_equal(complaints["event_time"], month.since)).as_py() or 0)
    return {
        Figure.PAYMENTS_AMOUNT: (float(in_base(frame, platform.fx_table()).sum()) / unit, _KNOWN),
        Figure.PAYMENTS_N: (len(frame), _KNOWN),
        Figure.PAYERS: (int(frame["customer_id"].nunique()), _KNOWN),
        Figure.COMPLAINTS: (n_complaints, _KNOWN),
    }


def _compensation(sources: Sources, settings: DisclosureSettings, platform: PlatformSettings) -> dict[Figure, Told]:
    rules = settings.compensation
    table = sources.read("repayment")
    both = (Figure.COMPENSATION_AMOUNT, Figure.COMPENSATION_N)
    if rules is None:
        return dict.fromkeys(both, (None, _NO_RULE))
    if rules.column not in table.column_names:
        return dict.fromkeys(
            both,
            (
                None,
                Both(
                    f"还款没有{rules.column}列，没有说明由谁付款",
                    f"repayments have no column {rules.column}: nobody says who paid",
                ),
            ),
        )
    frame = table.select(["event_time", "amount", "currency", rules.column]).to_pandas()
    frame = frame[frame[rules.column].isin(rules.payers)].reset_index(drop=True)
    amount = float(in_base(frame, platform.fx_table()).sum()) / 10 ** exponent(platform.base_currency)
    return {Figure.COMPENSATION_AMOUNT: (amount, _KNOWN), Figure.COMPENSATION_N: (len(frame), _KNOWN)}
