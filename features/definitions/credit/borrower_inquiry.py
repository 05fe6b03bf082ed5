"""Inquiries about the borrower by lenders."""

from features.aggregates import Count, Decayed, Distinct, InterArrival, SinceLast
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="inquiry",
    prefix="inquiry",
    retain=ring(1024),
    rationale="Many lenders asked in a short time means need, or a plan not to repay any.",
    features=[
        Count(over=["365d"], sign=1),
        Decayed(half_life=["30d", "90d"], over="365d", sign=1),
        InterArrival(over=["365d"], sign=-1),
        Distinct("lender_id", over=["30d", "365d"], sign=1),
        SinceLast(sign=-1),
    ],
)

DERIVED = (
    Derived("inquiry_lender_acceleration", ratio("inquiry_lender_id_distinct_30d", "inquiry_lender_id_distinct_365d"),
            group="borrower_inquiry", unit="share", doc="Share of a year's lenders that asked in the last 30 days",
            sign=1),
)  # fmt: skip
