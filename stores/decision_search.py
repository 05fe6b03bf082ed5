"""Search over past decisions, newest first, in pages; by customer through the tokens in the journal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import apsw
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import Unavailable
from stores.database import Database
from stores.journal import Journal

_PEOPLE = {"transaction": ("customer_id",), "application": ("borrower_id", "customer_id")}
_FOUND = "n_link, decision_id, product, client, event_id, decided_at, action, risk_grade, score, model"
_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None is anything.

    Parameters
    ----------
    since, until : µs UTC of the decision, until excluded. customer : the token of a person. before : place in the
        chain behind which (towards the past) the page begins.
    """

    product: str | None = None
    since: int | None = None
    until: int | None = None
    action: str | None = None
    risk_grade: str | None = None
    client: str | None = None
    customer: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One decision of a page, in short."""

    n_link: int
    decision_id: str
    product: str
    client: str
    event_id: str
    decided_at: int
    action: str
    risk_grade: str
    score: float | None
    model: str


def search(journal: Journal, wanted: Wanted, *, limit: int, seconds: float = 2.0) -> list[Found]:
    """At most ``limit`` decisions.

    Raises
    ------
    Unavailable
        When it takes longer than ``seconds``: a narrower search is needed.
    """
    conditions, values = _conditions(wanted)
    database = journal.database
    with database.reading(), _within(database, seconds):
        if wanted.customer is not None:
            conditions.append("seq IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(_of_customer(journal, wanted)))
        rows = database.execute(
            f"SELECT {_FOUND} FROM decision WHERE {' AND '.join(conditions)} "  # noqa: S608 - our own names
            "ORDER BY n_link DESC LIMIT ?",
            (*values, limit),
        )
    return [Found(*row) for row in rows]


def _conditions(wanted: Wanted) -> tuple[list[str], list[object]]:
    conditions, values = ["1"], list[object]()
    for condition, value in (
        ("product = ?", wanted.product),
        ("decided_at >= ?", wanted.since),
        ("decided_at < ?", wanted.until),
        ("action = ?", wanted.action),
        ("risk_grade = ?", wanted.risk_grade),
        ("client = ?", wanted.client),
        ("n_link < ?", wanted.before),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return conditions, values


def _of_customer(journal: Journal, wanted: Wanted) -> list[int]:
    """The ``seq`` of every payment or application of a person: two columns read, no index to keep."""
    seqs: list[int] = []
    for kind, columns in _PEOPLE.items():
        table = journal.read(kind, columns=["seq", *columns])
        for column in columns:
            mine = table.filter(pc.equal(table[column].cast(pa.string()), wanted.customer))
            seqs += mine["seq"].to_pylist()
    return sorted(set(seqs))


@contextmanager
def _within(database: Database, seconds: float) -> Iterator[None]:
    """Give a statement so long and no longer."""
    end = time.monotonic() + seconds
    database.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    except apsw.InterruptError:
        raise Unavailable(f"search: expected to end within {seconds:g} s, it did not; narrow it by time") from None
    finally:
        database.connection.set_progress_handler(None)
