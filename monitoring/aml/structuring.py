"""Structuring: sums that stay just below a limit more often than those of others do.

sums of a customer: single payments, of an account and day, of a branch and day, of a day
k of the n sums around the limit lie in [(1 − below) × limit, limit)
null: k ~ Binomial(n, p0);  p0 the share among everybody else, at least that of an even spread
p of a customer, rule and direction: the smallest over the four ways to sum, times four
found: Benjamini-Hochberg over all that were tested
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from domain.money import FxTable
from monitoring.aml.diligence import Standing
from monitoring.aml.large_value import ruled
from monitoring.aml.settings import LargeValueSettings, StructuringSettings
from scoring.interval import wilson

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "payment": ("event_id",),
    "account_day": ("account", "day"),
    "branch_day": ("branch", "day"),
    "day": ("day",),
}
"""How the sums of a customer are made."""

_WHO: Final = ["customer", "direction", "rule", "money"]


@dataclass(frozen=True)
class Structuring:
    """One customer, rule and direction that was tested.

    Parameters
    ----------
    level : the way to sum that tells most. n, n_below : sums around the limit, and those just below it.
    share, low, high : ``n_below / n`` with its 95 % interval. expected : the share under the null.
    p : of the null, corrected for the four ways. found : it stands after the correction for all that were tested.
    """

    customer: str
    direction: str
    rule: str
    currency: str
    level: str
    n: int
    n_below: int
    share: float
    low: float
    high: float
    expected: float
    p: float
    found: bool
    first_day: int
    last_day: int
    n_accounts: int
    n_branches: int
    events: tuple[str, ...]


def structuring(
    legs: pd.DataFrame,
    standings: Mapping[str, Standing],
    limits: LargeValueSettings,
    settings: StructuringSettings,
    fx: FxTable,
) -> tuple[Structuring, ...]:
    """Everybody with enough sums around a limit, most telling first."""
    rows = ruled(legs, standings, limits, fx)
    tested: dict[tuple[str, ...], list[tuple[float, str, pd.DataFrame, float, float]]] = {}
    for level, keys in LEVELS.items():
        for who, sums, expected, limit in _around(rows, level, keys, limits, settings):
            n, k = len(sums), int(sums["below"].sum())
            tested.setdefault(who, []).append((_upper_tail(k, n, expected), level, sums, expected, limit))
    best = {who: min(tries, key=lambda each: each[0]) for who, tries in tested.items()}
    p_values = {who: min(1.0, len(LEVELS) * each[0]) for who, each in best.items()}
    found = _discoveries(p_values, settings.rate)
    made = [_told(who, best[who], p_values[who], who in found, rows, limits) for who in best]
    return tuple(sorted(made, key=lambda each: (each.p, each.customer, each.rule, each.direction)))


def _around(
    rows: pd.DataFrame, level: str, keys: tuple[str, ...], limits: LargeValueSettings, settings: StructuringSettings
) -> Iterator[tuple[tuple[str, ...], pd.DataFrame, float, float]]:
    """For each customer, rule and direction: the sums around the limit, the null's share, the limit."""
    usable = rows if level != "branch_day" else rows[rows["branch"].notna()]
    if not len(usable):
        return
    sums = usable.groupby([*_WHO, *keys], sort=True)["value"].sum().reset_index()
    for (direction, rule, money), part in sums.groupby(["direction", "rule", "money"]):
        sourced = limits.limits[str(rule)]
        limit = (sourced.base if money == "base" else sourced.foreign).minor
        near = part[(part["value"] >= (1 - settings.around) * limit) & (part["value"] < (1 + settings.around) * limit)]
        near = near.assign(below=(near["value"] >= (1 - settings.below) * limit) & (near["value"] < limit))
        n_all, k_all = len(near), int(near["below"].sum())
        for customer, own in near.groupby("customer"):
            if len(own) < settings.least:
                continue
            others, hits = n_all - len(own), k_all - int(own["below"].sum())
            even = settings.below / (2 * settings.around)
            expected = max(even, (hits + 0.5) / (others + 1) if others else even)
            yield (str(customer), str(direction), str(rule), str(money)), own, min(expected, 0.99), float(limit)


def _upper_tail(k: int, n: int, p: float) -> float:
    from scipy.stats import binom

    return float(binom.sf(k - 1, n, p))


def _discoveries(p_values: Mapping[tuple[str, ...], float], rate: float) -> set[tuple[str, ...]]:
    """Whom the step-up of Benjamini and Hochberg (1995) lets stand."""
    ordered = sorted(p_values, key=lambda who: p_values[who])
    n = len(ordered)
    last = max((rank for rank, who in enumerate(ordered, 1) if p_values[who] <= rate * rank / n), default=0)
    return set(ordered[:last])


def _told(
    who: tuple[str, ...],
    best: tuple[float, str, pd.DataFrame, float, float],
    p: float,
    found: bool,
    rows: pd.DataFrame,
    limits: LargeValueSettings,
) -> Structuring:
    _, level, sums, expected, _ = best
    customer, direction, rule, money = who
    below = sums[sums["below"]]
    mine = rows[(rows[_WHO] == list(who)).all(axis=1)]
    keys = list(LEVELS[level])
    wanted = pd.MultiIndex.from_frame(below[keys])
    mine = mine[pd.MultiIndex.from_frame(mine[keys]).isin(wanted)]
    n, k = len(sums), len(below)
    low, high = wilson(k, n, 0.95)
    sourced = limits.limits[rule]
    currency = (sourced.base if money == "base" else sourced.foreign).currency
    days = mine["day"].to_numpy(np.int64)
    return Structuring(
        customer, direction, rule, currency, level, n, k, k / n, low, high, expected, p, found,
        int(days.min()) if len(days) else 0, int(days.max()) if len(days) else 0, mine["account"].nunique(),
        mine["branch"].nunique(), tuple(mine["event_id"]),
    )  # fmt: skip
