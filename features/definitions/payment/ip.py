"""Who has been using the network address."""

from features.aggregates import Count, Distinct, SinceLast
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="ip_id",
    source="transaction",
    retain=ring(2048),
    rationale="Attacks share addresses; homes and offices do too, so the pace of new customers matters most.",
    features=[
        Count(over=["1h", "1d", "7d"]),
        Distinct("customer_id", over=["1h", "1d", "7d"], sign=1),
        Distinct("card_id", over=["1d"], sign=1),
        SinceLast(),
        SinceLast("customer_id", same_value=True),
    ],
)
