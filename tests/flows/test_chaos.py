"""SIGKILL at random moments: nothing acknowledged is lost and nothing is counted twice.

Two kills in the suite; ``make chaos`` asks for more through ``ASSAY_KILLS``.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.decision import Product
from domain.errors import Unavailable
from serving.books import Books
from serving.client import AssayClient
from serving.run import Running, running
from stores.home import Home
from tests.serving import world
from tests.serving.parity import same_vectors

N_KILLS = int(os.environ.get("ASSAY_KILLS", "2"))
N_CLIENTS = 3
MOST_BEFORE_A_KILL = 60

Acknowledged = dict[str, dict[str, Any]]


@pytest.mark.slow
@pytest.mark.chaos
def test_killed_at_random_moments_the_service_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    world.deploy(home, Product.PAYMENT)
    key = world.with_keys(home)["flow"]
    rng = np.random.default_rng(11)
    waiting = world.payment_stream((N_KILLS + 1) * MOST_BEFORE_A_KILL * 2, 31, world.START)
    requests = {request["event_id"]: request for request in waiting}
    told: Acknowledged = {}
    log = tmp_path / "service.log"
    for _ in range(N_KILLS):
        with log.open("ab") as output, running(home, world.CONFIGS, log=output) as service:
            after = int(rng.integers(1, MOST_BEFORE_A_KILL))
            waiting = _sent(service, key, waiting, told, kill_after=after)
    with log.open("ab") as output, running(home, world.CONFIGS, log=output) as service:
        # What was in flight at a kill is sent again under its own key, among the rest.
        assert _sent(service, key, waiting, told, kill_after=None) == []
        with AssayClient(service.url, key) as client:
            for event_id in list(told)[:: max(1, len(told) // 50)]:
                assert client.score_payment(requests[event_id], key=event_id) == told[event_id]

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


def _sent(
    service: Running, key: str, waiting: list[dict[str, Any]], told: Acknowledged, kill_after: int | None
) -> list[dict[str, Any]]:
    """Send from several clients until done or killed; returns what was not acknowledged."""
    gone, n_before, lock = threading.Event(), len(told), threading.Lock()
    shares = [waiting[place::N_CLIENTS] for place in range(N_CLIENTS)]

    def send(share: list[dict[str, Any]]) -> None:
        with AssayClient(service.url, key, attempts=1 if kill_after else 4) as client:
            for request in share:
                if gone.is_set():
                    return
                try:
                    answer = client.score_payment(request, key=request["event_id"])
                except Unavailable:
                    return
                with lock:
                    told[request["event_id"]] = answer
                    if kill_after is not None and len(told) - n_before >= kill_after and not gone.is_set():
                        gone.set()
                        service.kill()

    with ThreadPoolExecutor(N_CLIENTS) as pool:
        for future in [pool.submit(send, share) for share in shares]:
            future.result()
    return [request for request in waiting if request["event_id"] not in told]
