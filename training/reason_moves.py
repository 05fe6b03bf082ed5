"""Rows moved for the sake of measuring reasons: features to the reference, or a little to either side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoring.bundle import Bundle
from scoring.reasons import Selector
from training.packing import near_threshold

N_REFERENCE = 16
"""Reference rows that a row's features are taken from."""

_NEAR = 1_000
_AT_ONCE = 50_000


class Means:
    """Mean raw score of each row when some of its features take the values they have in each reference row."""

    def __init__(self, bundle: Bundle, rows: np.ndarray, reference: np.ndarray, threads: int) -> None:
        self._bundle = bundle
        self._rows = rows
        self._reference = reference
        self._threads = threads

    def moved(self, mask: np.ndarray) -> np.ndarray:
        """bool[n, m], true where a feature moves → float64[n]."""
        found = np.empty(len(self._rows))
        step = max(1, _AT_ONCE // len(self._reference))
        for start in range(0, len(self._rows), step):
            part = slice(start, start + step)
            mixed = np.where(mask[part, None, :], self._reference[None], self._rows[part, None, :])
            n, r, m = mixed.shape
            raw = self._bundle.scorer.raw_many(np.ascontiguousarray(mixed.reshape(n * r, m)), threads=self._threads)
            found[part] = raw.reshape(n, r).mean(axis=1)
        return found


def reference_rows(bundle: Bundle, cutoff: float) -> np.ndarray:
    """Encoded rows that the baseline stands for, as far as the bundle holds them."""
    table = bundle.reference()
    raw, probability = (table[name].to_numpy() for name in ("raw_score", "score"))
    near = near_threshold(raw, probability, cutoff, _NEAR)
    spread = near[np.linspace(0, len(near) - 1, min(N_REFERENCE, len(near))).astype(np.intp)]
    order = [*spread.tolist(), *sorted(set(near.tolist()) - set(spread.tolist()))]
    return bundle.encoder.matrix(table.take(order))


def covered(selector: Selector, rows: np.ndarray, given: Sequence[tuple[int, ...]], k: int) -> np.ndarray:
    """bool[n, m]: whether a feature speaks for one of the k top reasons of its row."""
    spoken = selector.spoken(rows)
    mask = np.zeros(rows.shape, dtype=bool)
    for place, codes in enumerate(given):
        mask[place] = np.isin(spoken[place], codes[:k])
    return mask


def disturbed(rows: np.ndarray, bundle: Bundle, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Zeros, missing values and categories stay as they are: the noise is small, not another request."""
    numeric = np.array([name not in bundle.encoder.categories for name in bundle.encoder.names])
    return np.where(numeric, rows * (1 + noise * rng.standard_normal(rows.shape)), rows)
