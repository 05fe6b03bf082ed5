"""``assay alerts``: the decisions that wait for a person, what may be lost first."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.options import AS_JSON, UNTIL
from cli.session import session_of


def alerts(
    context: typer.Context,
    product: Annotated[Literal["payment", "loan"] | None, typer.Option(help="Only alerts of one product.")] = None,
    by: Annotated[
        Literal["loss", "sla", "age"], typer.Option(help="Order: expected loss, time promised, waiting time.")
    ] = "loss",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    until: UNTIL = None,
    as_json: AS_JSON = False,
) -> None:
    """List the alerts that nobody has disposed of, the largest expected loss first.

    Expected loss is the calibrated probability times the amount in the base currency, before recoveries; where no
    model gave a probability, the whole amount. Exit code 1 when one of them is overdue (configs/cases.yaml).

      assay alerts --product payment
      assay alerts --by sla
    """
    from cli.door import FINDING
    from cli.matter_books import case_settings
    from cli.screen import out, print_json, table
    from domain.money import Money
    from domain.time import format_instant, parse_instant, system_clock
    from monitoring.alert_queue import alert_queue
    from stores.waiting_alerts import waiting_alerts

    session = session_of(context)
    platform = session.platform()
    now = system_clock() if until is None else parse_instant(until, platform.time_zone)
    with session.database() as database:
        waiting = waiting_alerts(database, now, product)
        queued = alert_queue(waiting, session.journal(database), case_settings(session), platform.fx_table(), by)
    rows = [
        {
            "decision_id": each.alert.decision_id, "product": each.alert.product, "action": each.alert.action,
            "risk_grade": each.alert.risk_grade, "score": each.alert.score,
            "amount": None if each.amount is None else str(Money(each.amount, platform.base_currency)),
            "expected_loss":
                None if each.expected_loss is None else str(Money(round(each.expected_loss), platform.base_currency)),
            "opened_at": format_instant(each.alert.opened_at),
            "due_at": None if each.due_at is None else format_instant(each.due_at),
            "overdue": each.overdue(now),
        }
        for each in queued[:limit]
    ]  # fmt: skip
    n_overdue = sum(each.overdue(now) for each in queued)
    if as_json:
        print_json({"n": len(queued), "n_overdue": n_overdue, "alerts": rows})
    else:
        columns = ["decision_id", "action", "risk_grade", "score", "amount", "expected_loss", "due_at", "overdue"]
        title = f"{len(queued)} alerts, {n_overdue} overdue"
        cells = [[row[name] for name in columns] for row in rows]
        out().print(table(title, columns, cells, right=["score", "amount", "expected_loss"]))
    if n_overdue:
        raise typer.Exit(FINDING)
