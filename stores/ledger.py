"""The ledger of decisions: each a link in a keyed hash chain, beside the answers kept for retries.

    link(n) = HMAC-SHA256(chain key, link(n - 1) || msgpack [n, every column of row n])

An edit, a swap or a deletion inside the chain breaks a link. What is cut off its end is only seen
against an anchor: the head, written to a file outside the store.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from domain.errors import DataError, expected_got
from stores.anchors import add_anchor, read_anchors
from stores.chain import Head, Linked, chain_faults, link_of, start_of_chain
from stores.database import Database
from stores.keyed_hash import KeyedHash
from stores.many_rows import insert_rows, select_matching

_SCHEMA = pa.schema(
    [
        ("n_link", pa.int64()),
        ("decision_id", pa.string()),
        ("seq", pa.int64()),
        ("product", pa.string()),
        ("client", pa.string()),
        ("event_id", pa.string()),
        ("decided_at", pa.int64()),
        ("model", pa.string()),
        ("action", pa.string()),
        ("risk_grade", pa.string()),
        ("raw_score", pa.float64()),
        ("score", pa.float64()),
        ("body", pa.binary()),
        ("timings", pa.binary()),
        ("vector", pa.binary()),
    ]
)


LINKED_SCHEMA = _SCHEMA.append(pa.field("link", pa.binary()))
"""A decision with its link, as it is exported."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as it is kept.

    Parameters
    ----------
    seq : place of the decided event in the journal.
    decided_at : µs UTC.
    model : hash of the bundle, or a word saying that none was used.
    raw_score, score : raw log-odds and calibrated probability; None when no model was used.
    body : canonical JSON of the decision, the bytes that a replay must reproduce.
    timings : JSON of stage times in µs.
    vector : little-endian float64 of the encoded features; None when features were not read.
    """

    decision_id: str
    seq: int
    product: str
    client: str
    event_id: str
    decided_at: int
    model: str
    action: str
    risk_grade: str
    raw_score: float | None
    score: float | None
    body: bytes
    timings: bytes
    vector: bytes | None

    @property
    def response(self) -> bytes:
        """The answer to who asked for the decision: its canonical body, with the timings at the end."""
        return _response(self.body, self.timings)


def _response(body: bytes, timings: bytes) -> bytes:
    return body[:-1] + b',"timings_us":' + timings + b"}"


_COLUMNS = tuple(column.name for column in fields(Entry))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM decision"  # noqa: S608 - names of a dataclass


_ITEM = "\x1f"


def item_key(key: str, place: int) -> str:
    r"""The key of one item of a batch; no client can send it, since a key is printable.

    Examples
    --------
    >>> item_key("batch-7", 2)
    'batch-7\x1f2'
    """
    return f"{key}{_ITEM}{place}"


@dataclass(frozen=True, slots=True)
class Decided:
    """That an event was decided on, and when (µs UTC)."""

    seq: int
    decision_id: str
    decided_at: int


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer kept for a retry; ``request`` is the SHA-256 of route and body."""

    request: bytes
    status: int
    response: bytes


class Kept(NamedTuple):
    """An answer as it is kept: who may ask for it again, `Stored`, and when it was given (µs UTC).

    ``n_link`` is that of the decision which was answered with `Entry.response`; None for any other answer.
    """

    client: str
    key: str
    request: bytes
    status: int
    response: bytes
    created_at: int
    n_link: int | None = None


