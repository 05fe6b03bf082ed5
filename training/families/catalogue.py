"""The families by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.errors import DefinitionError, expected_got
from training.families.constraints import interaction_lists, monotone_signs
from training.families.family import Family
from training.families.forest import RandomForest
from training.families.isolation_forest import IsolationForest
from training.families.lightgbm import LightGBM
from training.families.logistic import LogisticRegression
from training.families.scorecard import Scorecard
from training.families.svm import SupportVectors
from training.families.tree import DecisionTree

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
    found = _challenger(name, settings, signs)
    if found is None:
        raise DefinitionError(expected_got(f"one of {', '.join(FAMILIES)}", name, "family"))
    return found


def make_lightgbm(
    settings: TrainingSettings, signs: Mapping[str, int], groups: Mapping[str, str] | None = None
) -> LightGBM:
    """The family whose models become bundles.

    Raises
    ------
    DefinitionError
        When the settings ask for what LightGBM cannot do together.
    """
    if settings.loss == "cross_entropy" and settings.imbalance == "weights":
        raise DefinitionError(
            expected_got(
                "imbalance: none, since LightGBM lifts positives for binary only", "weights", "loss: cross_entropy"
            )
        )
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
        fits=settings.fits,
    )


def _challenger(name: str, settings: TrainingSettings, signs: Mapping[str, int]) -> Family | None:
    seed, balanced = settings.seed, settings.imbalance == "weights"
    cleaned = settings.challengers.preprocessing
    match name:
        case "logistic":
            return LogisticRegression(seed, balanced, cleaned)
        case "tree":
            return DecisionTree(seed, balanced, cleaned)
        case "forest":
            return RandomForest(seed, settings.threads, balanced, cleaned, settings.challengers.forest_rows)
        case "svm":
            return SupportVectors(seed, balanced, cleaned, settings.challengers.svm_rows)
        case "scorecard":
            return Scorecard(seed, balanced, settings.challengers.scorecard, signs)
        case "isolation_forest":
            return IsolationForest(seed, cleaned)
    return None
