"""All payments of the platform in the request's currency: whether this hour is unusual for everybody."""

from features.aggregates import Mean, Ratio, Share
from features.conditions import one_of
from features.derived import Derived, ratio
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="currency",
    source="transaction",
    prefix="platform",
    retain=tiled("10m"),
    rationale="An attack in many places shows first in the traffic of the whole: more payments, other amounts.",
    features=[
        Ratio(short="1h", long="7d", sign=1),
        Ratio("amount", statistic="mean", short="1h", long="7d", sign=1),
        Mean("amount", over=["7d"]),
        Share(where=one_of("auth_method", "none"), called="unauthenticated", over=["1h"], sign=1),
    ],
)

DERIVED = (
    Derived("amount_to_platform_mean_7d", ratio("amount", "platform_amount_mean_7d"), group="platform", unit="ratio",
            doc="Amount over the mean of everybody's 7 days", sign=1),
)  # fmt: skip
