"""Mean of a column drawn towards a prior: a rate that few events do not make extreme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import float_bits
from features.kernel import layout

MOST = 1e9


@dataclass(frozen=True)
class Rate(Aggregate):
    """Mean of a column drawn towards a prior, so that few events do not make it extreme; NaN on an empty window.

    Algebra: (Σx + prior · strength) / (n + strength) from exact n and Σx, both over the rows that have a value: one
    matured population.

    Parameters
    ----------
    prior : what is expected before any event, 0 to 1.
    strength : how many events the prior weighs, above 0.

    Examples
    --------
    >>> Rate("is_positive", over=["30d"], prior=0.01).names("merchant_known_fraud")
    ['merchant_known_fraud_is_positive_rate_30d']
    """

    prior: float = 0.005
    strength: float = 20.0

    WORD = "rate"
    OPERATION = layout.RATE
    PREFIXED = True
    TILEABLE = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.prior <= 1.0:
            raise DefinitionError(expected_got("a prior between 0 and 1", self.prior, "Rate"))
        if not 0.0 < self.strength <= MOST:
            raise DefinitionError(expected_got(f"a strength above 0, at most {MOST:g}", self.strength, "Rate"))

    def parameters(self) -> tuple[int, ...]:
        """Pseudo-sum and pseudo-count."""
        return (float_bits(self.prior * self.strength), float_bits(float(self.strength)))

    @property
    def phrase(self) -> str:
        """What is computed."""
        return f"mean, drawn towards {self.prior:g} with the weight of {self.strength:g} events,"

    def unit(self, of_column: str) -> str:
        """That of a mean."""
        return of_column

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "prior": float(self.prior), "strength": float(self.strength)}
