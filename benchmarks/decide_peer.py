"""What a team builds first: BentoML, a DataFrame of one row, the scikit-learn API, shap on every request.

It is given features that are ready; it keeps nothing. ``PEER_MODEL`` names the model.
"""

from __future__ import annotations

import os
from typing import Any

import bentoml
import joblib
import numpy as np
import pandas as pd
import shap

N_REASONS = 4


@bentoml.service(name="peer", workers=1, http={"host": "127.0.0.1"})
class Peer:
    """Score and explain one payment."""

    def __init__(self) -> None:
        self._model = joblib.load(os.environ["PEER_MODEL"])
        self._explainer = shap.TreeExplainer(self._model)

    @bentoml.api
    def score(self, row: dict[str, Any]) -> dict[str, Any]:
        """Probability of fraud and the features that push it up most."""
        frame = pd.DataFrame([row]).astype(np.float64)
        probability = float(self._model.predict_proba(frame)[0, 1])
        values = np.asarray(self._explainer.shap_values(frame))
        values = values[..., 1] if values.ndim == 3 else values
        order = np.argsort(values[0])[::-1][:N_REASONS]
        return {"score": probability, "reasons": [str(frame.columns[place]) for place in order]}
