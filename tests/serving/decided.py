"""A home as the real runtime leaves it: payments and loans decided, and the odd cases among them."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.decision import Product
from stores.home import Home
from tests.serving import world
from tests.serving.doors import Doors

N_PAYMENTS, N_LOANS = 80, 12


def decided_home(root: Path) -> Home:
    """Requests p0…, l0…; ``without-features``, whose state failed; ``elsewhere``, a fact that looks like a request."""
    doors = Doors(root)
    try:
        payments = world.payment_stream(N_PAYMENTS, 41, world.START, n_cards=4)
        for number, request in enumerate(payments):
            doors.now = world.now_like(number)
            assert doors.pay(request).status_code == 200
        for request in world.application_stream(N_LOANS, 42, world.START):
            assert doors.send("POST", "/v1/loans/score", request).status_code == 200
        state = doors.engine.desks[Product.PAYMENT].state
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(state), "vector", lambda *_: 1 / 0)
            answer = doors.pay({**payments[0], "event_id": "without-features"})
            assert answer.json()["degraded"] == "features dropped: the state failed"
        fact = {**payments[1], "event_id": "elsewhere", "kind": "transaction"}
        assert doors.send("POST", "/v1/events", fact).status_code == 200
    finally:
        doors.close()
    return doors.home
