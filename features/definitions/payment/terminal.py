"""Traffic of the terminal."""

from features.aggregates import Distinct
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="terminal_id",
    source="transaction",
    retain=ring(4096),
    rationale="A compromised terminal shows other amounts and other customers than it used to.",
    features=[
        Distinct("customer_id", over=["30d"]),
    ],
)
