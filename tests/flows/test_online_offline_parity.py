"""The acceptance of the visibility law: what the service saw over HTTP is what a replay of its journal sees.

Ten thousand requests from several clients at once: late ones, some older than the state is kept for, ties,
duplicates, entities that overflow their rings, facts and outcomes in between, others writing to the same journal,
and a service that is killed, stopped and killed again on the way.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.decision import Product
from domain.errors import Unavailable
from domain.events import Event
from domain.time import DAY, HOUR, MINUTE, format_instant, parse_instant
from monitoring.parity import audit
from scoring.bundle import load_bundle
from serving.books import Books
from serving.client import AssayClient, Refused
from serving.run import running
from stores.home import Home
from tests.serving import world
from tests.serving.parity import same_reasons, same_vectors

N_PAYMENTS = 9_880
N_APPLICATIONS = 120
N_CLIENTS = 4
STEP = 2 * MINUTE
"""Apart at most: half of all payments are one customer's, and more of them lie in a week than a ring holds."""

BEGIN = world.START - N_PAYMENTS * STEP
NEWEST = BEGIN + N_PAYMENTS * STEP // 2
"""About where the times of the stream begin and end."""

ENDS: tuple[tuple[int, str], ...] = ((3_500, "kill"), (7_000, "stop"), (9_500, "kill"))
"""After so many writes the service is ended like this, with requests in flight; then it comes back."""

Write = tuple[str, dict[str, Any], str]
"""Method of the client, body, idempotency key."""


@dataclass
class Sent:
    """What one client has been told, and what it still has to send."""

    waiting: list[Write]
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    n_retried: int = 0
    n_refused: int = 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("parity"))
    for product in Product:
        world.deploy(made, product)
    return made


def between(payment: dict[str, Any], number: int) -> Iterator[Write]:
    """Facts and outcomes that go with some payments."""
    at = parse_instant(payment["event_time"])
    common = {name: payment[name] for name in ("customer_id", "card_id", "account_id", "device_id") if name in payment}
    event_id = payment["event_id"]
    if number % 10 == 0:
        yield "send_event", {
            "kind": "authentication", "event_id": f"auth-{event_id}", "event_time": format_instant(at - MINUTE),
            "method": "otp", "result": "failed" if number % 30 == 0 else "passed", **common,
        }, f"k-auth-{event_id}"  # fmt: skip
    if number % 14 == 0:
        yield "send_event", {
            **payment, "kind": "transaction", "event_id": f"cap-{event_id}", "stage": "capture", "links_to": event_id,
        }, f"k-cap-{event_id}"  # fmt: skip
    if number % 22 == 0:
        customer = {name: common[name] for name in ("customer_id", "account_id")}
        yield "send_event", {
            "kind": "profile_change", "event_id": f"chg-{event_id}", "event_time": format_instant(at),
            "changed": "phone", **customer,
        }, f"k-chg-{event_id}"  # fmt: skip
    if number % 18 == 0:
        yield "send_outcome", {
            "subject_event_id": event_id, "code": "chargeback_fraud" if number % 4 else "reviewed_genuine",
            "known_at": format_instant(at + HOUR),
        }, f"k-out-{event_id}"  # fmt: skip


def plan() -> list[list[Write]]:
    """The writes of each client, in the order in which it sends them."""
    shares: list[list[Write]] = [[] for _ in range(N_CLIENTS)]
    payments = world.payment_stream(N_PAYMENTS, 21, world.START, step=STEP)
    for number, payment in enumerate(payments):
        if number % 97 == 96:
            # Older than the state is kept for: answered and flagged.
            payment["event_time"] = format_instant(parse_instant(payment["event_time"]) - 5 * DAY)
        share = shares[number % N_CLIENTS]
        share.append(("score_payment", payment, f"k-{payment['event_id']}"))
        share.extend(between(payment, number))
        if number % 20 == 0:
            share.append(("retry", payment, f"k-{payment['event_id']}"))
        if number % 23 == 0:
            share.append(("again", payment, f"k-again-{payment['event_id']}"))
    for number, application in enumerate(world.application_stream(N_APPLICATIONS, 22, world.START)):
        share = shares[number % N_CLIENTS]
        place = (number + 1) * len(share) // (N_APPLICATIONS + 1)
        share.insert(place, ("score_loan", application, f"k-{application['event_id']}"))
        if number % 3 == 0:
            inquiry = {name: application[name] for name in ("event_time", "borrower_id", "purpose")}
            share.insert(
                place, ("send_event", {"kind": "inquiry", "event_id": f"inq{number}", **inquiry}, f"k-inq{number}")
            )
    return shares


def send(client: AssayClient, sent: Sent, stop: threading.Event, done: Iterator[int], until: int | None) -> None:
    """Send what waits until it is empty, or all have sent ``until`` writes, or the service is gone."""
    while sent.waiting and not stop.is_set():
        method, body, key = sent.waiting[0]
        try:
            if method == "retry":
                assert client.score_payment(body, key=key) == sent.acknowledged[key]
                sent.n_retried += 1
            elif method == "again":
                with pytest.raises(Refused, match="duplicate_event") as told:
                    client.score_payment(body, key=key)
                assert told.value.problem["decision_id"] == sent.acknowledged[f"k-{body['event_id']}"]["decision_id"]
                sent.n_refused += 1
            else:
                sent.acknowledged[key] = getattr(client, method)(body, key=key)
        except Unavailable:
            return
        sent.waiting.pop(0)
        if next(done) == until:
            stop.set()


