"""SIGKILL at random moments: nothing acknowledged is lost and nothing is counted twice.

The whole BentoML service is killed twice in the suite. What lives in its worker and beside it is killed far oftener, in
processes that start in half a second: ``ASSAY_KILLS`` says how often (``make chaos KILLS=1000``; 100 in CI).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from domain.decision import Product
from domain.errors import Unavailable
from serving.books import Books
from serving.client import AssayClient
from serving.run import running
from stores.home import Home
from tests.flows.mortal import Mortal
from tests.serving import world
from tests.serving.parity import same_vectors

N_KILLS = int(os.environ.get("ASSAY_KILLS", "10"))
N_WHOLE_KILLS = 2
N_CLIENTS = 3
MOST_BEFORE_A_KILL = 60
LONGEST_START = 1.5
"""Seconds after which a start that is to be interrupted is killed at the latest."""

Acknowledged = dict[str, dict[str, Any]]
Request = dict[str, Any]


@pytest.mark.slow
@pytest.mark.chaos
def test_the_whole_service_killed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home, key = _home(tmp_path)
    rng = np.random.default_rng(11)
    waiting = world.payment_stream((N_WHOLE_KILLS + 1) * MOST_BEFORE_A_KILL * 2, 31, world.START)
    requests = {request["event_id"]: request for request in waiting}
    told: Acknowledged = {}
    log = tmp_path / "service.log"
    for _ in range(N_WHOLE_KILLS):
        with log.open("ab") as output, running(home, world.CONFIGS, log=output) as service:
            after = int(rng.integers(1, MOST_BEFORE_A_KILL))
            waiting = _sent(service.url, key, waiting, told, kill=service.kill, after=after)
    with log.open("ab") as output, running(home, world.CONFIGS, log=output) as service:
        # What was in flight at a kill is sent again under its own key, among the rest.
        assert _sent(service.url, key, waiting, told) == []
        _same_answers(service.url, key, requests, told)
    _nothing_lost_or_doubled(home, requests, told)


@pytest.mark.slow
@pytest.mark.chaos
def test_killed_at_any_moment_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Doors, engine or both: between two answers, in the middle of many, while it starts, and while it starts after."""
    home, key = _home(tmp_path)
    rng = np.random.default_rng(12)
    # Twelve payments a life on average; one that was killed too late to be told is among the next.
    waiting = world.payment_stream(12 * (N_KILLS + 2), 32, world.START)
    requests = {request["event_id"]: request for request in waiting}
    told: Acknowledged = {}
    mortal = Mortal(home, world.CONFIGS)
    n_cut_starts = 0
    try:
        for number in range(N_KILLS):
            if number % 5 == 4:
                mortal.start(wait=False)
                time.sleep(float(rng.uniform(0.0, LONGEST_START)))
                mortal.kill()
                n_cut_starts += 1
                continue
            mortal.start()
            after, late = int(rng.integers(1, 20)), float(rng.uniform(0.0, 0.03))
            kill = (mortal.kill, mortal.kill_engine, mortal.kill_doors, mortal.kill)[number % 5]
            waiting = _sent(mortal.url, key, waiting, told, kill=kill, after=after, late=late)
        mortal.start()
        assert _sent(mortal.url, key, waiting, told) == []
        _same_answers(mortal.url, key, requests, told)
    finally:
        mortal.close()
    assert n_cut_starts == N_KILLS // 5
    _nothing_lost_or_doubled(home, requests, told)


def test_readiness_is_false_until_the_states_are_warm(tmp_path: Path) -> None:
    home, key = _home(tmp_path)
    mortal = Mortal(home, world.CONFIGS)
    seen = []
    try:
        mortal.start(wait=False)
        end = time.monotonic() + 60
        with httpx.Client(base_url=mortal.url, timeout=60, trust_env=False) as client:
            while not seen or seen[-1] != 200:
                assert time.monotonic() < end
                seen.append(client.get("/readyz").status_code)
                if seen[-1] == 503:
                    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"k{len(seen)}"}
                    (request,) = world.payment_stream(1, 5, world.START, prefix=f"w{len(seen)}-")
                    answer = client.post("/v1/payments/score", json=request, headers=headers)
                    # It may have become ready in between, but it never decides without its states in silence.
                    assert answer.status_code == 503 or answer.json()["degraded"] is False
    finally:
        mortal.close()
    assert seen[0] == 503
    assert seen[-1] == 200


# ------------------------------------------------------------------------ parts


def _home(tmp_path: Path) -> tuple[Home, str]:
    home = Home(tmp_path / "home")
    world.deploy(home, Product.PAYMENT)
    return home, world.with_keys(home)["flow"]


def _sent(
    url: str,
    key: str,
    waiting: list[Request],
    told: Acknowledged,
    *,
    kill: Callable[[], None] | None = None,
    after: int = 0,
    late: float = 0.0,
) -> list[Request]:
    """Send from several clients until done, or killed ``late`` s after so many answers; returns what was not told."""
    gone, n_before, lock = threading.Event(), len(told), threading.Lock()
    shares = [waiting[place::N_CLIENTS] for place in range(N_CLIENTS)]

    def send(share: list[Request]) -> None:
        with AssayClient(url, key, attempts=1 if kill else 4) as client:
            for request in share:
                if gone.is_set():
                    return
                try:
                    answer = client.score_payment(request, key=request["event_id"])
                except Unavailable:
                    return
                with lock:
                    told[request["event_id"]] = answer
                    mine = kill is not None and len(told) - n_before >= after and not gone.is_set()
                    if mine and not late:
                        gone.set()
                    elif mine:
                        # The others go on sending meanwhile: the kill falls into the middle of a transaction.
                        threading.Timer(late, gone.set).start()
                if mine and kill is not None:
                    gone.wait()
                    kill()
                    return

    with ThreadPoolExecutor(N_CLIENTS) as pool:
        for future in [pool.submit(send, share) for share in shares]:
            future.result()
    return [request for request in waiting if request["event_id"] not in told]


def _same_answers(url: str, key: str, requests: dict[str, Request], told: Acknowledged) -> None:
    """A retry of what was acknowledged before a kill gives what was acknowledged."""
    with AssayClient(url, key) as client:
        for event_id in list(told)[:: max(1, len(told) // 50)]:
            assert client.score_payment(requests[event_id], key=event_id) == told[event_id]


def _nothing_lost_or_doubled(home: Home, requests: dict[str, Request], told: Acknowledged) -> None:
    books = Books.open(home, {}, 10.0)
    try:
        decided = books.ledger.read("payment")
        assert sorted(decided["event_id"].to_pylist()) == sorted(told)
        assert books.journal.kinds() == {"transaction": len(requests)}
        by_event = dict(zip(decided["event_id"].to_pylist(), decided["decision_id"].to_pylist(), strict=True))
        assert by_event == {event_id: answer["decision_id"] for event_id, answer in told.items()}
        assert books.ledger.verify() == []
    finally:
        books.close()
    n_vectors, _ = same_vectors(home, Product.PAYMENT)
    assert n_vectors == len(requests) == len(told)
