"""Authentications of the customer: which failed, how many in a row, from which device."""

from features.aggregates import CountWhere, Distinct, Novelty, SinceLast
from features.conditions import one_of
from features.view import FeatureView, ring

FAILED = one_of("result", "failed", "abandoned")

VIEW = FeatureView(
    entity="customer_id",
    source="authentication",
    prefix="customer_authentication",
    retain=ring(512),
    rationale="Guessing and phishing leave failed attempts, and a new device, just before the payment.",
    features=[
        Distinct("method", over=["1d"], sign=1),
        Novelty("device_id", age=True, sign=-1),
        CountWhere(where=FAILED, called="failed", over=["1h"], sign=1),
        SinceLast(where=FAILED, called="failed", sign=-1),
        SinceLast(),
    ],
)
