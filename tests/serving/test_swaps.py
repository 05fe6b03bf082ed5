"""A hundred swaps under load, over real HTTP: no error, and each answer names the one bundle deployed at its time."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from domain.decision import Product
from scoring.replay import Replayer
from serving.books import Books
from stores.bundles import point, pointed, previous
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors
from tests.serving.sockets import listening

N_SWAPS, N_CALLERS = 100, 3
PAYMENT = Product.PAYMENT


@dataclass
class Caller:
    """Sends payments one after the other until it is told to stop."""

    url: str
    key: str
    name: str
    stop: threading.Event
    answers: list[tuple[float, float, int, str, str]] = field(default_factory=list)

    def run(self) -> None:
        requests = itertools.cycle(world.payment_stream(200, 4, world.START))
        # The name that the doors of tests answer to.
        head = {"Authorization": f"Bearer {self.key}", "Host": "assay"}
        with httpx.Client(base_url=self.url, headers=head, trust_env=False, timeout=30) as client:
            for number in itertools.count():
                if self.stop.is_set():
                    return
                name = f"{self.name}-{number}"
                body = {**next(requests), "event_id": name}
                began = time.monotonic()
                answer = client.post("/v1/payments/score", json=body, headers={"Idempotency-Key": name})
                told = answer.json()
                model = told.get("versions", {}).get("model", "")
                self.answers.append((began, time.monotonic(), answer.status_code, model, told.get("decision_id", "")))


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("swaps"), products=(PAYMENT,))
    # A look a second would make a hundred swaps take minutes; the loop that looks is the service's own.
    made.look_often()
    yield made
    made.close()


def test_a_hundred_swaps_under_load(doors: Doors) -> None:
    first = doors.engine.desks[PAYMENT].bundle.hash
    second = world.deploy(doors.home, PAYMENT, seed=6)
    point(doors.home.pointers, "payment", first, 1)
    assert first != second
    stop = threading.Event()
    # (from when on it may answer, until when it may)
    spans: list[tuple[str, float, float]] = []
    with listening(doors) as url:
        callers = [Caller(url, doors.keys["flow"], f"c{place}", stop) for place in range(N_CALLERS)]
        threads = [threading.Thread(target=caller.run) for caller in callers]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        # Counted from the first model: it must have answered before it is swapped.
        end = time.monotonic() + 60
        while not any(answer[3] == first for caller in callers for answer in caller.answers):
            assert time.monotonic() < end
            time.sleep(0.002)
        serving = first
        for swap in range(N_SWAPS):
            wanted = second if swap % 2 == 0 else first
            flipped = time.monotonic()
            point(doors.home.pointers, "payment", wanted, swap + 2)
            # The next swap waits until a customer was answered by this one.
            end = time.monotonic() + 60
            while not any(a[3] == wanted and a[0] >= flipped for c in callers for a in c.answers[-20:]):
                assert time.monotonic() < end
                time.sleep(0.002)
            spans.append((serving, began, time.monotonic()))
            began, serving = flipped, wanted
        stop.set()
        for thread in threads:
            thread.join(30)
        spans.append((serving, began, time.monotonic()))
    answers = [answer for caller in callers for answer in caller.answers]
    assert {status for _, _, status, _, _ in answers} == {200}
    assert len(answers) > N_SWAPS
    for sent, got, _, model, decision in answers:
        assert any(model == which and sent <= until and got >= since for which, since, until in spans), decision
    assert previous(doors.home.pointers, "payment") == second
    assert pointed(doors.home.pointers, "payment") == first
    books = Books.open(doors.home, {}, 10.0)
    try:
        kept = books.ledger.read("payment")
        by_id = dict(zip(kept["decision_id"].to_pylist(), kept["model"].to_pylist(), strict=True))
        assert by_id == {decision: model for _, _, _, model, decision in answers}
        models = kept["model"].to_pylist()
        # In the order of the chain the model changes exactly at the swaps: never back and forth in between.
        assert sum(a != b for a, b in itertools.pairwise(models)) == N_SWAPS
        replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
        assert all(replayer.replay(decision)[0] for decision in list(by_id)[:: max(1, len(by_id) // 40)])
    finally:
        books.close()
    same_vectors(doors.home, PAYMENT)
