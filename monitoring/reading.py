"""A reading: what an indicator said at the end of a chunk, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.errors import DataError, expected_got


class Kind(StrEnum):
    """What a number rests on; numbers of different kinds never stand in one column."""

    OBSERVED = "observed"  # needs no label: counts, shares, times, drift
    REALISED = "realised"  # from labels that are mature
    ESTIMATED = "estimated"  # from calibrated probabilities, before labels are mature


@dataclass(frozen=True, slots=True)
class Reading:
    """One value.

    Parameters
    ----------
    value : None where it is not assessed; ``note`` then says why.
    n : rows it rests on.
    where : the place it speaks of, such as ``channel=qr``; empty for the whole.
    low, high : interval of the value, where it has one.
    within_chance : chance alone explains the value: it raises nothing, whatever its limits say.

    Raises
    ------
    DataError
        When the value is not finite.

    Examples
    --------
    >>> Reading(0.31, 420, where="channel=qr").value, not_assessed("12 rows", 12).value
    (0.31, None)
    """

    value: float | None
    n: int
    where: str = ""
    low: float | None = None
    high: float | None = None
    within_chance: bool = False
    kind: Kind = Kind.OBSERVED
    note: str = ""

    def __post_init__(self) -> None:
        """A value that cannot be compared with a limit is refused."""
        if self.value is not None and not math.isfinite(self.value):
            raise DataError(expected_got("a finite value or None with a note", self.value, f"reading {self.where}"))


def not_assessed(note: str, n: int = 0, where: str = "", kind: Kind = Kind.OBSERVED) -> Reading:
    """A reading without a value, and the reason."""
    return Reading(None, n, where, kind=kind, note=note)


def replace_where(reading: Reading, where: str) -> Reading:
    """The same of another place.

    Examples
    --------
    >>> replace_where(Reading(1.0, 3), "by=payee").where
    'by=payee'
    """
    return replace(reading, where=where)
