"""Seconds since the entity's last event, its last with the request's value, or its last that satisfies a condition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operand, Operation
from features.conditions import Condition
from features.kernel import layout


@dataclass(frozen=True)
class SinceLast(Aggregate):
    """Seconds since the last event; NaN when there is none within the view's longest window.

    Algebra: t − event_time of the newest row, of the newest with the request's value, or of the newest that
    satisfies.

    Parameters
    ----------
    same_value : only events whose ``column`` equals that of the request count; NaN when the request has none.
    where, called : only events that satisfy a condition count; its word in the name.

    Examples
    --------
    >>> SinceLast().names("card_id"), SinceLast("device_id", same_value=True).names("card_id")
    (['card_since_last'], ['card_device_id_since_last_same'])
    >>> from features.conditions import one_of
    >>> SinceLast(where=one_of("result", "failed"), called="failed").names("card_id")
    ['card_failed_since_last']
    """

    same_value: bool = False
    where: Condition | None = None
    called: str = ""

    WORD = "since_last"
    OPERATION = layout.SINCE
    ACCEPTS = tuple(ColumnType)
    NEEDS_COLUMN = None
    WINDOWED = False

    def __post_init__(self) -> None:
        super().__post_init__()
        declared = (self.column is not None, self.same_value, self.where is not None, bool(self.called))
        if declared not in ((False,) * 4, (True, True, False, False), (False, False, True, True)):
            forms = "SinceLast(), SinceLast(column, same_value=True) or SinceLast(where=condition, called=word)"
            raise DefinitionError(expected_got(forms, self, "SinceLast"))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The condition, where there is one."""
        return () if self.where is None else (self.where,)

    def operations(self) -> tuple[Operation, ...]:
        """One search for a row."""
        if self.where is not None:
            return (Operation(layout.SINCE_WHERE, ((None, 0),), (Operand(None, None, self.where),)),)
        if self.same_value:
            return (Operation(layout.SINCE_SAME, ((None, 0),), self.operands(), asked=self.operands()),)
        return (Operation(layout.SINCE, ((None, 0),)),)

    def words(self) -> tuple[str | None, ...]:
        """Words of the name."""
        return (self.column, self.called, "since_last", "same" if self.same_value else None)

    def doc(self, window: int | None) -> str:
        """One line about it."""
        called = f"{self.called} " if self.called else ""
        return f"seconds since the last {called}event{f' with the same {self.column}' if self.same_value else ''}"

    @property
    def missing(self) -> str:
        """Without such an event."""
        return (
            "NaN when there is no such event, or the request has no value"
            if self.same_value
            else "NaN when there is none"
        )

    def unit(self, of_column: str) -> str:
        """Seconds."""
        return "s"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        body = {**super().canonical(), "same_value": self.same_value}
        return body if self.where is None else {**body, "where": self.where.canonical(), "called": self.called}
