"""Who has been using the device."""

from features.aggregates import Count, Distinct, SinceLast, Sum
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="device_id",
    source="transaction",
    retain=ring(2048),
    rationale="One device serving many customers or cards is a farm; a device that never saw this customer is new.",
    features=[
        Count(over=["1h", "1d", "7d"], sign=1),
        Sum("amount", over=["1d"]),
        Distinct("customer_id", over=["1d", "7d", "30d"], sign=1),
        Distinct("card_id", over=["1d", "7d"], sign=1),
        Distinct("payee_id", over=["7d"]),
        SinceLast(),
        SinceLast("customer_id", same_value=True),
    ],
)
