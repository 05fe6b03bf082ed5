"""The sample that a global explanation looks at, and what is worked out from it once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from domain.decision import Product
from training.families.constraints import catalogue_groups
from training.families.family import Columns, Labelled
from training.fitting import make_family
from training.intervals import resamples
from training.permutation import keep_positives
from training.report.evidence import Evidence, Rows
from training.seeds import Refit, refit


@dataclass(frozen=True)
class Work:
    """How much is looked at.

    Parameters
    ----------
    rows : of the test whose contributions are worked out. draws : resamples.
    paired, background : rows and reference rows of the interventional values.
    permuted, repeats : rows, and how often a group is cut off from them.
    effects, swept : features with an ALE, and its rows. conditional : features with a PDP.
    crossed, crossing_rows : features whose pairs are looked at for interactions, and rows.
    learnt, seeds : rows and seeds of the refits.
    """

    rows: int
    draws: int
    paired: int
    background: int
    permuted: int
    repeats: int
    effects: int
    swept: int
    conditional: int
    crossed: int
    crossing_rows: int
    learnt: int
    seeds: int


FULL = Work(1_500, 300, 200, 100, 6_000, 2, 6, 1_500, 3, 4, 45, 6_000, 3)
LIGHT = Work(300, 60, 60, 30, 1_500, 1, 3, 300, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Look:
    """The sample and its contributions; whatever is worked out from them is worked out once."""

    evidence: Evidence
    work: Work

    @cached_property
    def test(self) -> Rows:
        """Rows of the test drawn by lot."""
        test = self.evidence.test
        kept = np.zeros(len(test.y), bool)
        kept[np.random.default_rng(self.seed).permutation(len(test.y))[: self.work.rows]] = True
        return test.only(kept)

    @property
    def seed(self) -> int:
        """Of every draw."""
        return self.evidence.settings.seed

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return self.evidence.bundle.encoder.names

    @cached_property
    def group_of(self) -> dict[str, str]:
        """Feature → group of the catalogue."""
        return catalogue_groups(self.evidence.bundle.feature_set)

    @cached_property
    def both(self) -> np.ndarray:
        """Contributions and last the base value, float64[n, m + 1]."""
        return self.evidence.bundle.explainer.contributions_many(self.test.X, threads=self.evidence.settings.threads)

    @property
    def values(self) -> np.ndarray:
        """Contributions, float64[n, m]."""
        return self.both[:, :-1]

    @cached_property
    def order(self) -> np.ndarray:
        """Features by falling mean absolute contribution, int64[m]."""
        return np.argsort(-np.abs(self.values).mean(axis=0), kind="stable")

    @cached_property
    def weights(self) -> np.ndarray:
        """float64[draws, n], rows adding to 1."""
        counts = np.array(list(resamples(len(self.test.y), self.cluster(self.test.day), self.work.draws, self.seed)))
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))

    def cluster(self, day: np.ndarray) -> np.ndarray | None:
        """Days that are resampled whole; None where rows are."""
        by_day = self.evidence.product is Product.PAYMENT and len(np.unique(day)) > 1
        return day if by_day else None

    def raw(self, X: np.ndarray) -> np.ndarray:
        """Raw scores, on the model's threads."""
        return self.evidence.bundle.scorer.raw_many(np.ascontiguousarray(X), threads=self.evidence.settings.threads)


def other_seeds(evidence: Evidence, n: int, n_rows: int, X: np.ndarray) -> tuple[Refit, ...]:
    """Models of n other seeds, learnt from at most ``n_rows`` kept rows of training, and their contributions of X."""
    bundle, train = evidence.bundle, evidence.train.only(evidence.train.labelled)
    seed = evidence.settings.seed
    rows, weight = keep_positives(train.y, n_rows, seed)
    learnt = Labelled(train.X[rows], train.y[rows], None if len(rows) == len(train.y) else weight)
    columns = Columns(bundle.encoder.names, tuple(bundle.encoder.categories))
    family = make_family(evidence.settings, bundle.feature_set)
    params, rounds = dict(evidence.about["params"]), int(evidence.about["rounds"])
    return refit(family, columns, learnt, params, rounds, [seed + 1 + k for k in range(n)], X)
