"""What every aggregate has in common: a column, windows, generated names, and operations of the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from domain.errors import DefinitionError, InputError, expected_got
from domain.events import ColumnType
from domain.time import DAY, SECOND, format_duration, parse_duration
from features.aggregates.operation import Operand, Operation
from features.conditions import Condition
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
    NEEDS_COLUMN: ClassVar[bool | None] = True
    """True, False when it takes none, None when it takes one or none."""
    WINDOWED: ClassVar[bool] = True
    PREFIXED: ClassVar[bool] = False
    """It is a function of running sums."""
    TILEABLE: ClassVar[bool] = False
    """It can be put together from sums, extremes and counts of the pieces of a window."""

    def __post_init__(self) -> None:
        where = type(self).__name__
        if self.NEEDS_COLUMN and self.column is None:
            raise DefinitionError(expected_got("a column", None, where))
        if self.NEEDS_COLUMN is False and self.column is not None:
            raise DefinitionError(expected_got("no column", self.column, where))
        if self.WINDOWED and not self.over:
            raise DefinitionError(expected_got("at least one window such as 7d", self.over, where))
        if not self.WINDOWED and self.over:
            raise DefinitionError(expected_got("no windows: it reaches as far as the view's longest", self.over, where))
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
        return tuple(self._duration(text) for text in self.over)

    def _duration(self, text: str) -> int:
        try:
            window = parse_duration(text)
        except InputError as error:
            raise DefinitionError(f"{type(self).__name__}: {error}") from error
        if not SECOND <= window <= LONGEST_WINDOW:
            raise DefinitionError(expected_got("a window of 1s to 3660d", text, type(self).__name__))
        return window

    @property
    def reach(self) -> tuple[int | None, ...]:
        """The window of each output in µs; None is the view's longest."""
        return self.windows if self.WINDOWED else (None,)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Conditions on the rows it looks at, besides those of the view."""
        return ()

    def operands(self) -> tuple[Operand, ...]:
        """What it keeps of each event."""
        return () if self.column is None else (Operand(self.column, self.scale),)

    def operations(self) -> tuple[Operation, ...]:
        """What the kernel is to do."""
        outputs = tuple((window, index) for index, window in enumerate(self.reach))
        return (Operation(self.OPERATION, outputs, self.operands(), self.PREFIXED, self.asked(), self.parameters()),)

    def asked(self) -> tuple[Operand, ...]:
        """What it reads of the request."""
        return ()

    def parameters(self) -> tuple[int, ...]:
        """Further numbers of the operation."""
        return ()

    def names(self, prefix: str) -> list[str]:
        """Generated feature names, one per output."""
        head = "_".join(part for part in (stem(prefix), *self.words()) if part)
        return [head if window is None else f"{head}_{format_duration(window)}" for window in self.reach]

    def words(self) -> tuple[str | None, ...]:
        """Words of a name between the entity and the window."""
        return (self.column, self.WORD)

    def docs(self) -> list[str]:
        """One line about each output."""
        return [self.doc(window) for window in self.reach]

    def doc(self, window: int | None) -> str:
        """One line about one output; ``window`` is in µs."""
        over = "" if window is None else f" over the {format_duration(window)} before"
        return f"{self.phrase}{f' of {self.column}' if self.column else ''}{over}"

    @property
    def phrase(self) -> str:
        """What is computed, in a word or two."""
        return self.WORD

    @property
    def missing(self) -> str:
        """What it gives when there is nothing to compute it from."""
        return "NaN when no event of the window has a value"

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
