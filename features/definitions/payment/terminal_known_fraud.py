"""Fraud known at the terminal: windows over outcomes, so that label delay is obeyed by the law."""

from features.aggregates import Count, Rate, Sum
from features.conditions import verdict
from features.view import FeatureView, ring

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
    ],
)
