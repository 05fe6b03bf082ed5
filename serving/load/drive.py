"""Send a plan open loop: a request goes out when it is due, however slow the answers before it were.

    sender: wait until nearly due ──▶ make the request ──▶ wait until due ──▶ send ──▶ never wait for an answer alone
    latency = answer - DUE

A stall of the service, or of the sender, is so counted in full and not hidden by requests that were never sent.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from time import perf_counter

from domain.decision import Product
from domain.errors import Unavailable
from serving.load.histogram import Histogram
from serving.load.plan import Plan
from serving.load.wire import Answer, Lines, address_of

_HEAD_START = 0.05
_MADE_BEFORE = 0.002
"""Seconds before it is due that a request is made: what that takes is no latency of the service."""

_OPEN_FIRST = 16


@dataclass
class Result:
    """What became of a load.

    Parameters
    ----------
    latency : µs from when a request was due to its answer, of answers with status 200.
    service : µs from when it was really sent, for comparison only.
    lag : µs that the sender was late.
    by_product : latency of each product.
    statuses : status → answers.
    failures : kind of failure → requests without an answer.
    degraded : answers that say something was dropped.
    seconds : from the first moment due to the last answer.
    """

    n_planned: int
    latency: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    lag: Histogram = field(default_factory=Histogram)
    by_product: dict[Product, Histogram] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    degraded: int = 0
    seconds: float = 0.0

    @property
    def errors(self) -> float:
        """Share of requests that got no answer, or another than 200."""
        return 1.0 - self.statuses[200] / self.n_planned


def drive(url: str, plan: Plan, request: Callable[[Product], bytes], *, connections: int, timeout: float) -> Result:
    """Send a plan to a running service.

    Parameters
    ----------
    request : the bytes of the next request about a product; made just before it is due.
    connections : most open at once; a request that finds none free waits, and the wait is counted.
    timeout : seconds from when it was due until a request counts as unanswered.

    Raises
    ------
    Unavailable
        When nobody listens there.
    """
    host, port = address_of(url)
    try:
        lines = Lines[int](host, port, n_first=_OPEN_FIRST, limit=connections)
    except OSError as error:
        raise Unavailable(f"{url}: expected a service, got {error}") from error
    try:
        return _Drive(lines, plan, request, timeout).run()
    finally:
        lines.close()


class _Drive:
    """One load while it runs; what is not needed to send and receive is done when it is over."""

    def __init__(self, lines: Lines[int], plan: Plan, request: Callable[[Product], bytes], timeout: float) -> None:
        self._lines = lines
        self._request = request
        self._timeout = timeout
        self._products = plan.products
        start = perf_counter() + _HEAD_START
        self._start = start
        self._due: list[float] = [start + moment for moment in plan.due.tolist()]
        self._went = self._due.copy()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._unsettled: dict[int, None] = {}
        """Those that were due and have no answer, the oldest first."""
        self._answers: list[tuple[int, float, int, bool]] = []
        self._result = Result(len(plan), by_product={product: Histogram() for product in sorted(set(plan.products))})

    def run(self) -> Result:
        """Send all, and wait for the last answer."""
        made: bytes | None = None
        upcoming, n = 0, len(self._due)
        while upcoming < n or self._unsettled:
            now, wake = perf_counter(), inf
            if upcoming < n:
                wake = self._due[upcoming]
                if made is None:
                    wake -= _MADE_BEFORE
                    if now >= wake:
                        made = self._request(self._products[upcoming])
                        continue
                elif now >= wake:
                    self._unsettled[upcoming] = None
                    self._waiting.append((upcoming, made))
                    made, upcoming, wake = None, upcoming + 1, now
            self._send()
            if self._unsettled:
                wake = min(wake, self._given_up(now))
            if wake < inf:
                # Also a sender that is late lets the answers in.
                for number, answer in self._lines.answers(wake - perf_counter()):
                    self._settle(number, answer)
        return self._told()

    def _send(self) -> None:
        while self._waiting and self._lines.free:
            number, request = self._waiting.popleft()
            self._went[number] = perf_counter()
            try:
                self._lines.ask(number, request)
            except OSError:
                self._settle(number, None)

    def _settle(self, number: int, answer: Answer | None) -> None:
        del self._unsettled[number]
        if answer is None:
            self._result.failures["connection"] += 1
        else:
            dropped = b'"degraded":false' not in answer.body
            self._answers.append((number, perf_counter(), answer.status, dropped))

    def _given_up(self, now: float) -> float:
        """Give up what has waited too long; returns when the next one will have."""
        while self._unsettled:
            oldest = next(iter(self._unsettled))
            late_at = self._due[oldest] + self._timeout
            if now < late_at:
                return late_at
            del self._unsettled[oldest]
            self._result.failures["timeout"] += 1
            if self._waiting and self._waiting[0][0] == oldest:
                self._waiting.popleft()
            else:
                self._lines.give_up(oldest)
        return inf

    def _told(self) -> Result:
        result = self._result
        result.seconds = perf_counter() - self._start
        for number, answered, status, dropped in self._answers:
            due, went = self._due[number], self._went[number]
            result.statuses[status] += 1
            result.lag.record(round((went - due) * 1e6))
            if status == 200:
                micros = round((answered - due) * 1e6)
                result.latency.record(micros)
                result.by_product[self._products[number]].record(micros)
                result.service.record(round((answered - went) * 1e6))
                result.degraded += dropped
        return result
