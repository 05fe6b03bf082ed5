"""What a fraud desk sees: alerts per day, cards caught, money caught."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


def daily_ranks(score: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Place of each row among its day's scores, int64[n], 0 the highest; ties by position.

    Examples
    --------
    >>> daily_ranks(np.array([.8, .9, .1]), np.array([0, 0, 1])).tolist()
    [1, 0, 0]
    """
    order = np.lexsort((np.arange(len(score)), -score, day))
    days = day[order]
    start = np.flatnonzero(np.append(True, days[1:] != days[:-1])) if len(days) else np.zeros(0, np.int64)
    rank = np.empty(len(score), np.int64)
    rank[order] = np.arange(len(days)) - np.repeat(start, np.diff(np.append(start, len(days))))
    return rank


def daily_alerts(score: np.ndarray, day: np.ndarray, per_day: int) -> np.ndarray:
    """Which rows are alerts, bool[n]: the highest scores of each day, ties by position.

    Examples
    --------
    >>> daily_alerts(np.array([.9, .8, .1]), np.array([0, 0, 1]), 1).tolist()
    [True, False, True]
    """
    return daily_ranks(score, day) < per_day


@dataclass(frozen=True)
class CardPrecision:
    """Card precision per day, as the Fraud Detection Handbook defines it.

    Parameters
    ----------
    days : int64[d], day numbers.
    precision : float64[d], share of the day's top k cards that were compromised that day.
    compromised : int64[d], cards with a fraud that day that were not detected on an earlier one.
    k : cards looked at per day.
    """

    days: np.ndarray
    precision: np.ndarray
    compromised: np.ndarray
    k: int

    @property
    def mean(self) -> float:
        """Mean over the days."""
        return float(self.precision.mean())

    @property
    def ceiling(self) -> float:
        """What a perfect ranking of the same days could have reached at most, given what was removed."""
        return float(np.minimum(self.compromised / self.k, 1.0).mean())


def card_precision(y: np.ndarray, score: np.ndarray, day: np.ndarray, card: np.ndarray, k: int = 100) -> CardPrecision:
    """Each day's k cards of the highest maximal score; cards caught are taken out of later days.

    The published code breaks ties by an unstable sort; here equal scores go by card.

    Parameters
    ----------
    card : object or integer [n]; rows without a card are left out.

    References
    ----------
    Le Borgne et al., Reproducible Machine Learning for Credit Card Fraud Detection, 2022, chapter 4.

    Examples
    --------
    >>> result = card_precision(np.array([1, 0]), np.array([.9, .1]), np.array([0, 0]), np.array(["a", "b"]), k=2)
    >>> result.mean, result.compromised.tolist()
    (0.5, [1])
    """
    frame = pd.DataFrame({"day": day, "card": card, "score": score, "y": y}).dropna(subset=["card"])
    daily = frame.groupby(["day", "card"], as_index=False).agg(score=("score", "max"), y=("y", "max"))
    daily = daily.sort_values(["day", "score", "card"], ascending=[True, False, True], kind="stable")
    caught: set[object] = set()
    days, precision, compromised = [], [], []
    for number, cards in daily.groupby("day", sort=True):
        left = cards[~cards["card"].isin(caught)]
        hits = left.head(k).loc[lambda top: top["y"] == 1, "card"]
        days.append(number)
        precision.append(len(hits) / k)
        compromised.append(int(left["y"].sum()))
        caught.update(hits)
    return CardPrecision(np.array(days, np.int64), np.array(precision), np.array(compromised, np.int64), k)
