"""What aggregates with a condition of their own have in common: ``where``, and ``called``, its word in the name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from domain.errors import DefinitionError, expected_got
from features.aggregates.aggregate import Aggregate
from features.aggregates.operation import Operand
from features.conditions import Condition

_WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Conditional(Aggregate):
    """A statistic of the events that satisfy a condition.

    Parameters
    ----------
    where : the condition (see `features.conditions`).
    called : its word in the generated name.
    """

    where: Condition | None = None
    called: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.where is None or not _WORD.fullmatch(self.called):
            found = f"where={self.where!r}, called={self.called!r}"
            raise DefinitionError(expected_got("where= a condition and called= its word", found, type(self).__name__))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The condition."""
        return () if self.where is None else (self.where,)

    def operands(self) -> tuple[Operand, ...]:
        """The condition as 0 and 1, or the column where it holds."""
        return (Operand(self.column, self.scale, self.where),)

    def words(self) -> tuple[str | None, ...]:
        """Words of a name between the entity and the window."""
        return (self.column, self.called, self.WORD)

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        where = None if self.where is None else self.where.canonical()
        return {**super().canonical(), "where": where, "called": self.called}
