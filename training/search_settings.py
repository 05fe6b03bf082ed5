"""Settings of the search: what it may spend, how it draws, when it gives a trial up, where its study is kept."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from domain.settings import Settings

SQLITE = "sqlite"
"""A file in the home's folder of studies."""


class Search(Settings):
    """What the search may spend, and how.

    Parameters
    ----------
    trials : tried in all, those of an interrupted run and of other machines counted.
    seconds : of trials in all, counted likewise; a trial that has begun is ended. A run that must repeat sets none.
    rounds, patience : of families that boost: at most, and without a rise before a fit is stopped.
    method : how values are drawn: by what did well before, at random, or from the family's grid.
    pruning : give a trial up after a fold, after any round, or never.
    coarse : fit trials with fewer bins where rows are few (`training.families.coarse`); the final fit has them all.
    warm_start : try the champion's parameters first, where they are of the same family and its ranges hold them.
    study : name under which trials are kept, so that an interrupted search goes on; not kept without one.
    storage : ``sqlite`` for a file in the home, or the URL of a database that many machines share.
    log_trials : best trials that get an MLflow run of their own; all are in ``trials.csv``.

    Examples
    --------
    >>> Search(trials=20, study="autumn").storage
    'sqlite'
    """

    trials: int = Field(ge=1)
    seconds: float | None = Field(default=None, gt=0)
    rounds: int = Field(default=400, ge=1, le=20_000)
    patience: int = Field(default=30, ge=1)
    method: Literal["tpe", "random", "grid"] = "tpe"
    pruning: Literal["none", "folds", "rounds"] = "rounds"
    coarse: bool = True
    warm_start: bool = True
    study: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")
    storage: str = SQLITE
    log_trials: int = Field(default=25, ge=0, le=1_000)

    @field_validator("storage")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        scheme, _, rest = value.partition("://")
        if value != SQLITE and scheme not in ("sqlite", "postgresql", "postgresql+psycopg"):
            raise ValueError(f"expected {SQLITE}, sqlite:///FILE or postgresql://USER@HOST/DATABASE, got {scheme!r}")
        if ":" in rest.rpartition("@")[0]:
            # These settings travel in every bundle.
            raise ValueError("expected a URL without a password; give it by PGPASSWORD or a password file")
        return value

    @model_validator(mode="after")
    def _kept_somewhere(self) -> Self:
        if self.study is None and self.storage != SQLITE:
            raise ValueError(f"storage: expected a study's name beside {self.storage!r}, got none")
        return self
