"""A load counts from the moment a request was due: a planted stall must show, and does not where it is left out."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import msgspec
import pytest

from domain.decision import Product
from domain.errors import InputError, Unavailable
from serving.load.drive import Result, drive
from serving.load.plan import Arrivals, make_plan, parse_mix
from serving.load.settings import Promise
from serving.load.traffic import Traffic
from serving.load.verdict import as_dict, broken
from tests.serving.load.server import Answering, answering

DECIDED = b'{"action":"approve","degraded":false}'
STALL = 0.5
PROMISE = Promise(rate=200, p50_ms=3, p99_ms=15, errors=0.0)


def sent(answer: Answering, rate: float = 100, seconds: float = 1.0, timeout: float = 5.0, connections: int = 64):
    with answering(answer) as (url, seen):
        plan = make_plan(rate, seconds, {Product.PAYMENT: 1}, 3, Arrivals.EVEN)
        traffic = Traffic("t", 3, lambda: 0)
        request = partial(traffic.request, host="127.0.0.1", key="secret")
        result = drive(url, plan, request, connections=connections, timeout=timeout)
    return result, seen


async def at_once(number: int) -> tuple[int, bytes]:
    return 200, DECIDED


def test_a_stall_is_counted_for_everybody_who_had_to_wait() -> None:
    async def stalled(number: int) -> tuple[int, bytes]:
        if number == 20:
            await asyncio.sleep(STALL)
        return 200, DECIDED

    result, _ = sent(stalled)
    assert result.statuses == {200: 100}
    # Fifty were due during the stall; a closed loop would have counted one.
    assert (result.latency.percentile(90) or 0) > 0.6 * STALL * 1e6
    assert (result.latency.percentile(99) or 0) > 0.9 * STALL * 1e6
    control, _ = sent(at_once)
    assert (control.latency.percentile(50) or 0) < 0.2 * STALL * 1e6


def test_a_wait_for_a_connection_is_the_services_and_not_hidden() -> None:
    async def slow(number: int) -> tuple[int, bytes]:
        await asyncio.sleep(0.02)
        return 200, DECIDED

    result, _ = sent(slow, connections=1)
    assert result.statuses == {200: 100}
    # It answers 50 a second and is asked 100: the last have waited a second, though each took 20 ms once sent.
    assert (result.latency.percentile(99) or 0) > 600_000
    assert (result.service.percentile(50) or 0) < 200_000
    assert (result.lag.percentile(99) or 0) > 500_000


def test_errors_are_told_by_status_and_kind() -> None:
    async def broken_now_and_then(number: int) -> tuple[int, bytes] | None:
        return {3: (503, b"{}"), 4: (422, b"{}"), 5: None}.get(number, (200, b'{"degraded":"model dropped: x"}'))

    result, _ = sent(broken_now_and_then, rate=50)
    assert result.statuses == {200: 47, 503: 1, 422: 1}
    assert result.failures == {"connection": 1}
    assert result.errors == pytest.approx(3 / 50)
    assert result.degraded == 47
    assert result.latency.n == 47
    told = as_dict(result, PROMISE, 50)
    assert told["kept"] is False
    assert told["broken"][0] == "errors: expected at most 0 % of requests, got 6 %"


def test_who_gets_no_answer_in_time_is_counted() -> None:
    async def never(number: int) -> tuple[int, bytes]:
        if number == 0:
            await asyncio.sleep(1.0)
        return 200, DECIDED

    result, _ = sent(never, rate=5, seconds=1.0, timeout=0.25)
    assert result.failures["timeout"] >= 1
    assert sum(result.statuses.values()) + sum(result.failures.values()) == 5


def test_each_request_is_whole_and_its_own() -> None:
    result, seen = sent(at_once, rate=40)
    heads = [request.split(b"\r\n\r\n", 1) for request in seen]
    assert len({head for head, _ in heads}) == len(seen) == result.n_planned == 40
    bodies = [msgspec.json.decode(body) for _, body in heads]
    assert len({body["event_id"] for body in bodies}) == 40
    for (head, _), body in zip(heads, bodies, strict=True):
        assert f"Idempotency-Key: {body['event_id']}".encode() in head


def test_nobody_there() -> None:
    plan = make_plan(10, 1, {Product.PAYMENT: 1}, 3)
    # Bound, so that nobody else takes it, and not listening.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Unavailable, match="expected a service"):
            drive(f"http://127.0.0.1:{taken.getsockname()[1]}", plan, lambda _: b"", connections=4, timeout=1)


def test_plans() -> None:
    mix = parse_mix(" payments:95, loans:5 ")
    plan = make_plan(200, 60, mix, 7)
    assert len(plan) == 12_000
    assert (plan.due[1:] >= plan.due[:-1]).all()
    assert 0.03 < plan.products.count(Product.LOAN) / len(plan) < 0.07
    again = make_plan(200, 60, mix, 7)
    assert (again.due == plan.due).all()
    assert again.products == plan.products
    # At random: as uneven as a Poisson process, where the deviation of a second's count is the root of its mean.
    counts = [((plan.due >= s) & (plan.due < s + 1)).sum() for s in range(60)]
    assert 8 < float(sum((c - 200) ** 2 for c in counts) / 60) ** 0.5 < 22


@pytest.mark.parametrize(
    "mix", ["", "payments", "payments:-1", "payments:1,payments:2", "cards:3", "payments:0", "loans:a"]
)
def test_a_wrong_mix_is_told(mix: str) -> None:
    with pytest.raises(InputError, match="mix: expected"):
        parse_mix(mix)


@pytest.mark.parametrize(("rate", "seconds"), [(0.1, 1), (1e6, 60)])
def test_a_plan_of_none_or_too_many_is_told(rate: float, seconds: float) -> None:
    with pytest.raises(InputError, match="requests"):
        make_plan(rate, seconds, {Product.PAYMENT: 1}, 7)


def test_the_promise_is_for_its_rate_and_errors_always_count() -> None:
    result = Result(2)
    result.statuses[200] = 2
    for micros in (4_000, 20_000):
        result.latency.record(micros)
    assert [fault.split(":")[0] for fault in broken(result, PROMISE, 200)] == ["p50", "p99"]
    assert broken(result, PROMISE, 201) == []
    assert broken(Result(1), PROMISE, 201) == ["errors: expected at most 0 % of requests, got 100 %"]
    assert len(broken(Result(1), PROMISE, 200)) == 3
