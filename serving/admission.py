"""Admission: what one work becomes inside the committer's transaction.

idempotency → identifiers to tokens → seq → features, rules, score, reasons, policy → ledger → answer kept
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from domain.events import Event
from domain.time import Clock
from scoring.record import entry_of
from serving import outcomes
from serving.books import Books
from serving.deciding import Decider, stage_micros
from serving.desk import Desks
from serving.http import Answer
from serving.metrics import Metrics
from serving.people import People
from serving.problems import Problem
from serving.rows import Rows
from serving.work import Done, Kind, Observed, Work, is_warm_up
from stores.ledger import Kept
from stores.matter_settings import ComplaintSettings

_FORGET_EVERY = 600_000_000


class DeskAdmission:
    """Admit works against the books and the desks; for the committer's thread.

    Parameters
    ----------
    keep_answers : µs that answers are kept for retries.
    clock : now in µs UTC.
    ticks : monotonic ns.
    new_id : makes a decision id.
    complaints : ``configs/complaints.yaml``.
    """

    def __init__(
        self,
        books: Books,
        desks: Desks,
        decider: Decider,
        *,
        keep_answers: int,
        clock: Clock,
        ticks: Callable[[], int],
        new_id: Callable[[], str],
        metrics: Metrics,
        complaints: ComplaintSettings,
    ) -> None:
        self._books = books
        self._desks = desks
        self._decider = decider
        self._keep_answers = keep_answers
        self._clock = clock
        self._ticks = ticks
        self._new_id = new_id
        self._metrics = metrics
        self._rows = Rows(books)
        self._kept: set[str] = set()
        self._keeping: set[str] = set()
        self._forgotten_at = 0
        self._admit_kind = {
            Kind.DECIDE: self._decide,
            Kind.FACT: self._fact,
            Kind.OUTCOME: self._outcome,
            Kind.QUARANTINE: self._quarantine,
            Kind.COMPLAINT: self._person,
            Kind.ASK_REVIEW: self._person,
            Kind.DECIDE_REVIEW: self._person,
            Kind.DISPOSE: self._person,
            Kind.SWITCH: self._person,
            Kind.CHANGE: self._person,
            Kind.BEGIN: lambda work: Done(self._kept_answer(work, 200, b"")),
            Kind.KEEP: self._keep,
            Kind.WARM_UP: self._warm_up,
        }
        self._people = People(books, complaints, self._appended, self._check_new, self._tokenised)

    # ------------------------------------------------------------ transactions

    def begin(self, works: Sequence[Work]) -> int:
        """Look up what the works need, keep the policies and lists in use, and let go of answers past their time.

        Returns
        -------
        The newest ``seq`` of the journal.
        """
        last_seq = self._rows.begin(works)
        self._decider.begin()
        self._keeping = set()
        if is_warm_up(works):
            return last_seq
        for desk in self._desks.all():
            for kind, digest, content in (
                ("policy", desk.policy.hash, desk.policy.content),
                ("lists", desk.lists.hash, desk.lists.content),
            ):
                if digest not in self._kept:
                    self._books.ledger.put_artifact_within(kind, content)
                    self._keeping.add(digest)
        now = self._clock()
        if now - self._forgotten_at > _FORGET_EVERY:
            self._books.ledger.forget_within(now - self._keep_answers)
            self._forgotten_at = now
        return last_seq

    def write(self) -> None:
        """Write what waits, before the transaction is committed."""
        self._rows.write()

    def committed(self, done: Sequence[Done]) -> None:
        """Tell the metrics what is durable now."""
        self._kept |= self._keeping
        self._rows.committed()
        for one in done:
            if one.observed is not None:
                self._metrics.decided(one.observed)

    def admit(self, work: Work) -> Done:
        """One work: the kept answer for a retry, else a new one.

        Raises
        ------
        Problem, InputError
            When it is refused; `take_back` what it has added.
        """
        self._rows.start(work)
        done = self._admitted(work)
        self._rows.end()
        return done

    def take_back(self) -> None:
        """Take back what the last work has added: it was refused, or is to be admitted again."""
        self._rows.take_back()

    def _admitted(self, work: Work) -> Done:
        stored = self._rows.recall(work.client, work.key)
        if stored is not None:
            if stored.request != work.digest:
                raise Problem(
                    422, "idempotency_key_reused",
                    "Idempotency-Key: expected a new key for a new request, got one used for another route or body",
                )  # fmt: skip
            replayed = Answer(stored.status, stored.response, headers=((b"idempotent-replayed", b"true"),))
            return Done(replayed, replayed=True)
        return self._admit_kind[work.kind](work)

    # ------------------------------------------------------------------- kinds

    def _decide(self, work: Work) -> Done:
        picked = self._ticks()
        assert work.product is not None  # noqa: S101 - for the type checker
        event = self._appended(self._tokenised(work), checked=True)
        admitted = self._ticks()
        decided_at = self._clock()
        desk = self._desks.choose(work.product, event)
        made = self._decider.make(
            desk, event, self._new_id(), decided_at, started=work.started_ns, deadline_ms=work.deadline_ms
        )
        timings = stage_micros(work.started_ns, picked, admitted, made.ends)
        entry = entry_of(made.decided, event, work.product, made.row, timings)
        answer = self._kept_answer(work, 200, entry.response, self._rows.decided(entry))
        observed = Observed(
            entry.product,
            entry.action,
            entry.risk_grade,
            made.decided.decision.degraded is not None,
            entry.score,
            timings,
            () if desk.bundle is None else desk.bundle.encoder.names,
            made.row,
        )
        return Done(answer, event, observed)

    def _warm_up(self, work: Work) -> Done:
        """Decide as on any other request, and take back all of it."""
        self._decide(work)
        self._rows.take_back()
        return Done(Answer(204, b""))

    def _fact(self, work: Work) -> Done:
        event = self._appended(self._tokenised(work), checked=True)
        answer = self._kept_answer(work, 200, _json(event_id=event.event_id, accepted=True))
        return Done(answer, event)

    def _outcome(self, work: Work) -> Done:
        assert work.outcome is not None  # noqa: S101 - for the type checker
        event = outcomes.bind(work.outcome, work.client, work.key, work.received_at, self._books.journal)
        event = self._appended(event)
        return Done(self._kept_answer(work, 200, _json(event_id=event.event_id, accepted=True)), event)

    def _quarantine(self, work: Work) -> Done:
        event = self._tokenised(work)
        self._books.database.execute(
            "INSERT INTO quarantine (client, event_id, kind, received_at, reason, body) SELECT ?1, ?2, ?3, ?4, ?5, ?6 "
            "WHERE NOT EXISTS (SELECT 1 FROM quarantine WHERE event_id = ?2 AND client = ?1)",
            (event.client, event.event_id, event.kind, work.received_at, "event_time ahead of the clock",
             msgspec.msgpack.encode({"event_time": event.event_time, **event.body})),
        )  # fmt: skip
        answer = self._kept_answer(work, 202, _json(event_id=event.event_id, quarantined=True))
        return Done(answer)

    def _person(self, work: Work) -> Done:
        told, event = self._people.admit(work)
        return Done(self._kept_answer(work, 200, _json(**told)), event)

    def _keep(self, work: Work) -> Done:
        """The answer to a batch takes the place of the answers to its items."""
        assert work.said is not None  # noqa: S101 - for the type checker
        self._books.ledger.forget_items_within(work.client, work.key)
        return Done(self._kept_answer(work, 200, work.said.request))

    # ------------------------------------------------------------------- parts

    def _tokenised(self, work: Work) -> Event:
        assert work.event is not None  # noqa: S101 - for the type checker
        return self._rows.tokenised(work.event)

    def _appended(self, event: Event, *, checked: bool = False) -> Event:
        """The event with its ``seq``; ``checked`` when it came through `Reader.checked`."""
        self._desks.check(event)
        numbered = self._rows.appended(event, checked=checked)
        if numbered is None:
            raise self._duplicate(event)
        return numbered

    def _check_new(self, event: Event) -> None:
        self._desks.check(event)
        if self._rows.seq_of(event.client, event.event_id) is not None:
            raise self._duplicate(event)

    def _duplicate(self, event: Event) -> Problem:
        first = self._rows.decision_on(event.client, event.event_id)
        return Problem(
            409, "duplicate_event",
            "event_id: expected a new one under a new Idempotency-Key, got one that is already in the journal",
            extra={"decision_id": first},
        )  # fmt: skip

    def _kept_answer(self, work: Work, status: int, body: bytes, n_link: int | None = None) -> Answer:
        self._rows.answered(Kept(work.client, work.key, work.digest, status, body, work.received_at, n_link))
        return Answer(status, body)


def _json(**values: Any) -> bytes:
    return msgspec.json.encode(values)
