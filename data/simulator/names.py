"""Codes of entities and the identifiers they are known by."""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa

from data.simulator.rows import Array

_STRIDE = 61_803_399
_DIGITS = 8


class Register:
    """Issues codes 0, 1, 2 … for one kind of entity.

    An identifier shows neither when its code was issued nor to whom, unless ``plain``: what fraudsters
    bring is registered last, and a number that grew would be the answer.

    Examples
    --------
    >>> devices = Register("D")
    >>> devices.issue(2).tolist(), devices.issue(1).tolist()
    ([0, 1], [2])
    >>> devices.identifiers().to_pylist()
    ['D46444292', 'D08247691', 'D70051090']
    """

    def __init__(self, prefix: str, *, plain: bool = False, digits: int = _DIGITS) -> None:
        self.prefix = prefix
        self.plain = plain
        self.digits = digits
        self.n = 0

    def issue(self, count: int) -> Array:
        """The next ``count`` codes."""
        codes = np.arange(self.n, self.n + count, dtype=np.int32)
        self.n += count
        return codes

    def one(self) -> int:
        """The next code."""
        return int(self.issue(1)[0])

    def identifiers(self) -> pa.Array:
        """Identifier of every code issued so far, at the position of its code."""
        numbers = np.arange(self.n, dtype=np.int64)
        if not self.plain:
            # One-to-one: the stride has no factor 2 or 5. The offset keeps a customer's device from having the
            # number of the customer's account.
            numbers = (numbers * _STRIDE + zlib.crc32(self.prefix.encode())) % 10**self.digits
        return pa.array([f"{self.prefix}{number:0{self.digits}d}" for number in numbers.tolist()], pa.string())


class Registers:
    """One register per kind of entity of the payment world."""

    def __init__(self) -> None:
        self.person = Register("C", plain=True, digits=6)
        self.card = Register("K")
        self.account = Register("A")
        self.device = Register("D")
        self.ip = Register("N")
        self.merchant = Register("M", digits=6)
        self.terminal = Register("T", digits=6)
        self.loan = Register("L")
