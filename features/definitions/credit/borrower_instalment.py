"""Instalments that fell due: days past due."""

from features.aggregates import CountWhere, Distinct, LastK, Mean, SinceLast, Streak, Sum
from features.conditions import at_least
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="instalment",
    prefix="instalment",
    retain=ring(1024),
    rationale="Arrears on earlier loans, deep, repeated or recent.",
    features=[
        CountWhere(where=at_least("days_past_due", 30), called="past_due_30", over=["1095d"], sign=1),
        CountWhere(where=at_least("days_past_due", 90), called="past_due_90", over=["1095d"], sign=1),
        SinceLast(where=at_least("days_past_due", 30), called="past_due_30", sign=-1),
        Streak(where=at_least("days_past_due", 1), called="past_due", sign=1),
        Mean("days_past_due", over=["1095d"], sign=1),
        LastK("days_past_due", k=1, sign=1),
        Distinct("loan_id", over=["45d"]),
        Sum("amount", over=["45d"], sign=1),
    ],
)

DERIVED = (
    Derived("instalments_to_income", ratio("instalment_amount_sum_45d", "income_monthly"),
            group="borrower_instalment", unit="share", doc="Instalments fallen due in 45 days over monthly income",
            sign=1),
)  # fmt: skip
