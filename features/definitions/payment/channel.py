"""Traffic of the channel."""

from features.aggregates import Mean, Ratio
from features.derived import Derived, ratio
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="channel",
    source="transaction",
    retain=tiled("10m"),
    rationale="A channel under attack is busier than its own week, with other amounts.",
    features=[
        Ratio(short="1h", long="7d", sign=1),
        Ratio("amount", statistic="mean", short="1h", long="7d", sign=1),
        Mean("amount", over=["7d"]),
    ],
)

DERIVED = (
    Derived("amount_to_channel_mean_7d", ratio("amount", "channel_amount_mean_7d"), group="channel", unit="ratio",
            doc="Amount over the channel's mean of 7 days", sign=1),
)  # fmt: skip
