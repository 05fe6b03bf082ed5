"""The champion's parameters as the first trial of its successor's search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import Unavailable
from features.catalogue import FeatureSet
from training.settings import TrainingSettings
from training.tracking import CHAMPION, Tracker


@dataclass(frozen=True)
class WarmStart:
    """Parameters of a champion, or why there are none.

    Parameters
    ----------
    params : None where the search begins as it always does. version : of the champion they are from.
    """

    params: Mapping[str, Any] | None
    version: int | None = None
    note: str = ""


def warm_start(settings: TrainingSettings, feature_set: FeatureSet, tracker: Tracker) -> WarmStart:
    """Read the champion's parameters from its bundle's manifest, where it is of the same family and features.

    A champion that cannot be read stops nobody from training its successor; the note says why.
    """
    if not settings.search.warm_start:
        return WarmStart(None, note="not asked for")
    found = tracker.find(settings.name, CHAMPION)
    if found is None:
        return WarmStart(None, note="there is no champion yet")
    version = int(found.version)
    try:
        about = tracker.about(found)
    except (Unavailable, OSError, ValueError) as error:
        return WarmStart(None, version, f"version {version} cannot be read: {error}")
    if about.get("family") != settings.family or "params" not in about:
        return WarmStart(None, version, f"version {version} is of another family")
    if about.get("features") != feature_set.hash:
        return WarmStart(None, version, f"version {version} reads other features")
    return WarmStart(dict(about["params"]), version)
