"""A scorecard: bins, weight of evidence, a logistic regression, and points that can be added up by hand.

References
----------
Siddiqi, Credit Risk Scorecards, Wiley 2006, ch. 6: bins, weight of evidence, scaling by points to double the odds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from training.families.family import Columns, Labelled, Params, Suggest
from training.families.lines import Linear, falling_line
from training.families.rows import check_rows
from training.families.settings import ScorecardSettings
from training.families.unboosted import Preparation, Unboosted
from training.families.woe import Bins, bin_category, bin_number


@dataclass(frozen=True)
class Scorecard(Unboosted):
    """Bins of every feature, learnt once per fold; features with too little information stay out.

    A feature whose coefficient would turn its evidence round is taken out and the rest fitted again.

    Parameters
    ----------
    signs : feature → +1 or −1, used where the settings let the catalogue say which way the bad rate moves.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(2_000, 2))
    >>> y = (X[:, 0] + rng.normal(size=2_000) > 1.5).astype(np.int8)
    >>> family = Scorecard(seed=1, settings=ScorecardSettings(bins=3))
    >>> card = family.fit(Columns(("debt", "noise")), Labelled(X, y), family.starts(2_000)[0], 1)
    >>> card.table()[["feature", "bin", "points"]].values.tolist()[1:]
    [['debt', '≤ -0.464144', 90], ['debt', '-0.464144 to 0.741068', 13], ['debt', '> 0.741068', -43],
     ['debt', 'missing', 0]]
    """

    seed: int
    balanced: bool = False
    settings: ScorecardSettings = field(default_factory=ScorecardSettings)
    signs: Mapping[str, int] = field(default_factory=dict)
    name: str = "scorecard"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        """Least information value of a feature, and the strength of the ridge."""
        del n_rows
        return {
            "least_information": trial.suggest_float("least_information", 1e-3, 0.3, log=True),
            "C": trial.suggest_float("C", 1e-3, 10.0, log=True),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        """The usual .02, below which a feature is said to predict nothing; and nearly all features."""
        del n_rows
        return [{"least_information": 0.02, "C": 0.1}, {"least_information": 1e-3, "C": 0.01}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        """Information and ridge."""
        del n_rows
        return {"least_information": [0.005, 0.02, 0.05, 0.1], "C": [0.01, 0.1, 1.0]}

    def preparation(self, columns: Columns, rows: Labelled) -> Preparation:
        """Bins of every feature that has more than one."""
        return Evidence.fit(columns, rows, self.settings, self.signs)

    def learn(self, preparation: Preparation, Z: np.ndarray, rows: Labelled, params: Params) -> Linear:
        """Coefficients of the evidence, none above 0: evidence of goodness never adds to the risk."""
        assert isinstance(preparation, Evidence)  # noqa: S101 - by `preparation` above
        value = np.array([each.information for each in preparation.features])
        kept = np.flatnonzero(value >= float(params["least_information"]))
        if not len(kept):
            kept = np.array([int(np.argmax(value))])
        line = falling_line(Z[:, kept], rows.y, self.weight(rows), float(params["C"]))
        coefficients = np.zeros(Z.shape[1])
        coefficients[kept] = line.coefficients
        return Linear(coefficients, line.intercept, line.converged)

    def fit(self, columns: Columns, rows: Labelled, params: Params, rounds: int) -> Card:
        """A card fitted on all given rows."""
        del rounds
        check_rows(columns, rows, "learn from")
        evidence = Evidence.fit(columns, rows, self.settings, self.signs)
        return Card(evidence, self.learn(evidence, evidence.matrix(rows.X), rows, params), self.settings)


@dataclass(frozen=True)
class Evidence:
    """Bins of the features that have more than one; ``positions`` says where they are in X."""

    features: tuple[Bins, ...]
    positions: tuple[int, ...]

    @classmethod
    def fit(cls, columns: Columns, rows: Labelled, settings: ScorecardSettings, signs: Mapping[str, int]) -> Evidence:
        """Bin every column."""
        weight = np.ones(len(rows)) if rows.weight is None else rows.weight
        found = {}
        for position, name in enumerate(columns.names):
            column = rows.X[:, position]
            if name in columns.categorical:
                found[position] = bin_category(name, column, rows.y, weight, settings)
            else:
                way = {"none": None, "data": 0, "catalogue": signs.get(name)}[settings.monotone]
                found[position] = bin_number(name, column, rows.y, weight, settings, way)
        # Where nothing tells goods from bads, every row gets the same score, as from any other family.
        kept = {position: bins for position, bins in found.items() if bins.information > 0} or found
        return cls(tuple(kept.values()), tuple(kept))

    @property
    def names(self) -> tuple[str, ...]:
        """Features with bins."""
        return tuple(each.feature for each in self.features)

    def matrix(self, X: np.ndarray) -> np.ndarray:
        """Weights of evidence float64[n, p] of encoded rows."""
        columns = [each.evidence(X[:, place]) for each, place in zip(self.features, self.positions, strict=True)]
        return np.column_stack(columns)

    @property
    def n_bytes(self) -> int:
        """Size of edges, codes and evidence."""
        return 8 * sum(len(each.bins) + len(each.edges) + sum(map(len, each.codes)) for each in self.features)


@dataclass(frozen=True)
class Card:
    """A fitted scorecard.

    Parameters
    ----------
    evidence : bins of the features. line : coefficients of their evidence, 0 for those left out.
    settings : what a point is worth.
    """

    evidence: Evidence
    line: Linear
    settings: ScorecardSettings

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Log-odds of bad float64[n] of encoded rows, before points are rounded."""
        return self.line.raw(self.evidence.matrix(X)) if len(X) else np.zeros(0)

    def points(self, X: np.ndarray) -> np.ndarray:
        """What the printed card adds up to, int64[n]: the more, the safer."""
        base, per_bin = self._points()
        total = np.full(len(X), base)
        for points, bins, place in zip(per_bin, self.evidence.features, self.evidence.positions, strict=True):
            total += points[bins.places(X[:, place])]
        return total

    def table(self) -> pd.DataFrame:
        """The card: a line per bin of the features in use, with share of rows, bad rate, evidence and points.

        The first line holds the points that everybody starts with.
        """
        base, per_bin = self._points()
        rows: list[tuple[Any, ...]] = [("(base)", "", math.nan, math.nan, math.nan, math.nan, base)]
        used = zip(self.evidence.features, per_bin, self.line.coefficients, strict=True)
        for bins, points, coefficient in sorted(used, key=lambda each: -each[0].information):
            mass = sum(each.good + each.bad for each in bins.bins)
            for each, worth in zip(bins.bins, points.tolist(), strict=True):
                n = each.good + each.bad
                rate = each.bad / n if n else math.nan
                if coefficient:
                    rows.append((bins.feature, each.label, n / mass, rate, each.woe, bins.information, worth))
        return pd.DataFrame(rows, columns=["feature", "bin", "share", "bad rate", "woe", "information", "points"])

    def _points(self) -> tuple[int, list[np.ndarray]]:
        """Points of the base and of each bin, rounded: factor = PDO / ln 2, offset so that ``odds`` give ``points``."""
        factor = self.settings.pdo / math.log(2)
        base = self.settings.points - factor * (math.log(self.settings.odds) + self.line.intercept)
        each = [
            np.rint([-factor * coefficient * one.woe for one in bins.bins]).astype(np.int64)
            for bins, coefficient in zip(self.evidence.features, self.line.coefficients, strict=True)
        ]
        return round(base), each

    @property
    def n_bytes(self) -> int:
        """Size of bins and coefficients."""
        return self.evidence.n_bytes + self.line.n_bytes

    def complexity(self) -> Mapping[str, int]:
        """Features and bins of the card."""
        used = [bins for bins, value in zip(self.evidence.features, self.line.coefficients, strict=True) if value]
        return {"features": len(used), "bins": sum(len(bins.bins) for bins in used)}
