"""Settings of what a model learns from: how long labels take, whose rows are taken out, how many negatives are kept."""

from __future__ import annotations

from pydantic import Field

from domain.settings import Settings
from domain.time import Duration
from training.fields import Source


class Maturity(Settings):
    """How long after an event its label may be taken as final, and who says so."""

    after: Duration
    source: Source


class Undersampling(Settings):
    """The share of negatives that is learnt from; every positive is.

    Examples
    --------
    >>> Undersampling(undersample=0.1).undersample
    0.1
    """

    undersample: float = Field(gt=0, lt=1)
