"""What left the account over months: to how many, how regularly, in how many amounts. Off: for finding mules."""

from features.aggregates import Count, Degree, Distinct, InterArrival, Mean, SinceLast, Std, Sum, TopShare
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="account_id",
    source="transaction",
    prefix="account_sent",
    group="account",
    retain=ring(4096),
    on=False,
    rationale="People pay the same few in their own rhythm; a member of a ring sends bursts to strangers.",
    features=[
        Count(over=["30d", "365d"]),
        Degree("payee_id", over=["30d", "365d"]),
        Sum("amount", over=["30d", "365d"]),
        Mean("amount", over=["365d"]),
        Std("amount", over=["365d"], sign=1),
        Distinct("amount", over=["365d"], sign=1),
        TopShare("payee_id", over=["365d"]),
        InterArrival(over=["365d"]),
        InterArrival(over=["365d"], statistic="cv"),
        SinceLast(),
    ],
)
