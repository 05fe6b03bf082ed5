"""A load held against the promise."""

from __future__ import annotations

from typing import Any

from serving.load.drive import Result
from serving.load.histogram import Histogram
from serving.load.settings import Promise

PERCENTS = (50.0, 90.0, 99.0, 99.9)


def broken(result: Result, promise: Promise, rate: float) -> list[str]:
    """What of the promise was not kept; nothing is promised above its rate but that answers come.

    Examples
    --------
    >>> result = Result(2)
    >>> result.statuses.update({200: 1, 503: 1})
    >>> result.latency.record(20_000)
    >>> broken(result, Promise(rate=200, p50_ms=3, p99_ms=15, errors=0.0), 300)
    ['errors: expected at most 0 % of requests, got 50 %']
    """
    faults = []
    if result.errors > promise.errors:
        most, found = 100 * promise.errors, 100 * result.errors
        faults.append(f"errors: expected at most {most:.3g} % of requests, got {found:.3g} %")
    if rate > promise.rate:
        return faults
    for percent, most in ((50.0, promise.p50_ms), (99.0, promise.p99_ms)):
        micros = result.latency.percentile(percent)
        if micros is None:
            faults.append(f"p{percent:g}: expected at most {most:g} ms, got no answer")
        elif micros > most * 1000:
            faults.append(f"p{percent:g}: expected at most {most:g} ms, got {micros / 1000:.3g} ms")
    return faults


def as_dict(result: Result, promise: Promise, rate: float) -> dict[str, Any]:
    """Everything that was measured, in ms, with the promise beside it."""
    faults = broken(result, promise, rate)
    return {
        "kept": not faults,
        "broken": faults,
        "promise": promise.model_dump(),
        "rate": rate,
        "n_planned": result.n_planned,
        "n_answered": sum(result.statuses.values()),
        "seconds": round(result.seconds, 3),
        "rate_answered": round(sum(result.statuses.values()) / result.seconds, 2) if result.seconds else None,
        "statuses": {str(status): n for status, n in sorted(result.statuses.items())},
        "failures": dict(result.failures),
        "errors": round(result.errors, 6),
        "degraded": result.degraded,
        "latency_ms": in_ms(result.latency),
        "latency_by_product_ms": {product.value: in_ms(times) for product, times in result.by_product.items()},
        "from_send_ms": in_ms(result.service),
        "sender_lag_ms": in_ms(result.lag),
    }


def in_ms(times: Histogram) -> dict[str, float | int | None]:
    """Count, mean, percentiles and largest.

    Examples
    --------
    >>> times = Histogram()
    >>> times.record(1500)
    >>> in_ms(times)["p99"], in_ms(times)["n"]
    (1.5, 1)
    """

    def ms(micros: float | None) -> float | None:
        return None if micros is None else round(micros / 1000, 3)

    told: dict[str, float | int | None] = {f"p{percent:g}": ms(times.percentile(percent)) for percent in PERCENTS}
    return {"n": times.n, "mean": ms(times.mean()), **told, "max": ms(times.largest)}
