"""The checks in the order in which they are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from training.intake.adversarial import adversarial
from training.intake.calendar_columns import calendar_columns
from training.intake.duplicates import duplicates
from training.intake.finding import Finding
from training.intake.labels import label_sanity
from training.intake.late import late_columns
from training.intake.leaked import leaked_columns
from training.intake.permuted import permuted_labels
from training.intake.shape import constant_columns, id_columns, sentinel_values, stored_oddly
from training.intake.synthetic import synthetic_columns
from training.intake.table import Audited
from training.intake.units import unit_drift


@dataclass(frozen=True)
class Check:
    """One question put to a table.

    Parameters
    ----------
    name : of its findings, and in waivers. asks : the question.
    """

    name: str
    asks: str
    run: Callable[[Audited], list[Finding]]


CHECKS: tuple[Check, ...] = (
    Check("leaked_column", "does one column give the target away", leaked_columns),
    Check("late_column", "was a column recorded after the decision", late_columns),
    Check("label_sanity", "can the labels be what they claim", label_sanity),
    Check("unit_drift", "does a scale jump between periods", unit_drift),
    Check("duplicates", "does the test hold rows that training has seen", duplicates),
    Check("permuted_labels", "does a model beat chance on shuffled labels", permuted_labels),
    Check("adversarial", "can training and test rows be told apart", adversarial),
    Check("synthetic_column", "does a column look made by a formula", synthetic_columns),
    Check("calendar_column", "does a column tell the day and not the row", calendar_columns),
    Check("constant_column", "is there something to learn from", constant_columns),
    Check("id_column", "does a column name single rows", id_columns),
    Check("mixed_types", "is a column stored as what it holds", stored_oddly),
    Check("sentinel_value", "does a number mean missing", sentinel_values),
)
"""One line each; a finding's ``check`` is one of these names."""

CHECK_NAMES: tuple[str, ...] = tuple(check.name for check in CHECKS)
