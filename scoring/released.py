"""Outcomes as whatever learns or measures by labels reads them: without those that the intake holds back."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from domain.labels import LabelPolicy
from scoring.label_intake import Held, LabelIntake, hold
from stores.journal import Journal
from stores.label_rulings import LabelRulings


@dataclass(frozen=True)
class Outcomes:
    """What may be learnt from, and what was held back; ``held`` is None where no rules of intake were given."""

    table: pa.Table
    held: Held | None

    @property
    def held_seqs(self) -> list[int]:
        """``seq`` of each outcome that was held back."""
        return [] if self.held is None else [int(seq) for seq in self.held.seq]

    @property
    def tag(self) -> dict[str, str]:
        """Tag of a version: how many outcomes were held back without a ruling; none without rules."""
        return {} if self.held is None else {HELD: str(self.held.n_open)}


HELD = "labels_held"
"""Version tag read by the gate on labels."""


def read_outcomes(
    journal: Journal,
    policy: LabelPolicy,
    rules: LabelIntake | None,
    *,
    upto: int | None = None,
    as_of: int | None = None,
) -> Outcomes:
    """Outcomes with ``seq <= upto`` that are not held.

    Parameters
    ----------
    rules : of the intake; nothing is held without. as_of : µs UTC; what is held is what was held then.
    """
    table = journal.read("outcome", upto=upto)
    if rules is None:
        return Outcomes(table, None)
    held = hold(table, policy, rules, as_of=as_of, rulings=LabelRulings(journal.database).newest())
    return Outcomes(held.without(table), held)
