"""Traffic of the merchant."""

from features.aggregates import Count, Distinct, Mean, SinceLast, Std
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="merchant_id",
    source="transaction",
    retain=ring(4096),
    rationale="Colluding or tested merchants see unusual amounts and many new customers in a short time.",
    features=[
        Count(over=["1h", "1d", "7d"]),
        Mean("amount", over=["1d", "7d", "30d"]),
        Std("amount", over=["30d"]),
        Distinct("customer_id", over=["1h", "1d"]),
        Distinct("card_id", over=["1d"]),
        Mean("is_night", over=["7d"]),
        SinceLast("customer_id", same_value=True),
    ],
)

DERIVED = (
    Derived("amount_to_merchant_mean_30d", ratio("amount", "merchant_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the merchant's mean of 30 days", sign=1),
    Derived("amount_merchant_zscore_30d",
            ratio(difference("amount", "merchant_amount_mean_30d"), "merchant_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the merchant's 30 days, in deviations",
            sign=1),
    Derived("merchant_customers_per_event_1d", ratio("merchant_customer_id_distinct_1d", "merchant_count_1d"),
            group="merchant", unit="ratio", doc="Different customers per payment at the merchant in a day"),
)  # fmt: skip
