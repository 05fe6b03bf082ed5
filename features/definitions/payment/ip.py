"""Who has been using the network address."""

from features.aggregates import Novelty, SharedWith, SinceLast
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="ip_id",
    source="transaction",
    retain=ring(2048),
    rationale="Attacks share addresses; homes and offices do too, so the pace of new customers matters most.",
    features=[
        SharedWith("customer_id", over=["7d"], sign=1),
        Novelty("customer_id", age=True, sign=-1),
        SinceLast(),
    ],
)
