"""Figures of the Handbook's test weeks: AUC, AP and CP@100, with intervals over test days, one line or two paired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.metrics import Ranking
from training.alerts import CardPrecision, card_precision
from training.protocols.handbook_rows import HandbookRows
from training.protocols.table import MEASURED, PAIRED, Cell, Line

CARDS_A_DAY = 100
FIGURES = ("AUC", "AP", "CP@100")


@dataclass(frozen=True)
class ScoredWeek:
    """The scores of one test week, ready to be weighed by day.

    Parameters
    ----------
    place : int64[n], which of the week's days each row belongs to.
    n_events : frauds among the rows.
    """

    ranking: Ranking
    cards: CardPrecision
    place: np.ndarray
    n_events: int

    @classmethod
    def of(cls, world: HandbookRows, test: np.ndarray, raw: np.ndarray) -> ScoredWeek:
        """From raw scores of the test rows."""
        y, day = world.y[test], world.day[test]
        cards = card_precision(y, raw, day, world.customer[test], CARDS_A_DAY)
        return cls(Ranking.of(y, raw), cards, np.unique(day, return_inverse=True)[1], int(y.sum()))

    @property
    def n_days(self) -> int:
        """Days of the week that have rows."""
        return len(self.cards.days)

    def figures(self, counts: np.ndarray | None = None) -> tuple[float, float, float]:
        """AUC, AP and CP@100 with each day counted as often as ``counts``, int64[n_days], says."""
        times = np.ones(self.n_days, np.int64) if counts is None else counts
        found = self.ranking.figures(times[self.place])
        return found["auc"], found["average_precision"], float(np.average(self.cards.precision, weights=times))


@dataclass(frozen=True)
class Measured:
    """One model's weeks: the figures of each, and the means over them in resamples of their days.

    Parameters
    ----------
    weeks : float64[n_weeks, 3]. drawn : float64[n_draws, 3]; two models drawn with one seed met the same days.
    n, n_events : test rows and frauds of all weeks.
    """

    weeks: np.ndarray
    drawn: np.ndarray
    n: int
    n_events: int

    @classmethod
    def of(cls, scored: Sequence[ScoredWeek], n_draws: int, seed: int) -> Measured:
        """Means over the weeks, with the days of each week drawn anew ``n_draws`` times."""
        drawn = [
            np.mean([week.figures(counts) for week, counts in zip(scored, days, strict=True)], axis=0)
            for days in resampled_days([week.n_days for week in scored], n_draws, seed)
        ]
        weeks = np.array([week.figures() for week in scored])
        n = sum(len(week.place) for week in scored)
        return cls(weeks, np.array(drawn), n, sum(week.n_events for week in scored))

    def line(self, model: str) -> Line:
        """As a line of the table: mean, sd over the weeks where there are several, interval over days."""
        return Line(model, MEASURED, self._cells(self.weeks, self.drawn), self.n, self.n_events)

    def less(self, other: Measured, model: str) -> Line:
        """The difference to another model, paired on the same resampled days."""
        return Line(model, PAIRED, self._cells(self.weeks - other.weeks, self.drawn - other.drawn), self.n)

    @staticmethod
    def _cells(weeks: np.ndarray, drawn: np.ndarray) -> Mapping[str, Cell]:
        low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
        sd = weeks.std(axis=0, ddof=1).tolist() if len(weeks) > 1 else [None] * len(FIGURES)
        return {
            name: Cell(float(weeks[:, place].mean()), float(low[place]), float(high[place]), sd[place])
            for place, name in enumerate(FIGURES)
        }


def resampled_days(n_days: Sequence[int], n_draws: int, seed: int) -> Iterator[list[np.ndarray]]:
    """How often each day of each week is drawn, week by week, so that every week stays a week.

    Examples
    --------
    >>> [[counts.sum() for counts in weeks] for weeks in resampled_days([7, 7], 2, seed=1)]
    [[np.int64(7), np.int64(7)], [np.int64(7), np.int64(7)]]
    """
    rng = np.random.default_rng(seed)
    for _ in range(n_draws):
        yield [np.bincount(rng.integers(0, days, days), minlength=days) for days in n_days]
