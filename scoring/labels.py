"""The label clock: what is known of each subject at a cut.

    outcomes with known_at ≤ cut  --policy, newest telling verdict-->  status of each row

A row younger than the maturity is immature, whatever is known of it already: early positives without
their negatives would be a population of their own. Immature is never good.

Sources take different times: a desk ten days, a card scheme forty-five. Where each outcome code has a maturity of its
own, a row is final when the slowest has had its time, and only then is silence a negative; a positive that a fast
source told earlier counts from that day on too, beside the negatives of its own age. What a row still waits for, and
how late each source truly is, `training.maturity` reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa

from domain.errors import DataError
from domain.labels import LabelPolicy, Verdict


class Status(StrEnum):
    """What a row is at a cut; only the first two are trained on and measured."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"
    IMMATURE = "immature"
    CENSORED = "censored"
    INDETERMINATE = "indeterminate"
    EXCLUDED = "excluded"


STATUSES: tuple[Status, ...] = tuple(Status)
"""Codes of the statuses are positions in this order."""

POSITIVE, NEGATIVE, UNKNOWN, IMMATURE, CENSORED, INDETERMINATE, EXCLUDED = range(len(STATUSES))

_CODE = {verdict: STATUSES.index(Status(verdict.value)) for verdict in Verdict}


@dataclass(frozen=True)
class Told:
    """Telling outcomes, joined to their rows and sorted by (row, known_at, seq).

    Parameters
    ----------
    row : int64[m], positions of the subjects.
    known_at : int64[m], µs UTC.
    code : int8[m], status codes of the verdicts; none is UNKNOWN.
    n_orphans : outcomes whose subject is not among the rows.
    outcome : object[m], outcome codes as they were told; None where nobody asks for them.
    """

    row: np.ndarray
    known_at: np.ndarray
    code: np.ndarray
    n_orphans: int
    outcome: np.ndarray | None = None


def join_outcomes(subjects: pa.Table, outcomes: pa.Table, policy: LabelPolicy) -> Told:
    """Find the row of each telling outcome.

    Outcomes name their subject by id and time, since issuers report under a client of their own; where two
    clients share both, the outcome's client decides.

    Parameters
    ----------
    subjects : client, event_id, event_time.
    outcomes : client, seq, known_at, code, subject_kind, subject_event_id, subject_time.

    Raises
    ------
    DataError
        When an outcome fits several rows and its client none of them.
    DefinitionError
        When the policy does not know a code.
    """
    told = outcomes.select(
        ["client", "seq", "known_at", "code", "subject_kind", "subject_event_id", "subject_time"]
    ).to_pandas()
    told = told[told["subject_kind"] == policy.subject_kind]
    codes = {code: _CODE[policy.verdict(code)] for code in told["code"].unique()}
    told = told.assign(status=told["code"].map(codes).astype("int8"))
    told = told[told["status"] != UNKNOWN]
    rows = subjects.select(["client", "event_id", "event_time"]).to_pandas()
    rows["row"] = np.arange(len(rows), dtype=np.int64)
    keys = ["subject_event_id", "subject_time"]
    named = rows.rename(columns={"event_id": keys[0], "event_time": keys[1], "client": "owner"})
    twins = named.duplicated(keys, keep=False)
    single = told.merge(named[~twins], on=keys, how="inner")
    shared = told.merge(named[twins], on=keys, how="inner")
    mine = shared[shared["client"] == shared["owner"]]
    lost = shared[~shared["seq"].isin(mine["seq"])]
    if len(lost):
        first = lost.iloc[0]
        raise DataError(
            f"outcomes: expected the client of each outcome on an id that several clients use, got "
            f"{lost['seq'].nunique()} outcomes of {first['client']!r} on ids such as {first['subject_event_id']!r}"
        )
    joined = pd.concat([single, mine], ignore_index=True).sort_values(["row", "known_at", "seq"], kind="stable")
    return Told(
        row=joined["row"].to_numpy(np.int64),
        known_at=joined["known_at"].to_numpy(np.int64),
        code=joined["status"].to_numpy(np.int8),
        n_orphans=len(told) - joined["seq"].nunique(),
        outcome=joined["code"].to_numpy(dtype=object),
    )


def settle(event_time: np.ndarray, told: Told, policy: LabelPolicy, maturity: int, as_of: int) -> np.ndarray:
    """Status codes int8[n] of all rows from what was known by ``as_of`` (µs UTC, included).

    Parameters
    ----------
    maturity : µs; of the slowest source where there are several.

    Examples
    --------
    >>> from domain.labels import FRAUD_POLICY
    >>> told = Told(np.array([0, 1]), np.array([5, 50]), np.array([POSITIVE, POSITIVE], np.int8), 0)
    >>> [STATUSES[code].value for code in settle(np.array([0, 0, 30]), told, FRAUD_POLICY, 10, 30)]
    ['positive', 'negative', 'immature']
    """
    known = told.known_at <= as_of
    row, code = told.row[known], told.code[known]
    newest = np.append(row[1:] != row[:-1], True) if len(row) else np.zeros(0, bool)
    status = np.full(len(event_time), _CODE[policy.silence], np.int8)
    status[row[newest]] = code[newest]
    young = event_time > as_of - maturity
    status[young & np.isin(status, [POSITIVE, NEGATIVE, UNKNOWN])] = IMMATURE
    return status


def count_statuses(status: np.ndarray) -> Mapping[str, int]:
    """Rows of each status, in the order of the statuses.

    Examples
    --------
    >>> count_statuses(np.array([1, 1, 3], np.int8))["negative"]
    2
    """
    counts = np.bincount(status, minlength=len(STATUSES))
    return {name.value: int(count) for name, count in zip(STATUSES, counts, strict=True)}
