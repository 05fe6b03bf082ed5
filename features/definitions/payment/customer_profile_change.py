"""Changes of the customer's profile: phone, password, device, payee, limit."""

from features.aggregates import Count, Distinct, SinceLast
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="profile_change",
    prefix="customer_profile_change",
    retain=ring(256),
    rationale="A takeover changes the phone or adds a payee before it pays.",
    features=[
        Count(over=["1d", "7d", "30d"], sign=1),
        Distinct("changed", over=["7d"], sign=1),
        SinceLast(),
    ],
)
