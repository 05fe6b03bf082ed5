"""Statements of the borrower's loans and card accounts: utilisation and arrears."""

from features.aggregates import Count, Max, Mean, Min, SinceLast, Std
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="borrower_id",
    source="statement",
    prefix="statement",
    retain=ring(1024),
    rationale="How much of a limit is used, and whether it is paid on time, is the best guide to what follows.",
    features=[
        Count(over=["90d", "180d", "365d"]),
        Mean("balance", over=["45d", "90d", "180d", "365d"]),
        Max("balance", over=["180d", "365d"]),
        Std("balance", over=["180d"]),
        Mean("credit_limit", over=["45d", "90d", "180d", "365d"]),
        Min("credit_limit", over=["365d"]),
        Mean("minimum_due", over=["90d"]),
        Mean("months_past_due", over=["45d", "90d", "180d", "365d"], sign=1),
        Max("months_past_due", over=["45d", "90d", "180d", "365d"], sign=1),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("utilisation_45d", ratio("statement_balance_mean_45d", "statement_credit_limit_mean_45d"),
            group="utilisation", unit="share", doc="Balance over limit, statements of 45 days", sign=1),
    Derived("utilisation_90d", ratio("statement_balance_mean_90d", "statement_credit_limit_mean_90d"),
            group="utilisation", unit="share", doc="Balance over limit, statements of 90 days", sign=1),
    Derived("utilisation_180d", ratio("statement_balance_mean_180d", "statement_credit_limit_mean_180d"),
            group="utilisation", unit="share", doc="Balance over limit, statements of 180 days", sign=1),
    Derived("utilisation_365d", ratio("statement_balance_mean_365d", "statement_credit_limit_mean_365d"),
            group="utilisation", unit="share", doc="Balance over limit, statements of a year", sign=1),
    Derived("utilisation_change", difference("utilisation_45d", "utilisation_180d"), group="utilisation",
            unit="share", doc="Utilisation of 45 days less that of 180 days", sign=1),
    Derived("months_past_due_change",
            difference("statement_months_past_due_mean_45d", "statement_months_past_due_mean_180d"),
            group="borrower_statement", unit="months", doc="Arrears of 45 days less those of 180 days", sign=1),
)  # fmt: skip
