"""Repayments of the borrower: how late, how short."""

from features.aggregates import Count, Max, Mean, SinceLast, Std, Sum
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="repayment",
    prefix="repayment",
    retain=ring(1024),
    rationale="Lateness and short payments grow before a default.",
    features=[
        Count(over=["90d", "180d", "365d"]),
        Sum("amount", over=["45d", "90d", "180d", "365d"]),
        Mean("amount", over=["180d"]),
        Std("amount", over=["180d"]),
        Mean("days_late", over=["90d", "180d", "365d"], sign=1),
        Max("days_late", over=["90d", "180d", "365d"], sign=1),
        Sum("shortfall", over=["90d", "180d", "365d"], sign=1),
        Max("shortfall", over=["180d"], sign=1),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("repaid_to_balance_90d", ratio("repayment_amount_sum_90d", "statement_balance_mean_90d"),
            group="borrower_repayment", unit="ratio", doc="Paid in 90 days over the mean balance", sign=-1),
    Derived("repaid_to_balance_180d", ratio("repayment_amount_sum_180d", "statement_balance_mean_180d"),
            group="borrower_repayment", unit="ratio", doc="Paid in 180 days over the mean balance", sign=-1),
    Derived("shortfall_share_180d", ratio("repayment_shortfall_sum_180d", "repayment_amount_sum_180d"),
            group="borrower_repayment", unit="ratio", doc="Unpaid over paid, 180 days", sign=1),
)  # fmt: skip
