"""Whether the service's memory is flat once its windows are full: half an hour in which ten months pass.

    python benchmarks/bench_memory.py [--minutes 30] [--rate 60] [--days-a-minute 10] [--leak BYTES]

The longest window of a payment's features is 90 days, and a customer is let go after 93. So the service is given a
clock that runs ten days a minute: the features are the real ones, windows are full after ten minutes, and from then on
as much must go as comes. Customers come with card, device and address, pay some times, and are not seen again; the
identifiers that are remembered are as many as may be after 21 minutes.

Resident memory of the doors and of the engine, each a process, is read every five seconds. The slope of their sum from
the fill on is that of least squares over medians of a minute, its interval by Newey and West (a minute resembles the
one before). Flat means that the interval's upper end is below `FLAT` of memory a request, or it prints ``"equal":
false`` and ends with 1, as it must with ``--leak 1000``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from decide_world import CONFIGS, World, make_world
from memory_server import ENGINE, fast_clock
from numpy.typing import NDArray
from peers import verdict

from domain.decision import Product
from domain.time import DAY
from serving.auth import Role, add_key
from serving.load.drive import Result, drive
from serving.load.plan import make_plan
from serving.load.traffic import Traffic
from serving.run import HOST, free_port, wait_ready

FLAT = 150.0
"""Bytes a request that may be added in the long run, as far as this can tell: a tenth of what an event's rows take."""

FILLED_DAYS = 93 + 10
"""Longest window, lateness, and a round of eviction."""

FILLED_REQUESTS = 75_000
"""After so many payments the identifiers that are remembered (`serving.tokens`) are as many as may be."""

