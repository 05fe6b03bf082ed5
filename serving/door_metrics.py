"""What the doors tell Prometheus, on a registry of their own; the engine's part follows it (`serving.metrics`)."""

from __future__ import annotations

from collections import Counter as Counted
from collections import deque
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from domain.alerts import AlertStatus
from domain.decision import Product
from serving.instruments import FOLDED_AT, SECONDS, Counter, Gauge, Histogram, grouped, taken

MEDIA_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class DoorMetrics:
    """Answers, and what waits in the store for people; safe from any thread.

    Examples
    --------
    >>> metrics = DoorMetrics()
    >>> metrics.answered("/payments/score", 200, 0.004)
    >>> "assay_requests_total" in metrics.text(ready=True).decode()
    True
    """

    def __init__(self) -> None:
        self._answered: deque[tuple[str, int, float]] = deque()
        self.registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": "assay", "registry": self.registry}
        self._requests = Counter("requests", "Answers by route and status.", ["route", "status"], **common)
        self._latency = Histogram(
            "request_seconds", "From the head of a request to its answer.", ["route"], buckets=SECONDS, **common
        )  # fmt: skip
        self._warm_ups = Counter("warm_ups", "Made-up requests decided on and taken back.", **common)
        self._links = Gauge("ledger_links", "Decisions in the chain; less those anchored, the ledger's lag.", **common)
        self._alerts = Gauge("alerts", "Alerts by product and status.", ["product", "status"], **common)
        self._reviews = Gauge("open_reviews", "Appeals that wait for a person.", **common)
        self._ready = Gauge("ready", "1 while writes are taken.", **common)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One HTTP answer."""
        self._answered.append((route, status, seconds))
        if len(self._answered) >= FOLDED_AT:
            self._fold()

    def warmed_up(self) -> None:
        """A made-up request was decided on and taken back."""
        self._warm_ups.inc()

    def waiting(self, *, n_links: int, alerts: Mapping[tuple[str, AlertStatus], int], n_reviews: int) -> None:
        """Set just before the text is read, of what lies in the store."""
        self._links.set(n_links)
        self._reviews.set(n_reviews)
        for product in Product:
            for status in AlertStatus:
                self._alerts.labels(product.value, status.value).set(alerts.get((product.value, status), 0))

    def text(self, *, ready: bool) -> bytes:
        """Everything, in Prometheus' text format."""
        self._ready.set(float(ready))
        self._fold()
        return generate_latest(self.registry)

    def _fold(self) -> None:
        answers = taken(self._answered)
        for (route, status), n in Counted((route, status) for route, status, _ in answers).items():
            self._requests.labels(route, str(status)).inc(n)
        for route, seconds in grouped((route, seconds) for route, _, seconds in answers).items():
            self._latency.labels(route).observe_many(seconds)
