"""A canary decides on its own customers, always the same ones; everybody else stays with the champion."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from domain.decision import Product
from scoring.replay import Replayer
from serving.books import Books
from serving.canary import draw
from stores.bundles import install, point, unpoint
from stores.home import Home
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.parity import same_vectors

PAYMENT = Product.PAYMENT
SHARE = 0.4


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(
        tmp_path_factory.mktemp("canary"), products=(PAYMENT,), settings={"canary_share": str(SHARE)},
    )  # fmt: skip
    made.runtime.settings = made.runtime.settings.model_copy(update={"reload_every": 10_000})
    yield made
    made.close()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def as_canary(doors: Doors, **how: Any) -> str:
    """Install a bundle beside the champion, and wait until it has customers."""
    digest = world.deploy(doors.home, PAYMENT, role="canary", **how)
    until(lambda: any(digest in models for models in arms(doors, 20).values()))
    return digest


def arms(doors: Doors, n: int = 60) -> dict[str, set[str]]:
    """Customer → the bundles that decided on them, over payments of all of them."""
    requests = world.payment_stream(n, 4, world.START, prefix=f"{doors.key()}-")
    answers = doors.together([{"path": "/v1/payments/score", "body": request} for request in requests])
    assert {answer.status_code for answer in answers} == {200}
    found: dict[str, set[str]] = {}
    for request, answer in zip(requests, answers, strict=True):
        told = answer.json()
        found.setdefault(request["customer_id"], set()).add(told["versions"]["model"])
        assert ("canary" in told["flags"]) == (told["versions"]["model"] != champion(doors))
    return found


def champion(doors: Doors) -> str:
    return str(doors.runtime.desks[PAYMENT].bundle.hash)


def told(doors: Doors) -> dict[str, Any]:
    return dict(doors.send("GET", "/v1/models").json()["payment"])


def test_the_lot_is_even_and_bound_to_key_and_bundle() -> None:
    drawn = np.array([draw(bytes(32), "b1", f"c{n}") for n in range(4_000)])
    assert 0 <= drawn.min() < drawn.max() < 1
    assert np.histogram(drawn, bins=10, range=(0, 1))[0].min() > 330
    other_key = np.array([draw(bytes([1]) * 32, "b1", f"c{n}") for n in range(4_000)])
    other_bundle = np.array([draw(bytes(32), "b2", f"c{n}") for n in range(4_000)])
    for other in (other_key, other_bundle):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.06


def test_a_canary_takes_its_share_and_each_customer_has_one_bundle(doors: Doors) -> None:
    state = doors.runtime.desks[PAYMENT].state
    digest = as_canary(doors, seed=6)
    first = arms(doors)
    assert all(len(models) == 1 for models in first.values())
    assert set.union(*first.values()) == {champion(doors), digest}
    again = arms(doors)
    assert {who: again[who] for who in first.keys() & again.keys()} == {
        who: first[who] for who in first.keys() & again.keys()
    }
    # The features are the same: nothing is learnt twice.
    assert doors.runtime.desks.states() == [state]


def test_restart_keeps_everybody_with_their_bundle(doors: Doors) -> None:
    before = arms(doors)
    doors.restart()
    doors.runtime.settings = doors.runtime.settings.model_copy(update={"reload_every": 10_000})
    after = arms(doors)
    common = before.keys() & after.keys()
    assert common
    assert {who: after[who] for who in common} == {who: before[who] for who in common}


def test_a_request_that_names_nobody_stays_with_the_champion(doors: Doors) -> None:
    for number in range(8):
        body = {"event_id": f"nobody-{number}", "event_time": "2025-10-31T23:00:00Z", "amount": 900, "currency": "CNY"}
        assert doors.pay(body).json()["versions"]["model"] == champion(doors)


def test_a_canary_with_other_features_learns_for_itself(doors: Doors) -> None:
    digest = as_canary(doors, seed=5, views=False)
    assert set.union(*arms(doors).values()) == {champion(doors), digest}
    assert len(doors.runtime.desks.states()) == 2


def test_a_bad_canary_leaves_everybody_where_they_were(doors: Doors) -> None:
    before = told(doors)["canary"]
    point(doors.home.pointers, "payment.canary", "0" * 64, 9)
    until(lambda: told(doors)["canary_refused"] is not None)
    assert told(doors)["canary"] == before
    assert told(doors)["refused"] is None
    arms(doors, 20)


def test_without_its_pointer_there_is_no_canary(doors: Doors) -> None:
    unpoint(doors.home.pointers, "payment.canary")
    until(lambda: told(doors)["canary"] is None and len(doors.runtime.desks.states()) == 1)
    assert told(doors)["canary_refused"] is None
    assert set.union(*arms(doors, 30).values()) == {champion(doors)}


def test_what_a_canary_decided_is_replayed_bit_for_bit(doors: Doors) -> None:
    books = Books.open(doors.home, {}, 10.0)
    try:
        kept = books.ledger.read("payment")
        flagged = ["canary" in json.loads(body)["flags"] for body in kept["body"].to_pylist()]
        mine = [decision for decision, canary in zip(kept["decision_id"].to_pylist(), flagged, strict=True) if canary]
        assert len(mine) > 20
        replayer = Replayer(books.ledger, books.journal, doors.home.bundles)
        assert all(replayer.replay(decision)[0] for decision in mine)
        assert not books.ledger.verify()
    finally:
        books.close()
    assert same_vectors(doors.home, PAYMENT)[0] > 100


def test_a_pointer_is_removed_once(tmp_path: Any) -> None:
    home = Home(tmp_path)
    digest = world.deploy(home, PAYMENT)
    assert install(home.bundles / digest, home.bundles).name == digest
    assert unpoint(home.pointers, "payment")
    assert not unpoint(home.pointers, "payment")
