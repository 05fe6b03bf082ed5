"""Settings of limit and price of a loan; every figure says where it comes from, and none has a default."""

from __future__ import annotations

from pydantic import Field

from domain.bilingual import Sourced
from domain.settings import Settings


class Figure(Settings):
    """A share or an annual rate, 0.18 is 18 %, and where it comes from."""

    value: float = Field(ge=0, le=1)
    source: Sourced


class Pricing(Settings):
    """What a limit, an expected loss and a price are made of; what is left out makes them "not assessed".

    Parameters
    ----------
    horizon_months : of the probability of default, and of the expected loss.
    term_months : of the loan that prices are quoted for, repaid in equal parts of principal.
    lgd : share of the exposure that is lost when a loan defaults.
    ead : share of the amount granted that is still owed when it defaults.
    funding, operating, margin : annual rates on the balance.
    all_in_cap : largest annual rate that may be charged, fees and all.
    affordable_share : largest share of monthly income for this and other instalments.
    """

    horizon_months: int = Field(ge=1, le=120)
    term_months: int = Field(ge=1, le=480)
    lgd: Figure | None = None
    ead: Figure | None = None
    funding: Figure | None = None
    operating: Figure | None = None
    margin: Figure | None = None
    all_in_cap: Figure | None = None
    affordable_share: Figure | None = None

    def missing(self, *names: str) -> tuple[str, ...]:
        """Those of the figures that were not given."""
        return tuple(name for name in names if getattr(self, name) is None)

    def value(self, name: str) -> float:
        """A figure that was given."""
        figure: Figure = getattr(self, name)
        return figure.value
