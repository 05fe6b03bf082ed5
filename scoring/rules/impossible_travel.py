"""Two payments with one card further apart than anybody travels in the time between."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class ImpossibleTravel(FloorRule):
    """The card was used too far from its last place for the time that has passed: it is in two hands.

    Both limits must be passed: neighbouring shops a second apart are fast but not far, a flight is far but not fast.
    Silent where the payment or all earlier ones have no coordinates.

    Parameters
    ----------
    speed : feature with the km/h from the last payment with coordinates.
    distance : feature with the km.
    kmh, km : what both must reach.
    """

    name = "impossible_travel"
    code = "R07"
    products = (Product.PAYMENT,)

    speed: str
    distance: str
    kmh: float = Field(gt=0)
    km: float = Field(gt=0)

    def features(self) -> tuple[str, ...]:
        return (self.speed, self.distance)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        speed, distance = values
        return speed >= self.kmh and distance >= self.km

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        read = ("card_kmh_from_last", "card_km_from_last")
        event = payment(latitude=48.86, longitude=2.35)
        return (
            cls(outcome=Action.STEP_UP, speed=read[0], distance=read[1], kmh=900, km=100),
            # Shanghai to Paris in an hour; two tills of one shop within a second.
            Example(Facts(event, 100), dict(zip(read, (9270.0, 9270.0), strict=True))),
            Example(Facts(event, 100), dict(zip(read, (1080.0, 0.3), strict=True))),
        )
