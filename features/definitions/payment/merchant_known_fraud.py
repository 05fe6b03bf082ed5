"""Fraud known at the merchant: windows over outcomes, so that label delay is obeyed by the law."""

from features.aggregates import Rate
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
        Rate("is_positive", over=["30d", "90d"], sign=1),
    ],
)
