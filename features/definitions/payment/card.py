"""Behaviour of the card: how often, how much, where, when, and whether from the device it knows."""

from features.aggregates import (
    Count,
    Decayed,
    Entropy,
    Mean,
    Ratio,
    SinceLast,
    SpeedFromLast,
)
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="card_id",
    source="transaction",
    retain=ring(4096),
    rationale="Stolen cards are tried quickly, in new places, for amounts their holder does not spend.",
    features=[
        Count(over=["1h", "30d"], sign=1),
        Ratio(short="1h", long="30d", sign=1),
        Decayed(half_life=["1h"], sign=1),
        Mean("amount", over=["30d"]),
        Entropy("mcc", over=["30d"]),
        SinceLast("device_id", same_value=True),
        SinceLast("ip_id", same_value=True),
        SpeedFromLast(statistic="kmh", sign=1),
        SpeedFromLast(sign=1),
    ],
)

DERIVED = (
    Derived("amount_to_card_mean_30d", ratio("amount", "card_amount_mean_30d"), group="amount_pattern", unit="ratio",
            doc="Amount over the card's mean of 30 days", sign=1),
)  # fmt: skip
