"""Loans granted to the borrower before."""

from features.aggregates import Count, Distinct, Mean, SinceLast, Sum
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="loan",
    prefix="loan",
    retain=ring(256),
    rationale="Debt already taken on, and how recently.",
    features=[
        Count(over=["90d", "365d", "1095d"]),
        Sum("amount", over=["90d", "365d", "1095d"]),
        Mean("rate_annual", over=["1095d"], scale=1_000_000, sign=1),
        Mean("term_months", over=["1095d"]),
        Distinct("product", over=["1095d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("loans_to_income_365d", ratio("loan_amount_sum_365d", "income_monthly"), group="borrower_loan",
            unit="months", doc="Loans of a year over monthly income", sign=1),
)  # fmt: skip
