"""What a customer may read about a decision: the reasons that book and policy disclose, on demand for approvals too."""

from __future__ import annotations

from typing import Any

from domain.decision import MAX_REASONS, Reason
from scoring.notice import disclosable
from scoring.replay import Cited


def customer_reasons(cited: Cited) -> dict[str, Any]:
    """Decision, action and disclosable reasons; no scores, no features, nothing of other people."""
    body = cited.body
    given = [Reason(**reason) for reason in (*body["rule_reasons"], *body["reasons"])]
    bundle, row = cited.bundle, cited.row
    if not body["reasons"] and bundle is not None and row is not None and cited.entry.raw_score is not None:
        given += bundle.selector.select(bundle.explainer.contributions(row), row)
    told = disclosable(given, cited)[:MAX_REASONS]
    return {
        "decision_id": cited.entry.decision_id,
        "product": cited.entry.product,
        "action": cited.entry.action,
        "reasons": [{"code": reason.code, "zh": reason.zh, "en": reason.en} for reason in told],
    }
