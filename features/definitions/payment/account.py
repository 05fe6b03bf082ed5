"""Behaviour of the account debited."""

from features.aggregates import Count, Distinct, Mean, SinceLast, Std, Sum
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="account_id",
    source="transaction",
    retain=ring(4096),
    rationale="Takeovers and scams empty an account: more, to new payees, from a new device.",
    features=[
        Count(over=["1h", "1d", "7d", "30d"]),
        Sum("amount", over=["1d", "7d", "30d"]),
        Mean("amount", over=["30d"]),
        Std("amount", over=["30d"]),
        Distinct("payee_id", over=["1d", "7d", "30d"]),
        Distinct("device_id", over=["7d"]),
        SinceLast(),
        SinceLast("payee_id", same_value=True),
        SinceLast("device_id", same_value=True),
    ],
)

DERIVED = (
    Derived("amount_to_account_mean_30d", ratio("amount", "account_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the account's mean of 30 days", sign=1),
    Derived("amount_account_zscore_30d",
            ratio(difference("amount", "account_amount_mean_30d"), "account_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the account's 30 days, in deviations",
            sign=1),
    Derived("amount_to_account_sum_30d", ratio("amount", "account_amount_sum_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over all the account spent in 30 days", sign=1),
)  # fmt: skip
