"""The promise that a load is held against (``configs/load.yaml``)."""

from __future__ import annotations

from pydantic import Field

from domain.settings import Settings


class Promise(Settings):
    """How fast answers come at a steady rate; no figure has a default.

    Parameters
    ----------
    rate : requests per second up to which it is given.
    p50_ms, p99_ms : most ms that half, and 99 of 100, of the answers may take from the moment they were due.
    errors : largest share of requests that may get no answer or a refusal.

    Examples
    --------
    >>> Promise(rate=200, p50_ms=3, p99_ms=15, errors=0.0).p99_ms
    15.0
    """

    rate: float = Field(gt=0)
    p50_ms: float = Field(gt=0)
    p99_ms: float = Field(gt=0)
    errors: float = Field(ge=0, le=1)
