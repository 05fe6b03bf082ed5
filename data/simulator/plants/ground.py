"""The ground that trouble is planted in: tables of a simulation, to which rows are added, or some are changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.simulator.simulation import Simulation
from domain.time import SECOND

Draft = dict[str, Any]
"""One event in the making: column → value, with raw identifiers."""

_PEOPLE = ("customer_id", "card_id", "account_id", "device_id", "ip_id", "merchant_id", "terminal_id", "payee_id")
_ORDER = [("known_at", "ascending"), ("event_time", "ascending"), ("event_id", "ascending")]


@dataclass
class Ground:
    """Tables of a simulation while plants are put into it.

    Parameters
    ----------
    name : of the plant at work; it begins the ids of what is added and is the story in the truth.
    """

    tables: dict[str, pa.Table]
    truth: pa.Table
    random: np.random.Generator
    end: int
    name: str = "planted"

    @classmethod
    def of(cls, simulation: Simulation) -> Ground:
        """The tables as they are."""
        random = simulation.settings.random("plants")
        return cls(dict(simulation.tables), simulation.truth, random, simulation.end)

    def into(self, simulation: Simulation) -> Simulation:
        """The simulation with what was planted, in order of arrival again."""
        tables = {kind: table.sort_by(_ORDER).combine_chunks() for kind, table in self.tables.items()}
        return replace(simulation, tables=tables, truth=self.truth)

    # ---------------------------------------------------------------- looking

    def payments(self, since: int, until: int, **equal: str) -> pa.Table:
        """Authorised payments with ``since <= event_time < until`` and the given values, in order of time."""
        table = self.tables["transaction"]
        keep = pc.and_(pc.greater_equal(table["event_time"], since), pc.less(table["event_time"], until))
        keep = pc.and_(keep, pc.or_kleene(pc.is_null(table["stage"]), pc.equal(table["stage"], "authorisation")))
        for name, value in equal.items():
            keep = pc.and_kleene(keep, pc.equal(table[name], value))
        return table.filter(keep).sort_by(_ORDER)

    def drawn(self, table: pa.Table, n: int) -> list[Draft]:
        """Rows drawn at random, again and again where there are fewer than asked for."""
        rows = self.random.choice(table.num_rows, size=n, replace=n > table.num_rows)
        drafts: list[Draft] = table.take(pa.array(np.sort(rows))).to_pylist()
        return drafts

    # ---------------------------------------------------------------- planting

    def pay(self, drafts: Iterable[Mapping[str, Any]], *, positive: bool) -> list[Draft]:
        """Add payments that look like any others; each arrives a moment after it happened."""
        made = [self._payment(draft) for draft in drafts]
        made = [draft for draft in made if draft["known_at"] < self.end]
        self._add("transaction", made)
        truth = [
            {"event_id": draft["event_id"], "kind": "transaction", "story": self.name, "incident": None,
             "positive": positive}
            for draft in made
        ]  # fmt: skip
        self.truth = pa.concat_tables([self.truth, pa.Table.from_pylist(truth, schema=self.truth.schema)])
        return made

    def tell(self, payments: Iterable[Mapping[str, Any]], code: str, source: str, after: int, spread: float) -> None:
        """Add an outcome of each payment, known a log-normal while after it; what would be known later stays unknown.

        Parameters
        ----------
        after : median delay in µs. spread : of its logarithm.
        """
        told = []
        for payment in payments:
            known_at = payment["known_at"] + int(after * np.exp(self.random.normal(0, spread)))
            told.append(
                {
                    **{name: payment[name] for name in (*_PEOPLE, "amount", "currency")},
                    "event_id": f"{self.name}-outcome-{payment['event_id']}",
                    "event_time": known_at, "known_at": known_at,
                    "subject_event_id": payment["event_id"], "subject_kind": "transaction",
                    "subject_time": payment["event_time"], "code": code, "source": source, "borrower_id": None,
                }
            )  # fmt: skip
        self._add("outcome", [each for each in told if each["known_at"] < self.end])

    def complain(self, drafts: Iterable[Mapping[str, Any]]) -> None:
        """Add complaints, given their customer, class and time."""
        empty = dict.fromkeys(self.tables["complaint"].schema.names)
        made = [
            {**empty, **draft, "event_id": f"{self.name}-{number}", "known_at": draft["event_time"] + SECOND}
            for number, draft in enumerate(drafts)
        ]
        self._add("complaint", made)

    def changed(self, kind: str, rows: np.ndarray[Any, np.dtype[np.bool_]], column: str, values: Any) -> None:
        """Put new values into one column of the rows under a mask, ``values`` as long as the table."""
        table = self.tables[kind]
        made = pc.if_else(pa.array(rows), pa.array(values, table.schema.field(column).type), table[column])
        self.tables[kind] = table.set_column(table.column_names.index(column), column, made)

    def _payment(self, draft: Mapping[str, Any]) -> Draft:
        number = int(self.random.integers(1 << 48))
        known_at = draft["event_time"] + int(SECOND * 0.2 * np.exp(self.random.normal(0, 0.5)))
        return {**draft, "event_id": f"{self.name}-{number:012x}", "known_at": known_at, "links_to": None}

    def _add(self, kind: str, drafts: list[Draft]) -> None:
        table = self.tables[kind]
        self.tables[kind] = pa.concat_tables([table, pa.Table.from_pylist(drafts, schema=table.schema)])
