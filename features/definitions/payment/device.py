"""Who has been using the device."""

from features.aggregates import Count, Novelty, SharedWith
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="device_id",
    source="transaction",
    retain=ring(2048),
    rationale="One device serving many customers or cards is a farm; a device that never saw this customer is new.",
    features=[
        Count(over=["30d"], sign=1),
        SharedWith("customer_id", over=["30d"], sign=1),
        SharedWith("payee_id", over=["7d"]),
        Novelty("customer_id", age=True, sign=-1),
    ],
)
