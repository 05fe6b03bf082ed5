"""The reading routes: past decisions, what was done about them, and what is in use; on a connection of their own."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from domain.alerts import AlertStatus
from domain.decision import Action, Product, RiskGrade
from domain.errors import InputError, Unavailable
from domain.time import format_instant, parse_instant
from serving.books import Books
from serving.door_metrics import MEDIA_TYPE as METRICS_TYPE
from serving.http import Answer, Call, as_json, query_of
from serving.openapi import document
from serving.people import unknown_decision
from serving.problems import Problem
from serving.routes import ROUTES, SEES_ALL
from stores.acts import Act
from stores.alerts import Alert
from stores.decision_search import Found, Wanted, search
from stores.ledger import Entry
from stores.outcome_history import history

if TYPE_CHECKING:
    from serving.runtime import Runtime

MAX_PAGE, PAGE, MAX_TEXT = 200, 50, 128
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{32})")
_PAGE = frozenset({"limit", "cursor"})
_SEARCH = _PAGE | {"product", "since", "until", "action", "grade", "client", "customer"}


async def decision(runtime: Runtime, call: Call, started: int) -> Answer:
    """A past decision, as it was answered."""
    del started
    entry = await runtime.read(lambda books: _entry(books, call))
    return Answer(200, entry.response)


async def decisions(runtime: Runtime, call: Call, started: int) -> Answer:
    """Past decisions, newest first."""
    del started
    query = query_of(call, _SEARCH)
    sees_all = bool(call.who.roles & SEES_ALL)
    if not sees_all and query.get("client", call.who.name) != call.who.name:
        raise Problem(403, "forbidden", "query.client: expected your own name, got another")
    wanted = Wanted(
        product=_one_of(query, "product", Product),
        since=_instant(query, "since"),
        until=_instant(query, "until"),
        action=_one_of(query, "action", Action),
        risk_grade=_one_of(query, "grade", RiskGrade),
        client=_text(query, "client") if sees_all else call.who.name,
        customer=_text(query, "customer"),
        before=_number(query, "cursor", 2**62),
    )
    limit = _limit(query)
    found = await runtime.read(lambda books: _searched(books, wanted, limit))
    rows = [{**asdict(one), "decided_at": format_instant(one.decided_at)} for one in found]
    for row in rows:
        del row["n_link"]
    return as_json(200, {"items": rows, "cursor": str(found[-1].n_link) if len(found) == limit else None})


async def outcomes(runtime: Runtime, call: Call, started: int) -> Answer:
    """What became known about a decided event, in the order it became known, and what it comes to."""
    del started

    def told(books: Books) -> dict[str, Any]:
        entry = _entry(books, call)
        known = history(books.journal, books.journal.get(entry.seq))
        items = [{**asdict(one), "known_at": format_instant(one.known_at)} for one in known.outcomes]
        return {"decision_id": entry.decision_id, "label": known.label, "policy": known.policy, "items": items}

    return as_json(200, await runtime.read(told))


async def review(runtime: Runtime, call: Call, started: int) -> Answer:
    """Every appeal of a decision and what became of it."""
    del started
    whole = bool(call.who.roles & SEES_ALL)

    def told(books: Books) -> dict[str, Any]:
        entry = _entry(books, call)
        found = books.appeals.of(entry.decision_id)
        items = [
            {
                **_asked(books, appeal.asked, whole),
                "status": "open" if appeal.decided is None else "decided",
                "verdict": None if appeal.decided is None else _verdict(books, appeal.decided, whole),
            }
            for appeal in found
        ]
        return {"decision_id": entry.decision_id, "action": entry.action, "items": items}

    return as_json(200, await runtime.read(told))


async def reviews(runtime: Runtime, call: Call, started: int) -> Answer:
    """Appeals that wait for a person, oldest first."""
    del started
    query = query_of(call, _PAGE)
    after, limit = _number(query, "cursor", 2**62) or 0, _limit(query)

    def told(books: Books) -> tuple[list[dict[str, Any]], list[Act]]:
        found = books.appeals.waiting(after=after, limit=limit)
        return [{"decision_id": act.subject, **_asked(books, act, True)} for act in found], found

    items, found = await runtime.read(told)
    return as_json(200, {"items": items, "cursor": str(found[-1].n_link) if len(found) == limit else None})


async def alerts(runtime: Runtime, call: Call, started: int) -> Answer:
    """The queue of alerts, oldest first."""
    del started
    query = query_of(call, _PAGE | {"status", "product"})
    status = _one_of(query, "status", AlertStatus) or AlertStatus.OPEN.value
    product, limit = _one_of(query, "product", Product), _limit(query)
    after = None
    if "cursor" in query:
        cursor = _CURSOR.fullmatch(query["cursor"])
        if cursor is None:
            raise _wrong("cursor", "one that was answered")
        after = (int(cursor[1]), cursor[2])
    found = await runtime.read(
        lambda books: books.alerts.queue(AlertStatus(status), product=product, after=after, limit=limit)
    )
    last = f"{found[-1].opened_at}.{found[-1].decision_id}" if len(found) == limit else None
    return as_json(200, {"items": [_alert(one) for one in found], "cursor": last})


async def alert(runtime: Runtime, call: Call, started: int) -> Answer:
    """One alert with everything that was done about it."""
    del started

    def told(books: Books) -> dict[str, Any]:
        found = books.alerts.get(call.arguments["decision_id"])
        if found is None:
            raise Problem(404, "unknown_alert", "path: expected the id of a decision with an alert, got another")
        acts = [act for act in books.acts.about(found.decision_id) if act.kind == "alert_disposed"]
        told = [
            {
                "at": format_instant(act.at), "by": act.actor, "note": books.appeals.text(act, "note"),
                **{name: act.body[name] for name in ("was", "status", "outcome_event_id")},
            }
            for act in acts
        ]  # fmt: skip
        return {**_alert(found), "dispositions": told}

    return as_json(200, await runtime.read(told))


async def explanation(runtime: Runtime, call: Call, started: int) -> Answer:
    """Why a decision came out as it did: for analysts all of it, for others what a customer may read."""
    del started
    entry = await runtime.read(lambda books: _entry(books, call))
    return await runtime.explaining.explained(entry.decision_id, whole=bool(call.who.roles & SEES_ALL))


async def models(runtime: Runtime, call: Call, started: int) -> Answer:
    """What is deployed."""
    del call, started
    status = await runtime.of_engine(runtime.engine.status_now)
    return as_json(200, {product: asdict(told) for product, told in status.deployed.items()})


async def lists(runtime: Runtime, call: Call, started: int) -> Answer:
    """The lists in use; two clients change them (`serving.changing`)."""
    del call, started
    return Answer(200, await runtime.of_engine(runtime.engine.lists_content))


async def openapi(runtime: Runtime, call: Call, started: int) -> Answer:
    """The OpenAPI document."""
    del call, started
    return Answer(200, document(runtime.reader, ROUTES, runtime.settings))


async def metrics(runtime: Runtime, call: Call, started: int) -> Answer:
    """Prometheus' text."""
    del call, started
    with suppress(Problem):
        # A store that cannot be read leaves the last figures; the others are told all the same.
        runtime.metrics.waiting(**await runtime.read(_waiting))
    text = runtime.metrics.text(ready=runtime.ready)
    with suppress(Problem):
        # An engine that is being started again has nothing to tell yet.
        text += await runtime.of_engine(runtime.engine.metrics_text)
    return Answer(200, text, METRICS_TYPE)


