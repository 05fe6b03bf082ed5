"""Whole tables into the journal: straight into segments, a part at a time, so that who decides beside it waits for one.

    shape all ──▶ move older rows of these kinds ──▶ order ──▶ part ── rest ──▶ part ── rest ──▶ …

A part is a transaction: identities, numbers, and a segment of each kind.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from domain.errors import Unavailable
from stores.database import Database
from stores.schema import extension_type
from stores.table_shape import in_order, shaped_for
from stores.tail import Tail

PART_ROWS = 20_000
"""Rows of tables that are added in one transaction: whoever decides waits for them."""
REST_SECONDS = 0.05
"""Between two of them: who waits for the lock asks for it every 25 ms by then."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a table append did; ``kinds`` counts what was new, kind by kind."""

    n_new: int
    n_duplicate: int
    last_seq: int
    kinds: Mapping[str, int] = field(default_factory=dict)


class TableAppend:
    """Append tables; see `Journal.append_tables`.

    Parameters
    ----------
    part_rows, rest : rows that are added in one transaction, and seconds between two of them.
    """

    def __init__(self, database: Database, tail: Tail, part_rows: int, rest: float) -> None:
        self._database = database
        self._tail = tail
        self._part_rows = part_rows
        self._rest = rest

    def append(self, tables: Mapping[str, pa.Table], client: str, arrival: Mapping[str, str]) -> Batch:
        """Append all of it; what was new, and what was not."""
        kinds = [kind for kind, table in tables.items() if table.num_rows]
        shaped = {kind: shaped_for(kind, tables[kind], client, self._tail.extensions(kind)) for kind in kinds}
        told = Batch(0, 0, self._tail.last_seq())
        if not kinds:
            return told
        # Older rows of these kinds move first, so that segments, then tail, stay in the order of seq.
        while self._tail.flush(kinds, self._part_rows) == self._part_rows:
            time.sleep(self._rest)
        index = in_order(shaped)
        for first in range(0, index.num_rows, self._part_rows):
            if first:
                time.sleep(self._rest)
            try:
                batch = self._append_part(shaped, index.slice(first, self._part_rows), client, arrival)
            except Unavailable as error:
                if not told.n_new:
                    raise
                raise Unavailable(
                    f"{error} of what was left; {told.n_new:,} events are in the journal, the same again adds the rest"
                ) from error
            told = _both(told, batch)
        return told

    def _append_part(
        self, shaped: Mapping[str, pa.Table], index: pa.Table, client: str, arrival: Mapping[str, str]
    ) -> Batch:
        with self._database.transaction_between():
            # What came since: a part of it has its place before this one.
            self._tail.flush_within(shaped)
            batch = self._append_shaped(shaped, index, client)
            if batch.n_new:
                told = json.dumps({kind: how for kind, how in arrival.items() if kind in batch.kinds})
                span = (batch.last_seq - batch.n_new + 1, batch.last_seq)
                self._database.execute("INSERT INTO table_append VALUES (?, ?, ?, ?)", (*span, client, told))
            return batch

    def _append_shaped(self, shaped: Mapping[str, pa.Table], index: pa.Table, client: str) -> Batch:
        # 1. Keep the first of each id, and only ids the journal does not know yet.
        kinds = list(shaped)
        ids = index["event_id"].to_pylist()
        execute = self._database.connection.execute
        execute("CREATE TEMP TABLE IF NOT EXISTS arriving (place INTEGER PRIMARY KEY, event_id TEXT NOT NULL)")
        execute("DELETE FROM arriving")
        self._database.connection.executemany("INSERT INTO arriving VALUES (?, ?)", enumerate(ids))
        fresh = [
            place
            for (place,) in execute(
                "SELECT min(place) FROM arriving WHERE NOT EXISTS "
                "(SELECT 1 FROM event WHERE event.event_id = arriving.event_id AND event.client = ?) "
                "GROUP BY event_id ORDER BY 1",
                (client,),
            )
        ]
        execute("DELETE FROM arriving")
        index = index.take(pa.array(fresh, pa.int64()))
        # 2. Number them and record identities; the bodies go to one segment per kind.
        first = self._tail.last_seq() + 1
        seq = np.arange(first, first + len(fresh), dtype=np.int64)
        codes = index["kind"].to_numpy()
        rows = index["row"].to_numpy()
        self._database.connection.executemany(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, NULL)",
            zip(
                seq.tolist(), index["event_id"].to_pylist(), [client] * len(fresh), [kinds[code] for code in codes],
                index["event_time"].to_pylist(), index["known_at"].to_pylist(), strict=True,
            ),
        )  # fmt: skip
        added = {}
        for code, kind in enumerate(kinds):
            mine = codes == code
            if not mine.any():
                continue
            added[kind] = int(mine.sum())
            table = shaped[kind].take(pa.array(rows[mine]))
            table = table.set_column(table.column_names.index("seq"), "seq", pa.array(seq[mine]))
            self._tail.register(
                kind,
                {n: extension_type(kind, n, table[n].type) for n in table.column_names if n.startswith("x_")},
            )
            self._tail.add_segment(kind, table)
        return Batch(len(fresh), len(ids) - len(fresh), first + len(fresh) - 1, added)


def _both(told: Batch, batch: Batch) -> Batch:
    kinds = dict(Counter(told.kinds) + Counter(batch.kinds))
    return Batch(told.n_new + batch.n_new, told.n_duplicate + batch.n_duplicate, batch.last_seq, kinds)
