"""``assay replay``: recompute recorded decisions bit for bit."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of


def replay(
    context: typer.Context,
    decision_ids: Annotated[list[str], typer.Argument(metavar="DECISION_ID…", help="One or more decisions.")],
    as_json: AS_JSON = False,
) -> None:
    """Recompute decisions from ledger, journal and bundle, and compare them bit for bit.

    Exit code 1 when one came out different.

      assay replay 01JD3Z…
    """
    from cli.screen import print_json, say
    from scoring.replay import Replayer

    session = session_of(context)
    with session.database() as database:
        replayer = Replayer(session.ledger(database), session.journal(database), session.home.bundles)
        replayed = [(decision_id, *replayer.replay(decision_id)) for decision_id in decision_ids]
    if as_json:
        print_json(
            [
                {"decision_id": decision_id, "same": same, "expected": expected.decode(), "got": got.decode()}
                for decision_id, same, expected, got in replayed
            ]
        )
    else:
        for decision_id, same, expected, got in replayed:
            say(f"{decision_id}: {'the same, bit for bit' if same else 'different'}")
            if not same:
                say(f"  expected {expected.decode()}\n  got      {got.decode()}")
    if not all(same for _, same, _, _ in replayed):
        raise typer.Exit(FINDING)
