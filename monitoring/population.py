"""A population of scored rows: the bundle's reference, or what the ledger has kept of decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, expected_got


@dataclass(frozen=True, slots=True)
class Population:
    """Scored rows.

    Parameters
    ----------
    names : the model's features, in order.
    vectors : float64[n, m], encoded; NaN is missing.
    raw : float64[k], raw scores.
    score : float64[k], calibrated probabilities; k may exceed n where features were not read.
    """

    names: tuple[str, ...]
    vectors: NDArray[np.float64]
    raw: NDArray[np.float64]
    score: NDArray[np.float64]


def decided_population(decisions: pa.Table, names: Sequence[str]) -> Population:
    """What the ledger kept of decisions: vectors and scores, where there are some.

    Raises
    ------
    DataError
        When a stored vector has not one number per feature: it belongs to another bundle.
    """
    width = 8 * len(names)
    kept = decisions["vector"].drop_null()
    lengths = pc.unique(pc.binary_length(kept)).to_pylist()
    if any(length != width for length in lengths):
        raise DataError(expected_got(f"vectors of {width} bytes", sorted(lengths), "ledger"))
    vectors = np.frombuffer(b"".join(kept.to_pylist()), dtype="<f8").reshape(len(kept), len(names))
    scored = decisions.filter(pc.is_valid(decisions["raw_score"]))
    return Population(
        names=tuple(names),
        vectors=vectors,
        raw=scored["raw_score"].to_numpy(),
        score=scored["score"].to_numpy(),
    )
