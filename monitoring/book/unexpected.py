"""Unexpected loss: what a bad year costs beyond the expected loss, by the one-factor model.

Defaults share one normal factor with correlation ρ. Given the factor's quantile at confidence q, a loan defaults with

    PD(q) = Φ((Φ⁻¹(PD) + √ρ Φ⁻¹(q)) / √(1 − ρ))

and the unexpected loss is Σ LGD × balance × (PD(q) − PD): Vasicek, The distribution of loan portfolio value (Risk,
December 2002); the formula of the Basel framework, CRE31. It takes the book to be of many small loans: one large
borrower is told by the concentration, not by this.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from domain.errors import InputError, expected_got
from monitoring.book.tape import Floats


def stressed_pd(pd: Floats, confidence: float, correlation: float) -> Floats:
    """The probability of default in a year as bad as the quantile.

    Raises
    ------
    InputError
        When confidence or correlation is not between 0 and 1.

    Examples
    --------
    >>> stressed_pd(np.array([0.0, 0.01, 1.0]), 0.999, 0.15).round(4).tolist()
    [0.0, 0.1103, 1.0]
    """
    if not (0 < confidence < 1 and 0 <= correlation < 1):
        expected = "a confidence between 0 and 1 and a correlation from 0 below 1"
        raise InputError(expected_got(expected, (confidence, correlation), "unexpected loss"))
    # Φ⁻¹ of 0 and 1 are infinite, and come back as 0 and 1.
    at = (ndtri(pd) + np.sqrt(correlation) * ndtri(confidence)) / np.sqrt(1 - correlation)
    made: Floats = ndtr(at)
    return made


def unexpected_loss(balance: Floats, pd: Floats, lgd: float, confidence: float, correlation: float) -> float:
    """Loss at the quantile less the expected loss, in the unit of the balances.

    Examples
    --------
    >>> round(unexpected_loss(np.full(1000, 10.0), np.full(1000, 0.01), 0.5, 0.999, 0.15), 1)
    501.3
    """
    return float((lgd * balance * (stressed_pd(pd, confidence, correlation) - pd)).sum())
