"""Fraud known of the customer: windows over outcomes that say fraud."""

from features.aggregates import Count, SinceLast
from features.conditions import verdict
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="outcome",
    where=verdict("positive"),
    prefix="customer_known_fraud",
    retain=ring(1024),
    rationale="A customer struck once is struck again while the stolen details are still sold.",
    features=[
        Count(over=["7d", "30d", "90d"], sign=1),
        SinceLast(),
    ],
)
