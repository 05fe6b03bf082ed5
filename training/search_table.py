"""The table of trials that a run keeps (``trials.csv``): which of them was chosen, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

_ABOUT = ("number", "state", "value", "values", "seconds", "rounds", "n_rounds", "warning")


def parameters(trials: pd.DataFrame) -> list[str]:
    """Columns that are hyperparameters.

    Examples
    --------
    >>> parameters(pd.DataFrame({"number": [0], "value": [0.5], "num_leaves": [31]}))
    ['num_leaves']
    """
    return [str(name) for name in trials.columns if name not in _ABOUT]


def chosen_trial(trials: pd.DataFrame, params: Mapping[str, Any]) -> int | None:
    """Place of the trial with these parameters, the best of several; None where there is none.

    Numbers are compared as they survive being written as text.

    Examples
    --------
    >>> trials = pd.DataFrame({"number": [4, 2], "value": [0.7, 0.6], "num_leaves": [31, 15], "rate": [0.1, 0.05]})
    >>> chosen_trial(trials, {"num_leaves": 15, "rate": 0.05}), chosen_trial(trials, {"num_leaves": 8, "rate": 0.05})
    (1, None)
    """
    names = [name for name in parameters(trials) if name in params]
    if not names:
        return None
    same = np.ones(len(trials), bool)
    for name in names:
        wanted = params[name]
        if isinstance(wanted, (int, float)) and pd.api.types.is_numeric_dtype(trials[name]):
            same &= np.isclose(trials[name].to_numpy(np.float64), float(wanted), rtol=1e-12, atol=0)
        else:
            same &= (trials[name].astype(str) == str(wanted)).to_numpy()
    places = np.flatnonzero(same & trials["value"].notna().to_numpy())
    return int(places[np.argmax(trials["value"].to_numpy()[places])]) if len(places) else None
