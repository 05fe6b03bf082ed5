"""``assay labels``: outcomes that are held back before they become labels, and rulings on them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    import numpy as np

    from scoring.label_intake import Held
    from stores.database import Database


def labels(
    context: typer.Context,
    product: Annotated[Literal["payment", "loan"], typer.Argument(metavar="payment|loan", help="Whose outcomes.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it stood at this ISO 8601 time; now by default.")
    ] = None,
    ruling: Annotated[
        Literal["release", "refuse"] | None, typer.Option("--rule", help="Let held outcomes in, or keep them out.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only outcomes of this source.")] = None,
    client: Annotated[str | None, typer.Option(metavar="NAME", help="Only outcomes of this client.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who rules; the actor by default.")] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    as_json: AS_JSON = False,
) -> None:
    """Show outcomes that were told as their source never told before; rule on them by name.

    Training does not learn from held outcomes, and `assay promote` refuses a model that was trained while some waited.
    Rules of the intake: configs/labels.yaml. Exit code 1 while some wait for a ruling.

      assay labels payment
      assay labels payment --rule refuse --source analyst --by wang --reason "the account was taken over"
    """
    from cli.screen import out, print_json, say, table
    from domain.time import format_instant

    session = session_of(context)
    with session.database() as database:
        held = held_labels(session, database, product, as_of)
        if ruling is not None:
            rule(session, database, held, ruling, chosen(held, source, client), by or session.actor, reason)
            held = held_labels(session, database, product, as_of)
    found = held.table()
    found = found.assign(**{name: found[name].map(format_instant) for name in ("first", "last")})
    if as_json:
        rows = found.to_dict("records")
        print_json({"n_outcomes": held.n_outcomes, "n_held": len(held.seq), "n_waiting": held.n_open, "held": rows})
    else:
        columns = ["source", "client", "reason", "outcomes", "first", "last"]
        out().print(table("held outcomes", columns, list(found.itertuples(index=False)), right=["outcomes"]))
        say(f"{held.n_outcomes:,} outcomes, {len(held.seq)} held back, {held.n_open} of them wait for a ruling")
    if held.n_open:
        raise typer.Exit(FINDING)


def held_labels(session: Session, database: Database, product: str, as_of: str | None) -> Held:
    """What is held of a product's outcomes."""
    from cli.watch import instant
    from domain.labels import CREDIT_POLICY, FRAUD_POLICY
    from scoring.label_intake import LabelIntake, hold
    from stores.label_rulings import LabelRulings
    from stores.settings_files import load_settings

    rules = load_settings(session.configs / "labels.yaml", LabelIntake)
    policy = FRAUD_POLICY if product == "payment" else CREDIT_POLICY
    outcomes = session.journal(database).read("outcome")
    return hold(
        outcomes, policy, rules, as_of=instant(session, as_of), rulings=LabelRulings(database).newest()
    )  # fmt: skip


def chosen(held: Held, source: str | None, client: str | None) -> np.ndarray:
    """Held outcomes of a source and client, those without a ruling."""
    import numpy as np

    from scoring.label_intake import REFUSED

    mine = [
        reason != REFUSED and source in (None, of) and client in (None, by)
        for reason, of, by in zip(held.reason, held.source, held.client, strict=True)
    ]
    found: np.ndarray = held.seq[np.asarray(mine, dtype=bool)]
    return found


def rule(
    session: Session, database: Database, held: Held, ruling: str, seqs: np.ndarray, by: str, reason: str
) -> None:  # fmt: skip
    """Write a ruling on some held outcomes.

    Raises
    ------
    InputError
        When none of them is held, or nobody or no reason is named.
    """
    from domain.errors import InputError, expected_got
    from domain.time import system_clock
    from scoring.label_intake import REFUSED, RELEASED
    from stores.label_rulings import LabelRulings

    if not len(seqs):
        raise InputError(expected_got("held outcomes of this source and client", f"{len(held.seq)} others", "labels"))
    word = RELEASED if ruling == "release" else REFUSED
    LabelRulings(database).rule([int(seq) for seq in seqs], word, by, reason, system_clock())
