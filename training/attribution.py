"""SHAP summary of a model on a sample of later rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scoring.explainer import Explainer
from scoring.scorer import Scorer


@dataclass(frozen=True)
class Attribution:
    """Path-dependent SHAP values, raw log-odds, of a sample.

    Parameters
    ----------
    values : float64[n, m]. features : float64[n, m]. base : the mean raw score of the training data.
    """

    names: tuple[str, ...]
    values: np.ndarray
    features: np.ndarray
    base: float

    def table(self) -> pd.DataFrame:
        """Features by falling mean absolute contribution, with its share of the whole."""
        mean = np.abs(self.values).mean(axis=0)
        frame = pd.DataFrame(
            {"feature": self.names, "mean_abs_contribution": mean, "share": mean / max(mean.sum(), 1e-300)}
        )
        return frame.sort_values("mean_abs_contribution", ascending=False, ignore_index=True)


def explain_sample(scorer: Scorer, names: tuple[str, ...], X: np.ndarray, n_rows: int, seed: int) -> Attribution:
    """Exact Shapley values of at most ``n_rows`` rows, drawn at random without replacement.

    Parameters
    ----------
    X : float64[n, m], encoded rows.
    """
    rows = np.sort(np.random.default_rng(seed).permutation(len(X))[:n_rows])
    found = Explainer(scorer).contributions_many(X[rows])
    base = float(found[0, -1]) if len(rows) else float("nan")
    return Attribution(names, found[:, :-1], X[rows], base)
