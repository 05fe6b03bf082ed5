"""Evidence for the maturity: what immature rows still wait for, and how late each source truly was."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from domain.time import DAY
from scoring.labels import IMMATURE, POSITIVE
from training.dataset import Dataset

ALL = "all sources"
"""The name of the one maturity where codes have none of their own."""


def waiting(dataset: Dataset, as_of: int) -> Mapping[str, int]:
    """Immature rows by the source that has not had its time yet; a row may wait for several.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from domain.labels import FRAUD_POLICY
    >>> from scoring.labels import Told
    >>> nobody = Told(np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.int8), 0)
    >>> times = np.array([0, 50, 95])
    >>> dataset = Dataset(pa.table({}), times, nobody, FRAUD_POLICY, 60, 100, {"chargeback_fraud": 60, "desk": 10})
    >>> waiting(dataset, 100)
    {'chargeback_fraud': 2, 'desk': 1}
    """
    immature = dataset.status(as_of) == IMMATURE
    clock = dataset.by_code or {ALL: dataset.maturity}
    return {code: int((immature & (dataset.event_time > as_of - after)).sum()) for code, after in clock.items()}


def source_table(dataset: Dataset) -> pd.DataFrame:
    """One row an outcome code: how many it told, after how many days, and how many later than its maturity says.

    Only rows that are mature at the newest cut are counted, since of younger ones only the quick outcomes are known;
    outcomes that are later than any so far are missing even so, and the quantiles are lower limits.

    Columns: verdict, rows (told by the code), median_days and days_95pct (after the event), maturity_days, late (told
    later than the maturity), late_share, waiting (immature rows the source has not had its time for). Codes without
    a maturity of their own are held to the slowest.
    """
    told, cut = dataset.told, dataset.as_of
    assert told.outcome is not None  # noqa: S101 - outcomes that were joined have their codes
    mature = dataset.event_time[told.row] <= cut - dataset.maturity
    known = mature & (told.known_at <= cut)
    delay = told.known_at - dataset.event_time[told.row]
    waits = waiting(dataset, cut)
    rows = []
    for code in sorted({*told.outcome.tolist(), *dataset.by_code}):
        mine = known & (told.outcome == code)
        after = dataset.by_code.get(code, dataset.maturity)
        n, late = int(mine.sum()), int((delay[mine] > after).sum())
        middle, most = np.quantile(delay[mine], [0.5, 0.95]) / DAY if n else (np.nan, np.nan)
        rows.append(
            {
                "code": code,
                "verdict": dataset.policy.verdict(code).value,
                "rows": n,
                "median_days": float(middle),
                "days_95pct": float(most),
                "maturity_days": after / DAY,
                "late": late,
                "late_share": late / n if n else float("nan"),
                "waiting": waits.get(code, waits.get(ALL, 0)),
            }
        )
    names = [
        "code", "verdict", "rows", "median_days", "days_95pct", "maturity_days", "late", "late_share", "waiting",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names).set_index("code")


def early_positives(dataset: Dataset) -> int:
    """Rows that are known positive but immature at the newest cut: kept out with the negatives of their age."""
    told = dataset.told
    known = told.known_at <= dataset.as_of
    row, code = told.row[known], told.code[known]
    newest = np.append(row[1:] != row[:-1], True) if len(row) else np.zeros(0, bool)
    positive = row[newest][code[newest] == POSITIVE]
    return int((dataset.status(dataset.as_of)[positive] == IMMATURE).sum())