class Ledger:
    """Append, read and verify decisions; nothing here is ever updated.

    Parameters
    ----------
    database : the connection that owns the transaction.
    chain_key : 32 bytes kept outside the store.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> ledger.head()[0], ledger.verify()
    (0, [])
    """

    def __init__(self, database: Database, chain_key: bytes) -> None:
        self.database = database
        self._key = chain_key
        self._keyed = KeyedHash(chain_key)

    # --------------------------------------------------------------- decisions

    def append_within(self, entries: Sequence[Entry]) -> None:
        """Append inside the caller's transaction, in the order given.

        Raises
        ------
        DataError
            When a score is not finite: it could not be read back as it was linked.
        """
        head, rows = self.head(), []
        for entry in entries:
            head, row = self.linked_after(head, entry)
            rows.append(row)
        self.insert_within(rows)

    def linked_after(self, head: tuple[int, bytes], entry: Entry) -> tuple[tuple[int, bytes], tuple[Any, ...]]:
        """The head once an entry follows it, and the row to `insert_within`.

        Raises
        ------
        DataError
            As `append_within`.
        """
        n_link, row = head[0] + 1, _row(entry)
        link = self._link(head[1], n_link, row)
        return (n_link, link), (n_link, *row, link)

    def insert_within(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows of `linked_after` inside the caller's transaction."""
        insert_rows(self.database.connection, "decision", rows)

    def get(self, decision_id: str) -> Entry | None:
        """The decision of an id, None when there is none."""
        row = self.database.maybe(f"{_SELECT} WHERE decision_id = ?", (decision_id,))
        return None if row is None else Entry(*row)

    def by_event(self, client: str, event_id: str) -> Entry | None:
        """The decision on a client's event, None when there is none."""
        row = self.database.maybe(
            f"{_SELECT} WHERE seq = (SELECT seq FROM event WHERE event_id = ? AND client = ?)",  # noqa: S608 - as above
            (event_id, client),
        )
        return None if row is None else Entry(*row)

    def read(self, product: str, *, since: int | None = None, until: int | None = None) -> pa.Table:
        """Decisions of a product with ``since <= decided_at < until`` (µs UTC), in chain order, without links."""
        rows = self.database.execute(
            f"SELECT {', '.join(_SCHEMA.names)} FROM decision "  # noqa: S608 - names of a schema
            "WHERE product = ? AND decided_at >= ? AND decided_at < ? ORDER BY n_link",
            (product, -(2**62) if since is None else since, 2**62 if until is None else until),
        )
        columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)

    def decided(self, product: str) -> tuple[list[int], set[str]]:
        """The ``seq`` of every event of a product that was decided on, and the clients that asked."""
        rows = self.database.execute("SELECT seq, client FROM decision WHERE product = ? ORDER BY seq", (product,))
        return [seq for seq, _ in rows], {client for _, client in rows}

    def between(self, product: str, after: int, upto: int) -> list[Decided]:
        """Decisions of a product on events with ``after < seq <= upto``, in that order."""
        rows = self.database.execute(
            "SELECT seq, decision_id, decided_at FROM decision WHERE seq > ? AND seq <= ? AND product = ? ORDER BY seq",
            (after, upto, product),
        )
        return [Decided(*row) for row in rows]

    def declined(self) -> set[int]:
        """The ``seq`` of every event that was declined: what it asked for did not happen."""
        return {seq for (seq,) in self.database.execute("SELECT seq FROM decision WHERE action = 'decline'")}

    # ------------------------------------------------------------- idempotency

    def recall(self, client: str, key: str) -> Stored | None:
        """The answer a client got under a key, None when the key is new."""
        return self.recall_many([(client, key)]).get((client, key))

    def recall_many(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """The answers that are kept under some of many (client, key)."""
        found = {}
        for client, key, request, status, response, n_link in select_matching(
            self.database.connection, ", ".join(Kept._fields[:5]) + ", n_link", "idempotency", ("client", "key"), wanted
        ):
            if n_link is not None:
                kept = self.database.one("SELECT body, timings FROM decision WHERE n_link = ?", (n_link,))
                response = _response(*kept)
            found[client, key] = Stored(request, status, response)
        return found

    def remember_within(self, answers: Sequence[Kept]) -> None:
        """Keep answers inside the caller's transaction."""
        # A decision's answer lies in the ledger already: it was half of what a decision wrote.
        rows = [kept if kept.n_link is None else kept._replace(response=b"") for kept in answers]
        insert_rows(self.database.connection, "idempotency", rows)

    def forget_within(self, before: int) -> None:
        """Drop answers kept since before a time (µs UTC); decisions stay."""
        self.database.execute("DELETE FROM idempotency WHERE created_at < ?", (before,))

    def forget_items_within(self, client: str, key: str) -> None:
        """Drop the answers to the items of a batch (`item_key`), whose answer is kept as a whole."""
        self.database.execute(
            "DELETE FROM idempotency WHERE client = ? AND key >= ? AND key < ?",
            (client, f"{key}{_ITEM}", f"{key}{chr(ord(_ITEM) + 1)}"),
        )

    # --------------------------------------------------------------- artifacts

    def put_artifact_within(self, kind: str, content: bytes) -> str:
        """Keep content under its SHA-256, once; returns the hash that decisions cite."""
        digest = hashlib.sha256(content).hexdigest()
        self.database.execute("INSERT OR IGNORE INTO artifact VALUES (?, ?, ?)", (digest, kind, content))
        return digest

    def artifact(self, digest: str) -> bytes:
        """Content by its hash.

        Raises
        ------
        DataError
            When it is absent or was altered.
        """
        row = self.database.maybe("SELECT content FROM artifact WHERE hash = ?", (digest,))
        if row is None:
            raise DataError(expected_got("an artifact of the ledger", digest, str(self.database.path)))
        content: bytes = row[0]
        if hashlib.sha256(content).hexdigest() != digest:
            raise DataError(f"{self.database.path}: artifact {digest[:12]}…: expected its own content, it was altered")
        return content

    # ------------------------------------------------------------------- chain

    @property
    def key(self) -> bytes:
        """The chain key, for what is sealed beside the chain."""
        return self._key

    @property
    def start(self) -> bytes:
        """What stands before the first link."""
        return start_of_chain(self._key)

    def head(self) -> tuple[int, bytes]:
        """Number and link of the newest decision; 0 and the start of the chain when there is none."""
        row = self.database.maybe("SELECT n_link, link FROM decision ORDER BY n_link DESC LIMIT 1")
        return (0, self.start) if row is None else (int(row[0]), row[1])

    def anchor(self, where: str | Path, at: int = 0, acts: Head | None = None) -> int:
        """Write the head down outside the store (`stores.anchors`); returns its number.

        Parameters
        ----------
        at : now in µs UTC, for the reader.
        acts : the head of the acts (`Acts.to_anchor`), written down beside it.
        """
        n_link, link = self.head()
        add_anchor(where, (n_link, link.hex()), at, acts)
        return n_link

    def linked(self) -> Iterator[Linked]:
        """Number, link and columns of every decision, in the order of the chain."""
        cursor = self.database.connection.execute(
            f"SELECT n_link, link, {', '.join(_COLUMNS)} FROM decision ORDER BY n_link"  # noqa: S608 - as above
        )
        for n_link, link, *row in cursor:
            yield n_link, link, tuple(row)

    def verify(self, anchor: str | Path | None = None) -> list[str]:
        """What is wrong with the chain, empty when all is well.

        Without an anchor a cut-off end cannot be told; with one, every head in it must still be there.

        Raises
        ------
        DataError
            When the anchor is absent or unreadable.
        """
        heads = [] if anchor is None else read_anchors(anchor)
        with self.database.reading():
            faults, _ = chain_faults(self._key, self.linked(), heads, anchor)
            return faults + self._altered_artifacts()

    def link_holds(self, decision_id: str) -> tuple[int, bool]:
        """Number of a decision's link, and whether its bytes and the link before it give it again.

        It says nothing of the rest of the chain: `verify` walks all of it.

        Raises
        ------
        DataError
            When the ledger does not know the decision.
        """
        row = self.database.maybe(
            f"SELECT n_link, link, {', '.join(_COLUMNS)} FROM decision WHERE decision_id = ?",  # noqa: S608 - as above
            (decision_id,),
        )
        if row is None:
            raise DataError(expected_got("a decision of the ledger", decision_id, str(self.database.path)))
        n_link, stored, *values = row
        before = self.database.maybe("SELECT link FROM decision WHERE n_link = ?", (n_link - 1,))
        previous = self.start if n_link == 1 else None if before is None else before[0]
        holds = previous is not None and hmac.compare_digest(self._link(previous, n_link, tuple(values)), stored)
        return n_link, holds

    def artifacts(self) -> Iterator[tuple[str, str, bytes]]:
        """Hash, kind and content of everything that decisions cite."""
        yield from self.database.connection.execute("SELECT hash, kind, content FROM artifact ORDER BY hash")

    def _altered_artifacts(self) -> list[str]:
        return [
            f"artifact {digest[:12]}… ({kind}): expected its own content, it was altered"
            for digest, kind, content in self.artifacts()
            if hashlib.sha256(content).hexdigest() != digest
        ]

    def _link(self, previous: bytes, n_link: int, row: Sequence[Any]) -> bytes:
        return link_of(self._keyed, previous, n_link, row)


def _row(entry: Entry) -> tuple[Any, ...]:
    values = [getattr(entry, name) for name in _COLUMNS]
    for place in (_COLUMNS.index("raw_score"), _COLUMNS.index("score")):
        number = values[place]
        if number is not None:
            if not math.isfinite(number):
                raise DataError(expected_got("a finite number", number, f"decision {_COLUMNS[place]}"))
            # SQLite keeps no negative zero, and the link must hold after reading back.
            values[place] = float(number) + 0.0
    return tuple(values)
