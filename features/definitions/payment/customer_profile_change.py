"""Changes of the customer's profile: phone, password, device, payee, limit."""

from features.aggregates import Count, SinceLast
from features.conditions import one_of
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="profile_change",
    prefix="customer_profile_change",
    retain=ring(256),
    rationale="A takeover changes the phone or adds a payee before it pays.",
    features=[
        Count(over=["1d"], sign=1),
        SinceLast(sign=-1),
        SinceLast(where=one_of("changed", "payee"), called="payee", sign=-1),
        SinceLast(where=one_of("changed", "limit"), called="limit", sign=-1),
    ],
)
