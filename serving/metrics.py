"""What the engine tells Prometheus, on a registry of its own; the doors have theirs (`serving.door_metrics`)."""

from __future__ import annotations

from collections import Counter as Counted
from collections import deque
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest

from serving.instruments import FOLDED_AT, SECONDS, Counter, Gauge, Histogram, grouped, taken
from serving.null_counts import NullCounts
from serving.work import Observed

_SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.9)


class Metrics:
    """Counters and histograms; safe from any thread.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.reloaded("payment", "loaded")
    >>> 'assay_reloads_total{product="payment",result="loaded"} 1.0' in metrics.text().decode()
    True
    """

    def __init__(self) -> None:
        self._decided: deque[Observed] = deque()
        self.registry = CollectorRegistry()
        common: dict[str, Any] = {"namespace": "assay", "registry": self.registry}
        self._stages = Histogram(
            "stage_seconds", "Stages of a decision.", ["stage"], buckets=SECONDS, **common
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
        self._nulls = NullCounts()
        self.registry.register(self._nulls)
        self._anchors = Gauge("anchored_link", "Newest decision whose link is anchored outside.", **common)
        self._unanchored = Counter("failed_anchors", "Times the head could not be anchored.", **common)
        self._entities = Gauge(
            "state_entities", "Customers, cards, merchants, … whose past is kept in memory.", **common
        )
        self._bytes = Gauge("state_bytes", "Memory that their rows and slots take, room for more included.", **common)

    def decided(self, decision: Observed) -> None:
        """One durable decision."""
        self._decided.append(decision)
        if len(self._decided) >= FOLDED_AT:
            self._fold_decisions()

    def _fold_decisions(self) -> None:
        decided = taken(self._decided)
        for labels, n in Counted((each.product, each.action, each.risk_grade) for each in decided).items():
            self._decisions.labels(*labels).inc(n)
        for product, n in Counted(each.product for each in decided if each.degraded).items():
            self._degraded.labels(product).inc(n)
        scored = grouped((each.product, each.score) for each in decided if each.score is not None)
        for product, scores in scored.items():
            self._scores.labels(product).observe_many(scores)
        features = {id(each.features): each.features for each in decided}
        rows = grouped(((each.product, id(each.features)), each.row) for each in decided if each.row is not None)
        for (product, names), found in rows.items():
            self._nulls.add(product, features[names], found)
        stages = grouped(stage for each in decided for stage in each.timings_us.items())
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

    def state(self, *, queue_length: int, killed: bool, n_entities: int, n_bytes: int) -> None:
        """Set just before the text is read."""
        self._entities.set(n_entities)
        self._bytes.set(n_bytes)
        self._queue.set(queue_length)
        self._killed.set(float(killed))

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        self._fold_decisions()
        return generate_latest(self.registry)