_EVERY = 5.0
_MEBI = 2**20
_AT_ONCE, _STAYS = 6_000, 12_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading: seconds since the first request, resident bytes of both processes, and what the states hold."""

    at: float
    doors: int
    engine: int
    entities: int
    state_bytes: int

    @property
    def resident(self) -> int:
        """Of both, bytes."""
        return self.doors + self.engine


class Passing(Traffic):
    """Payments of people who come, pay some times and are not seen again.

    There are 6,000 at a time; each is another after 12,000 payments of all.
    """

    def _payment(self) -> dict[str, Any]:
        made = super()._payment()
        person = int(self._rng.integers(_AT_ONCE))
        person += _AT_ONCE * ((self.n_made + person * (_STAYS // _AT_ONCE)) // _STAYS)
        named = {"customer_id": "c", "card_id": "k", "account_id": "a", "device_id": "d", "ip_id": "i"}
        return {**made, **{column: f"load-{letter}{person}" for column, letter in named.items()}}


def slope(times: NDArray[np.float64], values: NDArray[np.float64], lag: int = 3) -> tuple[float, float]:
    """Rise of values over times by least squares, and half the width of its 95 % interval (Newey and West 1987).

    Shapes: float64[n], float64[n].

    Examples
    --------
    >>> rise, half = slope(np.arange(20.0), 3 + 2 * np.arange(20.0))
    >>> round(rise, 9), round(half, 9)
    (2.0, 0.0)
    """
    centred = times - times.mean()
    spread = float(centred @ centred)
    rise = float(centred @ values) / spread
    scores = centred * (values - values.mean() - rise * centred)
    variance = float(scores @ scores)
    for step in range(1, lag + 1):
        variance += 2 * (1 - step / (lag + 1)) * float(scores[step:] @ scores[:-step])
    n = len(times)
    return rise, 1.96 * (max(variance, 0.0) * n / (n - 2)) ** 0.5 / spread


def by_minute(samples: Sequence[Sample]) -> list[Sample]:
    """The median reading of each whole minute."""
    minutes: dict[int, list[Sample]] = {}
    for sample in samples:
        minutes.setdefault(int(sample.at // 60), []).append(sample)
    return [
        Sample(
            60.0 * minute + 30.0, int(statistics.median(s.doors for s in found)),
            int(statistics.median(s.engine for s in found)), found[-1].entities, found[-1].state_bytes,
        )
        for minute, found in sorted(minutes.items())
    ]  # fmt: skip


def report(samples: Sequence[Sample], result: Result, rate: float, filled: float) -> tuple[bool, str]:
    """Whether memory is flat from ``filled`` s on, and what to print."""
    minutes = by_minute([sample for sample in samples if sample.at >= 0])
    lines = [f"{'minute':>6}{'doors MB':>10}{'engine MB':>11}{'entities':>10}{'rows and slots MB':>19}"]
    lines += [
        f"{one.at / 60:>6.1f}{one.doors / _MEBI:>10.1f}{one.engine / _MEBI:>11.1f}{one.entities:>10,}"
        f"{one.state_bytes / _MEBI:>19.1f}"
        for one in minutes
    ]
    after = [one for one in minutes if one.at - 30.0 >= filled]
    figures: dict[str, float] = {"n_requests": result.n_planned, "minutes_full": len(after)}
    refused = result.n_planned - result.statuses[200]
    flat = False
    if len(after) > 5:
        times = np.array([one.at for one in after])
        rise, half = slope(times, np.array([float(one.resident) for one in after]))
        flat = (rise + half) / rate <= FLAT
        figures |= {"bytes_a_request": round(rise / rate, 1), "upper_95": round((rise + half) / rate, 1)}
        lines.append(
            f"from minute {filled / 60:.0f} on {rise / rate:+.0f} bytes a request "
            f"(95 % {(rise - half) / rate:+.0f} to {(rise + half) / rate:+.0f}; {rise * 60 / _MEBI:+.3f} MB a minute), "
            f"at most {FLAT:.0f} wanted: {'flat' if flat else 'NOT flat'}"
        )
    else:
        lines.append(f"expected six minutes at least with full windows, got {len(after)}: nothing is shown")
    told = {str(status): n for status, n in sorted(result.statuses.items()) if status != 200} | dict(result.failures)
    lines.append(f"{result.n_planned:,} requests, refused or unanswered: {told or 0}, degraded: {result.degraded}")
    holds = flat and not refused and not result.degraded
    lines.append(verdict("memory", holds, {}, figures))
    return holds, "\n".join(lines)


@contextmanager
def _server(world: World, began: int, speed: float, leak: int) -> Iterator[tuple[str, int]]:
    port = free_port()
    arguments = [
        sys.executable, str(Path(__file__).with_name("memory_server.py")), "doors", str(began), str(speed), str(leak),
        str(port), str(world.home.root), str(CONFIGS),
    ]  # fmt: skip
    with (world.home.root / "service.log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log)
        try:
            wait_ready(f"http://{HOST}:{port}", 120, process)
            yield f"http://{HOST}:{port}", process.pid
        finally:
            process.terminate()
            process.wait(30)


def _watch(url: str, pid: int, key: str, start: float, ended: threading.Event, samples: list[Sample]) -> None:
    doors = psutil.Process(pid)
    engine = next(child for child in doors.children() if ENGINE in child.cmdline())
    with httpx.Client(timeout=30, trust_env=False, headers={"Authorization": f"Bearer {key}"}) as client:
        while True:
            lines = client.get(f"{url}/v1/metrics").text.splitlines()
            told = dict(line.split(" ") for line in lines if line.startswith("assay_state_"))
            samples.append(
                Sample(
                    time.monotonic() - start, doors.memory_info().rss, engine.memory_info().rss,
                    int(float(told["assay_state_entities"])), int(float(told["assay_state_bytes"])),
                )
            )  # fmt: skip
            if ended.wait(_EVERY):
                return


def measure(world: World, minutes: float, rate: float, speed: float, leak: int) -> tuple[list[Sample], Result]:
    """Load a service whose clock runs ``speed`` times as fast; what it held meanwhile."""
    began = time.time_ns() // 1000
    plan = make_plan(rate, 60 * minutes, {Product.PAYMENT: 1}, 7)
    watcher = add_key(world.home, "watcher", [Role.METRICS])
    traffic = Passing("memory", 7, fast_clock(began, speed))
    samples: list[Sample] = []
    ended = threading.Event()
    with _server(world, began, speed, leak) as (url, pid):
        watch = threading.Thread(target=_watch, args=(url, pid, watcher, time.monotonic(), ended, samples))
        watch.start()
        try:
            result = drive(
                url, plan, lambda product: traffic.request(product, HOST, world.key), connections=16, timeout=30
            )
        finally:
            ended.set()
            watch.join()
    return samples, result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when memory is not flat or a request was refused."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long")
    parser.add_argument("--rate", type=float, default=60.0, help="payments a second")
    parser.add_argument("--days-a-minute", type=float, default=10.0, help="how fast the service's clock runs")
    parser.add_argument("--leak", type=int, default=0, help="bytes kept of each request: must print false")
    options = parser.parse_args(arguments)
    speed = options.days_a_minute * DAY / 60e6
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder:
        world = make_world(Path(folder), n_payments=4_000, n_trees=100)
        samples, result = measure(world, options.minutes, options.rate, speed, options.leak)
    filled = max(60 * FILLED_DAYS / options.days_a_minute, FILLED_REQUESTS / options.rate)
    holds, text = report(samples, result, options.rate, filled)
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
