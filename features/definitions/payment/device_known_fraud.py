"""Fraud known of the device: windows over outcomes, so that label delay is obeyed by the law."""

from features.aggregates import Count
from features.conditions import verdict
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="device_id",
    source="outcome",
    where=verdict("positive"),
    prefix="device_known_fraud",
    retain=ring(1024),
    rationale="A gang keeps its devices until they are blocked.",
    features=[
        Count(over=["90d"], sign=1),
    ],
)
