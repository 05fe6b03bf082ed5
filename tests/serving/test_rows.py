"""Rows that are looked up and written together are those of one work after the other, each in a savepoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InputError
from domain.events import Event
from serving.books import Books
from serving.rows import Rows
from serving.work import Kind, Work
from stores.home import Home
from stores.ledger import Entry, Kept


@dataclass(frozen=True)
class Asked:
    """A work of the test: ``refused`` after its rows were added."""

    kind: Kind
    key: str
    event_id: str
    who: str
    refused: bool
    score: object


ASKED = st.builds(
    Asked,
    st.sampled_from([Kind.DECIDE, Kind.FACT, Kind.COMPLAINT]),
    st.sampled_from("abcdefgh"),
    st.sampled_from([f"e{n}" for n in range(8)]),
    st.sampled_from(["alice", "bob", "carol"]),
    st.sampled_from([False, False, True]),
    # A column that is new at first, and may come with another type.
    st.sampled_from([None, None, None, 0.5, "text"]),
)
TRANSACTIONS = st.lists(st.tuples(st.lists(ASKED, min_size=1, max_size=10), st.sampled_from([True, True, False])))


class Refused(Exception):  # noqa: N818 - it reads as what happened
    """A work that is taken back."""


def event_of(asked: Asked) -> Event:
    body: dict[str, Any] = {"customer_id": asked.who, "amount": 100, "currency": "CNY"}
    if asked.score is not None:
        body["x_score"] = asked.score
    return Event("transaction", asked.event_id, 1_000, 1_000, body, "shop")


def work_of(asked: Asked) -> Work:
    return Work(asked.kind, "shop", asked.key, b"d" * 32, 1_000, 0, None, event_of(asked))


def entry_of(asked: Asked, event: Event) -> Entry:
    return Entry(
        f"{asked.key}-{event.seq}", event.seq, "payment", "shop", event.event_id, 1_000, "none", "decline", "high",
        None, 0.25, b"{}", b"{}", None,
    )  # fmt: skip


class ByRows:
    """The way of the committer."""

    def __init__(self, books: Books) -> None:
        self.books, self.rows = books, Rows(books)

    def begin(self, batch: list[Asked]) -> None:
        assert self.rows.begin([work_of(asked) for asked in batch]) == self.books.journal.last_seq()

    def admit(self, asked: Asked) -> object:
        rows = self.rows
        rows.start(work_of(asked))
        if (stored := rows.recall("shop", asked.key)) is not None:
            rows.end()
            return stored.response
        numbered = rows.appended(rows.tokenised(event_of(asked)), checked=False)
        if numbered is None:
            raise Refused(rows.decision_on("shop", asked.event_id))
        if asked.kind is Kind.DECIDE:
            rows.decided(entry_of(asked, numbered))
        rows.answered(Kept("shop", asked.key, b"d" * 32, 200, asked.event_id.encode(), 1_000))
        if asked.refused:
            raise Refused
        rows.end()
        return numbered.seq

    def take_back(self) -> None:
        self.rows.take_back()

    def write(self) -> None:
        self.rows.write()

    def committed(self) -> None:
        self.rows.committed()


class OneByOne:
    """Each work in a savepoint, each row in a statement."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def begin(self, batch: list[Asked]) -> None:
        pass

    def admit(self, asked: Asked) -> object:
        books = self.books
        books.database.execute("SAVEPOINT work")
        if (stored := books.ledger.recall("shop", asked.key)) is not None:
            books.database.execute("RELEASE work")
            return stored.response
        (appended,) = books.journal.append_within([books.vault.tokenised(event_of(asked))])
        if not appended.new:
            first = books.ledger.by_event("shop", asked.event_id)
            raise Refused(None if first is None else first.decision_id)
        numbered = event_of(asked).numbered(appended.seq)
        if asked.kind is Kind.DECIDE:
            books.ledger.append_within([entry_of(asked, numbered)])
        books.ledger.remember_within([Kept("shop", asked.key, b"d" * 32, 200, asked.event_id.encode(), 1_000)])
        if asked.refused:
            raise Refused
        books.database.execute("RELEASE work")
        return numbered.seq

    def take_back(self) -> None:
        self.books.database.execute("ROLLBACK TO work; RELEASE work")

    def write(self) -> None:
        pass

    def committed(self) -> None:
        pass


class Failed(Exception):  # noqa: N818 - as above
    """A transaction of which nothing is kept."""


def told(way: ByRows | OneByOne, transactions: list[tuple[list[Asked], bool]]) -> list[object]:
    """What everybody is told."""
    answers: list[object] = []
    for batch, kept in transactions:
        try:
            with way.books.database.transaction():
                way.begin(batch)
                for asked in batch:
                    try:
                        answers.append(way.admit(asked))
                    except Refused as refused:
                        way.take_back()
                        answers.append(str(refused))
                    except InputError:
                        way.take_back()
                        answers.append("input")
                way.write()
                if not kept:
                    raise Failed
        except Failed:
            continue
        way.committed()
    return answers


def kept(books: Books) -> dict[str, list[tuple[Any, ...]]]:
    """Every row, without what is drawn by chance."""
    database = books.database
    tables = {
        "event": database.execute("SELECT * FROM event"),
        "idempotency": database.execute("SELECT * FROM idempotency"),
        "extension": database.execute("SELECT * FROM extension"),
        "alert": database.execute("SELECT * FROM alert"),
    }
    tables["event"] = [row[:6] for row in tables["event"]]
    tables["decision"] = [row[:-1] for row in database.execute("SELECT * FROM decision ORDER BY n_link")]
    tables["subject"] = database.execute("SELECT lookup FROM subject ORDER BY lookup")
    return tables


@contextmanager
def opened(folder: Path) -> Iterator[Books]:
    # The same keys for both, so that hashes are the same.
    books = Books.open(Home(folder), {"ASSAY_CHAIN_KEY": "11" * 32, "ASSAY_VAULT_KEY": "22" * 32}, 1.0)
    try:
        yield books
    finally:
        books.close()


@given(TRANSACTIONS)
@settings(max_examples=60, deadline=None)
def test_many_together_are_what_each_alone_would_be(
    tmp_path_factory: pytest.TempPathFactory, transactions: list[tuple[list[Asked], bool]]
) -> None:
    root = tmp_path_factory.mktemp("rows")
    with opened(root / "a") as together, opened(root / "b") as alone:
        assert told(ByRows(together), transactions) == told(OneByOne(alone), transactions)
        assert kept(together) == kept(alone)
        assert together.ledger.verify() == alone.ledger.verify() == []
        # Every token of the journal is one that the vault still finds.
        known = {together.vault.token("customer_id", who) for who in ("alice", "bob", "carol")}
        used = {row["customer_id"] for row in together.journal.read("transaction").to_pylist()}
        assert used <= known


def test_what_another_connection_writes_between_two_transactions_is_seen(tmp_path: Path) -> None:
    first = Asked(Kind.DECIDE, "a", "e1", "alice", False, None)
    with opened(tmp_path) as books, opened(tmp_path) as others:
        way = ByRows(books)
        assert told(way, [([first], True)]) == [1]
        others.journal.append([Event("transaction", "theirs", 1, 1, {"amount": 1, "currency": "CNY"}, "import")])
        with others.database.transaction():
            others.ledger.append_within([entry_of(first, Event("transaction", "theirs", 1, 1, {}, "import", 2))])
        second = Asked(Kind.DECIDE, "b", "e2", "alice", False, None)
        assert told(way, [([second], True)]) == [3]
        assert books.ledger.verify() == []
        assert books.ledger.head()[0] == 3
