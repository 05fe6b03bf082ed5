"""Fraud known at the merchant: windows over outcomes, so that label delay is obeyed by the law."""

from features.aggregates import Count, Mean, Sum
from features.conditions import verdict
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="merchant_id",
    source="outcome",
    where=verdict("positive", "negative"),
    prefix="merchant_known_fraud",
    retain=ring(8192),
    rationale="Fraud comes back to where it worked. Rate and counts are of one population: settled outcomes.",
    features=[
        Count(over=["7d", "30d", "90d"]),
        Sum("is_positive", over=["7d", "30d", "90d"], sign=1),
        Mean("is_positive", over=["7d", "30d", "90d"], sign=1),
    ],
)
