"""How much the payee receives, however many pay."""

from features.aggregates import Mean, Sum
from features.view import FeatureView, tiled

VIEW = FeatureView(
    entity="payee_id",
    source="transaction",
    prefix="payee",
    group="payee",
    retain=tiled("1h"),
    rationale="Mule accounts receive small amounts that add up; shops and landlords receive what they always did.",
    features=[
        Sum("amount", over=["7d"]),
        Mean("amount", over=["30d"]),
    ],
)