def write_from_outside(home: Home, number: int, at: int) -> None:
    """What an import does meanwhile: append events of about that time to the journal, and flush it."""
    books = Books.open(home, {}, 30.0)
    try:
        events = []
        for request in world.payment_stream(40, 90 + number, at, prefix=f"import{number}-", step=STEP):
            event = world.as_event(request, "transaction", "import")
            events.append(Event(event.kind, event.event_id, event.event_time, event.known_at,
                                books.vault.tokenised(event).body, event.client))  # fmt: skip
        books.journal.append(events)
        if number % 2:
            books.journal.flush()
    finally:
        books.close()


@pytest.mark.slow
def test_ten_thousand_requests_over_http_have_the_features_of_a_replay(home: Home, tmp_path: Path) -> None:
    keys = world.with_keys(home)
    sent = [Sent(share) for share in plan()]
    done = itertools.count(1)
    log = tmp_path / "service.log"
    # A disk that is busy for seconds must drop no model here either.
    configs = world.copied_configs(tmp_path / "configs", busy_timeout="30s", **world.PATIENT)
    started = time.monotonic()

    # 1. Everybody sends; three times the service ends with requests in flight and comes back. What was not
    #    acknowledged is sent again under the same keys, then the rest.
    for turn, (until, how) in enumerate((*ENDS, (None, ""))):
        with log.open("ab") as output, running(home, configs, log=output) as service:
            _still_there(service.url, keys["analyst"], sent)
            end = getattr(service, how) if how else None
            _everybody_sends(home, service.url, keys["flow"], sent, done, until, end, turn)
            if how:
                with pytest.raises(httpx.ConnectError):
                    httpx.get(f"{service.url}/livez", trust_env=False)
        assert any(one.waiting for one in sent) == bool(how), log.read_text()[-2_000:]
    assert not any(one.waiting for one in sent), log.read_text()[-2_000:]
    took = time.monotonic() - started

    # 2. Nothing is lost, nothing is there twice.
    books = Books.open(home, {}, 10.0)
    try:
        kinds = books.journal.kinds()
        decided = {product: books.ledger.read(product.value) for product in Product}
        assert decided[Product.PAYMENT].num_rows == N_PAYMENTS
        assert decided[Product.LOAN].num_rows == N_APPLICATIONS
        assert {row for one in sent for row in one.acknowledged if row.startswith("k-p")} == {
            f"k-p{number}" for number in range(N_PAYMENTS)
        }
        assert books.ledger.verify() == []
        assert books.journal.verify() == []
        bodies = [json.loads(body) for table in decided.values() for body in table["body"].to_pylist()]
        assert not any(body["degraded"] for body in bodies), (
            f"{Counter(b['degraded'] for b in bodies)}\n{_troubles(log)}"
        )
        flags = Counter(flag for body in bodies for flag in body["flags"])

        # 3. The features are those of a replay, row for row and bit for bit, and so are their flags.
        bundle_of = cache(lambda digest: load_bundle(home.bundles / digest, score_golden_in_child=False))
        reports = [audit(product.value, books.ledger, books.journal, bundle_of) for product in Product]
    finally:
        books.close()
    for product, report in zip(Product, reports, strict=True):
        assert report.ok, report.differences[:5]
        assert not report.missing
        assert not report.extra
        assert same_vectors(home, product) == (report.n_matches, report.n_values)
    assert [report.n_matches for report in reports] == [N_PAYMENTS, N_APPLICATIONS]
    n_reasons = sum(same_reasons(home, product) for product in Product)
    assert n_reasons > N_PAYMENTS // 100
    assert reports[0].n_values > 40 * N_PAYMENTS
    assert flags["features_truncated"] > N_PAYMENTS // 10, flags
    assert N_PAYMENTS // 200 < flags["features_stale"] < N_PAYMENTS // 4, flags
    print(  # noqa: T201 - the figure is asked for
        f"\n{N_PAYMENTS} payments and {N_APPLICATIONS} applications over HTTP in {took:.0f} s, {len(ENDS)} restarts, "
        f"{sum(one.n_retried for one in sent)} retries, {sum(one.n_refused for one in sent)} events sent twice, "
        f"{kinds}, {dict(flags)}: "
        f"{sum(report.n_values for report in reports):,} non-null feature values equal bit for bit, "
        f"{n_reasons:,} reasons the same"
    )


def _still_there(url: str, key: str, sent: list[Sent]) -> None:
    """A sample of what was acknowledged before, asked for again."""
    answers = [answer for one in sent for answer in one.acknowledged.values() if "decision_id" in answer]
    with AssayClient(url, key) as client:
        for answer in answers[:: max(1, len(answers) // 50)]:
            assert client.decision(answer["decision_id"]) == answer


def _troubles(log: Path) -> str:
    """The service's lines that are not merely informative, newest last."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if "info" not in line.lower()]
    return "\n".join(lines[-20:])


def _everybody_sends(
    home: Home,
    url: str,
    key: str,
    sent: list[Sent],
    done: Iterator[int],
    until: int | None,
    end: Callable[[], None] | None,
    turn: int,
) -> None:
    """Send from several clients at once, with others writing meanwhile, until all is sent or the service is ended."""
    ended = threading.Event()
    with ThreadPoolExecutor(N_CLIENTS + 1) as pool:
        clients = [AssayClient(url, key, attempts=2 if end else 8) for _ in sent]
        working = [
            pool.submit(send, client, one, ended, done, until) for client, one in zip(clients, sent, strict=True)
        ]
        # Of the time that the stream has come to: an import from the future would make every request a late one.
        at = BEGIN + turn * (NEWEST - BEGIN) // (len(ENDS) + 1)
        others = pool.submit(lambda: [write_from_outside(home, 4 * turn + number, at) for number in range(4)])
        if end is not None:
            assert ended.wait(240)
            end()
        for future in [*working, others]:
            future.result()
        for client in clients:
            client.close()
