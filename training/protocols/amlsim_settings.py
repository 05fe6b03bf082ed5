"""Settings of the AMLSim benchmark (``configs/benchmarks/amlsim.yaml``)."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from domain.settings import Settings
from features.settings import FeatureSettings
from scoring.flows.settings import PatternSettings
from training.settings import Search


class AmlsimSettings(Settings):
    """``configs/benchmarks/amlsim.yaml``.

    Parameters
    ----------
    learn_at, validate_at, rank_at : steps, rising; features of a step see the transfers up to it, it included.
    patterns : of the graph, found without labels.
    top : accounts looked at for precision. n, n_events : accounts and flagged accounts of the file.
    """

    file: str
    accounts: str
    learn_at: int = Field(ge=1)
    validate_at: int
    rank_at: int
    features: FeatureSettings
    search: Search
    patterns: PatternSettings
    top: int = Field(ge=1)
    seed: int
    threads: int
    resamples: int
    n: int
    n_events: int

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.learn_at < self.validate_at < self.rank_at:
            raise ValueError("expected learn_at < validate_at < rank_at")
        return self
