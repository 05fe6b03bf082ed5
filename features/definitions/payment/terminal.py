"""Traffic of the terminal."""

from features.aggregates import Count, Distinct, Max, Mean, SinceLast, Std
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="terminal_id",
    source="transaction",
    retain=ring(4096),
    rationale="A compromised terminal shows other amounts and other customers than it used to.",
    features=[
        Count(over=["1h", "1d", "7d", "30d"]),
        Mean("amount", over=["1d", "7d", "30d"]),
        Std("amount", over=["30d"]),
        Max("amount", over=["7d", "30d"]),
        Distinct("customer_id", over=["1d", "7d", "30d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("amount_to_terminal_mean_30d", ratio("amount", "terminal_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the terminal's mean of 30 days", sign=1),
    Derived("amount_terminal_zscore_30d",
            ratio(difference("amount", "terminal_amount_mean_30d"), "terminal_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the terminal's 30 days, in deviations",
            sign=1),
    Derived("terminal_burst_1d", ratio("terminal_count_1d", "terminal_count_30d"), group="terminal", unit="share",
            doc="Share of the terminal's 30 days that fell into the last day"),
)  # fmt: skip
