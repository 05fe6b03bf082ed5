"""The reigning champion, scored on the challenger's own test rows so that the two can be paired."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from domain.errors import ModelError, Unavailable
from scoring.bundle import load_bundle
from training.tracking import CHAMPION, Tracker

TEST_SCORES = "test_scores.parquet"


@dataclass(frozen=True)
class ChampionScores:
    """Raw scores of the champion, or why there are none.

    Parameters
    ----------
    version : of the champion; None when there is none yet.
    raw : float64[n], or None.
    note : empty, or why the two cannot be paired.
    """

    version: int | None
    raw: np.ndarray | None
    note: str = ""


def score_champion(tracker: Tracker, name: str, feature_hash: str, rows: pa.Table) -> ChampionScores:
    """Score snapshot rows with the champion where it reads the same features.

    A champion that cannot be read stops nobody from training its successor; the note says why.
    """
    found = tracker.find(name, CHAMPION)
    if found is None:
        return ChampionScores(None, None, "there is no champion yet")
    version = int(found.version)
    try:
        with tempfile.TemporaryDirectory(prefix="assay-champion-") as folder:
            bundle = load_bundle(tracker.fetch(found.source, Path(folder)))
            if bundle.feature_set.hash != feature_hash:
                return ChampionScores(version, None, f"version {version} reads other features")
            return ChampionScores(version, bundle.scorer.raw_many(bundle.encoder.matrix(rows)))
    except (ModelError, Unavailable) as error:
        return ChampionScores(version, None, f"version {version} cannot be scored: {error}")
