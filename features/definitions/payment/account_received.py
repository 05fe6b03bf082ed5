"""What came into the account over months: from how many, how evenly, in equal amounts. Off: for finding mules."""

from features.aggregates import Count, Degree, Distinct, InterArrival, Max, Mean, SinceLast, Std, Sum, TopShare
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="account_id",
    key="payee_id",
    source="transaction",
    prefix="account_received",
    group="account_inflow",
    retain=ring(4096),
    on=False,
    rationale="Money is collected from many accounts, or sent round in a circle, in amounts that repeat.",
    features=[
        Count(over=["30d", "365d"], sign=1),
        Degree("account_id", over=["30d", "365d"], sign=1),
        Sum("amount", over=["30d", "365d"]),
        Mean("amount", over=["365d"]),
        Std("amount", over=["365d"]),
        Max("amount", over=["365d"]),
        Distinct("amount", over=["365d"]),
        TopShare("account_id", over=["365d"]),
        InterArrival(over=["365d"]),
        InterArrival(over=["365d"], statistic="cv"),
        SinceLast(),
    ],
)
