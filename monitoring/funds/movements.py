"""Movements of customers' money as the platform's own ledger knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pandas as pd

from monitoring.funds.settings import FundsSettings, MovementRule
from monitoring.settled import settled
from stores.journal import Journal

COLUMNS: Final = ("event_id", "kind", "at", "day", "minor", "currency", "withdrawal")
"""``at`` µs UTC, ``day`` local ISO day, ``minor`` minor units of ``currency``: above zero in, below zero out."""


def movements(
    journal: Journal, declined: Iterable[int], settings: FundsSettings, zone: str, *, until: int
) -> pd.DataFrame:
    """Every movement known before a time, with the columns of `COLUMNS`, in order of time."""
    refused = list(declined)
    parts = [_of(journal, refused, rule, until) for rule in settings.movements]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame({name: [] for name in COLUMNS})
    made = pd.concat(parts, ignore_index=True).drop_duplicates(["kind", "client", "event_id"])
    local = pd.to_datetime(made["at"], unit="us", utc=True).dt.tz_convert(zone)
    made = made.assign(day=local.dt.strftime("%Y-%m-%d"))
    return made[list(COLUMNS)].sort_values(["at", "event_id"], kind="stable", ignore_index=True)


def _of(journal: Journal, declined: list[int], rule: MovementRule, until: int) -> pd.DataFrame:
    if rule.kind == "transaction":
        rows, refunds = settled(journal, declined, list(rule.when), until=until)
        # A refund of what went out comes in again, and the other way round.
        rows = pd.concat([rows.assign(sign=1), refunds.assign(sign=-1)])
    else:
        extensions = journal.extensions(rule.kind)
        known = [name for name in rule.when if not name.startswith("x_") or name in extensions]
        names = ["event_id", "client", "event_time", "known_at", "amount", "currency", *known]
        rows = journal.read(rule.kind, columns=list(dict.fromkeys(names))).to_pandas().assign(sign=1)
        rows = rows[(rows["known_at"] < until) & (rows["event_time"] < until)]
        if len(known) < len(rule.when):
            rows = rows.iloc[:0]
    for name, values in rule.when.items():
        rows = rows[rows[name].isin(list(values))]
    way = 1 if rule.direction == "in" else -1
    return pd.DataFrame(
        {
            "event_id": rows["event_id"].astype(object),
            "client": rows["client"].astype(object),
            "kind": rule.kind,
            "at": rows["event_time"].astype("int64"),
            "minor": rows["amount"].abs().astype("int64") * rows["sign"].astype("int64") * way,
            "currency": rows["currency"].astype(object),
            "withdrawal": rule.withdrawal,
        }
    )
