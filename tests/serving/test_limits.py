"""Hosts, heads and rates: what is refused before anything is read of a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.guard import Guard
from serving.http import Scope
from serving.limits import Buckets, Rate
from tests.serving import world
from tests.serving.doors import Doors, bentoml_page

CANARY = "canary4111111111111111"


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    doors = Doors(
        tmp_path_factory.mktemp("tight"), products=(),
        settings={"rates": "{second: {per_second: 0.001, burst: 3}, analyst: {per_second: 0.001, burst: 2}}",
                  "failed_logins": "{per_second: 0.001, burst: 4}", "max_header_bytes": "2048"},
    )  # fmt: skip
    yield doors
    doors.close()


def get(doors: Doors, path: str = "/v1/models", client: str | None = "flow", **headers: str) -> httpx.Response:
    return doors.send("GET", path, client=client, headers=headers)


# ---------------------------------------------------------------------- host


@pytest.mark.parametrize("host", ["assay", "ASSAY", "assay:3000", "Assay:1"])
def test_names_of_ours_are_answered_under_any_port(doors: Doors, host: str) -> None:
    assert get(doors, Host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "assay.evil.example", "assay@evil.example", "assay:80:80", "assay:x", "assay.", "127.0.0.1", "*",
     "[::1]", "assay,evil", "evil#assay", CANARY],
)  # fmt: skip
def test_other_names_are_sent_away_on_every_page_but_health(doors: Doors, host: str) -> None:
    for path in ("/v1/models", "/", "/docs.json", "/v1/metrics", "/v1/openapi.json"):
        answer = get(doors, path, "admin", Host=host)
        assert (answer.status_code, answer.json()["code"]) == (421, "host"), path
        assert CANARY not in answer.text
    assert get(doors, "/livez", None, Host=host).status_code == 200


async def _raw(doors: Doors, headers: list[tuple[bytes, bytes]], path: str = "/v1/models", query: bytes = b"") -> int:
    sent: list[Any] = []
    scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": query}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Guard(doors.door, bentoml_page)(scope, receive, send)
    status: int = sent[0]["status"]
    return status


def test_a_head_that_can_be_read_in_two_ways_is_refused(doors: Doors) -> None:
    host, key = (b"host", b"assay"), (b"authorization", b"Bearer " + doors.keys["flow"].encode())
    assert doors.run(lambda: _raw(doors, [host, key])) == 200
    assert doors.run(lambda: _raw(doors, [key])) == 400
    assert doors.run(lambda: _raw(doors, [(b"host", b""), key])) == 400
    for twice in (host, key, (b"content-type", b"application/json"), (b"idempotency-key", b"k"),
                  (b"content-length", b"0"), (b"x-api-key", b"k")):  # fmt: skip
        assert doors.run(lambda twice=twice: _raw(doors, [host, key, twice, twice])) == 400, twice
    assert doors.run(lambda: _raw(doors, [host, key, (b"transfer-encoding", b"gzip, chunked")])) == 400
    assert doors.run(lambda: _raw(doors, [host, key, (b"transfer-encoding", b"Chunked")])) == 200
    # Others may be there twice, as proxies send them.
    assert doors.run(lambda: _raw(doors, [host, key, (b"via", b"a"), (b"via", b"b")])) == 200


def test_a_large_head_is_refused(tight: Doors) -> None:
    key = (b"authorization", b"Bearer " + tight.keys["flow"].encode())
    base = [(b"host", b"assay"), key]
    assert tight.run(lambda: _raw(tight, base)) == 200
    assert tight.run(lambda: _raw(tight, [*base, (b"x", b"y" * 2_048)])) == 431
    assert tight.run(lambda: _raw(tight, [*base, *[(b"x%d" % n, b"y") for n in range(900)]])) == 431
    assert tight.run(lambda: _raw(tight, base, "/v1/decisions", b"customer=" + b"y" * 2_048)) == 431
    assert tight.run(lambda: _raw(tight, base, "/v1/decisions/" + "y" * 2_048)) == 431
    assert tight.run(lambda: _raw(tight, [(b"host", b"assay"), (b"x", b"y" * 2_048)], "/livez")) == 431


# ---------------------------------------------------------------------- rate


def test_a_client_that_asks_too_often_waits_and_no_other_does(tight: Doors) -> None:
    statuses = [get(tight, client="second").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    answer = get(tight, client="second")
    assert answer.json()["code"] == "rate_limited"
    assert int(answer.headers["retry-after"]) > 900
    assert get(tight, client="flow").status_code == 200


def test_what_is_forbidden_counts_as_well(tight: Doors) -> None:
    assert [get(tight, "/v1/metrics", "analyst").status_code for _ in range(3)] == [403, 403, 429]


def test_a_batch_counts_as_its_items(tight: Doors) -> None:
    tight.runtime.buckets = Buckets(Rate(per_second=0.001, burst=10), {}, tight.runtime.ticks)
    items = world.payment_stream(50, 3, world.START, prefix="lim")
    assert tight.send("POST", "/v1/payments/score:batch", items).status_code == 200
    assert get(tight).status_code == 429
    assert get(tight, client="admin").status_code == 200
    # It owes what it took: fifty, less the ten it had, and the one it now asks for.
    assert int(get(tight).headers["retry-after"]) > 40_000


def test_wrong_keys_are_slowed_down_and_right_ones_are_not(tight: Doors) -> None:
    wrong = {"Authorization": f"Bearer {CANARY}"}
    assert [get(tight, client=None, **wrong).status_code for _ in range(6)] == [401] * 4 + [429] * 2
    assert get(tight, client="admin").status_code == 200


@given(
    st.lists(st.tuples(st.integers(0, 3_000_000_000), st.integers(1, 4)), max_size=60),
    st.floats(0.5, 20),
    st.integers(1, 10),
)
def test_a_bucket_never_gives_more_than_its_rate_allows(
    steps: list[tuple[int, int]], per_second: float, burst: int
) -> None:
    now = 0
    buckets = Buckets(Rate(per_second=per_second, burst=burst), {}, lambda: now)
    given_out, largest = 0, 0
    for step, n in steps:
        now += step
        wait = buckets.take("a", n)
        if wait == 0.0:
            given_out += n
            largest = max(largest, n)
        else:
            assert wait <= (largest + 1) / per_second + 1e-9
        assert given_out <= burst + largest + now / 1e9 * per_second + 1e-6


def test_buckets_of_strangers_do_not_grow_without_end() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), {}, lambda: 0)
    for number in range(25_000):
        buckets.take(f"10.0.{number}")
    assert len(buckets._buckets) <= 10_000
