"""What the customer spends when left alone, and whether the last week was different."""

from features.aggregates import Max, Mean, Std
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

# Beside the view of the customer, whose novelty looks back no further than its longest window.
VIEW = FeatureView(
    entity="customer_id",
    source="transaction",
    prefix="customer",
    group="customer",
    retain=ring(4096),
    rationale="A takeover lifts the amounts of a week and with them the mean of a month; three months remember better.",
    features=[
        Mean("amount", over=["7d", "90d"]),
        Std("amount", over=["90d"]),
        Max("amount", over=["7d", "90d"]),
    ],
)

DERIVED = (
    Derived("amount_to_customer_mean_90d", ratio("amount", "customer_amount_mean_90d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's mean of 90 days", sign=1),
    Derived("amount_customer_zscore_90d",
            ratio(difference("amount", "customer_amount_mean_90d"), "customer_amount_std_90d"),
            group="amount_pattern", unit="deviations", doc="Amount against the customer's 90 days, in deviations",
            sign=1),
    Derived("amount_to_customer_max_90d", ratio("amount", "customer_amount_max_90d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's largest of 90 days", sign=1),
)  # fmt: skip
