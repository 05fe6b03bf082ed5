"""The card on the channel it is used on: how usual the pair is."""

from features.aggregates import Novelty, SinceLast, SumWhere
from features.conditions import one_of
from features.view import FeatureView, ring

# A view remembers one entity; a pair would need a key of its own, which the erasure of a person would have to reach.
# So the pair is read from the card: its events on the request's channel, and how its channels are spread.
VIEW = FeatureView(
    entity="card_id",
    source="transaction",
    prefix="card",
    retain=ring(4096),
    rationale="A card that was only ever used in shops is suddenly used in an app or far away.",
    features=[
        SinceLast("channel", same_value=True),
        Novelty("channel", age=True),
        SumWhere("amount", where=one_of("auth_method", "none"), called="unauthenticated", over=["1d"], sign=1),
    ],
)
