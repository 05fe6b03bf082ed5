"""The families by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from domain.errors import DefinitionError, expected_got
from training.families.constraints import interaction_lists, monotone_signs
from training.families.family import Family
from training.families.lightgbm import LightGBM
from training.families.logistic import LogisticRegression

if TYPE_CHECKING:
    from training.settings import TrainingSettings

FAMILIES: tuple[str, ...] = ("lightgbm", "logistic", "tree", "forest", "svm", "scorecard", "isolation_forest")
"""Names of the families, the champion's first."""


def make(
    name: str, settings: TrainingSettings, signs: Mapping[str, int], groups: Mapping[str, str] | None = None
) -> Family:
    """A family as the settings want it.

    Parameters
    ----------
    signs : feature → +1 or −1, as the catalogue expects it (`constraints.expected_signs`).
    groups : feature → group of the catalogue, needed where interactions are constrained by it.

    Raises
    ------
    DefinitionError
        When there is no such family.
    """
    if name == "lightgbm":
        return make_lightgbm(settings, signs, groups)
    if name not in _CHALLENGERS:
        raise DefinitionError(expected_got(f"one of {', '.join(FAMILIES)}", name, "family"))
    return _CHALLENGERS[name](settings, signs)


def make_lightgbm(
    settings: TrainingSettings, signs: Mapping[str, int], groups: Mapping[str, str] | None = None
) -> LightGBM:
    """The family whose models become bundles."""
    return LightGBM(
        settings.seed,
        settings.threads,
        settings.imbalance == "weights",
        settings.max_bin,
        settings.max_bin_of,
        signs=monotone_signs(settings.constraints, signs),
        method=settings.constraints.method,
        interactions=interaction_lists(settings.constraints, groups),
        loss=settings.loss,
    )


def _logistic(settings: TrainingSettings, signs: Mapping[str, int]) -> Family:
    del signs
    return LogisticRegression(settings.seed, settings.imbalance == "weights", settings.challengers.preprocessing)


_CHALLENGERS: Mapping[str, Callable[[TrainingSettings, Mapping[str, int]], Family]] = {
    "logistic": _logistic,
}
