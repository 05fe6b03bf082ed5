"""Which features a model uses."""

from __future__ import annotations

from typing import Literal

from domain.settings import Settings


class FeatureSettings(Settings):
    """The part of ``configs/fraud.yaml`` and ``configs/credit.yaml`` that chooses features.

    Parameters
    ----------
    product : whose views are discovered.
    views : names of views; None takes all of the product that are not off by default.
    own : columns of the subject event used as they are (``x_…`` too); None takes the product's list.
    exclude : names of features that are computed where others need them, but are not given to the model.
    """

    product: Literal["payment", "loan"]
    views: list[str] | None = None
    own: list[str] | None = None
    exclude: list[str] = []
