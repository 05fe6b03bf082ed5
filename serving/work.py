"""What travels from the doors to the committer and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.decision import Product
from domain.events import Event
from serving.http import Answer
from serving.problems import Problem
from serving.requests import OutcomeRequest


class Kind(StrEnum):
    """What is asked of the committer."""

    DECIDE = "decide"
    FACT = "fact"
    OUTCOME = "outcome"
    QUARANTINE = "quarantine"
    COMPLAINT = "complaint"
    ASK_REVIEW = "ask_review"
    DECIDE_REVIEW = "decide_review"
    DISPOSE = "dispose"
    SWITCH = "switch"
    CHANGE = "change"
    BEGIN = "begin"
    KEEP = "keep"
    WARM_UP = "warm_up"


COMMIT_NS = 2_000_000
"""Kept free before a deadline for the transaction that follows."""


@dataclass(slots=True)
class Work:
    """One write, validated, its identifiers still raw.

    Parameters
    ----------
    key, digest : idempotency key of the client, and the keyed hash of route and body.
    received_at : µs UTC of the clock.
    started_ns : the same moment on the monotonic clock, for stage times and the deadline.
    said : what people do about decisions, beside the events.
    future : settled on the event loop once the transaction is durable, or has failed.
    """

    kind: Kind
    client: str
    key: str
    digest: bytes
    received_at: int
    started_ns: int
    future: Any
    event: Event | None = None
    outcome: OutcomeRequest | None = None
    product: Product | None = None
    deadline_ms: int | None = None
    said: Said | None = None


class Inbox(Protocol):
    """Where works and changes come from; a `queue.SimpleQueue` is one. None ends the waiting, and is nothing itself."""

    def put(self, item: Work | Callable[[], None] | None) -> None:
        """Add something, from any thread."""

    def get(self) -> Work | Callable[[], None] | None:
        """Wait for the next, and take it."""

    def get_nowait(self) -> Work | Callable[[], None] | None:
        """Take the next, or raise queue.Empty."""

    def qsize(self) -> int:
        """How many wait, about."""

    def empty(self) -> bool:
        """Whether none waits."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person asks for: the request, what it is about, and whether the client sees the decisions of others."""

    request: Any
    subject: str = ""
    sees_all: bool = False


class Observed(NamedTuple):
    """What a decision tells the metrics once it is durable."""

    product: str
    action: str
    risk_grade: str
    degraded: bool
    score: float | None
    timings_us: dict[str, int]
    features: Sequence[str] = ()
    row: NDArray[np.float64] | None = None


@dataclass(slots=True)
class Done:
    """What became of one work.

    Parameters
    ----------
    result : the answer, or why there is none.
    event : what it added to the journal.
    observed : what a decision tells the metrics.
    replayed : the answer was given before.
    """

    result: Answer | Problem
    event: Event | None = None
    observed: Observed | None = None
    replayed: bool = False


def is_warm_up(works: Iterable[Work]) -> bool:
    """Whether nothing of these works is to stay (`serving.keep_warm`)."""
    return all(work.kind is Kind.WARM_UP for work in works)


def first_deadline(works: Iterable[Work]) -> int | None:
    """When the first of some works must be decided (monotonic ns); None where none names a deadline."""
    named = (work.started_ns + work.deadline_ms * 1_000_000 for work in works if work.deadline_ms is not None)
    first = min(named, default=None)
    return None if first is None else first - COMMIT_NS


def deliver(pairs: Sequence[tuple[Work, Done]]) -> None:
    """Settle the futures on their event loops, one wake-up for a batch."""
    by_loop: dict[Any, list[tuple[Work, Done]]] = {}
    for work, done in pairs:
        by_loop.setdefault(work.future.get_loop(), []).append((work, done))
    for loop, settled in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, settled)


def _settle(pairs: Sequence[tuple[Work, Done]]) -> None:
    for work, done in pairs:
        # Nobody waits any more where the door has given up; a retry finds the kept answer.
        if not work.future.done():
            work.future.set_result(done.result)
