"""Money that should not meet: commingling with the platform's own, and loans that finance themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from monitoring.funds.reconcile import Reconciliation
from stores.statements import StatementLine

What = Literal["commingling", "self_financed_loan", "self_financed_repayment"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A line of the statement that somebody has to explain.

    Parameters
    ----------
    minor : above zero came in, below went out. event_id : our event that it was matched with, if any.
    """

    what: What
    day: str
    bank_ref: str
    minor: int
    event_id: str | None


def flags(
    found: Reconciliation,
    lines: Sequence[StatementLine],
    *,
    own: Collection[str],
    related: Collection[str],
    fee_prefix: str,
) -> tuple[Flag, ...]:
    """Lines that touch the platform's own or its affiliates' accounts.

    Parameters
    ----------
    own, related : tokens of accounts. A line of an own account is commingling unless it pays out a declared fee; one
        that was matched with a loan or a repayment is self-financing, whosever of the two the account is.
    """
    by_line: Mapping[str, tuple[str, str]] = {each.bank_ref: (each.event_id, each.kind) for each in found.matched}
    told = []
    for line in lines:
        other = line.counterparty
        if other is None or (other not in own and other not in related):
            continue
        event, kind = by_line.get(line.bank_ref, (None, ""))
        if kind in ("loan", "repayment"):
            what: What = "self_financed_loan" if kind == "loan" else "self_financed_repayment"
            told.append(Flag(what, line.booked_on, line.bank_ref, line.minor, event))
        elif other in own and not (line.minor < 0 and (line.our_ref or "").startswith(fee_prefix)):
            told.append(Flag("commingling", line.booked_on, line.bank_ref, line.minor, event))
    return tuple(told)
