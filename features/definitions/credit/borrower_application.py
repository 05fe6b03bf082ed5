"""Earlier applications of the borrower."""

from features.aggregates import Count, Last, Max, Mean, SinceLast
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="application",
    prefix="application",
    retain=ring(512),
    rationale="Asking again and again, for other amounts and purposes, is a sign of refusal elsewhere.",
    features=[
        Count(over=["1095d"]),
        Max("amount", over=["1095d"]),
        Mean("income_monthly", over=["1095d"]),
        Last("debt_monthly", over=["1095d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("income_to_declared", ratio("income_monthly", "application_income_monthly_mean_1095d"),
            group="borrower_application", unit="ratio", doc="Income declared now over that declared before"),
    Derived("debt_to_declared", ratio("debt_monthly", "application_debt_monthly_last_1095d"),
            group="borrower_application", unit="ratio", doc="Debt service declared now over that declared last",
            sign=1),
    Derived("amount_to_asked", ratio("amount", "application_amount_max_1095d"), group="borrower_application",
            unit="ratio", doc="Amount asked for over the largest asked for before"),
)  # fmt: skip
