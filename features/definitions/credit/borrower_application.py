"""Earlier applications of the borrower."""

from features.aggregates import Count, Distinct, Max, Mean, SinceLast
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="application",
    prefix="application",
    retain=ring(512),
    rationale="Asking again and again, for other amounts and purposes, is a sign of refusal elsewhere.",
    features=[
        Count(over=["7d", "30d", "90d", "365d"], sign=1),
        Mean("amount", over=["365d"]),
        Max("amount", over=["365d"]),
        Mean("income_monthly", over=["365d"]),
        Distinct("purpose", over=["365d"]),
        Distinct("device_id", over=["365d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("income_to_declared_365d", ratio("income_monthly", "application_income_monthly_mean_365d"),
            group="borrower_application", unit="ratio", doc="Income declared now over that declared before"),
)  # fmt: skip
