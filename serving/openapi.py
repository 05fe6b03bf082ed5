"""The OpenAPI document, generated from the request structs and the route table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from domain.decision import ACTIONS, Product, RiskGrade
from serving.requests import OutcomeRequest, Reader

if TYPE_CHECKING:
    from serving.app import Route

_SUMMARIES = {
    "score_payment": "Decide on a payment",
    "score_loan": "Decide on a loan application",
    "take_event": "Record a fact without a decision",
    "take_outcome": "Record what became known about an earlier payment or application",
    "decision": "A past decision, as it was answered",
    "models": "What is deployed",
    "openapi": "This document",
    "metrics": "Prometheus metrics",
    "livez": "Whether the process should be kept",
    "readyz": "Whether requests should be sent here",
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "score_payment": {
        "event_id": "pay-1001", "event_time": "2026-03-01T08:00:00+08:00", "customer_id": "c-17", "card_id": "4000-1",
        "merchant_id": "m-9", "device_id": "d-3", "amount": 12_900, "currency": "CNY", "channel": "mobile",
        "auth_method": "otp", "deadline_ms": 200,
    },
    "score_loan": {
        "event_id": "app-501", "event_time": "2026-03-01T08:00:00+08:00", "borrower_id": "b-5", "amount": 2_000_000,
        "currency": "CNY", "term_months": 12, "income_monthly": 900_000, "employment": "salaried",
    },
    "take_event": {
        "kind": "authentication", "event_id": "auth-77", "event_time": "2026-03-01T07:59:30+08:00",
        "customer_id": "c-17", "method": "otp", "result": "passed", "purpose": "payment",
    },
    "take_outcome": {"subject_event_id": "pay-1001", "code": "chargeback_fraud", "source": "issuer"},
}  # fmt: skip

_REASON = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("code", "zh", "en")},
    "required": ["code", "zh", "en"],
}
_PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "decision_id": {"type": ["string", "null"]},
    },
    "required": ["type", "title", "status", "code", "detail", "request_id"],
}
_ACCEPTED = {
    "type": "object",
    "properties": {
        "event_id": {"type": "string"},
        "accepted": {"type": "boolean"},
        "quarantined": {"type": "boolean"},
    },
    "required": ["event_id"],
}


def document(reader: Reader, routes: Iterable[Route]) -> bytes:
    """The document for the columns a reader accepts now; JSON."""
    structs = [*reader.scores.values(), *reader.facts.values(), OutcomeRequest]
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    schemas = {name: _titled(schema) for name, schema in schemas.items()}
    schemas |= {"Decision": _decision(), "Problem": _PROBLEM, "Accepted": _ACCEPTED}
    facts = [_ref(struct.__name__) for struct in reader.facts.values()]
    bodies = {
        "score_payment": _ref(reader.scores["payment"].__name__),
        "score_loan": _ref(reader.scores["loan"].__name__),
        "take_event": {"oneOf": facts, "discriminator": {"propertyName": "kind"}},
        "take_outcome": _ref(OutcomeRequest.__name__),
    }
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = f"/v1{route.path}" + ("{decision_id}" if route.path.endswith("/") else "")
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, bodies.get(route.handler))
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
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                },
            },
            "paths": paths,
        }
    )


def _operation(route: Route, body: dict[str, Any] | None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler,
        "summary": _SUMMARIES[route.handler],
        "responses": _responses(route, body is not None),
        "security": [] if route.roles is None else [{"bearer": []}, {"key": []}],
    }
    parameters = []
    if route.path.endswith("/"):
        parameters.append({"name": "decision_id", "in": "path", "required": True, "schema": {"type": "string"}})
    if body is not None:
        key = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": True, "schema": key})
        content = {"schema": body, "example": _EXAMPLES[route.handler]}
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    if parameters:
        operation["parameters"] = parameters
    return operation


def _responses(route: Route, writes: bool) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": _ref("Problem")}}
    statuses = {401: "No valid API key", 403: "Role missing"} if route.roles is not None else {}
    if writes:
        statuses |= {
            400: "No JSON, or no idempotency key",
            408: "Body too slow",
            409: "In flight, or the event is known",
            413: "Body too large",
            415: "Not JSON",
            422: "JSON that does not fit",
        }
    if route.path.endswith("/"):
        statuses[404] = "Unknown decision"
    statuses |= {500: "An error of ours", 503: "Not ready: try again under the same key"}
    responses: dict[str, Any] = {
        str(status): {"description": text, "content": problem} for status, text in sorted(statuses.items())
    }
    if route.handler in ("score_payment", "score_loan", "decision"):
        good: dict[str, Any] = {"application/json": {"schema": _ref("Decision")}}
    elif writes:
        good = {"application/json": {"schema": _ref("Accepted")}}
    elif route.handler == "metrics":
        good = {"text/plain": {"schema": {"type": "string"}}}
    else:
        good = {"application/json": {"schema": {"type": "object"}}}
    responses["200"] = {"description": "Done", "content": good}
    if route.handler == "take_event":
        responses["202"] = {"description": "Ahead of the clock: quarantined", "content": good}
    if route.handler in ("livez", "readyz"):
        responses["503"] = {"description": "No", "content": good}
    return responses


def _decision() -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string"}
    properties: dict[str, Any] = {
        "decision_id": text,
        "product": {"enum": [product.value for product in Product]},
        "event_id": text,
        "decided_at": {"type": "integer", "description": "µs since 1970 UTC"},
        "risk_grade": {"enum": [grade.value for grade in RiskGrade]},
        "risk_grade_zh": text,
        "action": {"enum": sorted({action.value for actions in ACTIONS.values() for action in actions})},
        "score": {"type": ["number", "null"], "description": "calibrated probability"},
        "reasons": {"type": "array", "items": _REASON, "maxItems": 4},
        "rule_reasons": {"type": "array", "items": _REASON, "maxItems": 4},
        "versions": {"type": "object", "additionalProperties": text},
        "degraded": {"anyOf": [{"const": False}, text], "description": "false, or what was dropped and why"},
        "flags": {"type": "array", "items": text},
        "timings_us": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    required = list(properties)
    properties |= {
        "step_up_hint": text,
        "credit_grade": {"type": ["string", "null"]},
        "pd_band": {"type": ["array", "null"], "items": {"type": "number"}},
        "pd_horizon": {"type": ["string", "null"]},
    }
    return {"type": "object", "properties": properties, "required": required}


def _titled(schema: dict[str, Any]) -> dict[str, Any]:
    # A default of null is what an absent field means already.
    for field in schema.get("properties", {}).values():
        field.pop("default", None)
    return schema


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
