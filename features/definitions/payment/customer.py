"""Behaviour of the customer over all cards and accounts."""

from features.aggregates import (
    CircularTime,
    Count,
    Distinct,
    InterArrival,
    Max,
    Mean,
    Novelty,
    Ratio,
    SinceLast,
    Std,
)
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="transaction",
    retain=ring(4096),
    rationale="People repeat themselves: pace, amounts, places, payees and devices that change at once tell.",
    features=[
        Count(over=["1h", "30d"], sign=1),
        InterArrival(over=["7d"], statistic="cv"),
        Mean("amount", over=["30d"]),
        Ratio("amount", statistic="mean", short="7d", long="30d", sign=1),
        Std("amount", over=["7d", "30d"]),
        Max("amount", over=["30d"]),
        Distinct("payee_id", over=["1d"], sign=1),
        Novelty("ip_id", sign=1),
        SinceLast("payee_id", same_value=True),
        SinceLast("device_id", same_value=True),
        SinceLast("channel", same_value=True),
        CircularTime(over=["30d"], sign=1),
    ],
)

DERIVED = (
    Derived("amount_to_customer_mean_30d", ratio("amount", "customer_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's mean of 30 days", sign=1),
    Derived("amount_customer_zscore_30d",
            ratio(difference("amount", "customer_amount_mean_30d"), "customer_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the customer's 30 days, in deviations",
            sign=1),
    Derived("amount_to_customer_max_30d", ratio("amount", "customer_amount_max_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's largest of 30 days", sign=1),
)  # fmt: skip
