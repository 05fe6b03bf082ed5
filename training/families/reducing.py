"""Fewer columns: those worth keeping, or components and factors in their place; learnt from training rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from training.families.cleaning import Cleaning
from training.families.family import Columns, Labelled
from training.families.lines import logistic_line
from training.families.settings import Preprocessing, ScorecardSettings
from training.families.unboosted import Preparation
from training.families.woe import bin_number

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Prepared rows float64[n, p], labels, weights."""


def prepare_columns(columns: Columns, rows: Labelled, settings: Preprocessing, seed: int) -> Preparation:
    """Clean, then select, then reduce, as far as the settings ask for it.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> X[:, 2] = X[:, 0] + 0.01 * X[:, 1]
    >>> rows = Labelled(X, (X[:, 1] > 0).astype(np.int8))
    >>> prepare_columns(Columns(("a", "b", "c")), rows, Preprocessing(select="correlation"), seed=1).names
    ('a', 'b')
    >>> prepare_columns(Columns(("a", "b", "c")), rows, Preprocessing(reduce="components", components=2), seed=1).names
    ('component 1', 'component 2')
    """
    cleaning = Cleaning.fit(columns, rows, settings)
    if settings.select == "all" and settings.reduce == "none":
        return cleaning
    Z = cleaning.matrix(rows.X)
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    kept = np.arange(Z.shape[1])
    if settings.select != "all":
        choose, usual = _SELECTIONS[settings.select]
        mask = choose((Z, rows.y, weight), usual if settings.least is None else settings.least, seed)
        # One column is better than none, and the first is as good as any.
        kept = np.flatnonzero(mask) if mask.any() else kept[:1]
    names = tuple(cleaning.names[place] for place in kept)
    mean, mixing = np.zeros(len(kept)), None
    if settings.reduce != "none":
        k = min(settings.components, len(kept))
        mix = _components if settings.reduce == "components" else _factors
        mean, mixing = mix(Z[:, kept], weight, k, seed)
        names = tuple(f"{settings.reduce.removesuffix('s')} {place + 1}" for place in range(mixing.shape[1]))
    return Reduced(cleaning, kept, mean, mixing, names)


@dataclass(frozen=True)
class Reduced:
    """Cleaned columns, fewer of them or mixed.

    Parameters
    ----------
    kept : int64[q], places among the cleaned columns. mean : float64[q]. mixing : float64[q, k], or None.
    """

    cleaning: Cleaning
    kept: np.ndarray
    mean: np.ndarray
    mixing: np.ndarray | None
    names: tuple[str, ...]

    def matrix(self, X: np.ndarray) -> np.ndarray:
        """Encoded rows float64[n, m] → float64[n, k]."""
        Z = self.cleaning.matrix(X)[:, self.kept]
        return Z if self.mixing is None else np.asarray((Z - self.mean) @ self.mixing)

    @property
    def n_bytes(self) -> int:
        """Size of the numbers that were learnt."""
        return self.cleaning.n_bytes + self.kept.nbytes + (0 if self.mixing is None else self.mixing.nbytes)


def _varying(rows: Rows, least: float, seed: int) -> np.ndarray:
    """Columns of which more than the share differs from the commonest value."""
    del seed
    Z, _, weight = rows
    found = []
    for column in Z.T:
        _, place = np.unique(column, return_inverse=True)
        found.append(1 - np.bincount(place, weights=weight).max() / weight.sum() > least)
    return np.array(found)


def _informative(rows: Rows, least: float, seed: int) -> np.ndarray:
    """Columns with so much information value."""
    del seed
    Z, y, weight = rows
    bins = (bin_number("", column, y, weight, ScorecardSettings(), 0) for column in Z.T)
    return np.array([each.information >= least for each in bins])


def _lasso(rows: Rows, least: float, seed: int) -> np.ndarray:
    """Columns whose mean pull on the likelihood a lasso finds worth this penalty."""
    return logistic_line(*rows, 1 / (least * rows[2].sum()), 1.0, seed).coefficients != 0


def _uncorrelated(rows: Rows, least: float, seed: int) -> np.ndarray:
    """The first of each group of columns correlated this highly or more."""
    del seed
    Z, _, weight = rows
    spread = np.cov(Z, rowvar=False, aweights=weight).reshape(Z.shape[1], Z.shape[1])
    size = np.sqrt(np.diag(spread))
    near = np.abs(spread) >= least * np.outer(size, size)
    kept = np.zeros(Z.shape[1], bool)
    for place in range(Z.shape[1]):
        kept[place] = not (near[place] & kept).any()
    return kept


_SELECTIONS: Mapping[str, tuple[Callable[[Rows, float, int], np.ndarray], float]] = {
    "variance": (_varying, 0.01),
    "information": (_informative, 0.02),
    "lasso": (_lasso, 0.02),
    "correlation": (_uncorrelated, 0.95),
}
"""How to choose, and the usual threshold."""


def _components(Z: np.ndarray, weight: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean float64[q] and the k directions of the greatest weighted variance float64[q, k]."""
    del seed
    mean, values, vectors = _axes(Z, weight)
    found = vectors[:, np.argsort(-values, kind="stable")[:k]]
    # An eigenvector has no sign of its own: its greatest part is made positive.
    return mean, found * np.sign(found[np.argmax(np.abs(found), axis=0), np.arange(k)])


def _factors(Z: np.ndarray, weight: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and the map to the scores of k varimax factors.

    The likelihood of factors knows the rows by their covariance only. So scikit-learn, whose factors have no weights,
    is given 2q rows with the weighted covariance in the place of n.
    """
    from sklearn.decomposition import FactorAnalysis
    from sklearn.exceptions import ConvergenceWarning

    mean, values, vectors = _axes(Z, weight)
    half = np.sqrt(np.maximum(values, 0.0) * len(values))[:, None] * vectors.T
    with warnings.catch_warnings():
        # A column that others determine, as one code of a category, creeps towards no noise of its own for ever.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = FactorAnalysis(k, tol=1e-4, svd_method="lapack", rotation="varimax", random_state=seed).fit(
            np.vstack([half, -half])
        )
    loadings = fitted.components_ / fitted.noise_variance_
    scores = loadings.T @ np.linalg.inv(np.eye(len(loadings)) + loadings @ fitted.components_.T)
    return mean, np.asarray(scores)


def _axes(Z: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted mean, and eigenvalues and eigenvectors of the weighted covariance."""
    mean = np.average(Z, axis=0, weights=weight)
    spread = np.cov(Z, rowvar=False, aweights=weight, ddof=0).reshape(Z.shape[1], Z.shape[1])
    values, vectors = np.linalg.eigh(spread)
    return mean, values, vectors
