"""SHAP summary of a model on a sample of later rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd


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


def explain_sample(model_text: str, names: tuple[str, ...], X: np.ndarray, n_rows: int, seed: int) -> Attribution:
    """SHAP values by ``shap.TreeExplainer`` of at most ``n_rows`` rows, drawn at random without replacement.

    Parameters
    ----------
    X : float64[n, m], encoded rows.
    """
    import lightgbm

    with warnings.catch_warnings():
        # shap warns about its own optional parts while it is imported.
        warnings.simplefilter("ignore")
        import shap

    rows = np.sort(np.random.default_rng(seed).permutation(len(X))[:n_rows])
    with warnings.catch_warnings():
        # It also warns that the output of a binary LightGBM model changed to one array: the one used here.
        warnings.filterwarnings("ignore", message="LightGBM binary classifier", category=UserWarning)
        explainer = shap.TreeExplainer(lightgbm.Booster(model_str=model_text))
        values = np.asarray(explainer.shap_values(X[rows]), np.float64)
    base = float(np.ravel(explainer.expected_value)[-1])
    return Attribution(names, values, X[rows], base)
