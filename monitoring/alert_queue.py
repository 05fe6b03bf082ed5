"""The queue of alerts: what is likely to be lost first, then what is promised soonest, then what waits longest.

    expected loss = calibrated probability × amount in the base currency at the rate known then

Where no model gave a probability the whole amount counts: what nothing is known of must not wait behind what is known.
Losses are before recoveries: loss given default is an assumption of the credit book, not of the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError
from domain.money import FxTable
from stores.journal import Journal
from stores.matter_settings import CaseSettings
from stores.waiting_alerts import WaitingAlert

Order = Literal["loss", "sla", "age"]
_KINDS = {"payment": "transaction", "loan": "application"}


@dataclass(frozen=True, slots=True)
class Queued:
    """An alert with what it may cost and when somebody must have looked.

    Parameters
    ----------
    amount : minor units of the base currency, None when no rate was known. expected_loss : likewise.
    due_at : until when somebody takes it, µs UTC, None where nothing is promised.
    """

    alert: WaitingAlert
    amount: int | None
    expected_loss: float | None
    due_at: int | None

    def overdue(self, now: int) -> bool:
        """Whether the promise is broken."""
        return self.due_at is not None and now > self.due_at


def alert_queue(
    alerts: Iterable[WaitingAlert], journal: Journal, settings: CaseSettings, fx: FxTable, order: Order = "loss"
) -> list[Queued]:
    """The alerts in the order they are to be worked on.

    Parameters
    ----------
    order : ``loss`` as above; ``sla`` by due time first; ``age`` by waiting time first.
    """
    waiting = list(alerts)
    amounts = {
        product: _amounts(journal, kind, [each.seq for each in waiting if each.product == product], fx)
        for product, kind in _KINDS.items()
    }
    queued = []
    for alert in waiting:
        amount = amounts[alert.product].get(alert.seq)
        chance = 1.0 if alert.score is None else alert.score
        due = settings.due(alert.product, alert.opened_at, only="pick_up").get("pick_up")
        queued.append(Queued(alert, amount, None if amount is None else chance * amount, due))
    return sorted(queued, key=lambda each: _place(each, order))


def _place(queued: Queued, order: Order) -> tuple[object, ...]:
    # What could not be valued stands before all that could: somebody has to look why.
    loss = float("-inf") if queued.expected_loss is None else -queued.expected_loss
    due = 2**62 if queued.due_at is None else queued.due_at
    age, name = queued.alert.opened_at, queued.alert.decision_id
    return {"loss": (loss, due, age, name), "sla": (due, loss, age, name), "age": (age, loss, due, name)}[order]


def _amounts(journal: Journal, kind: str, seqs: list[int], fx: FxTable) -> dict[int, int]:
    """``seq`` → amount in minor units of the base currency; without those that no rate was known for."""
    if not seqs:
        return {}
    columns = ["seq", "event_time", "amount", "currency"]
    table = journal.read(kind, after=min(seqs) - 1, upto=max(seqs), columns=columns)
    table = table.filter(pc.is_in(table["seq"], pa.array(seqs, pa.int64())))
    amounts = {}
    for row in table.to_pylist():
        try:
            amounts[row["seq"]] = fx.to_base(row["amount"], row["currency"], row["event_time"])
        except DataError:
            continue
    return amounts
