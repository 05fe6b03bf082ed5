"""Ten thousand inputs over every route, and no error of ours: bodies, heads, paths and queries bent in every way."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from serving.auth import Role, add_key
from serving.openapi_words import EXAMPLES, QUERIES
from serving.routes import ROUTES, Route
from tests.serving import world
from tests.serving.doors import Doors

N_EXAMPLES, N_TOGETHER = 400, 25

# An explanation of a real decision takes a process, a reload a second: they have tests of their own.
FUZZED = [route for route in ROUTES if route.handler not in ("explanation", "reload")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
VALUES = JSON | st.sampled_from(["", "approve", "genuine", "open", "2025-11-01T00:00:00Z", "CNY", 0, -1, 2**53, True])


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    root = tmp_path_factory.mktemp("fuzzed")
    doors = Doors(root, settings={"rate": "{per_second: 1.0e+6, burst: 1000000}"})
    doors.keys["all"] = add_key(doors.home, "all", list(Role))
    assert doors.runtime.look_now()
    doors.now = world.START + 365 * 86_400_000_000
    yield doors
    doors.close()


@pytest.fixture(scope="module")
def known(fuzzed: Doors) -> list[str]:
    found = []
    for request in world.payment_stream(6, 3, world.START, prefix="fz"):
        answer = fuzzed.pay({**request, "amount": 90_000_000, "currency": "CNY"}, client="all")
        found.append(answer.json()["decision_id"])
    return found


@st.composite
def bodies(draw: st.DrawFn, handler: str) -> bytes:
    lot = draw(st.integers(0, 9))
    if lot == 0:
        return draw(st.binary(max_size=60))
    example = EXAMPLES[handler]
    items = example if isinstance(example, list) else [example]
    bent = []
    for item in items:
        names = st.sampled_from([*item, "other", "stage", "currency", "amount", "kind", "event_time"])
        changes = draw(st.dictionaries(names, VALUES, max_size=3)) if lot < 8 else {}
        dropped = draw(st.sets(st.sampled_from(list(item)), max_size=1)) if lot < 5 else set()
        whole = {name: value for name, value in {**item, **changes}.items() if name not in dropped}
        if "event_id" in whole and lot % 2:
            whole["event_id"] = draw(st.text(min_size=1, max_size=12))
        bent.append(whole)
    content = json.dumps(bent if isinstance(example, list) else bent[0])
    return content.encode("utf-8", "replace")


HEADERS = st.tuples(
    st.sampled_from(
        ["Idempotency-Key", "Content-Type", "Authorization", "X-API-Key", "Host", "Content-Encoding", "X-Other"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
    | st.sampled_from(["application/json", "gzip", "assay"]),
)
SEGMENT = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C"], exclude_characters="/?#%\\"),
    min_size=1, max_size=20,
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[Route, str | int, dict[str, str], bytes | None, dict[str, str]]:
    route = draw(st.sampled_from(FUZZED))
    segment = draw(st.integers(0, 5) | SEGMENT)
    query = {}
    for name in QUERIES.get(route.handler, {}):
        if draw(st.integers(0, 3)) == 0:
            query[name] = draw(st.text(max_size=12) | st.sampled_from(["payment", "open", "5", "2025-11-01T00:00:00Z"]))
    body = draw(bodies(route.handler)) if route.handler in EXAMPLES else None
    headers = dict([draw(HEADERS)]) if draw(st.integers(0, 4)) == 0 else {}
    return route, segment, query, body, headers


def test_no_input_gives_an_error_of_ours(fuzzed: Doors, known: list[str]) -> None:
    counted: Counter[tuple[str, int]] = Counter()

    async def one(request: Any) -> tuple[str, httpx.Response]:
        route, segment, query, body, headers = request
        path = "/v1" + route.path.replace("{decision_id}", known[segment] if isinstance(segment, int) else segment)
        path = path.replace("{change_id}", f"C{segment + 1}" if isinstance(segment, int) else segment)
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {fuzzed.keys['all']}", **headers}
        if route.method == "POST":
            sent.setdefault("Idempotency-Key", fuzzed.key())
        url = httpx.URL("http://assay").copy_with(path=path, params=query or None)
        return route.handler, await fuzzed._http.request(route.method, url, content=body, headers=sent)

    @settings(
        max_examples=N_EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phase.generate],
    )
    @given(st.lists(requests(), min_size=N_TOGETHER, max_size=N_TOGETHER))
    def run(many: list[Any]) -> None:
        async def together() -> list[tuple[str, httpx.Response]]:
            return await asyncio.gather(*map(one, many))

        for handler, answer in fuzzed.run(together):
            counted[handler, answer.status_code] += 1
            assert answer.status_code < 500, (handler, answer.status_code, answer.text)

    run()
    assert sum(counted.values()) >= 10_000
    assert {handler for handler, _ in counted} == {route.handler for route in FUZZED}
    assert "door_failed" not in fuzzed.log.getvalue()
    assert "work_failed" not in fuzzed.log.getvalue()


def test_what_is_bent_does_its_work_when_it_is_straight(fuzzed: Doors) -> None:
    """The fuzz reaches deep: each route does its work on what it bends, and refuses who has no key."""
    (request,) = world.payment_stream(1, 4, world.START, prefix=fuzzed.key())
    decision = fuzzed.pay({**request, "amount": 90_000_000, "currency": "CNY"}, client="all").json()["decision_id"]
    change = ""
    for route in FUZZED:
        path = "/v1" + route.path.replace("{decision_id}", decision).replace("{change_id}", change)
        body = EXAMPLES.get(route.handler)
        if isinstance(body, dict):
            named = {"event_id": fuzzed.key(), "subject_event_id": request["event_id"]}
            body = {**body, **{name: value for name, value in named.items() if name in body}}
        if isinstance(body, list):
            body = [{**item, "event_id": fuzzed.key()} for item in body]
        if route.roles is not None:
            refused = fuzzed.send(route.method, path, body, client=None)
            assert refused.status_code == 401, (route, refused.text)
        answer = fuzzed.send(route.method, path, body, client="all")
        # Who asks does not decide, and here one client asks for everything.
        expected = (403, 409) if route.handler in ("decide_review", "approve_change") else (200,)
        assert answer.status_code in expected, (route, answer.text)
        if route.handler == "propose_change":
            change = answer.json()["id"]
