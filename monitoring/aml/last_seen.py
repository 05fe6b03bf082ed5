"""When somebody last had to do with the platform: what the periods of record keeping are counted from.

money     payments from and to his accounts, and everything of a loan: disbursed, billed, repaid, stated
service   complaints and tickets, from the last that was done about them
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import pandas as pd

from domain.events import KINDS, NAMESPACES
from domain.matters import MatterKind
from monitoring.settled import settled
from stores.journal import Journal
from stores.matters import Matters

_PEOPLE: Final = ("customer_id", "borrower_id")
_LENDING: Final = ("loan", "statement", "instalment", "repayment")


def last_money(legs: pd.DataFrame, journal: Journal, *, until: int) -> dict[str, int]:
    """Person → time of his last payment or of the last event of a loan of his, µs UTC.

    Parameters
    ----------
    legs : as `monitoring.aml.legs` makes them.
    """
    parts = [(str(customer), int(at)) for customer, at in legs.groupby("customer")["at"].max().items()]
    for kind in _LENDING:
        parts += _seen(journal, kind, until)
    return _latest(parts)


def last_service(journal: Journal, *, until: int) -> dict[str, int]:
    """Person → time of the last that was said or done about a complaint or ticket of his, µs UTC."""
    parts = _seen(journal, "complaint", until)
    matters = Matters(journal.database)
    for kind in (MatterKind.COMPLAINT, MatterKind.TICKET):
        for matter in matters.of(kind, until=until):
            people: Mapping[str, str] = matter.about.get("people") or {}
            parts += [(str(token), matter.last.at) for token in people.values()]
    return _latest(parts)


def last_naming(journal: Journal, declined: Iterable[int], column: str, token: str, *, until: int) -> int | None:
    """Time of the last payment that happened, or event of a loan, that names an identifier; None where none does.

    Parameters
    ----------
    column : what the token identifies. declined : ``seq`` of payments that were refused.
    """
    same = [name for name in NAMESPACES if NAMESPACES[name] == NAMESPACES[column]]
    parts = settled(journal, declined, [name for name in same if name in KINDS["transaction"]], until=until)
    frames: list[pd.DataFrame] = list(parts)
    for kind in _LENDING:
        if names := [name for name in same if name in KINDS[kind]]:
            frame: pd.DataFrame = journal.read(kind, columns=["event_time", "known_at", *names]).to_pandas()
            frames.append(frame[frame["known_at"] < until])
    times = [
        int(at)
        for frame in frames
        for name in same
        if name in frame
        for at in frame.loc[frame[name].astype(object) == token, "event_time"]
    ]
    return max(times, default=None)


def _seen(journal: Journal, kind: str, until: int) -> list[tuple[str, int]]:
    """Each person that events of a kind name, with the time of each."""
    names = [name for name in _PEOPLE if name in KINDS[kind]]
    frame: pd.DataFrame = journal.read(kind, columns=["event_time", "known_at", *names]).to_pandas()
    frame = frame[frame["known_at"] < until]
    return [
        (str(person), int(at))
        for name in names
        for person, at in frame[frame[name].notna()].groupby(name, observed=True)["event_time"].max().items()
    ]


def _latest(parts: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for person, at in parts:
        found[person] = max(at, found.get(person, at))
    return found
