"""When to ask a service again, and what is told when that is no use: the part of the clients that does not wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from domain.errors import InputError, Unavailable, expected_got

_AGAIN = frozenset({409, 429, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

Answered = httpx.Response | httpx.TransportError


class Refused(InputError):  # noqa: N818 - it reads as what happened
    """The service refused a request; ``status``, ``code`` and ``problem`` say why, ``key`` is the key of a write.

    Examples
    --------
    >>> Refused(422, {"code": "unknown_field", "detail": "body: expected …"}, "order-1001").code
    'unknown_field'
    """

    def __init__(self, status: int, problem: Mapping[str, Any], key: str | None = None) -> None:
        super().__init__(f"{status} {problem.get('code', 'unknown')}: {problem.get('detail', 'no detail')}")
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.problem = dict(problem)
        self.key = key


class Unanswered(Unavailable):
    """No attempt got an answer; a write may have taken effect all the same: try later under the same ``key``.

    Examples
    --------
    >>> str(Unanswered("http://assay/v1/events: expected an answer, got ConnectError", "order-1001"))
    "http://assay/v1/events: expected an answer, got ConnectError; try later under the key 'order-1001'"
    """

    def __init__(self, told: str, key: str | None = None) -> None:
        super().__init__(f"{told}; try later" if key is None else f"{told}; try later under the key {key!r}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried again.

    Parameters
    ----------
    retry_for : seconds from the first attempt in which another may begin.
    attempts : how many at most; None is as many as the time allows.
    clock : seconds that only go forward.
    chance : draws from [0, 1): clients that are sent away together should not come back together.

    Raises
    ------
    InputError
        When there would be no attempt, or a time below nothing.
    """

    retry_for: float
    attempts: int | None = None
    clock: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if not self.retry_for >= 0:
            raise InputError(expected_got("seconds, 0 or more", self.retry_for, "retry_for"))
        if self.attempts is not None and self.attempts < 1:
            raise InputError(expected_got("1 or more, or None", self.attempts, "attempts"))


def attempts(where: str, key: str | None, patience: Patience) -> Generator[float, Answered, dict[str, Any]]:
    """Tell how many seconds to wait before each attempt, and take what came of it; returns the answer.

    Waits double from 0.05 s to 2 s, are no shorter than ``Retry-After``, and up to half as long again by chance. The
    last attempt begins as the time ends; a ``Retry-After`` that lies beyond is not waited for.

    Raises
    ------
    Refused
        When sending it again would not help.
    Unanswered
        When no attempt got an answer in time.
    """
    begin = patience.clock()
    end = begin + patience.retry_for
    n_made, wait, backoff = 0, 0.0, _FIRST_PAUSE
    while True:
        answered = yield wait
        n_made += 1
        if isinstance(answered, httpx.Response) and answered.is_success:
            content: dict[str, Any] = answered.json()
            return content
        got = _passing(where, key, answered)
        asked_to_wait = _asked_to_wait(answered)
        now = patience.clock()
        left = end - now
        if n_made == patience.attempts or left <= 0 or asked_to_wait > left:
            asked = f" and was asked to wait {asked_to_wait:g} s" if asked_to_wait else ""
            told = f"{where}: expected an answer, got {got}{asked} at attempt {n_made} after {now - begin:.1f} s"
            raise Unanswered(told, key) from (answered if isinstance(answered, httpx.TransportError) else None)
        wait = min(left, max(asked_to_wait, backoff) * (1 + patience.chance() / 2))
        backoff = min(_LONGEST_PAUSE, 2 * backoff)


def _passing(where: str, key: str | None, answered: Answered) -> str:
    """What came instead of an answer, if it may pass; raises what will not."""
    if isinstance(answered, httpx.UnsupportedProtocol):
        raise InputError(f"{where}: expected an address with http:// or https://, got none")
    if isinstance(answered, httpx.TransportError):
        return type(answered).__name__
    problem = _problem(answered)
    # Of the conflicts only one passes by itself: the first attempt is still being worked on.
    if answered.status_code not in _AGAIN or (answered.status_code == 409 and problem["code"] != "in_flight"):
        raise Refused(answered.status_code, problem, key)
    return f"{answered.status_code} {problem['code']}"


def _asked_to_wait(answered: Answered) -> float:
    """Seconds of Retry-After; 0 without, and where it is a date, which needs a clock that both agree on."""
    told = answered.headers.get("retry-after", "") if isinstance(answered, httpx.Response) else ""
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    return {"code": "unknown", **content} if isinstance(content, dict) else {"code": "unknown"}
