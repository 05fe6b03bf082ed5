"""Inquiries about the borrower by lenders."""

from features.aggregates import Count, Distinct, SinceLast
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="inquiry",
    prefix="inquiry",
    retain=ring(1024),
    rationale="Many lenders asked in a short time means need, or a plan not to repay any.",
    features=[
        Count(over=["7d", "30d", "90d", "180d", "365d"], sign=1),
        Distinct("lender_id", over=["30d", "90d", "180d", "365d"], sign=1),
        Distinct("purpose", over=["365d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("inquiry_acceleration", ratio("inquiry_count_30d", "inquiry_count_180d"), group="borrower_inquiry",
            unit="share", doc="Share of 180 days of inquiries that fell into the last 30", sign=1),
)  # fmt: skip
