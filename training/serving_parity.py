"""Rows as serving sees them, one by one, beside the same rows as training scores them, all at once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.online import Vector
from scoring.encode import Encoder


def unlike_rows(one_by_one: np.ndarray, at_once: np.ndarray) -> int:
    """Rows of two float64[n, m] that do not hold the same numbers, NaN beside NaN being the same.

    Examples
    --------
    >>> unlike_rows(np.array([[1.0, np.nan], [2.0, 3.0]]), np.array([[1.0, np.nan], [2.0, np.nan]]))
    1
    """
    same = (one_by_one == at_once) | (np.isnan(one_by_one) & np.isnan(at_once))
    return int((~same.all(axis=1)).sum())


def encoded_singly(encoder: Encoder, table: pa.Table) -> np.ndarray:
    """Each row of a feature table made an online vector and encoded as serving does, float64[n, m].

    Examples
    --------
    >>> encoder = Encoder(["amount", "channel"], {"channel": ("mobile", "qr")})
    >>> encoded_singly(encoder, pa.table({"amount": [1.5, None], "channel": ["qr", "fax"]})).tolist()
    [[1.5, 1.0], [nan, nan]]
    """
    values = np.full((table.num_rows, len(encoder.names)), np.nan)
    for place, name in enumerate(encoder.names):
        if name not in encoder.categories:
            values[:, place] = table[name].cast(pa.float64()).to_numpy()
    texts = list(zip(*(table[name].to_pylist() for name in encoder.categories), strict=True)) or [()] * len(values)
    rows = [encoder.row(Vector(row, text, False, False)) for row, text in zip(values, texts, strict=True)]
    return np.vstack(rows) if rows else values
