"""Repayments of the borrower: how late, how short, how early."""

from features.aggregates import LastK, Share, SinceLast, Std, Sum
from features.conditions import at_least
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="repayment",
    prefix="repayment",
    retain=ring(1024),
    rationale="Lateness and short payments grow before a default; who pays early has something left.",
    features=[
        LastK("days_late", k=1, sign=1),
        LastK("days_late", k=5, sign=1),
        LastK("days_late", k=10, sign=1),
        LastK("days_late", k=20, sign=1),
        Share(where=at_least("days_late", 1), called="late", over=["1095d"], sign=1),
        Share(where=at_least("days_late", 0), called="not_prepaid", over=["365d"], sign=1),
        Share(where=at_least("shortfall", 0.01), called="short", over=["1095d"], sign=1),
        SinceLast(where=at_least("days_late", 1), called="late", sign=-1),
        Sum("amount", over=["90d", "180d"]),
        Std("amount", over=["180d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("repaid_to_balance_180d", ratio("repayment_amount_sum_180d", "statement_balance_mean_180d"),
            group="borrower_repayment", unit="ratio", doc="Paid in 180 days over the mean balance", sign=-1),
)  # fmt: skip
