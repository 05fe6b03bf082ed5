"""How much the merchant takes, however busy it is."""

from features.aggregates import Mean, Ratio, Share
from features.conditions import multiple_of
from features.derived import Derived, ratio
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="merchant_id",
    source="transaction",
    prefix="merchant",
    group="merchant",
    retain=tiled("1h"),
    rationale="Colluding merchants run cards in waves: more payments than usual, round amounts, at other hours.",
    features=[
        Ratio(short="1d", long="30d", sign=1),
        Mean("amount", over=["30d"]),
        Share(where=multiple_of("amount", 50), called="round", over=["7d"]),
        Mean("is_night", over=["7d"]),
    ],
)

DERIVED = (
    Derived("amount_to_merchant_mean_30d", ratio("amount", "merchant_amount_mean_30d"), group="amount_pattern",
            unit="ratio", doc="Amount over the merchant's mean of 30 days", sign=1),
)  # fmt: skip
