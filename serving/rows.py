"""The rows of the committer's transaction: asked for together before its works, written together after them.

    begin     what was answered before, which events are known, which identifiers have tokens: one statement each
    a work    sees all that and what the works before it have added; a refusal takes its own rows back
    write     identifiers, events, decisions, answers: one statement each, before COMMIT

A work that reads the stores itself, as most of what people do, has all rows written before it, and its own at once
(it goes through): a savepoint then takes back what a refusal leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.events import ColumnType, Event, check_event
from serving.books import Books
from serving.tokens import Tokens
from serving.work import Kind, Work
from stores.journal import extensions_of
from stores.ledger import Entry, Kept, Stored

_TOGETHER = frozenset({Kind.DECIDE, Kind.FACT, Kind.BEGIN, Kind.WARM_UP})
"""Works that read nothing but what is asked for beforehand."""

Named = tuple[str, str]
"""A client, with one of its keys or event ids."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far the rows went when a work began."""

    n_tokens: int
    n_events: int
    n_decisions: int
    n_answers: int
    head: tuple[int, bytes]


class Rows:
    """Look up and write for one transaction after the other; for the committer's thread.

    Parameters
    ----------
    books : whose connection has the transaction.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self._tokens = Tokens(books.vault)
        self._version: int | None = None
        """Of the data at the last transaction that was committed; None when it is not known."""
        self._last_seq = 0
        self._head = (0, b"")
        self._extensions: dict[str, dict[str, ColumnType]] = {}
        self._seqs: dict[Named, int | None] = {}
        self._kept: dict[Named, Stored | None] = {}
        """What was asked of the stores in this transaction, None where nothing was found, and what was added since."""
        self._events: list[Event] = []
        self._decisions: list[tuple[Entry, tuple[object, ...]]] = []
        self._answers: list[Kept] = []
        self._mark = _Mark(0, 0, 0, 0, self._head)
        self._through = False
        self._begun_at = 0

    # ------------------------------------------------------------ transactions

    def begin(self, works: Sequence[Work]) -> int:
        """Start a transaction for these works; returns the newest ``seq`` of the journal."""
        books = self._books
        version = int(books.database.one("PRAGMA data_version")[0])
        if version != self._version:
            self._last_seq, self._head = books.journal.last_seq(), books.ledger.head()
            self._extensions.clear()
        self._version = None
        for waiting in (self._events, self._decisions, self._answers):
            waiting.clear()
        self._through = False
        asked = [(work.client, work.key) for work in works]
        self._kept = {**dict.fromkeys(asked), **books.ledger.recall_many(asked)}
        events = [work.event for work in works if work.event is not None]
        named = [(event.client, event.event_id) for event in events]
        self._seqs = {**dict.fromkeys(named), **books.journal.seqs_of(named)}
        self._tokens.begin(version, events)
        self._begun_at = version
        return self._last_seq

    def write(self) -> None:
        """Write whatever waits."""
        self._tokens.write()
        if self._events:
            self._books.journal.insert_within(self._events)
            self._events.clear()
        if self._decisions:
            self._books.ledger.insert_within([row for _, row in self._decisions])
            self._decisions.clear()
        if self._answers:
            self._books.ledger.remember_within(self._answers)
            self._answers.clear()

    def committed(self) -> None:
        """All that was written is durable."""
        self._version = self._begun_at
        self._tokens.remember()

    # ------------------------------------------------------------------- works

    def start(self, work: Work) -> None:
        """A work begins."""
        self._mark = self._reached()
        if not self._writes_together(work):
            self.write()
            self._books.database.connection.execute("SAVEPOINT work")
            self._through = True

    def end(self) -> None:
        """It is done, and what it has added stays."""
        if self._through:
            self._books.database.connection.execute("RELEASE work")
            self._see_again()

    def take_back(self) -> None:
        """It is refused, or begun again: whatever it has added goes."""
        if self._through:
            self._books.database.connection.execute("ROLLBACK TO work; RELEASE work")
            self._see_again()
            return
        mark = self._mark
        self._tokens.forget_after(mark.n_tokens)
        for event in self._events[mark.n_events :]:
            self._seqs[event.client, event.event_id] = None
        for answer in self._answers[mark.n_answers :]:
            self._kept[answer.client, answer.key] = None
        self._last_seq -= len(self._events) - mark.n_events
        self._head = mark.head
        del self._events[mark.n_events :], self._decisions[mark.n_decisions :], self._answers[mark.n_answers :]

    def _reached(self) -> _Mark:
        return _Mark(self._tokens.n_unwritten, len(self._events), len(self._decisions), len(self._answers), self._head)

    def _writes_together(self, work: Work) -> bool:
        if work.kind not in _TOGETHER:
            return False
        event = work.event
        if event is None:
            return True
        added = extensions_of(event)
        # A column that is new to the journal is registered with its type, or refused: that is a matter of its own.
        return not added or all(self._extension(event.kind, name) is found for name, found in added.items())

    def _extension(self, kind: str, name: str) -> ColumnType | None:
        if kind not in self._extensions:
            self._extensions[kind] = self._books.journal.extensions(kind)
        return self._extensions[kind].get(name)

    def _see_again(self) -> None:
        """The stores were written to, or rolled back, by whoever had them to himself: nothing known of them stands."""
        self._through = False
        self._last_seq, self._head = self._books.journal.last_seq(), self._books.ledger.head()
        self._extensions.clear()
        self._seqs.clear()
        self._kept.clear()
        self._tokens.take_back()

    # -------------------------------------------------------------------- rows

    def recall(self, client: str, key: str) -> Stored | None:
        """The answer a client got under a key, None when the key is new."""
        if (client, key) in self._kept:
            return self._kept[client, key]
        return self._books.ledger.recall(client, key)

    def tokenised(self, event: Event) -> Event:
        """The event with tokens for identifiers."""
        told = self._tokens.tokenised(event)
        if self._through:
            self._tokens.write()
        return told

    def seq_of(self, client: str, event_id: str) -> int | None:
        """The ``seq`` of a client's event, None when it is new."""
        if (client, event_id) in self._seqs:
            return self._seqs[client, event_id]
        return self._books.journal.seq_of(client, event_id)

    def appended(self, event: Event, *, checked: bool) -> Event | None:
        """The event with its ``seq``; None when it is in the journal already.

        Raises
        ------
        InputError
            As `Journal.append_within`.
        """
        if self._through:
            (appended,) = self._books.journal.append_within([event], checked=checked)
            return event.numbered(appended.seq) if appended.new else None
        if not checked:
            check_event(event)
        if self.seq_of(event.client, event.event_id) is not None:
            return None
        self._last_seq += 1
        numbered = event.numbered(self._last_seq)
        self._events.append(numbered)
        self._seqs[event.client, event.event_id] = self._last_seq
        return numbered

    def decided(self, entry: Entry) -> int:
        """Link a decision to the chain; returns the number of its link."""
        self._head, row = self._books.ledger.linked_after(self._head, entry)
        self._decisions.append((entry, row))
        if self._through:
            self.write()
        return self._head[0]

    def decision_on(self, client: str, event_id: str) -> str | None:
        """The id of the decision on a client's event, None when there is none."""
        for entry, _ in self._decisions:
            if (entry.client, entry.event_id) == (client, event_id):
                return entry.decision_id
        first = self._books.ledger.by_event(client, event_id)
        return None if first is None else first.decision_id

    def answered(self, kept: Kept) -> None:
        """Keep an answer for a retry."""
        self._answers.append(kept)
        self._kept[kept.client, kept.key] = Stored(kept.request, kept.status, kept.response)
        if self._through:
            self.write()
