"""What approving more costs: the bad rate of the approved at every approval rate, and who changes sides between models.

References
----------
Siddiqi, Credit Risk Scorecards, 2006, and Thomas, Edelman & Crook, Credit Scoring and Its Applications, 2002 (strategy
curve and swap sets).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.interval import difference
from training.intervals import LEVEL, resamples
from training.proportion import jeffreys


@dataclass(frozen=True)
class ApprovalCurve:
    """Bad rates of the approved.

    Parameters
    ----------
    share : float64[k], of rows approved, those of the lowest scores first.
    rate, low, high : float64[k], bad rate of the approved, with 95 % bootstrap limits over rows.
    """

    share: np.ndarray
    rate: np.ndarray
    low: np.ndarray
    high: np.ndarray


def approval_curve(y: np.ndarray, score: np.ndarray, share: np.ndarray, n_draws: int, seed: int) -> ApprovalCurve:
    """Bad rate of the approved at each share of approvals.

    Parameters
    ----------
    y : int8[n], 1 bad. score : float64[n], the higher, the riskier. share : float64[k], above 0, at most 1.

    Examples
    --------
    >>> made = approval_curve(np.array([0, 0, 1, 1]), np.arange(4.0), np.array([0.5, 1.0]), 20, seed=1)
    >>> made.rate.tolist()
    [0.0, 0.5]
    """
    order = np.argsort(score, kind="stable")
    bad = y[order].astype(np.float64)

    def of(weight: np.ndarray) -> np.ndarray:
        rows, bads = np.cumsum(weight), np.cumsum(weight * bad)
        # The rounding of a share must not take a row more.
        at = np.searchsorted(rows, share * rows[-1] * (1 - 1e-12), side="left")
        return np.asarray(bads[at] / rows[at])

    drawn = np.array([of(counts.astype(np.float64)) for counts in resamples(len(y), None, n_draws, seed)])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return ApprovalCurve(share, of(np.ones(len(y))), low, high)


@dataclass(frozen=True, slots=True)
class Side:
    """Rows on which two models agree or not; ``low`` and ``high`` are Jeffreys' 95 % interval of the bad rate."""

    name: str
    n: int
    n_events: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class SwapSet:
    """Who is approved by one model and not by the other, both approving equally many.

    Parameters
    ----------
    sides : both, swap_in (only the new one approves), swap_out (only the old one), neither.
    gain : bad rate of those swapped out less that of those swapped in, with Newcombe's 95 % interval; NaN without any.
    """

    sides: tuple[Side, ...]
    n_approved: int
    gain: float
    low: float
    high: float


def swap_set(y: np.ndarray, new: np.ndarray, old: np.ndarray, n_approved: int) -> SwapSet:
    """Compare two scores at one number of approvals.

    Parameters
    ----------
    y : int8[n], 1 bad. new, old : float64[n], the higher, the riskier; ties are broken by position.

    Examples
    --------
    >>> made = swap_set(np.array([0, 0, 1, 1]), np.array([1, 2, 3, 4.]), np.array([1, 3, 2, 4.]), 2)
    >>> [(side.name, side.n, side.n_events) for side in made.sides], made.gain
    ([('both', 1, 0), ('swap_in', 1, 0), ('swap_out', 1, 1), ('neither', 1, 1)], 1.0)
    """
    mine, theirs = (_lowest(score, n_approved) for score in (new, old))
    masks = {"both": mine & theirs, "swap_in": mine & ~theirs, "swap_out": ~mine & theirs, "neither": ~mine & ~theirs}
    sides = []
    for name, mask in masks.items():
        n, events = int(mask.sum()), int(y[mask].sum())
        low, high = (float(each[0]) for each in jeffreys(np.array([events]), np.array([n]))) if n else (0.0, 1.0)
        sides.append(Side(name, n, events, events / n if n else float("nan"), low, high))
    _, came, went, _ = sides
    low, high = difference(went.n_events, went.n, came.n_events, came.n, LEVEL)
    return SwapSet(tuple(sides), n_approved, went.rate - came.rate, low, high)


def _lowest(score: np.ndarray, n: int) -> np.ndarray:
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(score, kind="stable")[:n]] = True
    return chosen
