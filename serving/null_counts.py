"""How often each feature was missing in the rows that were decided on; half a microsecond a decision."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class NullCounts(Collector):
    """Counts per product and feature, read off when Prometheus asks.

    Examples
    --------
    >>> counts = NullCounts()
    >>> counts.add("payment", ("amount", "pace"), [np.array([5.0, np.nan]), np.array([6.0, np.nan])])
    >>> [(sample.labels["feature"], sample.value) for family in counts.collect() for sample in family.samples
    ...  if "feature" in sample.labels]
    [('amount', 0.0), ('pace', 2.0)]
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[Sequence[str], NDArray[np.int64], int]] = {}

    def add(self, product: str, names: Sequence[str], rows: Sequence[NDArray[np.float64]]) -> None:
        """Count rows, float64[m] each; a bundle with other features begins anew."""
        if not rows:
            return
        missing = np.isnan(np.stack(rows)).sum(axis=0)
        with self._lock:
            known, nulls, n_rows = self._counts.get(product, (None, None, 0))
            if known is not names or nulls is None:
                nulls, n_rows = np.zeros(len(names), dtype=np.int64), 0
            nulls += missing
            self._counts[product] = (names, nulls, n_rows + len(rows))

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What Prometheus reads."""
        missing = CounterMetricFamily(
            "assay_feature_nulls", "Rows decided on in which a feature was missing.", labels=["product", "feature"]
        )
        rows = CounterMetricFamily("assay_feature_rows", "Rows decided on.", labels=["product"])
        with self._lock:
            for product, (names, nulls, n_rows) in self._counts.items():
                rows.add_metric([product], n_rows)
                for name, n in zip(names, nulls, strict=True):
                    missing.add_metric([product, name], float(n))
        yield missing
        yield rows
