"""What an aggregate asks of the kernel: columns to keep, an operation, and which output gets which window."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from features.conditions import Condition


@dataclass(frozen=True)
class Operand:
    """A column of the source or of the request; masked by a condition, or the condition itself as 0 and 1."""

    column: str | None
    scale: int | None = None
    where: Condition | None = None


@dataclass(frozen=True)
class Operation:
    """One operation of the kernel (see `features.kernel.layout`).

    Parameters
    ----------
    kind : a constant of the layout.
    outputs : (window in µs, output of the aggregate); a window of None is the view's longest.
    operands : up to two columns kept of each event; the first one's scale is the operation's.
    prefixed : the operands need running sums.
    asked : up to two columns of the request.
    parameters : up to two int64; floats by their bits.
    """

    kind: int
    outputs: tuple[tuple[int | None, int], ...]
    operands: tuple[Operand, ...] = ()
    prefixed: bool = False
    asked: tuple[Operand, ...] = ()
    parameters: tuple[int, ...] = ()


def float_bits(value: float) -> int:
    """The bits of a float64 as int64.

    Examples
    --------
    >>> float_bits(0.0), float_bits(1.0) == 1023 << 52
    (0, True)
    """
    found: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return found
