"""What the service tells Prometheus, on a registry of its own."""

from __future__ import annotations

from collections import Counter as Counted
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, generate_latest

from domain.alerts import AlertStatus
from domain.decision import Product
from serving.instruments import Counter, Gauge, Histogram
from serving.null_counts import NullCounts
from serving.work import Observed

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MEDIA_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)

_FOLDED_AT = 128
"""Answers and decisions are counted so many at a time, or when somebody reads: one by one took 12 µs a decision, two
lock-and-look-up steps for each of ten figures; so 2 µs. What is counted is the same."""


class Metrics:
    """Counters and histograms; safe from any thread.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.answered("/payments/score", 200, 0.004)
    >>> "assay_requests_total" in metrics.text().decode()
    True
    """

    def __init__(self) -> None:
        self._answered: deque[tuple[str, int, float]] = deque()
        self._decided: deque[Observed] = deque()
        self.registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": "assay", "registry": self.registry}
        self._requests = Counter("requests", "Answers by route and status.", ["route", "status"], **common)
        self._latency = Histogram(
            "request_seconds", "From the head of a request to its answer.", ["route"], buckets=_SECONDS, **common
        )  # fmt: skip
        self._stages = Histogram(
            "stage_seconds", "Stages of a decision.", ["stage"], buckets=_SECONDS, **common
        )  # fmt: skip
        self._decisions = Counter(
            "decisions", "Decisions by product, action and grade.", ["product", "action", "risk_grade"], **common
        )  # fmt: skip
        self._degraded = Counter("degraded", "Decisions made without a part.", ["product"], **common)
        self._scores = Histogram(
            "score", "Calibrated probabilities.", ["product"], buckets=_SHARES, **common
        )  # fmt: skip
        self._commits = Histogram(
            "commit_size", "Requests in one durable transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128), **common
        )  # fmt: skip
        self._replays = Counter("replayed_answers", "Retries answered from the ledger.", **common)
        self._failures = Counter("failed_commits", "Transactions that were rolled back.", **common)
        self._reloads = Counter("reloads", "Bundles loaded or refused.", ["product", "result"], **common)
        self._shadow = Counter("shadow", "Decisions scored, or not, in the shadow.", ["product", "result"], **common)
        self._queue = Gauge("queue_length", "Requests waiting for the committer.", **common)
        self._killed = Gauge("kill_switch", "1 while rules decide alone.", **common)
        self._links = Gauge("ledger_links", "Decisions in the chain; less those anchored, the ledger's lag.", **common)
        self._alerts = Gauge("alerts", "Alerts by product and status.", ["product", "status"], **common)
        self._reviews = Gauge("open_reviews", "Appeals that wait for a person.", **common)
        self._nulls = NullCounts()
        self.registry.register(self._nulls)
        self._anchors = Gauge("anchored_link", "Newest decision whose link is anchored outside.", **common)
        self._unanchored = Counter("failed_anchors", "Times the head could not be anchored.", **common)
        self._entities = Gauge(
            "state_entities", "Customers, cards, merchants, … whose past is kept in memory.", **common
        )
        self._bytes = Gauge("state_bytes", "Memory that their rows and slots take, room for more included.", **common)
        self._ready = Gauge("ready", "1 while writes are taken.", **common)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """One HTTP answer."""
        self._answered.append((route, status, seconds))
        if len(self._answered) >= _FOLDED_AT:
            self._fold_answers()

    def decided(self, decision: Observed) -> None:
        """One durable decision."""
        self._decided.append(decision)
        if len(self._decided) >= _FOLDED_AT:
            self._fold_decisions()

    def _fold_answers(self) -> None:
        answers = _taken(self._answered)
        for (route, status), n in Counted((route, status) for route, status, _ in answers).items():
            self._requests.labels(route, str(status)).inc(n)
        for route, seconds in _grouped((route, seconds) for route, _, seconds in answers).items():
            self._latency.labels(route).observe_many(seconds)

    def _fold_decisions(self) -> None:
        decided = _taken(self._decided)
        for labels, n in Counted((each.product, each.action, each.risk_grade) for each in decided).items():
            self._decisions.labels(*labels).inc(n)
        for product, n in Counted(each.product for each in decided if each.degraded).items():
            self._degraded.labels(product).inc(n)
        scored = _grouped((each.product, each.score) for each in decided if each.score is not None)
        for product, scores in scored.items():
            self._scores.labels(product).observe_many(scores)
        features = {id(each.features): each.features for each in decided}
        rows = _grouped(((each.product, id(each.features)), each.row) for each in decided if each.row is not None)
        for (product, names), found in rows.items():
            self._nulls.add(product, features[names], found)
        stages = _grouped(stage for each in decided for stage in each.timings_us.items())
        for stage, micros in stages.items():
            self._stages.labels(stage).observe_many([each / 1e6 for each in micros])

    def committed(self, n_items: int, n_replayed: int, seconds: float) -> None:
        """One durable transaction."""
        self._commits.observe(n_items)
        self._stages.labels("commit").observe(seconds)
        if n_replayed:
            self._replays.inc(n_replayed)

    def failed(self) -> None:
        """One transaction rolled back."""
        self._failures.inc()

    def reloaded(self, product: str, result: str) -> None:
        """A bundle was loaded or refused."""
        self._reloads.labels(product, result).inc()

    def shadowed(self, product: str, result: str, n: int) -> None:
        """Decisions that a challenger has scored, or has not and why."""
        self._shadow.labels(product, result).inc(n)

    def anchored(self, n_link: int) -> None:
        """The head was anchored."""
        self._anchors.set(n_link)

    def not_anchored(self) -> None:
        """The head could not be anchored."""
        self._unanchored.inc()

    def state(self, *, queue_length: int, ready: bool, killed: bool, n_entities: int, n_bytes: int) -> None:
        """Set just before the text is read."""
        self._entities.set(n_entities)
        self._bytes.set(n_bytes)
        self._queue.set(queue_length)
        self._ready.set(float(ready))
        self._killed.set(float(killed))

    def waiting(self, *, n_links: int, alerts: Mapping[tuple[str, AlertStatus], int], n_reviews: int) -> None:
        """Likewise, of what lies in the store."""
        self._links.set(n_links)
        self._reviews.set(n_reviews)
        for product in Product:
            for status in AlertStatus:
                self._alerts.labels(product.value, status.value).set(alerts.get((product.value, status), 0))

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        self._fold_answers()
        self._fold_decisions()
        return generate_latest(self.registry)


def _taken(waiting: deque[T]) -> list[T]:
    """What waits, taken out; each is given to one caller, whatever else goes on."""
    taken = []
    while waiting:
        try:
            taken.append(waiting.popleft())
        except IndexError:
            break
    return taken


def _grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
