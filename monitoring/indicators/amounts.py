"""Amounts of payments: their middle, and their volatility as the coefficient of variation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from monitoring.indicator import Indicator
from monitoring.indicators.volume import against_usual
from monitoring.reading import Reading
from monitoring.sight import Sight
from scoring.pages.words import say


def coefficient_of_variation(frame: pd.DataFrame) -> float:
    """Standard deviation over mean of the amounts; NaN with fewer than two.

    Examples
    --------
    >>> round(coefficient_of_variation(pd.DataFrame({"amount": [1.0, 3.0]})), 3)
    0.707
    """
    amounts = frame["amount"].to_numpy(np.float64)
    return float(amounts.std(ddof=1) / amounts.mean()) if len(amounts) > 1 and amounts.mean() > 0 else float("nan")


def _median(frame: pd.DataFrame) -> float:
    return float(frame["amount"].median())


def _volatility(sight: Sight) -> Iterator[Reading]:
    return against_usual(sight, "cv", coefficient_of_variation, beyond=2.5)


def _middle(sight: Sight) -> Iterator[Reading]:
    return against_usual(sight, "median", _median)


INDICATORS = (
    Indicator("amount_median", say("early_warning.amount_median"), _middle, form=".2f"),
    Indicator("amount_volatility", say("early_warning.amount_volatility"), _volatility, form=".2f"),
)
