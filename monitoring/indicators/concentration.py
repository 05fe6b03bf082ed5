"""Concentration of payments on customers, payees, merchants, regions and channels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from monitoring.indicator import Indicator
from monitoring.indicators.volume import against_usual
from monitoring.payments import PLACES
from monitoring.reading import Reading, replace_where
from monitoring.sight import Sight
from scoring.pages.words import say

TOP = 5
_BEYOND = 2.5
"""One large payment makes an index; only what is well beyond every such day is a finding."""


def herfindahl(frame: pd.DataFrame, by: str) -> float:
    """Herfindahl–Hirschman index of the payments, by a key: Σ share²; 1 when one has all, NaN without payments.

    Of the number of payments: an index of amounts is that of the day's largest payment.

    Examples
    --------
    >>> herfindahl(pd.DataFrame({"payee_id": ["a", "b", "b", "a"], "amount": [9.0, 1.0, 1.0, 1.0]}), "payee_id")
    0.5
    """
    share = _shares(frame.assign(amount=1.0), by)
    return float((share**2).sum()) if len(share) else float("nan")


def top_share(frame: pd.DataFrame, by: str, k: int = TOP) -> float:
    """Share of the amounts paid that the ``k`` largest of a key hold; NaN without amounts.

    Examples
    --------
    >>> top_share(pd.DataFrame({"payee_id": ["a", "b", "c"], "amount": [2.0, 1.0, 1.0]}), "payee_id", 1)
    0.5
    """
    share = np.sort(_shares(frame, by))[::-1]
    return float(share[:k].sum()) if len(share) else float("nan")


def _shares(frame: pd.DataFrame, by: str) -> np.ndarray:
    code, _ = pd.factorize(frame[by])
    known = code >= 0
    sums = np.bincount(code[known], frame["amount"].to_numpy(np.float64)[known])
    total = float(sums.sum())
    return sums / total if total > 0 else sums[:0]


def _index(sight: Sight) -> Iterator[Reading]:
    for by in PLACES:
        for reading in against_usual(sight, f"hhi {by}", partial(herfindahl, by=by), noisy=False, beyond=1.25):
            yield replace_where(reading, f"by={by.removesuffix('_id')}")


def _top(sight: Sight) -> Iterator[Reading]:
    for by in PLACES[:3]:
        for reading in against_usual(sight, f"top {by}", partial(top_share, by=by), noisy=False, beyond=_BEYOND):
            yield replace_where(reading, f"by={by.removesuffix('_id')}")


INDICATORS = (
    Indicator("concentration", say("early_warning.concentration"), _index, form=".2f"),
    Indicator("top_share", say("early_warning.top_share", k=TOP), _top, form=".2f"),
)
