"""How busy the network address is."""

from features.aggregates import Count
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="ip_id",
    source="transaction",
    prefix="ip",
    group="ip",
    retain=tiled("10m"),
    rationale="An attack from one address comes in a burst; an office is as busy as ever.",
    features=[
        Count(over=["1h"], sign=1),
    ],
)
