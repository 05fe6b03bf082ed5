"""Seconds since the entity's last event, or since its last event with the request's value of a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from domain.events import ColumnType
from features.aggregates.aggregate import Aggregate, stem
from features.kernel import layout


@dataclass(frozen=True)
class SinceLast(Aggregate):
    """Seconds since the last event; NaN when there is none within the view's longest window.

    Parameters
    ----------
    same_value : only events whose ``column`` equals that of the request count; NaN when the request has none.

    Examples
    --------
    >>> SinceLast().names("card_id"), SinceLast("device_id", same_value=True).names("card_id")
    (['card_since_last'], ['card_device_id_since_last_same'])
    """

    same_value: bool = False

    WORD = "since_last"
    OPERATION = layout.SINCE
    ACCEPTS = tuple(ColumnType)
    NEEDS_COLUMN = False
    WINDOWED = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.over or (self.column is not None) != self.same_value:
            raise DefinitionError(
                expected_got("SinceLast() or SinceLast(column, same_value=True), without windows", self, "SinceLast")
            )

    def names(self, prefix: str) -> list[str]:
        """One name: it reaches back over the view's longest window."""
        return [f"{stem(prefix)}_{self.column}_since_last_same" if self.same_value else f"{stem(prefix)}_since_last"]

    def doc(self, window: int | None) -> str:
        """One line about it."""
        return f"Seconds since the last event{f' with the same {self.column}' if self.same_value else ''}"

    def unit(self, of_column: str) -> str:
        """Seconds."""
        return "s"

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "same_value": self.same_value}
