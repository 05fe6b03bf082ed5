"""A small client: it retries under the same idempotency key, so that a lost answer is never a second event."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx

from domain.errors import AssayError, InputError, Unavailable
from domain.time import format_instant, to_micros
from serving.run import wait_ready

_AGAIN = frozenset({409, 429, 502, 503, 504})


class Refused(InputError):  # noqa: N818 - it reads as what happened
    """The service refused a request; ``status``, ``code`` and ``problem`` say why.

    Examples
    --------
    >>> Refused(422, {"code": "unknown_field", "detail": "body: expected …"}).code
    'unknown_field'
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', 'unknown')}: {problem.get('detail', 'no detail')}")
        self.status = status
        self.code = str(problem.get("code", "unknown"))
        self.problem = dict(problem)


class AssayClient:
    """Talk to a service.

    Parameters
    ----------
    base_url : such as ``http://127.0.0.1:3000``.
    key : the API key.
    timeout : seconds for one attempt.
    attempts : how often a request is sent before giving up.
    transport : for tests.
    pause : waits between attempts.

    Examples
    --------
    >>> def answer(request: httpx.Request) -> httpx.Response:
    ...     return httpx.Response(200, json={"action": "approve"})
    >>> with AssayClient("http://assay", "k", transport=httpx.MockTransport(answer)) as client:
    ...     client.score_payment({"event_id": "p1"})["action"]
    'approve'
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout: float = 10.0,
        attempts: int = 4,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._attempts = attempts
        self._pause = pause
        # A proxy set for the outside world must not see payments on their way to the next room.
        self._http = httpx.Client(
            base_url=self._base_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=timeout,
            transport=transport,
            trust_env=False,
        )

    def __enter__(self) -> AssayClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def score_payment(self, payment: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """The decision on a payment.

        Raises
        ------
        Refused
            When the service refuses it; sending it again would not help.
        Unavailable
            When no attempt got an answer; try later under the same key.
        """
        return self._send("/v1/payments/score", payment, key)

    def score_loan(self, application: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """The decision on a loan application; raises as `score_payment`."""
        return self._send("/v1/loans/score", application, key)

    def send_event(self, event: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Record a fact (with its ``kind``); raises as `score_payment`."""
        return self._send("/v1/events", event, key)

    def send_outcome(self, outcome: Mapping[str, Any], *, key: str | None = None) -> dict[str, Any]:
        """Record what became known; raises as `score_payment`."""
        return self._send("/v1/outcomes", outcome, key)

    def decision(self, decision_id: str) -> dict[str, Any]:
        """A past decision."""
        return self._tried("GET", f"/v1/decisions/{decision_id}", None, {})

    def models(self) -> dict[str, Any]:
        """What is deployed."""
        return self._tried("GET", "/v1/models", None, {})

    def wait_ready(self, within: float = 60.0) -> None:
        """Return once the service is ready; Unavailable when that takes longer (s)."""
        wait_ready(self._base_url, within)

    def _send(self, path: str, content: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        chosen = secrets.token_urlsafe(18) if key is None else key
        # A datetime must carry its zone: to_micros refuses one that does not.
        body = {n: format_instant(to_micros(v)) if isinstance(v, datetime) else v for n, v in content.items()}
        return self._tried("POST", path, body, {"Idempotency-Key": chosen})

    def _tried(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
        told: AssayError = Unavailable(f"{self._base_url}{path}: expected an attempt, got none")
        for attempt in range(self._attempts):
            if attempt:
                self._pause(min(2.0, 0.05 * 2**attempt))
            try:
                response = self._http.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                told = Unavailable(f"{self._base_url}{path}: expected an answer, got {type(error).__name__}")
                continue
            if response.is_success:
                answer: dict[str, Any] = response.json()
                return answer
            problem = _problem(response)
            # Of the conflicts only one passes by itself: the first attempt is still being worked on.
            if response.status_code not in _AGAIN or (response.status_code == 409 and problem["code"] != "in_flight"):
                raise Refused(response.status_code, problem)
            told = Unavailable(f"{self._base_url}{path}: expected an answer, got {response.status_code}")
        raise told


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    return {"code": "unknown", **content} if isinstance(content, dict) else {"code": "unknown"}
