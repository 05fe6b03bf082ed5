"""Fraud known of the payee: windows over outcomes, so that label delay is obeyed by the law."""

from features.aggregates import Count, SinceLast
from features.conditions import verdict
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="payee_id",
    source="outcome",
    where=verdict("positive"),
    prefix="payee_known_fraud",
    retain=ring(1024),
    rationale="An account that took stolen money once will take it again until it is closed.",
    features=[
        Count(over=["7d", "90d"], sign=1),
        SinceLast(sign=-1),
    ],
)
