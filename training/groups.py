"""Protected attributes, for validation only: how the model fares in each group of the test.

They are read from the journal after the model is fitted and leave with this table; no feature, bundle or
service ever holds them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from scoring.metrics import Ranking
from training.evaluation import Scored

FEWEST = 30
"""A smaller group is counted, but not measured."""

NOT_KNOWN = "not known"
"""The group of rows without a value."""

_BANDS = 4


def by_group(scored: Scored, attributes: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    """One row per attribute and group: n, events, rate, mean probability, AUC (NaN where there is too little).

    Parameters
    ----------
    attributes : rows of the test in the order of ``scored``; numbers are cut into quarters.

    Examples
    --------
    >>> scored = Scored(np.array([0, 1] * 20), np.arange(40.0), np.full(40, 0.5), np.zeros(40, np.int64))
    >>> table = by_group(scored, pa.table({"sex": ["f"] * 30 + ["m"] * 10}), ["sex"])
    >>> table[["group", "n", "n_events"]].values.tolist()
    [['f', 30, 15], ['m', 10, 5]]
    """
    rows = []
    for name in names:
        for group, mine in groups_of(attributes[name].to_pandas()):
            y, raw = scored.y[mine], scored.raw[mine]
            measured = len(y) >= FEWEST and 0 < y.sum() < len(y)
            rows.append(
                {
                    "attribute": name,
                    "group": group,
                    "n": len(y),
                    "n_events": int(y.sum()),
                    "rate": float(y.mean()),
                    "mean_probability": float(scored.probability[mine].mean()),
                    "auc": Ranking.of(y, raw).auc() if measured else float("nan"),
                }
            )
    columns = ["attribute", "group", "n", "n_events", "rate", "mean_probability", "auc"]
    return pd.DataFrame(rows, columns=columns)


def groups_of(values: pd.Series) -> list[tuple[str, np.ndarray]]:
    """Each group's name and the positions of its rows; numbers of more than four values are cut into quarters.

    Examples
    --------
    >>> [(group, rows.tolist()) for group, rows in groups_of(pd.Series(["f", None, "m", "f"]))]
    [('f', [0, 3]), ('m', [2]), ('not known', [1])]
    """
    known = values.notna()
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > _BANDS:
        text = _quarters(values.astype(float))
    else:
        text = values.astype(str)
    text = text.where(known, NOT_KNOWN)
    return [(str(group), np.flatnonzero(text == group)) for group in sorted(text.unique())]


def _quarters(values: pd.Series) -> pd.Series:
    """Each number's quarter of all, named by the least and the greatest that lie in it.

    Examples
    --------
    >>> sorted(set(_quarters(pd.Series([21.0, 25, 29, 30, 36, 44, 60, 70]))))
    ['21–25', '29–30', '36–44', '60–70']
    """
    code = pd.qcut(values, _BANDS, labels=False, duplicates="drop")
    ends = values.groupby(code).agg(["min", "max"])
    names = {quarter: f"{low:g}–{high:g}" for quarter, low, high in ends.itertuples()}
    return code.map(names)
