"""The OpenAPI document, generated from the request structs and the route table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from domain.alerts import AlertStatus
from domain.decision import ACTIONS, Product, RiskGrade
from scoring.changes import State, Subject
from serving.openapi_words import EXAMPLES, QUERIES, SUMMARIES
from serving.people_requests import (
    ChangeVerdictRequest,
    ComplaintRequest,
    DispositionRequest,
    KillRequest,
    ListChangeRequest,
    ProposalRequest,
    ReviewRequest,
    VerdictRequest,
)
from serving.requests import OutcomeRequest, Reader
from serving.routes import Route
from serving.settings import ServingSettings

_PEOPLE = {
    "take_outcome": OutcomeRequest,
    "take_complaint": ComplaintRequest,
    "ask_review": ReviewRequest,
    "decide_review": VerdictRequest,
    "dispose_alert": DispositionRequest,
    "propose_change": ProposalRequest,
    "propose_list_change": ListChangeRequest,
    "approve_change": ChangeVerdictRequest,
    "reject_change": ChangeVerdictRequest,
    "kill": KillRequest,
}
_TEXT: dict[str, Any] = {"type": "string"}
_MAYBE: dict[str, Any] = {"type": ["string", "null"]}


def document(reader: Reader, routes: Iterable[Route], settings: ServingSettings) -> bytes:
    """The document for the columns a reader accepts now; JSON."""
    structs = [*reader.scores.values(), *reader.facts.values(), *_PEOPLE.values()]
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    schemas = {name: _titled(schema) for name, schema in schemas.items()} | _answers()
    payment = _ref(reader.scores["payment"].__name__)
    facts = [_ref(struct.__name__) for struct in reader.facts.values()]
    bodies: dict[str, dict[str, Any]] = {name: _ref(struct.__name__) for name, struct in _PEOPLE.items()} | {
        "score_payment": payment,
        "score_payments": {"type": "array", "items": payment, "minItems": 1, "maxItems": settings.max_batch_items},
        "score_loan": _ref(reader.scores["loan"].__name__),
        "take_event": {"oneOf": facts, "discriminator": {"propertyName": "kind"}},
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/v1{route.path}", {})[route.method.lower()] = _operation(route, bodies.get(route.handler))
    schemes: dict[str, Any] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "an API key, or a JWT where one is configured"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Assay",
                "version": "1",
                "description": (
                    "Amounts are whole minor units of the currency; times are RFC 3339 with a zone. null means absent. "
                    "Writes need an Idempotency-Key: a retry under the same key gets the same bytes."
                ),
            },
            "components": {"schemas": schemas, "securitySchemes": schemes},
            "paths": paths,
        }
    )


def _operation(route: Route, body: dict[str, Any] | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler,
        "summary": SUMMARIES[route.handler],
        "responses": _responses(route, body is not None),
        "security": [] if route.roles is None else [{"bearer": []}, {"key": []}],
    }
    if route.roles is not None:
        operation["x-roles"] = sorted(route.roles)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in QUERIES.get(route.handler, {}).items()
    ]
    parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _named(route)
    ]
    if body is not None:
        key = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
        content = {"schema": body, "example": EXAMPLES[route.handler]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if parameters:
        operation["parameters"] = parameters
    return operation


def _named(route: Route) -> list[str]:
    """Names of the segments of a path that stand for something."""
    return [segment[1:-1] for segment in route.path.split("/") if segment.startswith("{")]


def _responses(route: Route, writes: bool) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    statuses = {
        400: "No JSON, no idempotency key, or an ambiguous head", 431: "Head too large", 500: "An error of ours",
    }  # fmt: skip
    if route.roles is not None:
        statuses |= {
            401: "No valid key or token", 403: "Role missing", 421: "Another host was meant",
            429: "Too many requests: wait as Retry-After says", 503: "Not ready: try again under the same key",
        }  # fmt: skip
    if writes:
        statuses |= {
            408: "Body too slow", 409: "In flight, or what was known has changed", 413: "Body too large",
            415: "Not JSON", 422: "JSON that does not fit",
        }  # fmt: skip
    if route.handler in QUERIES:
        statuses[422] = "A query that does not fit"
    for name in _named(route):
        statuses[404] = f"Unknown {name.removesuffix('_id')}"
    if route.handler == "changes":
        statuses[422] = "A query where there is none"
    if route.handler == "explanation":
        statuses[410] = "What the decision cites is gone"
    good = _good(route)
    responses: dict[str, Any] = {
        str(status): {"description": text, "content": problem} for status, text in sorted(statuses.items())
    }
    responses["200"] = {"description": "Done", "content": good}
    if route.handler == "take_event":
        responses["202"] = {"description": "Ahead of the clock: quarantined", "content": good}
    if route.handler == "reload":
        responses["202"] = {"description": "Still loading", "content": good}
    if route.handler in ("livez", "readyz"):
        responses["503"] = {"description": "No", "content": good}
    return responses


_GOOD: Mapping[str, str] = {
    "score_payment": "Decision", "score_loan": "Decision", "decision": "Decision", "score_payments": "BatchAnswer",
    "take_event": "Accepted", "take_outcome": "Accepted", "take_complaint": "Accepted", "decisions": "DecisionPage",
    "ask_review": "Review", "decide_review": "Review", "changes": "Changes", "propose_change": "Change",
    "propose_list_change": "Change", "approve_change": "Change", "reject_change": "Change", "alerts": "AlertPage",
    "alert": "Alert",
}  # fmt: skip


def _good(route: Route) -> dict[str, Any]:
    if route.handler == "metrics":
        return {"text/plain": {"schema": {"type": "string"}}}
    name = _GOOD.get(route.handler)
    return {"application/json": {"schema": {"type": "object"} if name is None else _ref(name)}}


# -------------------------------------------------------------------- answers


def _answers() -> dict[str, dict[str, Any]]:
    reason = _object(dict.fromkeys(("code", "zh", "en"), _TEXT))
    alert = _object(
        {
            **dict.fromkeys(("decision_id", "product", "opened_at", "client", "event_id", "action"), _TEXT),
            "risk_grade": _TEXT,
            "status": {"enum": [status.value for status in AlertStatus]},
            "disposed_by": _MAYBE,
            "disposed_at": _MAYBE,
            "score": {"type": ["number", "null"]},
        }
    )  # fmt: skip
    found = _object(
        {
            **dict.fromkeys(("decision_id", "product", "client", "event_id", "decided_at", "model"), _TEXT),
            "action": _TEXT,
            "risk_grade": {"enum": [grade.value for grade in RiskGrade]},
            "score": {"type": ["number", "null"]},
        }
    )
    change = _object(
        {
            **dict.fromkeys(("id", "content", "before", "by", "at", "why", "summary"), _TEXT),
            **dict.fromkeys(("decided_by", "decided_at", "decided_why"), _TEXT),
            "subject": {"enum": [subject.value for subject in Subject]},
            "state": {"enum": [state.value for state in State]},
        }
    )  # fmt: skip
    told = {"type": "object", "properties": {"code": _TEXT, "detail": _TEXT}, "required": ["code", "detail"]}
    return {
        "Decision": _decision(reason),
        "BatchAnswer": _object({"items": {"type": "array", "items": {"oneOf": [
            _object({"status": {"const": 200}, "decision": _ref("Decision")}),
            _object({"status": {"type": "integer", "minimum": 400, "maximum": 499}, "problem": told}),
        ]}}}),
        "Problem": _problem(),
        "Accepted": {
            "type": "object",
            "properties": {"event_id": _TEXT, "accepted": {"type": "boolean"}, "quarantined": {"type": "boolean"},
                           "complaint_id": _TEXT},
            "required": ["event_id"],
        },
        "Review": {
            "type": "object",
            "properties": {"review_id": _TEXT, "decision_id": _TEXT, "status": {"enum": ["open", "decided"]},
                           "verdict": {"enum": ["upheld", "overturned"]}, "action": _MAYBE},
            "required": ["review_id", "decision_id", "status"],
        },
        "Change": change,
        "Changes": _object({"items": {"type": "array", "items": change}}),
        "Alert": alert,
        "AlertPage": _object({"items": {"type": "array", "items": alert}, "cursor": _MAYBE}),
        "DecisionPage": _object({"items": {"type": "array", "items": found}, "cursor": _MAYBE}),
    }  # fmt: skip


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _problem() -> dict[str, Any]:
    properties: dict[str, Any] = dict.fromkeys(("type", "title", "code", "detail", "request_id"), _TEXT)
    properties["status"] = {"type": "integer"}
    more = {"decision_id": _MAYBE, "review_id": _TEXT, "alert_status": _TEXT}
    return {"type": "object", "properties": properties | more, "required": list(properties)}


def _decision(reason: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "decision_id": _TEXT,
        "product": {"enum": [product.value for product in Product]},
        "event_id": _TEXT,
        "decided_at": {"type": "integer", "description": "µs since 1970 UTC"},
        "risk_grade": {"enum": [grade.value for grade in RiskGrade]},
        "risk_grade_zh": _TEXT,
        "action": {"enum": sorted({action.value for actions in ACTIONS.values() for action in actions})},
        "score": {"type": ["number", "null"], "description": "calibrated probability"},
        "reasons": {"type": "array", "items": reason, "maxItems": 4},
        "rule_reasons": {"type": "array", "items": reason, "maxItems": 4},
        "versions": {"type": "object", "additionalProperties": _TEXT},
        "degraded": {"anyOf": [{"const": False}, _TEXT], "description": "false, or what was dropped and why"},
        "flags": {"type": "array", "items": _TEXT},
        "timings_us": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    required = list(properties)
    properties |= {
        "step_up_hint": _TEXT,
        "credit_grade": _MAYBE,
        "pd_band": {"type": ["array", "null"], "items": {"type": "number"}},
        "pd_horizon": _MAYBE,
    }
    return {"type": "object", "properties": properties, "required": required}


def _titled(schema: dict[str, Any]) -> dict[str, Any]:
    # A default of null is what an absent field means already.
    for field in schema.get("properties", {}).values():
        field.pop("default", None)
    return schema


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
