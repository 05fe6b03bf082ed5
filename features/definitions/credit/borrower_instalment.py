"""Instalments that fell due: days past due."""

from features.aggregates import Count, Max, Mean, SinceLast, Sum
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="instalment",
    prefix="instalment",
    retain=ring(1024),
    rationale="Arrears on earlier loans, deep or repeated.",
    features=[
        Count(over=["90d", "180d", "365d"]),
        Sum("amount", over=["90d", "365d"]),
        Mean("days_past_due", over=["90d", "180d", "365d"], sign=1),
        Max("days_past_due", over=["90d", "180d", "365d", "1095d"], sign=1),
        SinceLast(),
    ],
)
