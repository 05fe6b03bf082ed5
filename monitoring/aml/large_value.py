"""The large-value report: sums of a customer and a local day, receipts and payments apart, against the limits.

    legs  --rule: cash | transfer of an entity | of a person at home | of a person across the border-->
          --sum by customer, day, direction, rule, base or foreign money-->  at the limit or above  -->  line, clock

A report is made for a person to file. Nothing is sent from here.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from domain.bilingual import in_english
from domain.errors import DataError, expected_got
from domain.money import FxTable, Money
from domain.time import business_day
from monitoring.aml.diligence import Standing
from monitoring.aml.legs import in_currency
from monitoring.aml.settings import LargeValueSettings
from stores.restricted import Record

FILED: Final = "large_value_filed"
"""Kind of the record that a report was filed, by whom and under which number."""

GROUP: Final = ["customer", "day", "direction", "rule", "money"]
State = Literal["open", "overdue", "filed", "filed_late", "exempt", "clock_not_assessed"]

_SUM_LIMIT = 2**62


@dataclass(frozen=True)
class LargeValue:
    """One line of the report.

    Parameters
    ----------
    party_known : False where no due-diligence record says what the customer is; he is then taken as a person, whose
        limits are the stricter ones.
    total, limit : minor units of ``currency``; ``total`` leaves out what is exempt.
    n_cross, n_accounts, n_branches : of the payments, those across the border; different accounts and branches.
    due_on : the last day to file; None where the calendar of working days does not reach.
    """

    key: str
    customer: str
    party: str
    party_known: bool
    day: date
    direction: str
    rule: str
    currency: str
    total: int
    limit: int
    source: str
    n_payments: int
    n_cross: int
    n_accounts: int
    n_branches: int
    events: tuple[str, ...]
    exemption: str | None
    due_on: date | None
    filed_on: date | None
    state: State


def ruled(
    legs: pd.DataFrame, standings: Mapping[str, Standing], settings: LargeValueSettings, fx: FxTable
) -> pd.DataFrame:
    """The legs with ``rule``, ``money`` (base or foreign), ``value`` in the currency of that limit, and ``exempt``.

    Raises
    ------
    DataError
        When a foreign payment has no rate.
    """
    entities = {customer for customer, each in standings.items() if each.record.party == "entity"}
    entity, cash, cross = legs["customer"].isin(entities), legs["cash"], legs["cross"]
    rules = ["cash", "transfer_entity", "transfer_person_cross_border"]
    rule = np.select([cash, entity, cross], rules, default="transfer_person_domestic")
    home = legs["currency"] == settings.cash.base.currency
    value = legs["minor"].to_numpy(np.int64, copy=True)
    value[~home.to_numpy()] = in_currency(legs[~home], settings.cash.foreign.currency, fx)
    told = {customer: each.record.exemption for customer, each in standings.items() if each.record.exemption}
    # A payment is exempt where it says so itself, or where either side is.
    exempt = legs["exemption"].where(legs["exemption"].isin(list(settings.exemptions)))
    for side in ("customer", "other"):
        exempt = exempt.where(exempt.notna(), legs[side].map(told))
    return legs.assign(rule=rule, money=np.where(home, "base", "foreign"), value=value, exempt=exempt)


def large_values(
    legs: pd.DataFrame,
    standings: Mapping[str, Standing],
    filed: Iterable[Record],
    settings: LargeValueSettings,
    fx: FxTable,
    *,
    since: date,
    upto: date,
    today: date,
    zone: str,
) -> tuple[LargeValue, ...]:
    """The lines of the days from ``since`` to ``upto``, oldest first, their clocks as they stand ``today``."""
    rows = ruled(legs, standings, settings, fx)
    if not len(rows):
        return ()
    rows = rows[(rows["day"] >= days_of(since)) & (rows["day"] <= days_of(upto))]
    limits = {
        (rule, money): (limit.base if money == "base" else limit.foreign).minor
        for rule, limit in settings.limits.items()
        for money in ("base", "foreign")
    }
    # Whole numbers; a sum that could pass their range is stopped before it is made.
    if float(rows["value"].astype(float).sum()) > _SUM_LIMIT:
        raise DataError(expected_got("sums below 2^62 minor units", "more", "large values"))
    # Hardly any group reaches its limit: only those that do are looked at one by one.
    least = [limits[str(rule), str(money)] for rule, money in zip(rows["rule"], rows["money"], strict=True)]
    rows = rows[rows.groupby(GROUP)["value"].transform("sum") >= np.array(least, dtype=np.int64)]
    filings = _filings(filed)
    found = [
        _line(dict(zip(GROUP, name, strict=True)), part, standings, filings, settings, today, zone)
        for name, part in rows.groupby(GROUP, sort=True)
    ]
    return tuple(sorted(found, key=lambda line: (line.day, line.customer, line.key)))


def days_of(day: date) -> int:
    """Days since 1970 of a calendar day.

    Examples
    --------
    >>> days_of(date(1970, 1, 11))
    10
    """
    return (day - date(1970, 1, 1)).days


def day_of(days: int) -> date:
    """The calendar day of days since 1970."""
    return date(1970, 1, 1) + timedelta(days=days)


def as_records(lines: Iterable[LargeValue]) -> list[dict[str, Any]]:
    """The lines as plain records, sums written as money."""
    return [
        {
            **asdict(line),
            "day": line.day.isoformat(),
            "total": str(Money(line.total, line.currency)),
            "limit": str(Money(line.limit, line.currency)),
            "due_on": None if line.due_on is None else line.due_on.isoformat(),
            "filed_on": None if line.filed_on is None else line.filed_on.isoformat(),
            "events": list(line.events),
        }
        for line in lines
    ]


def as_csv(lines: Iterable[LargeValue]) -> str:
    """The lines as a CSV file with its heading."""
    records = as_records(lines)
    names = list(LargeValue.__dataclass_fields__)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({**record, "events": " ".join(record["events"])})
    return text.getvalue()


def _line(
    group: Mapping[str, Any],
    part: pd.DataFrame,
    standings: Mapping[str, Standing],
    filings: Mapping[str, int],
    settings: LargeValueSettings,
    today: date,
    zone: str,
) -> LargeValue:
    limits = settings.limits[group["rule"]]
    limit = limits.base if group["money"] == "base" else limits.foreign
    counted = part[part["exempt"].isna()]
    exempt = int(counted["value"].sum()) < limit.minor
    shown = part if exempt else counted
    standing = standings.get(group["customer"])
    day = day_of(int(group["day"]))
    told = "|".join(str(group[name]) for name in GROUP)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    due_on = _due(day, settings)
    filed_on = None if key not in filings else business_day(filings[key], zone)
    return LargeValue(
        key, group["customer"], "person" if standing is None else standing.record.party, standing is not None, day,
        group["direction"], group["rule"], limit.currency, int(shown["value"].sum()), limit.minor,
        in_english(limits.source), len(shown), int(shown["cross"].sum()), shown["account"].nunique(),
        shown["branch"].nunique(), tuple(shown["event_id"]),
        _why_exempt(part, settings) if exempt else None, due_on, filed_on,
        "exempt" if exempt else _state(due_on, filed_on, today),
    )  # fmt: skip


def _due(day: date, settings: LargeValueSettings) -> date | None:
    try:
        return settings.working_days.after(day, settings.filing_days)
    except DataError:
        return None


def _state(due_on: date | None, filed_on: date | None, today: date) -> State:
    if filed_on is not None:
        return "filed_late" if due_on is not None and filed_on > due_on else "filed"
    if due_on is None:
        return "clock_not_assessed"
    return "overdue" if today > due_on else "open"


def _why_exempt(part: pd.DataFrame, settings: LargeValueSettings) -> str:
    codes = sorted(set(part["exempt"].dropna()))
    told = ((code, in_english(settings.exemptions.get(code, "not in the settings"))) for code in codes)
    return "; ".join(f"{code}: {what}" for code, what in told)


def _filings(records: Iterable[Record]) -> dict[str, int]:
    """Key of a line → when it was filed, the first time."""
    found: dict[str, int] = {}
    for record in records:
        if record.kind == FILED and record.body is not None:
            found.setdefault(str(record.body["key"]), record.made_at)
    return found
