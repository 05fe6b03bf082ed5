"""Number of events, or sum of a column, each counting half after every half-life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from domain.time import format_duration
from features.aggregates.aggregate import Aggregate, stem
from features.aggregates.operation import Operation
from features.kernel import layout


@dataclass(frozen=True)
class Decayed(Aggregate):
    """Number of events, or sum of a column, each counting half after every half-life before the request.

    Algebra: Σ x · exp(−ln 2 · (t − event_time) / half-life), with x = 1 for the count, added oldest first by
    (event_time, seq); events before the window count nothing.

    Parameters
    ----------
    half_life : one output each.
    over : the one window, by default 30 days; much longer than the half-lives.

    Examples
    --------
    >>> Decayed(half_life=["1h", "1d"]).names("card_id")
    ['card_decayed_count_1h', 'card_decayed_count_1d']
    >>> Decayed("amount", half_life=["1d"], over="30d").names("card_id")
    ['card_amount_decayed_sum_1d']
    """

    half_life: Sequence[str] = ("1d",)
    over: str = "30d"

    WORD = "decayed"
    OPERATION = layout.DECAYED_COUNT
    NEEDS_COLUMN = None

    def __post_init__(self) -> None:
        super().__post_init__()
        lives = self.half_lives
        if isinstance(self.half_life, str) or not lives or len(set(lives)) != len(lives):
            raise DefinitionError(expected_got("different half-lives such as 1d", self.half_life, "Decayed"))

    @property
    def half_lives(self) -> tuple[int, ...]:
        """The half-lives in µs."""
        return tuple(self._duration(text) for text in self.half_life)

    @property
    def windows(self) -> tuple[int, ...]:
        """The one window in µs."""
        return (self._duration(self.over),)

    @property
    def reach(self) -> tuple[int | None, ...]:
        """Each output looks over the one window."""
        return self.windows * len(self.half_lives)

    def operations(self) -> tuple[Operation, ...]:
        """One operation for each half-life."""
        kind = layout.DECAYED_COUNT if self.column is None else layout.DECAYED_SUM
        return tuple(
            Operation(kind, ((self.windows[0], index),), self.operands(), parameters=(half,))
            for index, half in enumerate(self.half_lives)
        )

    def names(self, prefix: str) -> list[str]:
        """One name for each half-life."""
        words = (stem(prefix), self.column, "decayed", self._what)
        head = "_".join(word for word in words if word)
        return [f"{head}_{format_duration(half)}" for half in self.half_lives]

    def docs(self) -> list[str]:
        """One line for each half-life."""
        over = format_duration(self.windows[0])
        what = "number of events" if self.column is None else f"sum of {self.column}"
        return [
            f"{what} over the {over} before, each at half weight after {format_duration(half)}"
            for half in self.half_lives
        ]

    @property
    def _what(self) -> str:
        return "count" if self.column is None else "sum"

    @property
    def missing(self) -> str:
        """Without events."""
        return "0 when the window is empty" if self.column is None else super().missing

    def unit(self, of_column: str) -> str:
        """A number of events, or that of the column."""
        return "events" if self.column is None else of_column

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {**super().canonical(), "half_life": [format_duration(half) for half in self.half_lives]}