# ---------------------------------------------------------------------- parts


def _entry(books: Books, call: Call) -> Entry:
    entry = books.ledger.get(call.arguments["decision_id"])
    if entry is None or not (call.who.roles & SEES_ALL or entry.client == call.who.name):
        raise unknown_decision()
    return entry


def _waiting(books: Books) -> dict[str, Any]:
    n_links, _ = books.ledger.head()
    return {"n_links": n_links, "alerts": books.alerts.counts(), "n_reviews": books.appeals.n_waiting()}


def _searched(books: Books, wanted: Wanted, limit: int) -> list[Found]:
    try:
        return search(books.journal, wanted, limit=limit)
    except Unavailable:
        raise Problem(
            422, "search_too_wide", "search: expected to end in time, it did not; narrow it by time"
        ) from None


def _alert(alert: Alert) -> dict[str, Any]:
    told = asdict(alert)
    del told["note"]
    return {
        **told,
        "opened_at": format_instant(alert.opened_at),
        "disposed_at": None if alert.disposed_at is None else format_instant(alert.disposed_at),
    }


def _asked(books: Books, act: Act, whole: bool) -> dict[str, Any]:
    told = {"review_id": act.act_id, "asked_at": format_instant(act.at), "asked_by": act.body["asked_by"]}
    if whole:
        told["client"] = act.actor
        told |= {name: books.appeals.text(act, name) for name in ("contact", "statement")}
    return told


def _verdict(books: Books, act: Act, whole: bool) -> dict[str, Any]:
    told = {"verdict": act.body["verdict"], "action": act.body["action"], "decided_at": format_instant(act.at)}
    return {**told, "by": act.actor, "note": books.appeals.text(act, "note")} if whole else told


def _one_of(query: dict[str, str], name: str, kind: Any) -> str | None:
    value = query.get(name)
    if value is not None and value not in set(kind):
        raise _wrong(name, f"one of {', '.join(kind)}")
    return value


def _text(query: dict[str, str], name: str) -> str | None:
    value = query.get(name)
    if value is not None and not 0 < len(value) <= MAX_TEXT:
        raise _wrong(name, f"1 to {MAX_TEXT} characters")
    return value


def _instant(query: dict[str, str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        return parse_instant(query[name])
    except InputError:
        raise _wrong(name, "RFC 3339 with a zone, such as 2026-03-01T00:00:00Z") from None


def _number(query: dict[str, str], name: str, most: int) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 19 and 0 < int(value) <= most):
        raise _wrong(name, f"a whole number from 1 to {most}" if most < 2**62 else "one that was answered")
    return int(value)


def _limit(query: dict[str, str]) -> int:
    return _number(query, "limit", MAX_PAGE) or PAGE


def _wrong(name: str, expected: str) -> Problem:
    return Problem(422, "query", f"query.{name}: expected {expected}, got another")
