"""A custodian's statement for made-up movements: what a bank would have booked, with faults planted where asked for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

FAULTS: Final = ("missing_at_bank", "missing_here", "amount", "date", "twice", "commingling", "self_financing")
HEADINGS: Final = ("date", "bank_ref", "amount", "currency", "reference", "counterparty", "balance", "memo")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of the account; ``minor`` above zero came in."""

    event_id: str
    kind: str
    day: date
    minor: int


@dataclass(frozen=True)
class Statement:
    """The file's text, and which events or bank references carry which fault."""

    text: str
    faults: Mapping[str, tuple[str, ...]]


def statement(
    movements: Sequence[Movement],
    *,
    currency: str,
    places: int,
    opening: int,
    own_account: str,
    faults: bool,
    seed: int,
) -> Statement:
    """Book every movement on its day or the day after; with ``faults``, one of each kind.

    Parameters
    ----------
    places : decimals of the currency. opening : balance before the first movement, minor units.
    own_account : the platform's own, which commingling and self-financing pass through.
    """
    random = np.random.default_rng(seed)
    rows: list[tuple[date, int, str, str]] = []  # booked, minor, our reference, counterparty
    planted: dict[str, list[str]] = {}
    chosen = _chosen(movements, random) if faults else {}
    for number, each in enumerate(movements):
        booked, minor, other = (
            each.day + timedelta(days=int(random.integers(0, 2))),
            each.minor,
            f"account-{number % 997}",
        )
        what = chosen.get(each.event_id, "")
        if what:
            planted.setdefault(what, []).append(each.event_id)
        if what == "missing_at_bank":
            continue
        if what == "amount":
            minor += 100 if minor > 0 else -100
        if what == "date":
            booked += timedelta(days=9)
        if what == "self_financing":
            other = own_account
        rows.append((booked, minor, each.event_id, other))
        if what == "twice":
            rows.append((booked, minor, each.event_id, other))
    if faults and rows:
        middle = rows[len(rows) // 2][0]
        rows += [(middle, 12_345, "", "account-unknown"), (middle, -50_000, "", own_account)]
    rows.sort(key=lambda row: row[0])
    balance, text = opening, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for number, (booked, minor, event, other) in enumerate(rows, 1):
        balance += minor
        bank_ref = f"BK{number:07d}"
        if other == "account-unknown":
            planted.setdefault("missing_here", []).append(bank_ref)
        if other == own_account and not event:
            planted.setdefault("commingling", []).append(bank_ref)
        writer.writerow(
            [booked.isoformat(), bank_ref, _money(minor, places), currency, event, other, _money(balance, places), ""]
        )
    return Statement(text.getvalue(), {what: tuple(where) for what, where in planted.items()})


def _chosen(movements: Sequence[Movement], random: np.random.Generator) -> dict[str, str]:
    """Event → its fault: one of each kind, well before the last days, where the bank may still book."""
    if len(movements) < 40:
        return {}
    early = [each for each in movements if each.day < movements[-1].day - timedelta(days=14)]
    kinds = ("missing_at_bank", "amount", "date", "twice", "self_financing")
    places = random.choice(len(early), size=len(kinds), replace=False)
    return {early[int(place)].event_id: kind for place, kind in zip(places, kinds, strict=True)}


def _money(minor: int, places: int) -> str:
    return f"{Decimal(minor).scaleb(-places):.{places}f}"
