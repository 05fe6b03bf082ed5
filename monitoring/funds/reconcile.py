"""Daily reconciliation of customers' money: the platform's movements against the bank's lines, one to one.

    1. by reference   a line that names our event: matched, or a break in amount or in date
    2. by likeness    lines without a reference: the same sum, booked within the tolerance, nearest day first
    3. what is left   missing at the bank, missing here; in transit while the bank may still book it

Only days that a statement covers are judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import pandas as pd

from domain.time import DAY
from monitoring.funds.settings import FundsSettings
from stores.statements import StatementLine

Kind = Literal["missing_at_bank", "missing_here", "amount", "date", "twice"]
Movement = tuple[str, int, str, str]
"""Day, minor units, kind and event id of one of ours."""

KINDS: Final[tuple[Kind, ...]] = ("missing_at_bank", "missing_here", "amount", "date", "twice")


@dataclass(frozen=True, slots=True)
class Break:
    """One difference.

    Parameters
    ----------
    day : from which it is counted: the bank's day, or ours where the bank knows nothing.
    ours, theirs : minor units here and at the bank; None where there is nothing. difference : theirs less ours.
    age_days : open so long on the day of the look.
    """

    kind: Kind
    day: str
    event_id: str | None
    bank_ref: str | None
    ours: int | None
    theirs: int | None
    difference: int
    age_days: int


@dataclass(frozen=True, slots=True)
class Matched:
    """A movement and its line; ``by`` is reference or likeness."""

    event_id: str
    kind: str
    bank_ref: str
    by: Literal["reference", "likeness"]


@dataclass(frozen=True, slots=True)
class DayBalance:
    """One day of the account, minor units.

    Parameters
    ----------
    ours, theirs : movements of the day. closing : the bank's balance, None where it tells none.
    apart : the sum of all differences so far, theirs less ours, from the first day that is judged.
    """

    day: str
    ours: int
    theirs: int
    closing: int | None
    apart: int


@dataclass(frozen=True)
class Reconciliation:
    """All of it.

    Parameters
    ----------
    first, last : days that statements cover, None without a statement.
    in_transit : events the bank may still book. out_of_currency : movements in another currency than the account's.
    """

    first: str | None
    last: str | None
    matched: tuple[Matched, ...]
    breaks: tuple[Break, ...]
    in_transit: tuple[str, ...]
    out_of_currency: tuple[str, ...]
    days: tuple[DayBalance, ...]


def reconcile(
    ledger: pd.DataFrame, lines: Sequence[StatementLine], settings: FundsSettings, *, today: date
) -> Reconciliation:
    """Reconcile the days that the lines cover.

    Parameters
    ----------
    ledger : as `monitoring.funds.movements` makes it. today : local day of the look, for the age of breaks.
    """
    if not lines:
        return Reconciliation(None, None, (), (), (), (), ())
    first, last = min(line.booked_on for line in lines), max(line.booked_on for line in lines)
    tolerance = settings.tolerance // DAY
    foreign = ledger[ledger["currency"] != settings.currency]
    # Ids are unique for a client alone, and the bank passes on no client: several movements may answer to one name.
    ours = {
        place: (str(row["day"]), int(row["minor"]), str(row["kind"]), str(row["event_id"]))
        for place, row in enumerate(
            ledger[(ledger["currency"] == settings.currency) & (ledger["day"] <= last)].to_dict("records")
        )
    }
    called: dict[str, list[int]] = defaultdict(list)
    for place, (_, _, _, event) in ours.items():
        called[event].append(place)
    matched: list[Matched] = []
    breaks: list[Break] = []
    left: list[StatementLine] = []
    open_events = dict(ours)
    named = Counter(line.our_ref for line in lines if line.our_ref)

    def differs(kind: Kind, day: str, place: int | None, line: StatementLine | None) -> None:
        event, mine = (None, None) if place is None else (ours[place][3], ours[place][1])
        theirs = None if line is None else line.minor
        known = mine if kind != "twice" else 0
        breaks.append(
            Break(kind, day, event, None if line is None else line.bank_ref, mine, theirs,
                  (theirs or 0) - (known or 0), max(0, (today - date.fromisoformat(day)).days))
        )  # fmt: skip

    # 1. A reference settles it. Of two lines that name one event the better one is taken: the other is there twice.
    for line in sorted(
        lines, key=lambda each: (each.our_ref is None, not _same_sum(each, ours, called), each.booked_on)
    ):
        places = called.get(line.our_ref or "", [])
        waits = [place for place in places if place in open_events]
        if not places:
            left.append(line)
        elif not waits:
            differs("twice", line.booked_on, places[0], line)
        else:
            nearest = {place: abs(_days(ours[place][0], line.booked_on)) for place in waits}
            place = min(waits, key=lambda each: (ours[each][1] != line.minor, nearest[each], each))
            _, minor, kind, event = open_events.pop(place)
            if minor != line.minor:
                differs("amount", line.booked_on, place, line)
            elif nearest[place] > tolerance:
                differs("date", line.booked_on, place, line)
            else:
                matched.append(Matched(event, kind, line.bank_ref, "reference"))
    # 2. The same sum near the same day; a line that names something we do not know is not guessed at.
    waiting: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for place, (day, minor, _, event) in open_events.items():
        if event not in named:
            waiting[minor].append((day, event, place))
    for line in sorted(left, key=lambda each: (each.booked_on, each.row)):
        near = [
            (abs(_days(day, line.booked_on)), day, event, place)
            for day, event, place in (waiting[line.minor] if line.our_ref is None else ())
            if abs(_days(day, line.booked_on)) <= tolerance
        ]
        if near:
            _, day, event, place = min(near)
            waiting[line.minor].remove((day, event, place))
            matched.append(Matched(event, open_events.pop(place)[2], line.bank_ref, "likeness"))
        elif not (line.our_ref or "").startswith(settings.fee_prefix):
            differs("missing_here", line.booked_on, None, line)
    # 3. Ours without a line: before the first statement nobody can tell, near the last day the bank may still book it.
    in_transit = []
    for place, (day, _, _, event) in open_events.items():
        if day < first:
            continue
        if _days(day, last) < tolerance:
            in_transit.append(event)
        else:
            differs("missing_at_bank", day, place, None)
    breaks.sort(key=lambda each: (each.day, each.kind, each.event_id or "", each.bank_ref or ""))
    outside = tuple(str(each) for each in foreign.loc[foreign["day"].between(first, last), "event_id"])
    return Reconciliation(
        first, last, tuple(matched), tuple(breaks), tuple(sorted(in_transit)), outside,
        _balances([fact[:2] for place, fact in ours.items() if fact[0] >= first or place not in open_events], lines,
                  first, last),
    )  # fmt: skip


def _balances(
    ours: Sequence[tuple[str, int]], lines: Sequence[StatementLine], first: str, last: str
) -> tuple[DayBalance, ...]:
    here: Counter[str] = Counter()
    there: Counter[str] = Counter()
    closing: dict[str, int] = {}
    # What was ordered before the first statement and booked in it belongs to its first day.
    for day, minor in ours:
        here[max(day, first)] += minor
    for line in lines:
        there[line.booked_on] += line.minor
        if line.balance is not None:
            closing[line.booked_on] = line.balance
    apart, made, known = 0, [], None
    for stamp in pd.date_range(first, last):
        day = f"{stamp:%Y-%m-%d}"
        apart += there[day] - here[day]
        known = closing.get(day, known)
        made.append(DayBalance(day, here[day], there[day], known, apart))
    return tuple(made)


def _same_sum(line: StatementLine, ours: dict[int, Movement], called: dict[str, list[int]]) -> bool:
    return any(ours[place][1] == line.minor for place in called.get(line.our_ref or "", ()))


def _days(one: str, other: str) -> int:
    return (date.fromisoformat(other) - date.fromisoformat(one)).days
