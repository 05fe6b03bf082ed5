"""Behaviour of the customer over all cards and accounts."""

from features.aggregates import Count, Distinct, Max, Mean, Min, SinceLast, Std, Sum
from features.derived import Derived, difference, is_null, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="customer_id",
    source="transaction",
    retain=ring(4096),
    rationale="People repeat themselves: pace, amounts, places, payees and devices that change at once tell.",
    features=[
        Count(over=["1h", "1d", "7d", "30d"]),
        Sum("amount", over=["1d", "7d", "30d"]),
        Mean("amount", over=["1d", "7d", "30d"]),
        Std("amount", over=["7d", "30d"]),
        Min("amount", over=["30d"]),
        Max("amount", over=["7d", "30d"]),
        Distinct("terminal_id", over=["1d", "7d", "30d"]),
        Distinct("payee_id", over=["1d", "30d"]),
        Distinct("device_id", over=["1d", "30d"]),
        Distinct("channel", over=["30d"]),
        Mean("is_night", over=["30d"]),
        SinceLast(),
        SinceLast("terminal_id", same_value=True),
        SinceLast("payee_id", same_value=True),
        SinceLast("device_id", same_value=True),
        SinceLast("channel", same_value=True),
    ],
)

DERIVED = (
    Derived("amount_to_customer_mean_30d", ratio("amount", "customer_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's mean of 30 days", sign=1),
    Derived("amount_to_customer_mean_7d", ratio("amount", "customer_amount_mean_7d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's mean of 7 days", sign=1),
    Derived("amount_customer_zscore_30d",
            ratio(difference("amount", "customer_amount_mean_30d"), "customer_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the customer's 30 days, in deviations",
            sign=1),
    Derived("amount_to_customer_max_30d", ratio("amount", "customer_amount_max_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the customer's largest of 30 days", sign=1),
    Derived("customer_amount_trend_1d", ratio("customer_amount_mean_1d", "customer_amount_mean_30d"),
            group="amount_pattern", unit="ratio", doc="Mean amount of a day over that of 30 days", sign=1),
    Derived("customer_amount_trend_7d", ratio("customer_amount_mean_7d", "customer_amount_mean_30d"),
            group="amount_pattern", unit="ratio", doc="Mean amount of 7 days over that of 30 days", sign=1),
    Derived("customer_burst_1d", ratio("customer_count_1d", "customer_count_30d"), group="customer", unit="share",
            doc="Share of the customer's 30 days that fell into the last day", sign=1),
    Derived("customer_new_payee", is_null("customer_payee_id_since_last_same"), group="novelty", unit="flag",
            doc="1 when the customer has not paid this payee within 30 days, or names none"),
    Derived("customer_new_device", is_null("customer_device_id_since_last_same"), group="novelty", unit="flag",
            doc="1 when the customer has not used this device within 30 days, or it is unknown"),
    Derived("customer_new_terminal", is_null("customer_terminal_id_since_last_same"), group="novelty", unit="flag",
            doc="1 when the customer has not used this terminal within 30 days, or there is none"),
)  # fmt: skip
