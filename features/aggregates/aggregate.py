"""What every aggregate has in common: a column, windows, generated names, and one kernel operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.errors import DefinitionError, InputError, expected_got
from domain.events import ColumnType
from domain.time import DAY, SECOND, format_duration, parse_duration
from features.kernel.layout import MAX_WINDOWS

LONGEST_WINDOW = 3660 * DAY
NUMERIC = (ColumnType.MONEY, ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.FLAG)


def stem(entity: str) -> str:
    """The word an entity's features start with.

    Examples
    --------
    >>> stem("card_id"), stem("merchant_known_fraud")
    ('card', 'merchant_known_fraud')
    """
    return entity.removesuffix("_id")


@dataclass(frozen=True)
class Aggregate:
    """A statistic of an entity's events over windows that end just before the request.

    Parameters
    ----------
    column : what is aggregated; None where the aggregate needs none.
    over : windows, such as ``["1h", "7d"]``.
    scale : fixed-point scale of a column of floats: the value is rounded to a multiple of 1 / scale.
    sign : +1 when more of it should mean more risk, −1 when less, None when neither is expected.
    """

    column: str | None = None
    over: Sequence[str] = ()
    scale: int | None = None
    sign: int | None = None

    WORD: ClassVar[str]
    OPERATION: ClassVar[int]
    ACCEPTS: ClassVar[tuple[ColumnType, ...]] = NUMERIC
    NEEDS_COLUMN: ClassVar[bool] = True
    WINDOWED: ClassVar[bool] = True
    PREFIXED: ClassVar[bool] = False

    def __post_init__(self) -> None:
        where = type(self).__name__
        if self.NEEDS_COLUMN and self.column is None:
            raise DefinitionError(expected_got("a column", None, where))
        if self.WINDOWED and not self.over:
            raise DefinitionError(expected_got("at least one window such as 7d", self.over, where))
        if self.sign not in (None, 1, -1):
            raise DefinitionError(expected_got("a sign of 1, -1 or None", self.sign, where))
        if self.scale is not None and not 1 <= self.scale <= 10**9:
            raise DefinitionError(expected_got("a scale between 1 and 10^9", self.scale, where))
        windows = self.windows
        if len(set(windows)) != len(windows) or len(windows) > MAX_WINDOWS:
            raise DefinitionError(expected_got(f"at most {MAX_WINDOWS} different windows", list(self.over), where))

    @property
    def windows(self) -> tuple[int, ...]:
        """The windows in µs, in the order declared."""
        found = []
        for text in self.over:
            try:
                window = parse_duration(text)
            except InputError as error:
                raise DefinitionError(f"{type(self).__name__}: {error}") from error
            if not SECOND <= window <= LONGEST_WINDOW:
                raise DefinitionError(expected_got("a window of 1s to 3660d", text, type(self).__name__))
            found.append(window)
        return tuple(found)

    def names(self, prefix: str) -> list[str]:
        """Generated feature names, one per window."""
        head = "_".join(part for part in (stem(prefix), self.column, self.WORD) if part)
        return [f"{head}_{format_duration(window)}" for window in self.windows]

    def doc(self, window: int | None) -> str:
        """One line about one output; ``window`` is in µs."""
        over = "" if window is None else f" over the {format_duration(window)} before"
        return f"{self.phrase}{f' of {self.column}' if self.column else ''}{over}"

    @property
    def phrase(self) -> str:
        """What is computed, in a word or two."""
        return self.WORD

    def unit(self, of_column: str) -> str:
        """Unit of the result, given that of the column."""
        return of_column

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers: everything that changes a value."""
        body: dict[str, Any] = {"aggregate": type(self).__name__, "over": [format_duration(w) for w in self.windows]}
        if self.column is not None:
            body["column"] = self.column
        if self.scale is not None:
            body["scale"] = self.scale
        return body
