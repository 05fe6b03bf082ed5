"""The newest days of a simulated world, as a platform lives them: most traffic is journalled, some asks the service.

1. plan            cut: the newest days are held back; payments and applications spread over them are chosen
2. up to the cut   journalled before training
3. day by day      the day's other traffic is journalled, then what was chosen goes over HTTP in order of arrival,
                   and with it every fact that points at it
4. outcomes        last: what became known of what was chosen
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.simulator.load import held_back, tokenised
from domain.errors import InputError, expected_got
from domain.events import KINDS, ColumnType
from domain.time import DAY, format_instant
from stores.journal import Journal
from stores.vault import Vault

SUBJECTS = ("transaction", "application")
POINTERS = ("links_to", "subject_event_id", "application_id")
WEEK = 7 * DAY
"""Whole weeks are held back: part of one would look like drift in the hour and the day of the week."""

LEAST = 4
"""Weeks held back at least: what looks back wants a month that no model has learnt from."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Up to ``cut`` a world is known, up to ``until`` it is lived; times are µs UTC.

    ``chosen`` holds the event ids of the payments and applications that are decided on.
    """

    folder: Path
    cut: int
    until: int
    chosen: frozenset[str]

    def days(self) -> Iterator[tuple[int, int]]:
        """The held-back days as (after, up to)."""
        for after in range(self.cut, self.until, DAY):
            yield after, min(after + DAY, self.until)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to the service; ``asked`` when a decision is wanted."""

    arrived_at: int
    kind: str
    asked: bool
    body: Mapping[str, Any]


def plan(folder: Path, n_payments: int, n_applications: int) -> Plan:
    """Hold back the newest weeks: as many as it takes to have that many to choose from.

    Raises
    ------
    InputError
        When the world has not that many.
    """
    asked = {kind: _asked(folder, kind) for kind in SUBJECTS}
    until = int(pc.max(asked["transaction"]["known_at"]).as_py())
    cut = until - LEAST * WEEK
    for kind, n in zip(SUBJECTS, (n_payments, n_applications), strict=True):
        times = np.sort(asked[kind]["known_at"].to_numpy())
        times = times[times <= until]
        if len(times) <= n:
            raise InputError(expected_got(f"a world with more than {n} events of {kind}", len(times), str(folder)))
        cut = min(cut, until + (int(times[-n]) - 1 - until) // WEEK * WEEK)
    chosen: set[str] = set()
    for kind, n in zip(SUBJECTS, (n_payments, n_applications), strict=True):
        ids = _between(asked[kind], cut, until)["event_id"].to_pylist()
        chosen.update(ids[place] for place in np.linspace(0, len(ids) - 1, n).round().astype(int).tolist())
    return Plan(folder, cut, until, frozenset(chosen))


def journal_others(planned: Plan, after: int, until: int, journal: Journal, vault: Vault, client: str) -> int:
    """Journal a day's traffic but what goes over HTTP; returns the number of events new to the journal."""
    tables = {}
    for kind in KINDS:
        table = _between(pq.read_table(planned.folder / f"{kind}.parquet"), after, until).drop_columns("arrived_at")
        tables[kind] = tokenised(table.filter(pc.invert(_spoken_for(table, planned))), vault)
    return journal.append_tables(tables, client).n_new


def deliveries(planned: Plan) -> list[Delivery]:
    """What was chosen and the facts that point at it, in order of arrival."""
    sent: list[Delivery] = []
    for kind in KINDS:
        if kind != "outcome":
            sent += _of_kind(planned, kind)
    return sorted(sent, key=lambda delivery: (delivery.arrived_at, str(delivery.body["event_id"])))


def outcomes(planned: Plan) -> list[dict[str, Any]]:
    """What became known of what was chosen, as bodies for the service."""
    told = []
    for body in held_back(planned.folder, "outcome", planned.cut):
        if body["subject_event_id"] in planned.chosen:
            said: dict[str, Any] = {
                name: body[name] for name in ("subject_event_id", "code", "source", "event_id") if name in body
            }
            told.append({**said, "known_at": format_instant(body["event_time"])})
    return told


def _of_kind(planned: Plan, kind: str) -> Iterator[Delivery]:
    table = pq.read_table(planned.folder / f"{kind}.parquet")
    table = _between(table.filter(pc.equal(table["known_at"], table["arrived_at"])), planned.cut, planned.until)
    wanted = table.filter(_spoken_for(table, planned))
    arrived_at = dict(zip(wanted["event_id"].to_pylist(), wanted["known_at"].to_pylist(), strict=True))
    times = ["event_time", *(name for name, column in KINDS[kind].items() if column.type is ColumnType.TIME)]
    for body in held_back(planned.folder, kind, planned.cut, subjects=False):
        if body["event_id"] not in arrived_at:
            continue
        asked = body["event_id"] in planned.chosen
        said = {**body, **{name: format_instant(body[name]) for name in times if name in body}}
        yield Delivery(arrived_at[body["event_id"]], kind, asked, said if asked else {"kind": kind, **said})


def _spoken_for(table: pa.Table, planned: Plan) -> pa.Array:
    """Which rows were chosen, or point at one that was."""
    chosen = pa.array(sorted(planned.chosen))
    spoken = pc.is_in(table["event_id"], chosen)
    for name in (name for name in POINTERS if name in table.column_names):
        spoken = pc.or_(spoken, pc.is_in(table[name], chosen))
    return spoken


def _asked(folder: Path, kind: str) -> pa.Table:
    """Ids and first arrivals of the payments or applications that can be decided on, in order of arrival."""
    table = pq.read_table(folder / f"{kind}.parquet")
    table = table.filter(pc.equal(table["known_at"], table["arrived_at"]))
    if "stage" in table.column_names:
        table = table.filter(pc.or_kleene(pc.is_null(table["stage"]), pc.equal(table["stage"], "authorisation")))
    return table.select(["event_id", "known_at"]).sort_by([("known_at", "ascending"), ("event_id", "ascending")])


def _between(table: pa.Table, after: int, until: int) -> pa.Table:
    return table.filter(pc.and_(pc.greater(table["known_at"], after), pc.less_equal(table["known_at"], until)))
