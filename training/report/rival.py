"""Whom the model is set beside: the champion on the very same rows, or a plain logistic line where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from domain.errors import AssayError
from training.champion import TEST_SCORES
from training.evaluation import Scored
from training.families.family import Columns, Labelled
from training.families.logistic import LogisticRegression
from training.report.evidence import Evidence

_RIDGE = {"C": 0.05, "l1_ratio": 0.0}


@dataclass(frozen=True)
class Rival:
    """Raw scores of another model on the labelled test rows; ``champion`` is False for the logistic baseline."""

    raw: np.ndarray
    champion: bool


def rival_of(evidence: Evidence, test: Scored, most_rows: int) -> Rival | None:
    """The champion's scores where the run kept them, else those of a line fitted on training rows; None without rows.

    Parameters
    ----------
    most_rows : that the line learns from, drawn by lot.
    """
    theirs = champion_scores(evidence, test)
    if theirs is not None:
        return Rival(theirs, champion=True)
    train = evidence.train
    known = np.random.default_rng(evidence.settings.seed).permutation(np.flatnonzero(train.labelled))
    kept = np.sort(known[:most_rows])
    y = train.y[kept]
    if not 0 < y.sum() < len(y):
        return None
    encoder = evidence.bundle.encoder
    columns = Columns(encoder.names, tuple(encoder.categories))
    family = LogisticRegression(seed=evidence.settings.seed)
    try:
        line = family.fit(columns, Labelled(train.X[kept], y), _RIDGE, 1)
    except AssayError:
        return None  # columns that leave a line nothing to learn from
    return Rival(line.raw(evidence.test.X[evidence.test.labelled]), champion=False)


def champion_scores(evidence: Evidence, test: Scored) -> np.ndarray | None:
    """The champion's raw scores in the order of the test rows; None where there are none or the rows are not the same.

    The run wrote them in the order of the journal; rows are told apart by their own score, day and label, and those
    that share all three are alike in every count of a swap set.
    """
    path = evidence.folder / TEST_SCORES
    if not path.is_file():
        return None
    table = pq.read_table(path)
    theirs = table["champion_raw_score"].to_numpy()
    if table.num_rows != len(test.y) or np.isnan(theirs).any():
        return None
    kept = [table[name].to_numpy() for name in ("raw_score", "day", "y")]
    there, here = np.lexsort(kept), np.lexsort([test.raw, test.day, test.y])
    same = all(np.array_equal(a[there], b[here]) for a, b in zip(kept, (test.raw, test.day, test.y), strict=True))
    if not same:
        return None
    found = np.empty(len(test.y))
    found[here] = theirs[there]
    return found
