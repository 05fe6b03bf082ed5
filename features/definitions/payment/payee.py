"""Fan-in to the account or person paid."""

from features.aggregates import Concentration, Degree, InterArrival, SinceLast
from features.derived import Derived, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="payee_id",
    source="transaction",
    retain=ring(4096),
    rationale="Mule accounts collect from many strangers within days.",
    features=[
        Degree("account_id", over=["1d", "30d"], sign=1),
        Concentration("account_id", over=["30d"]),
        InterArrival(over=["30d"]),
        SinceLast(),
    ],
)

DERIVED = (
    Derived("payee_fan_in_1d", ratio("payee_account_id_degree_1d", "payee_account_id_degree_30d"), group="payee",
            unit="share", doc="Share of the payee's payers of 30 days that paid in the last day", sign=1),
)  # fmt: skip
