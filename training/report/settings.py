"""Settings of the report (``configs/report.yaml``): limits with their sources, and how much work a report is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from domain.bilingual import InBothLanguages
from domain.decision import Product
from domain.settings import Settings
from scoring.pages.status import Limit


class Tier(Settings):
    """How much hangs on a model, and who said so: the stricter its review."""

    tier: Literal["high", "medium", "low"]
    source: InBothLanguages


class ReportSettings(Settings):
    """What statistics are held against.

    Parameters
    ----------
    effort : ``full``, or ``light`` where a report must be ready within seconds: fewer resamples, rows and pictures.
    monitoring : file of the monitoring settings, whose limits the monitoring plan shows; none are shown without it.
    limits : of both products, by ``section.statistic``. payment, loan : of one product; they go before ``limits``.
    tiers : of each product's model; "not assessed" where nobody named one.

    Examples
    --------
    >>> settings = ReportSettings(limits={"stability.psi": Limit(most=0.25, source={"zh": "本项目自定", "en": "ours"})})
    >>> settings.limit(Product.LOAN, "stability.psi").most, settings.limit(Product.LOAN, "stability.csi")
    (0.25, None)
    """

    effort: Literal["full", "light"] = "full"
    monitoring: Path | None = None
    limits: dict[str, Limit] = {}
    tiers: dict[Product, Tier] = {}
    payment: dict[str, Limit] = {}
    loan: dict[str, Limit] = {}

    @model_validator(mode="after")
    def _sources_in_both_languages(self) -> Self:
        limits = {**self.limits, **self.payment, **self.loan}
        silent = sorted(key for key, limit in limits.items() if isinstance(limit.source, str))
        if silent:
            raise ValueError(f"expected a source with zh and en, got text in one language for {', '.join(silent)}")
        return self

    def limit(self, product: Product, key: str) -> Limit | None:
        """The limit of a statistic, None where nobody set one."""
        own = self.payment if product is Product.PAYMENT else self.loan
        return own.get(key, self.limits.get(key))

    @property
    def light(self) -> bool:
        """Whether to save work."""
        return self.effort == "light"
