"""What came into the account before it pays: mules pass on within hours."""

from features.aggregates import Count, Degree, SinceLast, Sum
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="account_id",
    key="payee_id",
    source="transaction",
    prefix="account_inflow",
    retain=ring(4096),
    rationale="A mule account receives from strangers and passes nearly all of it on within hours.",
    features=[
        Count(over=["7d"], sign=1),
        Sum("amount", over=["1d"], sign=1),
        Degree("account_id", over=["7d"], sign=1),
        SinceLast(sign=-1),
    ],
)

DERIVED = (
    Derived("account_pass_through_1d", ratio("account_amount_sum_1d", "account_inflow_amount_sum_1d"),
            group="account_inflow", unit="ratio", doc="What left the account in a day over what came in"),
    Derived("amount_to_inflow_1d", ratio("amount", "account_inflow_amount_sum_1d"), group="account_inflow",
            unit="ratio", doc="Amount over what came into the account in a day"),
)  # fmt: skip
