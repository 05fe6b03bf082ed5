"""Which rows of its source a view takes in: conditions on text columns, for a table and for one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.events import Value
from domain.labels import LabelPolicy, Verdict


@dataclass(frozen=True)
class Condition:
    """A column holds one of some texts, or is null where ``or_null`` says so."""

    column: str
    values: tuple[str, ...]
    or_null: bool = False

    def holds(self, body: Mapping[str, Value]) -> bool:
        """Whether an event's columns satisfy it."""
        value = body.get(self.column)
        return self.or_null if value is None else value in self.values

    def mask(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """The rows of a table that satisfy it."""
        column = table[self.column]
        found = pc.is_in(column, value_set=pa.array(self.values, pa.string()))
        if self.or_null:
            found = pc.or_(found, pc.is_null(column))
        result: npt.NDArray[np.bool_] = found.to_numpy()
        return result

    def canonical(self) -> dict[str, Any]:
        """What the definition hash covers."""
        return {"column": self.column, "values": sorted(self.values), "or_null": self.or_null}


@dataclass(frozen=True)
class Verdicts:
    """Outcomes that the view's label policy gives one of some verdicts."""

    verdicts: tuple[Verdict, ...]

    def conditions(self, policy: LabelPolicy) -> tuple[Condition, ...]:
        """As conditions on the columns of an outcome."""
        codes = tuple(code for code, found in policy.verdicts.items() if found in self.verdicts)
        return (Condition("subject_kind", (policy.subject_kind,)), Condition("code", codes))


def one_of(column: str, *values: str, or_null: bool = False) -> Condition:
    """Rows whose column is one of the values.

    Examples
    --------
    >>> one_of("result", "failed", "abandoned").holds({"result": "failed"})
    True
    """
    return Condition(column, values, or_null)


def verdict(*names: str) -> Verdicts:
    """Outcomes with one of the verdicts, such as ``verdict("positive")`` for known fraud.

    Examples
    --------
    >>> from domain.labels import FRAUD_POLICY
    >>> verdict("positive").conditions(FRAUD_POLICY)[1].holds({"code": "confirmed_fraud"})
    True
    """
    return Verdicts(tuple(Verdict(name) for name in names))


REQUESTED = one_of("stage", "authorisation", or_null=True)
"""A payment when it is asked for: captures, reversals and refunds are no requests."""

SUBJECT_CONDITIONS: Mapping[str, tuple[Condition, ...]] = {"transaction": (REQUESTED,), "application": ()}
"""Kind of subject → which of its events are decided on."""
