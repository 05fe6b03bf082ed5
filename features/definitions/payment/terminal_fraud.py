"""The frauds known at the terminal: since when, how close together, how small."""

from features.aggregates import Count, InterArrival, Min, SinceLast
from features.conditions import verdict
from features.derived import Derived, difference, ratio
from features.view import FeatureView, ring

VIEW = FeatureView(
    entity="terminal_id",
    source="outcome",
    where=verdict("positive"),
    prefix="terminal_fraud",
    group="terminal_known_fraud",
    retain=ring(1024),
    rationale="A tampered terminal defrauds everybody until it is found: its frauds begin at once, and are small too.",
    features=[
        Count(over=["30d"], sign=1),
        InterArrival(over=["30d"]),
        Min("amount", over=["30d"]),
        SinceLast(sign=-1),
    ],
)

# The first lies n − 1 gaps before the last; a difference and a ratio make the sum and the product.
_GAPS = ratio("terminal_fraud_interarrival_mean_30d", ratio(1.0, difference("terminal_fraud_count_30d", 1.0)))

DERIVED = (
    Derived("terminal_fraud_since_first_30d",
            difference("terminal_fraud_since_last", difference(0.0, _GAPS)), group="terminal_known_fraud", unit="s",
            doc="Seconds since the first of two or more frauds known at the terminal within 30 days"),
)  # fmt: skip
