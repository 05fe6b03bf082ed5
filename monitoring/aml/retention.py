"""Record keeping: how long each customer's records are kept, what stops their end, and what has come to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from domain.errors import DataError, expected_got
from domain.time import business_day
from monitoring.aml.cases import cases
from monitoring.aml.diligence import Standing
from monitoring.aml.holding import NamedHold
from monitoring.aml.settings import RetentionSettings
from stores.restricted import Record

SHRED: Final = "shred"

State = Literal["in_force", "keep", "held", "due"]


@dataclass(frozen=True)
class Kept:
    """A customer's records of one class.

    Parameters
    ----------
    counted_from : the day the period runs from; None while the relationship goes on.
    held_by : what stops their end besides the period: legal holds and open cases.
    """

    customer: str
    records: str
    counted_from: date | None
    due_on: date | None
    held_by: tuple[str, ...]
    state: State


def kept(
    last_money: Mapping[str, int],
    last_service: Mapping[str, int],
    standings: Mapping[str, Standing],
    records: Iterable[Record],
    holds: Iterable[NamedHold],
    settings: RetentionSettings,
    *,
    today: date,
    zone: str,
) -> tuple[Kept, ...]:
    """Every customer's records, class by class, those that end first at the head.

    Parameters
    ----------
    last_money, last_service : person → µs UTC, as `monitoring.aml.last_seen` finds them.
    """
    blocked: dict[str, list[str]] = {}
    for hold in holds:
        if hold.basis == "legal" and hold.released_at is None:
            blocked.setdefault(hold.token, []).append(f"hold {hold.hold_id}")
    for case in cases(records):
        if case.result is None:
            blocked.setdefault(case.customer, []).append(case.case_id)
    found = []
    for customer in sorted({*last_money, *standings}):
        begin = _end_of_relationship(customer, last_money, standings, zone)
        found.append(_kept(customer, "aml", begin, settings.aml.years, blocked.get(customer, []), today))
    for customer, at in sorted(last_service.items()):
        begin = business_day(at, zone)
        found.append(_kept(customer, "service", begin, settings.service.years, blocked.get(customer, []), today))
    return tuple(sorted(found, key=lambda each: (each.due_on or date.max, each.customer, each.records)))


def years_after(day: date, years: int) -> date:
    """The same day so many years later; 29 February becomes 1 March.

    Examples
    --------
    >>> str(years_after(date(2016, 2, 29), 10)), str(years_after(date(2016, 3, 31), 3))
    ('2026-03-01', '2019-03-31')
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def check_shreddable(customer: str, found: Iterable[Kept]) -> None:
    """Refuse to end records before their time.

    Raises
    ------
    DataError
        Naming what still has to be kept.
    """
    mine = [each for each in found if each.customer == customer]
    if not mine:
        raise DataError(expected_got("a customer with records", "none", "shred"))
    waiting = [f"{each.records} records: {_why(each)}" for each in mine if each.state != "due"]
    if waiting:
        raise DataError(
            expected_got("a customer whose records have all come to their end", "; ".join(waiting), "shred")
        )


def _why(each: Kept) -> str:
    if each.held_by:
        return f"held by {', '.join(each.held_by)}"
    return "the relationship goes on" if each.due_on is None else f"kept until {each.due_on}"


def _end_of_relationship(
    customer: str, last_money: Mapping[str, int], standings: Mapping[str, Standing], zone: str
) -> date | None:
    paid = None if customer not in last_money else business_day(last_money[customer], zone)
    standing = standings.get(customer)
    if standing is None:
        return paid
    ended = standing.record.ended_on
    return None if ended is None else max(ended, paid or ended)


def _kept(customer: str, records: str, begin: date | None, years: int, held_by: list[str], today: date) -> Kept:
    due_on = None if begin is None else years_after(begin, years)
    if held_by:
        state: State = "held"
    elif due_on is None:
        state = "in_force"
    else:
        state = "due" if due_on <= today else "keep"
    return Kept(customer, records, begin, due_on, tuple(held_by), state)
