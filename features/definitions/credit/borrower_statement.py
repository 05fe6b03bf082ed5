"""Statements of the borrower's loans and card accounts: utilisation and arrears."""

from features.aggregates import (
    CoefficientOfVariation,
    Count,
    CountWhere,
    First,
    Last,
    LastK,
    Max,
    Mean,
    SinceLast,
    Trend,
)
from features.conditions import at_least
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="statement",
    prefix="statement",
    retain=ring(1024),
    rationale="How much of a limit is used, and whether it is paid on time, is the best guide to what follows.",
    features=[
        Count(over=["1095d"]),
        Last("balance", over=["90d"]),
        # Of monthly statements: the one before the last, the third and the fourth.
        First("balance", over=["45d", "75d", "105d"]),
        Mean("balance", over=["180d"]),
        Max("balance", over=["365d"]),
        CoefficientOfVariation("balance", over=["180d"]),
        Trend("balance", over=["180d"], sign=1),
        Last("credit_limit", over=["90d"], sign=-1),
        LastK("months_past_due", k=1, sign=1),
        LastK("months_past_due", k=2, statistic="max", sign=1),
        LastK("months_past_due", k=3, sign=1),
        Mean("months_past_due", over=["365d"], sign=1),
        Max("months_past_due", over=["365d"], sign=1),
        CountWhere(where=at_least("months_past_due", 2), called="past_due_2", over=["180d"], sign=1),
        SinceLast(where=at_least("months_past_due", 1), called="past_due", sign=-1),
        Trend("months_past_due", over=["180d"], sign=1),
        SinceLast(),
    ],
)

PROXIES = {
    "statement_count_1095d": "age: the young have a short history",
}

DERIVED = (
    Derived("utilisation_last", ratio("statement_balance_last_90d", "statement_credit_limit_last_90d"),
            group="utilisation", unit="share", doc="Balance over limit on the last statement", sign=1),
    Derived("utilisation_180d", ratio("statement_balance_mean_180d", "statement_credit_limit_last_90d"),
            group="utilisation", unit="share", doc="Mean balance of 180 days over the limit", sign=1),
    Derived("utilisation_max_365d", ratio("statement_balance_max_365d", "statement_credit_limit_last_90d"),
            group="utilisation", unit="share", doc="Largest balance of a year over the limit", sign=1),
    Derived("utilisation_change", difference("utilisation_last", "utilisation_180d"), group="utilisation",
            unit="share", doc="Utilisation of the last statement less that of 180 days", sign=1),
    Derived("utilisation_trend_180d", ratio("statement_balance_trend_180d", "statement_credit_limit_last_90d"),
            group="utilisation", unit="share per day", doc="Slope of the balance over the limit", sign=1),
)  # fmt: skip
