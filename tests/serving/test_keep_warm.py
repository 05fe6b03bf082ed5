"""What is warmed up while nobody asks is decided on as any other request, and leaves nothing behind."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.decision import Product
from serving.books import Books
from stores.database import Database
from tests.serving import world
from tests.serving.doors import Doors, until
from tests.serving.parity import same_vectors


@pytest.fixture(scope="module")
def warming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(tmp_path_factory.mktemp("warming"), settings={"keep_warm_after_ms": "2.0"})
    yield made
    made.close()


def metric(doors: Doors, name: str) -> float:
    """The sum over its labels; one that is not told is a mistake of the test."""
    text = doors.send("GET", "/v1/metrics", client="metrics").text
    assert f"# HELP {name} " in text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


def ledger(doors: Doors) -> tuple[tuple[int, bytes], list[object]]:
    """The head of the chain and what is wrong with it, on a connection of its own."""
    books = Books.open(doors.home, {}, 10.0)
    try:
        return books.ledger.head(), list(books.ledger.verify())
    finally:
        books.close()


def warmed_up(doors: Doors, n: int = 20) -> None:
    """Wait for some more of them; of both products, in turns."""
    before = metric(doors, "assay_warm_ups_total")
    until(lambda: metric(doors, "assay_warm_ups_total") >= before + n)


def test_they_leave_nothing_behind(warming: Doors) -> None:
    doors = warming
    (request, second) = world.payment_stream(2, 5, world.START, prefix="left")
    first = doors.pay(request)
    stored, told = doors.counts(), metric(doors, "assay_decisions_total")
    (head, _), seqs = ledger(doors), [state.seq for state in doors.engine.desks.states()]
    entities = [state.holdings.n_entities for state in doors.engine.desks.states()]
    warmed_up(doors)
    assert doors.counts() == stored
    assert metric(doors, "assay_decisions_total") == told
    assert ledger(doors)[0] == head
    assert [state.seq for state in doors.engine.desks.states()] == seqs
    assert [state.holdings.n_entities for state in doors.engine.desks.states()] == entities
    # The next is numbered and linked as if there had been none.
    assert doors.pay(second).status_code == 200
    assert doors.counts()["event"] == stored["event"] + 1
    assert ledger(doors)[1] == []
    assert first.status_code == 200
    same_vectors(doors.home, Product.PAYMENT)


def test_decisions_between_them_read_the_features_of_a_replay(warming: Doors) -> None:
    doors = warming
    before = metric(doors, "assay_warm_ups_total")
    for request in world.payment_stream(40, 6, world.START, prefix="between"):
        assert doors.pay(request).json()["degraded"] is False
        # So that some come between two requests, and some into the transaction of one.
        time.sleep(0.004)
    assert metric(doors, "assay_warm_ups_total") > before
    n_vectors, _ = same_vectors(doors.home, Product.PAYMENT)
    assert n_vectors >= 40
    assert ledger(doors)[1] == []


def test_they_go_through_the_model(warming: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm-up that decided on nothing would keep nothing at hand."""
    scored: Counter[Product] = Counter()

    def counted(product: Product, own: Callable[[Any], Any], row: Any) -> Any:
        scored[product] += 1
        return own(row)

    for product in Product:
        scorer = warming.engine.desks[product].bundle.scorer
        monkeypatch.setattr(scorer, "raw", partial(counted, product, scorer.raw))
    warmed_up(warming)
    assert min(scored[product] for product in Product) >= 5


def test_another_writer_is_neither_waited_for_nor_kept_waiting(warming: Doors) -> None:
    doors = warming
    warmed_up(doors)
    failures = metric(doors, "assay_failed_commits_total")
    other = Database(doors.home.database, 10.0)
    try:
        with other.transaction():
            # The write lock is held, and they go on.
            warmed_up(doors)
        for _ in range(50):
            began = time.monotonic()
            with other.transaction():
                pass
            assert time.monotonic() - began < 5
    finally:
        other.close()
    assert metric(doors, "assay_failed_commits_total") == failures
    assert doors.runtime.ready


def test_what_another_process_appends_is_learnt_while_nobody_asks(warming: Doors) -> None:
    doors = warming
    books = Books.open(doors.home, {}, 10.0)
    try:
        (request,) = world.payment_stream(1, 8, world.START, prefix="other")
        books.journal.append([books.vault.tokenised(world.as_event(request, "transaction"))])
        last = books.journal.last_seq()
    finally:
        books.close()
    until(lambda: {state.seq for state in doors.engine.desks.states()} == {last})


def test_there_are_none_where_they_are_not_wanted(doors: Doors) -> None:
    for request in world.payment_stream(3, 9, world.START, prefix="none"):
        doors.pay(request)
        time.sleep(0.06)
    assert metric(doors, "assay_warm_ups_total") == 0


def test_there_are_some_again_after_a_restart(warming: Doors) -> None:
    warmed_up(warming)
    warming.restart()
    warmed_up(warming)


def test_an_engine_in_its_own_process_keeps_warm_too(tmp_path: Path) -> None:
    doors = Doors(tmp_path, settings={"keep_warm_after_ms": "2.0"}, apart=True)
    try:
        stored = doors.counts()
        warmed_up(doors)
        assert doors.counts() == stored
        assert "commit_failed" not in doors.log.getvalue()
    finally:
        doors.close()
