"""How much the terminal takes, however busy it is."""

from features.aggregates import Max, Mean, Ratio, Std
from features.derived import Derived, difference, ratio
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="terminal_id",
    source="transaction",
    prefix="terminal",
    group="terminal",
    retain=tiled("1h"),
    rationale="A compromised terminal shows other amounts than it used to.",
    features=[
        Ratio(short="1d", long="30d", sign=1),
        Mean("amount", over=["30d"]),
        Ratio("amount", statistic="mean", short="7d", long="30d", sign=1),
        Std("amount", over=["30d"]),
        Max("amount", over=["30d"]),
    ],
)

DERIVED = (
    Derived("amount_to_terminal_mean_30d", ratio("amount", "terminal_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the terminal's mean of 30 days", sign=1),
    Derived("amount_terminal_zscore_30d",
            ratio(difference("amount", "terminal_amount_mean_30d"), "terminal_amount_std_30d"),
            group="amount_pattern", unit="deviations", doc="Amount against the terminal's 30 days, in deviations",
            sign=1),
)  # fmt: skip
