"""Traffic of the merchant."""

from features.aggregates import (
    Distinct,
    SinceLast,
    TopShare,
)
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="merchant_id",
    source="transaction",
    retain=ring(4096),
    rationale="Colluding or tested merchants see unusual amounts and many new customers in a short time.",
    features=[
        Distinct("customer_id", over=["1d"]),
        TopShare("card_id", over=["7d"]),
        SinceLast("customer_id", same_value=True),
    ],
)
