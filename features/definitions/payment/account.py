"""What leaves the account: how much, how fast, to whom."""

from features.aggregates import Novelty, Sum
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="account_id",
    source="transaction",
    retain=ring(4096),
    rationale="Takeovers and scams empty an account: more, to new payees, from a new device.",
    features=[
        Sum("amount", over=["1d"], sign=1),
        Novelty("payee_id", age=True, sign=-1),
        Novelty("device_id", age=True, sign=-1),
    ],
)
