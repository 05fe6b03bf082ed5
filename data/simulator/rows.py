"""Rows in the making: columns of codes and numbers; text and nulls come only when Arrow tables are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Layout = Mapping[str, Any]
"""Column → the value that stands for "none"; its NumPy type is the column's type."""

NONE = -1
"""The code of an entity that is absent."""

_CODE, _SMALL, _COUNT = np.int32(NONE), np.int8(NONE), np.int64(0)

PAYMENT: Layout = {
    "time": _COUNT,
    "customer": _CODE,
    "card": _CODE,
    "account": _CODE,
    "device": _CODE,
    "ip": _CODE,
    "merchant": _CODE,
    "terminal": _CODE,
    "payee": _CODE,
    "amount": _COUNT,  # fen, before conversion to the merchant's currency
    "place": _SMALL,  # one of PLACES
    "channel": _SMALL,
    "auth": _SMALL,
    "where": np.int16(NONE),  # city the person or the network address is in
    "country": _SMALL,
    "latitude": np.float64(np.nan),
    "longitude": np.float64(np.nan),
    "present": _SMALL,
    "fresh_payee": np.int8(0),  # first payment of this customer to this payee
    "fresh_device": np.int8(0),
    "passes_on": np.int8(0),  # a mule's payment out of the account
    "story": np.int8(0),  # 0 is genuine
    "incident": _CODE,
}

AUTHENTICATION: Layout = {
    "time": _COUNT,
    "customer": _CODE,
    "card": _CODE,
    "account": _CODE,
    "device": _CODE,
    "ip": _CODE,
    "payment": _CODE,  # row of the payment it belongs to
    "channel": _SMALL,
    "method": np.int8(0),
    "result": np.int8(0),
    "purpose": np.int8(0),
}

CHANGE: Layout = {
    "time": _COUNT,
    "customer": _CODE,
    "account": _CODE,
    "device": _CODE,
    "ip": _CODE,
    "changed": np.int8(0),
    "payee": _CODE,
}

LOCAL, ONLINE, TRANSFER, AGENT = range(4)
PLACES = ("local", "online", "transfer", "agent")


class Rows:
    """Columns of one length under a layout.

    Examples
    --------
    >>> rows = Rows.of(CHANGE, 2, time=[5, 3], customer=7)
    >>> rows["customer"].tolist(), rows["payee"].tolist(), rows.take(np.array([1]))["time"].tolist()
    ([7, 7], [-1, -1], [3])
    """

    def __init__(self, columns: dict[str, Array]) -> None:
        self.columns = columns

    @classmethod
    def of(cls, layout: Layout, n: int, **columns: object) -> Rows:
        """``n`` rows; scalars are repeated, columns not given are "none"."""
        unknown = set(columns) - set(layout)
        if unknown:
            raise KeyError(f"expected columns of the layout, got {sorted(unknown)}")
        made = {}
        for name, none in layout.items():
            column = np.full(n, none, dtype=none.dtype)
            if name in columns:
                column[:] = columns[name]
            made[name] = column
        return cls(made)

    @classmethod
    def listed(cls, layout: Layout, drafts: Sequence[Mapping[str, object]]) -> Rows:
        """One row per mapping."""
        return cls.of(
            layout,
            len(drafts),
            **{name: [draft.get(name, none) for draft in drafts] for name, none in layout.items()},
        )

    @classmethod
    def joined(cls, parts: Iterable[Rows]) -> Rows:
        """One under the other."""
        listed = list(parts)
        return cls({name: np.concatenate([part[name] for part in listed]) for name in listed[0].columns})

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __setitem__(self, name: str, column: Array) -> None:
        self.columns[name] = column.astype(self.columns[name].dtype)

    def take(self, index: Array) -> Rows:
        """The rows at an index or under a mask."""
        return Rows({name: column[index] for name, column in self.columns.items()})


def pick(random: np.random.Generator, weights: Array | Sequence[float], n: int) -> Array:
    """Draw ``n`` codes by weight.

    Examples
    --------
    >>> pick(np.random.default_rng(0), [0, 1, 0], 3).tolist()
    [1, 1, 1]
    """
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    codes = np.searchsorted(cumulative, random.random(n) * cumulative[-1], side="right")
    picked: Array = np.minimum(codes, len(cumulative) - 1)
    return picked


def pick_by_row(random: np.random.Generator, weights: Array) -> Array:
    """Draw one code per row of a weight matrix.

    Examples
    --------
    >>> pick_by_row(np.random.default_rng(0), np.array([[1.0, 0.0], [0.0, 2.0]])).tolist()
    [0, 1]
    """
    cumulative = np.cumsum(weights, axis=1)
    draws = random.random(len(weights)) * cumulative[:, -1]
    picked: Array = np.minimum((draws[:, None] >= cumulative).sum(axis=1), weights.shape[1] - 1)
    return picked
