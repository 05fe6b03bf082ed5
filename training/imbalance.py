"""Rare events: all rows, weights, or a share of the negatives with the exact prior correction.

    learn    every positive, and of the negatives those whose own draw falls below the share β
    correct  p = β·p_s / (β·p_s − p_s + 1), which on raw scores (log-odds) is  raw + log β
    then     calibration on all later traffic, as without undersampling

Calibration is fitted on the raw score, and neither Platt's line nor isotonic steps notice a shift of it: the
correction is in what they learn, so a bundle carries no second one. It is recorded on its own, beside what the later
rows say of it (`Correction`).

References
----------
Dal Pozzolo, Caelen, Johnson & Bontempi, Calibrating probability with undersampling for unbalanced classification,
IEEE SSCI 2015.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from training.dataset_settings import Undersampling
from training.splits import Part


def draws(rows: pa.Table, seed: int) -> np.ndarray:
    """A number in [0, 1) for each row, float64[n], of nothing but its client, its event id and the seed.

    Rows that are added later, or put into another order, change no draw.

    Parameters
    ----------
    rows : client, event_id.

    Examples
    --------
    >>> rows = pa.table({"client": ["shop"] * 3, "event_id": ["a", "b", "c"]})
    >>> whole = draws(rows, 7)
    >>> bool((draws(rows.slice(1), 7) == whole[1:]).all()), bool((draws(rows, 8) == whole).any())
    (True, False)
    """
    owned = pc.binary_join_element_wise(rows["client"].cast(pa.string()), rows["event_id"].cast(pa.string()), "\x1f")
    names = np.asarray(owned.to_numpy(zero_copy_only=False), dtype=object)
    hashed = pd.util.hash_array(names, hash_key=f"{seed:016d}", categorize=False)
    return np.asarray((hashed >> np.uint64(11)).astype(np.float64) * 2.0**-53)


Thin = Callable[[Part], Part]
"""A part → the rows of it that are learnt from."""


def thinning(option: str | Undersampling, rows: pa.Table, seed: int) -> Thin:
    """What the settings' ``imbalance`` makes of a part that trains; parts that are measured stay whole.

    Parameters
    ----------
    rows : of the dataset that the parts point into: client, event_id.
    """
    if not isinstance(option, Undersampling):
        return lambda part: part
    kept = draws(rows, seed) < option.undersample

    def thin(part: Part) -> Part:
        mine = (part.y == 1) | kept[part.rows]
        return replace(part, rows=part.rows[mine], y=part.y[mine])

    return thin


@dataclass(frozen=True)
class Correction:
    """The prior correction of one model, and what later rows say of it alone.

    Parameters
    ----------
    beta : share of the training negatives that was learnt from, as it came out. n, n_learnt : rows before and after.
    mean_probability : of the later rows, by correction alone. rate : of events among them.
    """

    beta: float
    n: int
    n_learnt: int
    mean_probability: float
    rate: float

    @classmethod
    def of(cls, whole: Part, learnt: Part, raw: np.ndarray, y: np.ndarray) -> Correction:
        """Of a training part before and after thinning; ``raw``, ``y`` : later rows with their raw scores."""
        beta = float((learnt.y == 0).sum() / (whole.y == 0).sum())
        corrected = corrected_probability(raw, beta)
        return cls(beta, len(whole.y), len(learnt.y), float(corrected.mean()), float(y.mean()))

    def facts(self) -> dict[str, float | int]:
        """For the manifest; ``raw_score_shift`` is log β."""
        return {
            "beta": self.beta,
            "raw_score_shift": math.log(self.beta),
            "rows": self.n,
            "rows_learnt": self.n_learnt,
            "later_mean_probability_by_correction_alone": self.mean_probability,
            "later_rate": self.rate,
        }


def corrected_probability(raw: np.ndarray, beta: float) -> np.ndarray:
    """Probabilities float64[n] under the natural prior, from log-odds of a model that saw a share β of the negatives.

    Examples
    --------
    >>> sampled = 0.5
    >>> exact = 0.1 * sampled / (0.1 * sampled - sampled + 1)
    >>> bool(np.isclose(corrected_probability(np.array([0.0]), 0.1)[0], exact))
    True
    """
    return np.asarray(1.0 / (1.0 + np.exp(-(raw + math.log(beta)))))
