"""A word that nobody else uses, in every field and on every way to be refused: it is in no log, error, metric or file
that must not hold it in the clear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.events import KINDS
from domain.time import format_instant
from serving.openapi_words import EXAMPLES, QUERIES
from serving.routes import ROUTES
from stores.database import Database
from stores.key_rotation import rotate
from tests.serving import world
from tests.serving.doors import Doors

PERSON = "canaryPERSON4111"
"""In what identifies people and in what people write: in no file at all."""

OTHER = "canaryOTHER4222"
"""In what may be kept, such as a merchant: in no log, error or metric, and in no file when it was refused."""

WORDS = ("contact", "text", "statement", "note", "reason")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    doors = Doors(tmp_path_factory.mktemp("canary"))
    yield doors
    doors.close()


def quiet(doors: Doors, *answers: httpx.Response) -> None:
    """No canary where none may be."""
    for answer in answers:
        if answer.status_code >= 400:
            assert PERSON not in answer.text, answer.text
            assert OTHER not in answer.text, answer.text
        for name, value in answer.headers.items():
            assert PERSON not in name + value
            assert OTHER not in name + value
    log = doors.log.getvalue()
    metrics = doors.send("GET", "/v1/metrics", client="metrics").text
    for canary in (PERSON, OTHER):
        assert canary not in log
        assert canary not in metrics


def files_with(doors: Doors, canary: str) -> list[Path]:
    # The write-ahead log and whatever SQLite keeps beside it are files of the home as well.
    return [path for path in doors.home.root.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]


def client_of(handler: str) -> str:
    roles = next(route.roles for route in ROUTES if route.handler == handler)
    assert roles
    return "flow" if {"payments-scorer", "loans-scorer", "outcome-writer"} & roles else sorted(roles)[0].value


def path_of(handler: str, decision_id: str) -> str:
    path = next(r.path for r in ROUTES if r.handler == handler)
    return "/v1" + path.replace("{decision_id}", decision_id).replace("{change_id}", decision_id)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "outcome"])
def test_a_good_request_keeps_people_out_of_every_file(desk: Doors, kind: str) -> None:
    body: dict[str, Any] = {"event_id": f"{OTHER}-{kind}", "event_time": format_instant(world.START)}
    samples = {"money": 5, "integer": 1, "number": 0.5, "flag": True}
    for column in KINDS[kind].values():
        if column.protected or column.values or column.name == "currency":
            continue
        name = column.name
        body[name] = f"{PERSON}-{name}" if column.personal else samples.get(column.type.value, f"{OTHER}-{name}")
    for column in KINDS[kind].values():
        if column.required and column.name not in body:
            body[column.name] = column.values[0] if column.values else "CNY"
    if "amount" in body:
        body["currency"] = "CNY"
    answers = [desk.send("POST", "/v1/events", {**body, "kind": kind})]
    product = {"transaction": "payments", "application": "loans"}.get(kind)
    if product:
        answers.append(desk.send("POST", f"/v1/{product}/score", {**body, "event_id": f"{OTHER}-{product}"}))
        answers.append(desk.send("POST", "/v1/payments/score:batch", [{**body, "event_id": f"{OTHER}-b-{kind}"}]))
    assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
    quiet(desk, *answers)
    assert files_with(desk, PERSON) == []


def _declined(doors: Doors, event_id: str) -> str:
    (request,) = world.payment_stream(1, 3, world.START)
    answer = doors.pay({**request, "event_id": event_id, "amount": 90_000_000, "currency": "CNY"})
    decision_id: str = answer.json()["decision_id"]
    return decision_id


def test_what_people_write_is_in_no_file_before_and_after_a_rotation(desk: Doors) -> None:
    decision_id = _declined(desk, "cn-words")
    answers = []
    for handler, change in (
        ("take_complaint", {"subject_event_id": "cn-words", "customer_id": PERSON}), ("ask_review", {}),
        ("decide_review", {}), ("dispose_alert", {"status": "escalated"}), ("kill", {"on": False}),
    ):  # fmt: skip
        words = {name: f"{PERSON} {name}" for name in EXAMPLES[handler] if name in WORDS}
        assert words
        body = {**EXAMPLES[handler], **words, **change}
        answer = desk.send("POST", path_of(handler, decision_id), body, client=client_of(handler))
        assert answer.status_code == 200, (handler, answer.text)
        answers.append(answer)
    quiet(desk, *answers)
    assert files_with(desk, PERSON) == []
    database = Database(desk.home.database)
    done = rotate(database, desk.home.keys, {})
    database.close()
    assert done.n_subjects > 0
    assert done.n_texts == 7
    assert files_with(desk, PERSON) == []
    # The running service has followed: the same person is the same token, and words can be read.
    told = desk.send("GET", path_of("review", decision_id), client="analyst").json()
    assert told["items"][0]["statement"] == f"{PERSON} statement"
    before = desk.counts()["subject"]
    _declined(desk, "cn-after")
    assert desk.counts()["subject"] == before


@pytest.mark.parametrize("handler", EXAMPLES)
def test_no_field_of_a_refused_request_is_told_or_kept(desk: Doors, handler: str) -> None:
    decision_id = _declined(desk, f"cn-{handler}")
    before, size = desk.counts(), len(files_with(desk, f"{OTHER}-refused"))
    canary = f"{OTHER}-refused {PERSON}"
    example = EXAMPLES[handler]
    item = example[0] if isinstance(example, list) else example
    bodies: list[Any] = [canary, [canary], {canary: canary}, {**item, canary: 1}, f'{{"{canary}'.encode()]
    for name in item:
        bodies += [{**item, name: value} for value in ([canary], {canary: canary}, canary + "\x00", f"{canary}\ud800")]
    bodies.append(json.dumps(item).encode()[:-1] + f', "event_id": "{canary}", "event_id": "{canary}"}}'.encode())
    answers = []
    for body in bodies:
        content = [body] if isinstance(example, list) and not isinstance(body, bytes) else body
        answers += [
            desk.send("POST", path_of(handler, subject), content, client=client_of(handler))
            for subject in (decision_id, canary.replace(" ", ""))
        ]
    statuses = {answer.status_code for answer in answers}
    assert statuses <= ({200, 400, 422} if isinstance(example, list) else {400, 404, 422}), statuses
    for answer in answers:
        assert OTHER not in answer.text
        assert PERSON not in answer.text
    quiet(desk, *answers)
    after = desk.counts()
    if isinstance(example, list):
        # The answer to a batch of refusals is kept, for its retry: it holds none of them.
        before, after = before | {"idempotency": 0}, after | {"idempotency": 0}
    assert after == before
    assert len(files_with(desk, f"{OTHER}-refused")) == size == 0
    assert files_with(desk, PERSON) == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_no_head_path_or_query_is_told(desk: Doors, route: Any) -> None:
    path = "/v1" + route.path.replace("{decision_id}", OTHER).replace("{change_id}", OTHER)
    client = sorted(route.roles)[0].value if route.roles else None
    body = b"{}" if route.method == "POST" else None
    answers = [
        desk.send(route.method, path, body, client=client, headers={name: f"{OTHER}{PERSON}"})
        for name in ("Host", "Authorization", "X-API-Key", "Content-Type", "Content-Encoding", "Cookie", "User-Agent",
                     "X-Forwarded-For", "Referer", OTHER)
    ]  # fmt: skip
    answers.append(desk.send(route.method, path, body, client=client, key=f"{OTHER}\t{PERSON}"))
    answers += [
        desk.send(route.method, f"{path}?{name}={OTHER}{PERSON}", body, client=client)
        for name in ("x", OTHER, *QUERIES.get(route.handler, {}))
    ]
    answers.append(desk.send(OTHER, path, body, client=client))
    answers.append(desk.send(route.method, f"{path}/{OTHER}/{PERSON}", body, client=client))
    assert all(answer.status_code != 500 for answer in answers)
    quiet(desk, *answers)
    assert files_with(desk, PERSON) == []
