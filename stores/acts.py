"""Acts: what people did about decisions, only ever appended, each a link in a keyed hash chain of its own.

    link(n) = HMAC-SHA256(chain key, link(n - 1) || msgpack [n, every column of row n])

An appeal, a verdict, the disposition of an alert or a turn of the kill switch never changes a decision: it stands
beside it. Free text lies sealed elsewhere (`stores.sealing`); an act holds its id and a keyed mark of its words, so
that the text can be encrypted anew, or erased, and can still not be exchanged.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import DataError, expected_got
from stores.anchors import read_act_anchors
from stores.chain import Head, link_of
from stores.database import Database
from stores.keyed_hash import KeyedHash

_GENESIS = b"assay acts 1"
_COLUMNS = "act_id, kind, subject, at, actor, body"


@dataclass(frozen=True, slots=True)
class Act:
    """One act.

    Parameters
    ----------
    kind : what was done, such as ``review_asked``. subject : the decision it is about, or a word.
    at : µs UTC. actor : the client or person who did it. body : what else there is to know, JSON.
    """

    act_id: str
    kind: str
    subject: str
    at: int
    actor: str
    body: Mapping[str, Any]
    n_link: int = 0


class Acts:
    """Append, read and verify acts; nothing here is ever updated.

    Parameters
    ----------
    database : the connection that owns the transaction.
    chain_key : 32 bytes kept outside the store; the ledger's.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> acts = Acts(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> acts.append_within(Act("a1", "review_asked", "d1", 5, "checkout", {"asked_by": "customer"}))
    1
    >>> [(act.kind, act.n_link) for act in acts.about("d1")], acts.verify()
    ([('review_asked', 1)], [])
    """

    def __init__(self, database: Database, chain_key: bytes) -> None:
        self.database = database
        self._key = hmac.digest(chain_key, _GENESIS, "sha256")
        self._keyed = KeyedHash(self._key)

    def append_within(self, act: Act) -> int:
        """Append inside the caller's transaction; returns its place in the chain."""
        n_link, link = self.head()
        body = msgspec.json.encode(act.body, order="sorted")
        row = (act.act_id, act.kind, act.subject, act.at, act.actor, body)
        self.database.execute(
            "INSERT INTO act VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (n_link + 1, *row, self._link(link, n_link + 1, row))
        )
        return n_link + 1

    def about(self, subject: str) -> list[Act]:
        """Everything done about a subject, oldest first."""
        return self._read("WHERE subject = ? ORDER BY n_link", (subject,))

    def of(self, kind: str, *, after: int = 0, limit: int = 1_000) -> list[Act]:
        """Acts of a kind behind a place in the chain, oldest first."""
        return self._read("WHERE kind = ? AND n_link > ? ORDER BY n_link LIMIT ?", (kind, after, limit))

    def newest(self, kind: str) -> Act | None:
        """The last act of a kind."""
        found = self._read("WHERE kind = ? ORDER BY n_link DESC LIMIT 1", (kind,))
        return found[0] if found else None

    def mark(self, text: str) -> str:
        """The keyed mark of a text that is kept elsewhere."""
        return hmac.digest(self._key, b"text\0" + text.encode(), "sha256").hex()

    def head(self) -> tuple[int, bytes]:
        """Number and link of the newest act; 0 and the start of the chain when there is none."""
        row = self.database.maybe("SELECT n_link, link FROM act ORDER BY n_link DESC LIMIT 1")
        return (0, self._key) if row is None else (int(row[0]), row[1])

    def to_anchor(self) -> Head | None:
        """The head to write down outside; None while there is no act: before the first stands a key."""
        n_link, link = self.head()
        return (n_link, link.hex()) if n_link else None

    def verify(self, anchor: str | Path | None = None) -> list[str]:
        """What is wrong with the chain, empty when all is well.

        Without an anchor a cut-off end cannot be told; with one, every head of the acts in it must still be there.

        Raises
        ------
        DataError
            When the anchor is absent or unreadable.
        """
        heads: dict[int, set[str]] = {}
        for n_head, head in [] if anchor is None else read_act_anchors(anchor):
            heads.setdefault(n_head, set()).add(head)
        faults = []
        expected, link = 0, self._key
        with self.database.reading():
            for n_link, stored, *row in self.database.execute(
                f"SELECT n_link, link, {_COLUMNS} FROM act ORDER BY n_link"  # noqa: S608 - our own names
            ):
                if n_link != expected + 1:
                    faults.append(f"act {expected + 1}: expected an act, got {n_link} next: deleted")
                if not hmac.compare_digest(self._link(link, n_link, tuple(row)), stored):
                    faults.append(
                        f"act {n_link}: expected the hash of {row[0]} and the link before it, got another: "
                        "edited, moved, or its neighbour deleted"
                    )
                faults += [
                    f"act {n_link}: expected {head[:12]}… as anchored, got {stored.hex()[:12]}…"
                    for head in sorted(heads.pop(n_link, set()) - {stored.hex()})
                ]
                expected, link = n_link, stored
        faults += [
            f"act {n_link}: anchored in {anchor}, "
            + ("deleted" if n_link <= expected else f"the chain ends at {expected}: cut off")
            for n_link in sorted(heads)
        ]
        return faults

    def _read(self, where: str, values: tuple[Any, ...]) -> list[Act]:
        rows = self.database.execute(f"SELECT {_COLUMNS}, n_link FROM act {where}", values)  # noqa: S608 - as above
        return [
            Act(act_id, kind, subject, at, actor, _body(body, act_id), n_link)
            for act_id, kind, subject, at, actor, body, n_link in rows
        ]

    def _link(self, previous: bytes, n_link: int, row: tuple[Any, ...]) -> bytes:
        return link_of(self._keyed, previous, n_link, row)


def _body(content: bytes, act_id: str) -> Mapping[str, Any]:
    try:
        body = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise DataError(expected_got("the JSON of an act", error, act_id)) from error
    return body
