"""Count, sum or mean of a short window over that of a long one: a burst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from domain.time import format_duration
from features.aggregates.aggregate import Aggregate, stem
from features.aggregates.operation import Operation
from features.kernel import layout

_STATISTICS = {"count": layout.COUNT_RATIO, "sum": layout.SUM_RATIO, "mean": layout.MEAN_RATIO}


@dataclass(frozen=True)
class Ratio(Aggregate):
    """Count, sum or mean of a short window over that of a long one that holds it: a burst.

    Algebra: each window as Count, Sum or Mean, then one division; NaN where the long window gives 0 or nothing, and,
    for sum and mean, where the short window has no value. Not scaled by the lengths of the windows.

    Parameters
    ----------
    statistic : count (without a column), sum or mean.
    short, long : the two windows, such as ``"1h"`` and ``"30d"``.

    Examples
    --------
    >>> Ratio(short="1h", long="30d").names("card_id")
    ['card_count_ratio_1h_30d']
    >>> Ratio("amount", statistic="mean", short="1d", long="30d").names("card_id")
    ['card_amount_mean_ratio_1d_30d']
    """

    statistic: str = "count"
    short: str = ""
    long: str = ""

    WORD = "ratio"
    OPERATION = layout.COUNT_RATIO
    NEEDS_COLUMN = None
    WINDOWED = False
    PREFIXED = True
    TILEABLE = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.statistic not in _STATISTICS:
            raise DefinitionError(expected_got(f"one of {', '.join(_STATISTICS)}", self.statistic, "Ratio"))
        if (self.statistic == "count") != (self.column is None):
            raise DefinitionError(expected_got("a column for sum and mean, none for count", self.column, "Ratio"))
        short, long = self.windows
        if short >= long:
            raise DefinitionError(expected_got("short= a window within long=", f"{self.short}, {self.long}", "Ratio"))

    @property
    def windows(self) -> tuple[int, ...]:
        """The short and the long window in µs."""
        return (self._duration(self.short), self._duration(self.long))

    def operations(self) -> tuple[Operation, ...]:
        """One output of two windows."""
        short, long = self.windows
        kind = _STATISTICS[self.statistic]
        return (Operation(kind, ((short, 0), (long, 0)), self.operands(), self.column is not None),)

    @property
    def reach(self) -> tuple[int | None, ...]:
        """It looks as far as the long window."""
        return (self.windows[1],)

    def names(self, prefix: str) -> list[str]:
        """One name, with both windows."""
        short, long = (format_duration(window) for window in self.windows)
        words = (stem(prefix), self.column, self.statistic, "ratio", short, long)
        return ["_".join(word for word in words if word)]

    def doc(self, window: int | None) -> str:
        """One line about it."""
        short, long = (format_duration(found) for found in self.windows)
        what = "number of events" if self.column is None else f"{self.statistic} of {self.column}"
        return f"{what} over the {short} before, divided by that over the {long} before"

    @property
    def missing(self) -> str:
        """Without a divisor."""
        short = "" if self.column is None else ", or the short one has no value"
        return f"NaN when the long window is empty{'' if self.column is None else ' or gives 0'}{short}"

    def unit(self, of_column: str) -> str:
        """A ratio."""
        return "ratio"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "statistic": self.statistic}
