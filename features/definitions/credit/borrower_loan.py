"""Loans granted to the borrower before."""

from features.aggregates import Count, Last, SinceLast, Sum
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="loan",
    prefix="loan",
    retain=ring(256),
    rationale="Debt already taken on, how recently, at what price, and how often it was granted.",
    features=[
        Count(over=["1095d"]),
        Sum("amount", over=["365d"]),
        Last("rate_annual", over=["1095d"], scale=1_000_000, sign=1),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("loans_to_income_365d", ratio("loan_amount_sum_365d", "income_monthly"), group="borrower_loan",
            unit="months", doc="Loans of a year over monthly income", sign=1),
    Derived("approval_ratio", ratio("loan_count_1095d", "application_count_1095d"), group="borrower_loan",
            unit="ratio", doc="Loans granted over applications, three years", sign=-1),
)  # fmt: skip
