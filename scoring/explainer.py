"""What each feature added to a raw score: path-dependent TreeSHAP, in raw log-odds (Lundberg et al., 2020)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.scorer import Scorer


class Explainer:
    """Contributions that add up to the raw score.

    One thread at a time, as its scorer.

    Examples
    --------
    >>> import lightgbm
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> settings = {"objective": "binary", "min_data_in_leaf": 2, "verbosity": -1, "num_threads": 1}
    >>> booster = lightgbm.train(settings, lightgbm.Dataset(X, (X[:, 0] > 19) * 1.0), 3)
    >>> scorer = Scorer(booster.model_to_string(num_iteration=-1))
    >>> bool(abs(Explainer(scorer).contributions(X[3]).sum() - scorer.raw(X[3])) < 1e-12)
    True
    """

    method = "path-dependent TreeSHAP"
    units = "raw log-odds"

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def contributions(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """float64[m] → float64[m + 1]: one contribution a feature, and last the base value (the mean raw score).

        Raises
        ------
        ModelError
            When the row's length or type does not fit the model, or its trees are linear in their leaves.
        """
        if row.ndim != 1:
            raise ModelError(expected_got("one row", f"{row.dtype}{list(row.shape)}", "row to explain"))
        result: NDArray[np.float64] = self.contributions_many(row.reshape(1, -1))[0]
        return result

    def contributions_many(self, matrix: NDArray[np.float64], *, threads: int = 1) -> NDArray[np.float64]:
        """float64[n, m] → float64[n, m + 1]."""
        return self._scorer.contributions_many(matrix, threads=threads)
