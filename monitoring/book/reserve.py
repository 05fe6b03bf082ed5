"""The reserve: what is needed for the expected loss, how far what is held covers it, and the same under stress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.bilingual import Both
from monitoring.book.losses import Exposures
from monitoring.book.settings import BookSettings, Scenario
from monitoring.book.unexpected import unexpected_loss
from scoring.pricing_settings import Pricing

NO_UNEXPECTED = Both(
    "configs/book.yaml没有给出unexpected：置信度与相关系数及其来源",
    "book.yaml gives no unexpected: confidence and correlation with their source",
)


@dataclass(frozen=True, slots=True)
class Stressed:
    """One scenario; minor units, None where something has no source and ``note`` says what.

    Parameters
    ----------
    needed : reserve for the expected loss. unexpected : loss beyond it at the configured quantile.
    cover : held over needed.
    """

    name: str
    zh: str
    en: str
    lgd: float | None
    needed: float | None
    unexpected: float | None
    cover: float | None
    note: Both | str = ""


def stressed(
    owed: Exposures, settings: BookSettings, pricing: Pricing | None, held: float | None, scenario: Scenario
) -> Stressed:
    """What a scenario needs; exposures without a PD are left out, so it is a lower bound where there are some."""
    lgd, note = stressed_lgd(pricing, scenario)
    if lgd is None:
        return Stressed(scenario.name, scenario.zh, scenario.en, None, None, None, None, note)
    known = ~np.isnan(owed.pd)
    balance, bad = owed.balance[known], owed.bad[known]
    pd = np.where(bad, 1.0, np.minimum(owed.pd[known] * scenario.pd_times, 1.0))
    needed = float((pd * lgd * balance).sum())
    unexpected = None
    if settings.unexpected is None:
        note = NO_UNEXPECTED
    else:
        rules = settings.unexpected
        unexpected = unexpected_loss(balance, pd, lgd, rules.confidence, rules.correlation.value)
    cover = None if held is None or needed <= 0 else held / needed
    return Stressed(scenario.name, scenario.zh, scenario.en, lgd, needed, unexpected, cover, note)


def stressed_lgd(pricing: Pricing | None, scenario: Scenario) -> tuple[float | None, Both | str]:
    """The LGD of a scenario; recoveries that come later are worth less, discounted at the rate of funding.

    Examples
    --------
    >>> figure = {"value": 0.5, "source": "an example"}
    >>> pricing = Pricing(horizon_months=12, term_months=12, lgd=figure, funding={"value": 0.1, "source": "an example"})
    >>> late = Scenario(name="late", zh="晚", en="late", recovery_delay_months=12, source="an example")
    >>> round(stressed_lgd(pricing, late)[0], 4)
    0.5455
    """
    if pricing is None or pricing.lgd is None:
        return None, _no_pricing("lgd")
    lgd = min(max(pricing.lgd.value + scenario.lgd_plus, 0.0), 1.0)
    if scenario.recovery_delay_months:
        if pricing.funding is None:
            return None, _no_pricing("funding")
        lgd = 1 - (1 - lgd) / (1 + pricing.funding.value) ** (scenario.recovery_delay_months / 12)
    return lgd, ""


def _no_pricing(figure: str) -> Both:
    return Both(
        f"configs/credit.yaml没有给出pricing.{figure}及其来源", f"credit.yaml gives no pricing.{figure} with a source"
    )
