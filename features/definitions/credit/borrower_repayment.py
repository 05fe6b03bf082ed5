"""Repayments of the borrower: how late, how short, how early."""

from features.aggregates import First, LastK, Share, SinceLast, Std, Sum
from features.conditions import at_least
from features.derived import Derived, Expression, difference, ratio
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
        # Of payments once a month: those of the last month, of the one before, and of the third.
        LastK("amount", k=1),
        First("amount", over=["60d", "90d"]),
        Std("amount", over=["180d"]),
        SinceLast(),
    ],
)

_LIMIT = "statement_credit_limit_last_90d"


def _spent(now: str, before: str, repaid: str) -> Expression:
    """What a month added to the balance, over the limit: the balance less the one before, and what was paid."""
    return ratio(difference(difference(now, before), difference(0.0, repaid)), _LIMIT)


DERIVED = (
    Derived("repaid_of_balance_1", ratio("repayment_amount_last_1_mean", "statement_balance_first_45d"),
            group="borrower_repayment", unit="ratio", doc="Last payment over the statement it was due on", sign=-1),
    Derived("repaid_of_balance_2", ratio("repayment_amount_first_60d", "statement_balance_first_75d"),
            group="borrower_repayment", unit="ratio", doc="Payment a month earlier over its statement", sign=-1),
    Derived("repaid_of_balance_3", ratio("repayment_amount_first_90d", "statement_balance_first_105d"),
            group="borrower_repayment", unit="ratio", doc="Payment two months earlier over its statement", sign=-1),
    Derived("spent_1",
            _spent("statement_balance_last_90d", "statement_balance_first_45d", "repayment_amount_last_1_mean"),
            group="utilisation", unit="share", doc="Spent between the last two statements, over the limit"),
    Derived("spent_2",
            _spent("statement_balance_first_45d", "statement_balance_first_75d", "repayment_amount_first_60d"),
            group="utilisation", unit="share", doc="Spent in the month before, over the limit"),
    Derived("spent_3",
            _spent("statement_balance_first_75d", "statement_balance_first_105d", "repayment_amount_first_90d"),
            group="utilisation", unit="share", doc="Spent in the month before that, over the limit"),
    Derived("repaid_to_balance_180d", ratio("repayment_amount_sum_180d", "statement_balance_mean_180d"),
            group="borrower_repayment", unit="ratio", doc="Paid in 180 days over the mean balance", sign=-1),
)  # fmt: skip
