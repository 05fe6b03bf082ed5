"""Failed and abandoned authentications of the customer."""

from features.aggregates import Count, Distinct, SinceLast
from features.conditions import one_of
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="authentication",
    where=one_of("result", "failed", "abandoned"),
    prefix="customer_authentication_failed",
    retain=ring(512),
    rationale="Guessing and phishing leave failed attempts just before the payment.",
    features=[
        Count(over=["1h", "1d", "7d"], sign=1),
        Distinct("method", over=["1d"], sign=1),
        Distinct("device_id", over=["1d", "7d"], sign=1),
        SinceLast(),
    ],
)
