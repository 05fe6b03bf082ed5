"""What travels between the doors and an engine in a process of its own, on a socket that nobody else holds.

frame = length (4 bytes, little-endian) + body
doors  → one work a frame        msgpack; what people say, and what msgpack cannot hold, pickled within
engine → one transaction a frame  msgpack: what became of its works
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from domain.decision import Product
from domain.events import Event
from serving.http import Answer
from serving.problems import Problem
from serving.work import Done, Kind, Work

AT_ONCE = 2**18
"""Bytes that either end receives at once, at most."""

_HEAD = 4


class _Fact(msgspec.Struct, array_like=True, gc=False):
    """An event that has no place in the journal yet."""

    kind: str
    event_id: str
    event_time: int
    known_at: int
    body: dict[str, Any]
    client: str


class _Sent(msgspec.Struct, array_like=True, gc=False):
    """A work; ``rest`` is what is seldom there, pickled."""

    n: int
    kind: Kind
    client: str
    key: str
    digest: bytes
    received_at: int
    started_ns: int
    fact: _Fact | None
    product: Product | None
    deadline_ms: int | None
    rest: bytes


class _Settled(msgspec.Struct, array_like=True, gc=False):
    """What became of a work; a problem has a code."""

    n: int
    status: int
    body: bytes = b""
    media_type: bytes = b""
    headers: list[tuple[bytes, bytes]] = []
    code: str = ""
    detail: str = ""
    problem_headers: dict[str, str] = {}
    extra: dict[str, Any] = {}


_SENT = msgspec.msgpack.Decoder(_Sent)
_SETTLED = msgspec.msgpack.Decoder(list[_Settled])
_ENCODER = msgspec.msgpack.Encoder()


class Frames:
    """Bodies of the frames in a stream of bytes.

    Examples
    --------
    >>> frames = Frames()
    >>> list(frames.fed(framed(b"one") + framed(b"two")[:5]))
    [b'one']
    >>> list(frames.fed(framed(b"two")[5:]))
    [b'two']
    """

    def __init__(self) -> None:
        self._rest = b""

    def fed(self, received: bytes) -> Iterator[bytes]:
        """Those that are whole now; take all of them."""
        stream = self._rest + received if self._rest else received
        start, end = 0, len(stream)
        while end - start >= _HEAD:
            upto = start + _HEAD + int.from_bytes(stream[start : start + _HEAD], "little")
            if upto > end:
                break
            yield stream[start + _HEAD : upto]
            start = upto
        self._rest = stream[start:]


def framed(body: bytes) -> bytes:
    """A body with its length before it."""
    return len(body).to_bytes(_HEAD, "little") + body


def frame_of(n: int, work: Work) -> bytes:
    """A work under a number, framed."""
    event = work.event
    fact = None
    if event is not None:
        # A dictionary, or something like it: what comes out is one.
        fact = _Fact(event.kind, event.event_id, event.event_time, event.known_at, dict(event.body), event.client)
    rest = b"" if work.outcome is None and work.said is None else pickle.dumps((work.outcome, work.said, None))
    sent = _Sent(
        n, work.kind, work.client, work.key, work.digest, work.received_at, work.started_ns, fact, work.product,
        work.deadline_ms, rest,
    )  # fmt: skip
    try:
        return framed(_ENCODER.encode(sent))
    except (OverflowError, UnicodeEncodeError):
        # A number of more than 64 bits, or half a character: whoever checks the event refuses it by name.
        sent.fact, sent.rest = None, pickle.dumps((work.outcome, work.said, event))
        return framed(_ENCODER.encode(sent))


def work_of(body: bytes) -> Work:
    """The work in a frame; its number stands where its future was."""
    sent = _SENT.decode(body)
    outcome = said = event = None
    if sent.rest:
        # From the process that started this one, over a socket of their own.
        outcome, said, event = pickle.loads(sent.rest)  # noqa: S301
    if sent.fact is not None:
        fact = sent.fact
        event = Event(fact.kind, fact.event_id, fact.event_time, fact.known_at, fact.body, fact.client)
    return Work(
        sent.kind, sent.client, sent.key, sent.digest, sent.received_at, sent.started_ns, sent.n, event, outcome,
        sent.product, sent.deadline_ms, said,
    )  # fmt: skip


def frame_of_settled(pairs: Sequence[tuple[Work, Done]]) -> bytes:
    """What became of the works of a transaction, framed."""
    return framed(_ENCODER.encode([_settled(work.future, done.result) for work, done in pairs]))


def _settled(n: int, result: Answer | Problem) -> _Settled:
    if isinstance(result, Problem):
        return _Settled(
            n, result.status, code=result.code, detail=result.detail, problem_headers=result.headers, extra=result.extra
        )
    return _Settled(n, result.status, result.body, result.media_type, list(result.headers))


def settled_of(body: bytes) -> Iterator[tuple[int, Answer | Problem]]:
    """Numbers of works with what became of each."""
    for one in _SETTLED.decode(body):
        if one.code:
            yield one.n, Problem(one.status, one.code, one.detail, headers=one.problem_headers, extra=one.extra)
        else:
            yield one.n, Answer(one.status, one.body, one.media_type, tuple(one.headers))
