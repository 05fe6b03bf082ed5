"""What each feature added to a raw score: path-dependent TreeSHAP, in raw log-odds (Lundberg et al., 2020)."""

from __future__ import annotations

import lightgbm
import numpy as np
from numpy.typing import NDArray

from domain.errors import ModelError, expected_got
from scoring.scorer import Scorer


class Explainer:
    """Contributions that add up to the raw score.

    One thread at a time, as its scorer.

    Examples
    --------
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
        if row.dtype != np.float64 or row.ndim != 1:
            got = f"{row.dtype}{list(row.shape)}"
            raise ModelError(expected_got(f"float64[{len(self._scorer.names)}]", got, "row to explain"))
        result: NDArray[np.float64] = self.contributions_many(row.reshape(1, -1))[0]
        return result

    def contributions_many(self, matrix: NDArray[np.float64], *, threads: int = 1) -> NDArray[np.float64]:
        """float64[n, m] → float64[n, m + 1]."""
        width = len(self._scorer.names)
        if matrix.dtype != np.float64 or matrix.ndim != 2 or matrix.shape[1] != width:
            got = f"{matrix.dtype}{list(matrix.shape)}"
            raise ModelError(expected_got(f"float64[n, {width}]", got, "rows to explain"))
        if not len(matrix):
            return np.zeros((0, width + 1))
        try:
            values = self._scorer.booster.predict(
                np.ascontiguousarray(matrix),
                pred_contrib=True,
                num_iteration=self._scorer.num_iteration,
                num_threads=threads,
            )
        except lightgbm.basic.LightGBMError as error:
            raise ModelError(f"explainer: expected a model of plain trees, got {error}") from error
        return np.asarray(values, dtype=np.float64)
