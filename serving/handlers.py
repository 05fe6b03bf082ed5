"""Route by route: what answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from serving import administration, batch, changing, reading, writing
from serving.http import Answer, Call

if TYPE_CHECKING:
    from serving.runtime import Runtime

Handler = Callable[["Runtime", Call, int], Awaitable[Answer]]

HANDLERS: Mapping[str, Handler] = {
    "score_payment": writing.score_payment,
    "score_payments": batch.score_payments,
    "score_loan": writing.score_loan,
    "take_event": writing.take_event,
    "take_outcome": writing.take_outcome,
    "take_complaint": writing.take_complaint,
    "decisions": reading.decisions,
    "decision": reading.decision,
    "explanation": reading.explanation,
    "outcomes": reading.outcomes,
    "ask_review": writing.ask_review,
    "review": reading.review,
    "decide_review": writing.decide_review,
    "reviews": reading.reviews,
    "alerts": reading.alerts,
    "alert": reading.alert,
    "dispose_alert": writing.dispose_alert,
    "models": reading.models,
    "lists": reading.lists,
    "changes": changing.changes,
    "propose_change": changing.propose,
    "propose_list_change": changing.propose_lists,
    "approve_change": changing.approve,
    "reject_change": changing.reject,
    "kill": administration.kill,
    "reload": administration.reload,
    "openapi": reading.openapi,
    "metrics": reading.metrics,
}
