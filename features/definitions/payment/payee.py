"""Fan-in to the account or person paid."""

from features.aggregates import Count, Distinct, Mean, SinceLast, Sum
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="payee_id",
    source="transaction",
    retain=ring(4096),
    rationale="Mule accounts collect from many strangers within days.",
    features=[
        Count(over=["1h", "1d", "7d", "30d"]),
        Sum("amount", over=["1d", "7d"]),
        Mean("amount", over=["30d"]),
        Distinct("account_id", over=["1d", "7d", "30d"], sign=1),
        Distinct("customer_id", over=["1d", "7d"], sign=1),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("payee_fan_in_1d", ratio("payee_account_id_distinct_1d", "payee_account_id_distinct_30d"), group="payee",
            unit="share", doc="Share of the payee's payers of 30 days that paid in the last day", sign=1),
    Derived("amount_to_payee_mean_30d", ratio("amount", "payee_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the payee's mean of 30 days"),
)  # fmt: skip
