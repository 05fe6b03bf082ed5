"""Fraud known at the terminal: windows over outcomes, so that label delay is obeyed by the law."""

from domain.labels import FRAUD_POLICY, Verdict
from features.aggregates import Count, LastK, Rate, SinceLast, Streak, Sum
from features.conditions import one_of, verdict
from features.view import FeatureView, ring

_OF = {
    told: one_of("code", *(code for code, meaning in FRAUD_POLICY.verdicts.items() if meaning is told))
    for told in (Verdict.POSITIVE, Verdict.NEGATIVE)
}

VIEW = FeatureView(
    entity="terminal_id",
    source="outcome",
    where=verdict("positive", "negative"),
    prefix="terminal_known_fraud",
    retain=ring(8192),
    rationale="Fraud comes back to where it worked. Rate and counts are of one population: settled outcomes.",
    features=[
        Count(over=["30d"]),
        Sum("is_positive", over=["7d", "30d"], sign=1),
        Rate("is_positive", over=["1d", "7d", "30d"], sign=1),
        LastK("is_positive", k=3, sign=1),
        Streak(where=_OF[Verdict.POSITIVE], called="positive", sign=1),
        SinceLast(where=_OF[Verdict.NEGATIVE], called="genuine", sign=1),
    ],
)
