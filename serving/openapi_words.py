"""What the OpenAPI document says of each route: a summary, an example, and the parameters of its query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.alerts import AlertStatus
from domain.decision import ACTIONS, Product, RiskGrade

SUMMARIES: Mapping[str, str] = {
    "score_payment": "Decide on a payment",
    "score_payments": "Decide on up to 1,000 payments; the answers stand in the order of the items",
    "score_loan": "Decide on a loan application",
    "take_event": "Record a fact without a decision",
    "take_outcome": "Record what became known about an earlier payment or application",
    "take_complaint": "Record a complaint; its words and the contact are kept encrypted",
    "decisions": "Past decisions, newest first; scorers see their own",
    "decision": "A past decision, as it was answered",
    "explanation": "Why a decision came out as it did; scorers get what a customer may read",
    "outcomes": "What became known about a decided event, and the label it comes to",
    "ask_review": "Ask that a person looks at a decision again",
    "review": "Every appeal of a decision and what became of it",
    "decide_review": "Decide on an appeal; the decision itself is never changed",
    "reviews": "Appeals that wait for a person, oldest first",
    "alerts": "Decisions that were not approved and that nobody has disposed of, oldest first",
    "alert": "One alert with everything that was done about it",
    "dispose_alert": "Say what an alert turned out to be; writes an outcome in the same transaction",
    "models": "What is deployed",
    "lists": "The block, allow and watch lists in use",
    "changes": "Changes of policies and lists, newest first: who proposed, who approved, why",
    "propose_change": "Propose a policy; it is compiled and checked against the deployed models first",
    "propose_list_change": "Propose entries of the block, allow and watch lists, to be added or taken away",
    "approve_change": "Put a change in force that another client has proposed",
    "reject_change": "Close a change; who proposed it may take it back",
    "kill": "Turn the kill switch: while it is on, rules decide alone",
    "reload": "Look at keys and deployed bundles now",
    "openapi": "This document",
    "metrics": "Prometheus metrics",
    "livez": "Whether the process should be kept",
    "readyz": "Whether requests should be sent here",
}
_PAYMENT: dict[str, Any] = {
    "event_id": "pay-1001", "event_time": "2026-03-01T08:00:00+08:00", "customer_id": "c-17", "card_id": "4000-1",
    "merchant_id": "m-9", "device_id": "d-3", "amount": 12_900, "currency": "CNY", "channel": "mobile",
    "auth_method": "otp", "deadline_ms": 200,
}  # fmt: skip
_POLICY: dict[str, Any] = {
    "version": "loans-2026-12", "product": "loan", "cutoffs": "from bundle",
    "actions": {"normal": "approve", "attention": "refer", "warning": "refer", "high": "decline"},
    "rules": {"blocked_entity": {"outcome": "decline"}, "missing_income": {"outcome": "refer"}},
    "stand_in": [{"action": "refer"}],
    "master_scale": {"horizon": "12m", "grades": [{"grade": "A", "upto": 0.08}, {"grade": "B", "upto": 1.0}]},
}  # fmt: skip
EXAMPLES: Mapping[str, Any] = {
    "score_payment": _PAYMENT,
    "score_payments": [{**_PAYMENT, "event_id": "pay-2001"}, {**_PAYMENT, "event_id": "pay-2002", "amount": 5_000}],
    "score_loan": {
        "event_id": "app-501", "event_time": "2026-03-01T08:00:00+08:00", "borrower_id": "b-5", "amount": 2_000_000,
        "currency": "CNY", "term_months": 12, "income_monthly": 900_000, "employment": "salaried",
    },
    "take_event": {
        "kind": "authentication", "event_id": "auth-77", "event_time": "2026-03-01T07:59:30+08:00",
        "customer_id": "c-17", "method": "otp", "result": "passed", "purpose": "payment",
    },
    "take_outcome": {"subject_event_id": "pay-1001", "code": "chargeback_fraud", "source": "issuer"},
    "take_complaint": {
        "event_id": "compl-9", "complaint_class": "fraud_dispute", "subject_event_id": "pay-1001", "channel": "mobile",
        "contact": "a number or an address", "text": "I did not make this payment.",
    },
    "ask_review": {
        "asked_by": "customer", "contact": "a number or an address", "statement": "This was me, on a new phone.",
    },
    "decide_review": {"verdict": "overturned", "action": "approve", "note": "Called back; knows the payee."},
    "dispose_alert": {"status": "genuine", "was": "open", "note": "The card holder confirmed it."},
    "propose_change": {"subject": "loan", "policy": _POLICY, "why": "more people decide while the new branch is tried"},
    "propose_list_change": {
        "add": [
            {
                "list": "block", "namespace": "card", "identifier": "4000-1", "owner": "fraud desk",
                "reason": "stolen, case 1234", "expires_at": "2099-01-01T00:00:00Z",
            }
        ],
        "why": "reported by the holder",
    },
    "approve_change": {"why": "read, and tried on last month"},
    "reject_change": {"why": "refers more than the desk can read"},
    "kill": {"on": True, "reason": "scores are far off since the last deployment"},
}  # fmt: skip

_TEXT = {"type": "string", "minLength": 1, "maxLength": 128}
_TIME = {"type": "string", "format": "date-time"}
_LIMIT = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
_PAGE: dict[str, Any] = {"limit": _LIMIT, "cursor": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}}
_ACTIONS = sorted({action.value for actions in ACTIONS.values() for action in actions})
_PRODUCT = {"enum": [product.value for product in Product]}
QUERIES: Mapping[str, Mapping[str, Any]] = {
    "decisions": {
        "product": _PRODUCT,
        "since": _TIME,
        "until": _TIME,
        "action": {"enum": _ACTIONS},
        "grade": {"enum": [grade.value for grade in RiskGrade]},
        "client": _TEXT,
        "customer": {**_TEXT, "description": "the token of a customer or borrower, never the identifier itself"},
        **_PAGE,
    },
    "alerts": {
        "status": {"enum": [status.value for status in AlertStatus], "default": "open"},
        "product": _PRODUCT,
        "limit": _LIMIT,
        "cursor": {"type": "string", "pattern": r"^[0-9]{1,18}\.[0-9a-f]{32}$"},
    },
    "reviews": _PAGE,
}
