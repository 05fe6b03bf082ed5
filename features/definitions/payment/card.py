"""Behaviour of the card: how often, how much, where, and whether from the device it knows."""

from features.aggregates import Count, Distinct, Max, Mean, SinceLast, Std, Sum
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="card_id",
    source="transaction",
    retain=ring(4096),
    rationale="Stolen cards are tried quickly, in new places, for amounts their holder does not spend.",
    features=[
        Count(over=["1h", "1d", "7d", "30d"], sign=1),
        Sum("amount", over=["1d", "7d"]),
        Mean("amount", over=["1d", "7d", "30d"]),
        Std("amount", over=["30d"]),
        Max("amount", over=["30d"]),
        Distinct("merchant_id", over=["1d", "30d"]),
        Distinct("country", over=["1d", "30d"]),
        Mean("is_night", over=["30d"]),
        SinceLast(),
        SinceLast("device_id", same_value=True),
        SinceLast("merchant_id", same_value=True),
    ],
)

DERIVED = (
    Derived("amount_to_card_mean_30d", ratio("amount", "card_amount_mean_30d"), group="amount_pattern", unit="ratio",
            doc="Amount over the card's mean of 30 days", sign=1),
    Derived("amount_card_zscore_30d", ratio(difference("amount", "card_amount_mean_30d"), "card_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the card's 30 days, in deviations", sign=1),
    Derived("amount_to_card_max_30d", ratio("amount", "card_amount_max_30d"), group="amount_pattern", unit="ratio",
            doc="Amount over the card's largest of 30 days", sign=1),
    Derived("card_burst_1h", ratio("card_count_1h", "card_count_30d"), group="card", unit="share",
            doc="Share of the card's 30 days that fell into the last hour", sign=1),
    Derived("card_burst_1d", ratio("card_count_1d", "card_count_30d"), group="card", unit="share",
            doc="Share of the card's 30 days that fell into the last day", sign=1),
)  # fmt: skip
