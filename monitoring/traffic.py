"""Traffic: decided rows as calculators see them, from a bundle's reference or from the ledger.

A column that a source does not have is absent, and what needs it says "not assessed".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from domain.decision import Action, RiskGrade
from domain.errors import DataError, expected_got

SEGMENTS = ("channel", "region", "product", "grade")
"""Columns that rows are told apart by."""


@dataclass(frozen=True)
class Traffic:
    """Rows with what is known of each.

    Parameters
    ----------
    frame : one row a decision. Columns, each of them optional: ``time`` (µs UTC), ``raw`` and ``score`` (NaN without a
        model), ``grade``, ``action``, ``degraded``, ``y`` (1, 0; NaN while the label is not mature), ``amount``,
        ``late`` (arrived later than allowed), ``us_STAGE`` (µs), ``whose`` (a number for each customer), and the
        segments.
    vectors : float64[n, m], encoded; NaN is missing, unseen or not read.
    read : bool[n], whether the features of a row were read at all.
    names : of the features. categorical : those whose values are codes.
    """

    frame: pd.DataFrame
    vectors: NDArray[np.float64]
    read: NDArray[np.bool_]
    names: tuple[str, ...]
    categorical: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Rows are aligned."""
        shape = (len(self.frame), len(self.names))
        if self.vectors.shape != shape or self.read.shape != shape[:1]:
            raise DataError(expected_got(f"vectors of shape {shape}", self.vectors.shape, "traffic"))

    def __len__(self) -> int:
        """Rows."""
        return len(self.frame)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Traffic:
        """Some of the rows."""
        frame = self.frame[rows] if rows.dtype == bool else self.frame.iloc[rows]
        return replace(
            self, frame=frame.reset_index(drop=True), vectors=self.vectors[rows], read=self.read[rows]
        )  # fmt: skip

    def has(self, *columns: str) -> bool:
        """Whether all of these are there."""
        return all(column in self.frame for column in columns)

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as float64; NaN where nothing is known."""
        return self.frame[column].to_numpy(dtype=np.float64)

    @property
    def whose(self) -> NDArray[np.int64] | None:
        """Whose each row is; None where nobody knows, and rows are taken as independent."""
        return self.frame["whose"].to_numpy(np.int64) if "whose" in self.frame else None

    @property
    def whose_features(self) -> NDArray[np.int64] | None:
        """As `whose`, of the rows whose features were read."""
        return None if self.whose is None else self.whose[self.read]

    @property
    def features(self) -> NDArray[np.float64]:
        """Vectors of the rows whose features were read."""
        return self.vectors[self.read]


def of_reference(
    vectors: NDArray[np.float64],
    raw: NDArray[np.float64],
    score: NDArray[np.float64],
    names: Sequence[str],
    categorical: Sequence[str],
    cutoffs: Sequence[float],
    actions: Mapping[RiskGrade, Action],
) -> Traffic:
    """A bundle's reference, with the grades and actions that its scores alone would have under a policy."""
    place = np.searchsorted(np.asarray(cutoffs), score, side="right")
    grades = np.array([grade.value for grade in RiskGrade])[place]
    frame = pd.DataFrame(
        {"raw": raw, "score": score, "grade": grades, "action": [actions[RiskGrade(each)].value for each in grades]}
    )
    return Traffic(frame, vectors, np.ones(len(frame), bool), tuple(names), frozenset(categorical))


class _Body(msgspec.Struct):
    """The one part of a decision's body that has no column."""

    degraded: bool | str = False


def of_ledger(decisions: pa.Table, names: Sequence[str], categorical: Sequence[str] = (), model: str = "") -> Traffic:
    """Decisions as the ledger keeps them.

    Parameters
    ----------
    model : scores and vectors of other models are left out: they do not compare. All are taken when empty.

    Raises
    ------
    DataError
        When a stored vector has not one number per feature: it belongs to another bundle.
    """
    body, times = msgspec.json.Decoder(_Body).decode, msgspec.json.Decoder(dict[str, int]).decode
    frame = pd.DataFrame(
        {
            "time": decisions["decided_at"].to_numpy(),
            "raw": decisions["raw_score"].to_numpy().astype(np.float64),
            "score": decisions["score"].to_numpy().astype(np.float64),
            "grade": decisions["risk_grade"].to_numpy(),
            "action": decisions["action"].to_numpy(),
            "degraded": [body(each).degraded is not False for each in decisions["body"].to_pylist()],
            "seq": decisions["seq"].to_numpy(),
        }
    )
    stages = pd.DataFrame([times(each) for each in decisions["timings"].to_pylist()])
    for stage in stages:
        frame[f"us_{stage}"] = stages[stage].to_numpy(np.float64)
    mine = np.ones(len(frame), bool) if not model else np.asarray(decisions["model"].to_pylist(), object) == model
    frame.loc[~mine, ["raw", "score"]] = np.nan
    kept = decisions["vector"].to_pylist()
    read = mine & np.array([vector is not None for vector in kept], dtype=bool)
    lengths = {len(kept[row]) for row in np.flatnonzero(read).tolist()}
    if lengths - {8 * len(names)}:
        raise DataError(expected_got(f"vectors of {8 * len(names)} bytes", sorted(lengths), "ledger"))
    vectors = np.full((len(frame), len(names)), np.nan)
    joined = b"".join(kept[row] for row in np.flatnonzero(read).tolist())
    vectors[read] = np.frombuffer(joined, dtype="<f8").reshape(-1, len(names)) if names else 0.0
    return Traffic(frame, vectors, read, tuple(names), frozenset(categorical))
