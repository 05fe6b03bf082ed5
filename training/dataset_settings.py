"""Settings of what a model learns from: how long labels take, whose rows are taken out, how many negatives are kept."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

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


class DropRule(Settings):
    """Whose rows are taken out of what is measured: the folds' validation parts and the test.

    Parameters
    ----------
    entity : a key column of the subject, such as ``customer_id``; rows without one stay.
    known_positive : take out entities of which a positive was known when the part began (``before_part``), or
        before the row itself (``before_row``), as where a desk blocks them from then on.
    in_train : take out entities that the part's model has learnt from.

    Examples
    --------
    >>> DropRule(entity="customer_id", known_positive="before_part").name
    'customer_id known positive before part'
    >>> DropRule(entity="card_id", in_train=True).name
    'card_id in train'
    """

    entity: str = Field(pattern=r"^[a-z][a-z0-9_]*_id$")
    known_positive: Literal["before_part", "before_row"] | None = None
    in_train: bool = False

    @property
    def name(self) -> str:
        """As it is counted under."""
        when = "in train" if self.known_positive is None else f"known positive {self.known_positive.replace('_', ' ')}"
        return f"{self.entity} {when}"

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.known_positive is not None) == self.in_train:
            raise ValueError("expected either known_positive: before_part or before_row, or in_train: true")
        return self
