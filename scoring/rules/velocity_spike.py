"""Many payments in a short window, and many times the usual pace of a long one."""

# ruff: noqa: D102 - what each method does is said once, by Rule

from __future__ import annotations

from pydantic import Field

from domain.decision import Action, Product
from scoring.rules.rule import Example, Facts, FloorRule, Rule, payment


class VelocitySpike(FloorRule):
    """Many payments in a short window, and many times the usual pace of a long one.

    Parameters
    ----------
    recent, usual : count features over the short and the long window.
    at_least : payments in the short window below which the rule is silent.
    windows : short windows in the long one (720 hours in 30 days).
    times : how many times the usual pace.
    """

    name = "velocity_spike"
    code = "R04"
    products = (Product.PAYMENT,)

    recent: str
    usual: str
    at_least: int = Field(ge=1)
    windows: int = Field(ge=1)
    times: float = Field(gt=0)

    def features(self) -> tuple[str, ...]:
        return (self.recent, self.usual)

    def hits(self, facts: Facts, values: tuple[float, ...]) -> bool:
        recent, usual = values
        return recent >= self.at_least and recent * self.windows >= self.times * usual

    @classmethod
    def examples(cls) -> tuple[Rule, Example, Example]:
        counts = ("card_count_1h", "card_count_30d")
        return (
            cls(outcome=Action.STEP_UP, recent=counts[0], usual=counts[1], at_least=8, windows=720, times=20),
            Example(Facts(payment(), 100), dict(zip(counts, (8, 40), strict=True))),
            Example(Facts(payment(), 100), dict(zip(counts, (7, 7), strict=True))),
        )
