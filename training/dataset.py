"""The dataset: snapshot rows joined with outcomes, readable at any cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from domain.errors import DataError
from domain.labels import LabelPolicy
from scoring.labels import POSITIVE, Told, count_statuses, join_outcomes, settle


@dataclass(frozen=True)
class Dataset:
    """Rows of features and what became known of them.

    Parameters
    ----------
    table : snapshot rows in ``seq`` order.
    event_time : int64[n], µs UTC.
    told : telling outcomes joined to the rows.
    maturity : µs; that of the slowest source.
    by_code : µs of each outcome code, where sources have their own.
    as_of : the newest instant anything here was known at, µs UTC.
    """

    table: pa.Table
    event_time: np.ndarray
    told: Told
    policy: LabelPolicy
    maturity: int
    as_of: int
    by_code: Mapping[str, int] = field(default_factory=dict)

    def status(self, as_of: int) -> np.ndarray:
        """Status codes int8[n] of all rows as known at a cut.

        Raises
        ------
        DataError
            When the cut lies after the newest known instant: nothing is known of that time.
        """
        if as_of > self.as_of:
            raise DataError(f"labels: expected a cut up to {self.as_of}, got {as_of}")
        return settle(self.event_time, self.told, self.policy, self.maturity, as_of)

    def counts(self) -> Mapping[str, int]:
        """Rows of each status at the newest cut, and outcomes without a row."""
        return {**count_statuses(self.status(self.as_of)), "outcomes_without_row": self.told.n_orphans}


def label(
    rows: pa.Table,
    outcomes: pa.Table,
    policy: LabelPolicy,
    maturity: int | Mapping[str, int],
    as_of: int | None = None,
) -> Dataset:
    """Join outcomes known by ``as_of`` (default: the newest ``known_at`` of either table) to rows.

    Parameters
    ----------
    maturity : µs, of all sources or of each outcome code.

    Raises
    ------
    DataError
        When there is no row, or a positive was told by a code whose maturity nobody declared.
    """
    if rows.num_rows == 0:
        raise DataError("dataset: expected subjects to learn from, got no row; import events first")
    known = [table["known_at"].to_numpy() for table in (rows, outcomes) if table.num_rows]
    newest = max(int(times.max()) for times in known)
    cut = newest if as_of is None else min(as_of, newest)
    told = join_outcomes(rows, outcomes, policy)
    by_code = {} if isinstance(maturity, int) else dict(maturity)
    if by_code:
        _refuse_undeclared(told, by_code)
    slowest = maturity if isinstance(maturity, int) else max(by_code.values())
    return Dataset(rows, rows["event_time"].to_numpy(), told, policy, slowest, cut, by_code)


def _refuse_undeclared(told: Told, by_code: Mapping[str, int]) -> None:
    assert told.outcome is not None  # noqa: S101 - outcomes that were joined here have their codes
    undeclared = sorted(set(told.outcome[told.code == POSITIVE]) - set(by_code))
    if undeclared:
        raise DataError(
            f"maturity: expected a time for every outcome code that told a positive ({', '.join(by_code)} have one), "
            f"got none for {', '.join(undeclared)}; declare how long each may take, with its source"
        )
