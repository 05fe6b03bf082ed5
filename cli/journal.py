"""``assay journal``: what has been written to the journal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of


def journal(
    context: typer.Context,
    verify: Annotated[bool, typer.Option("--verify", metavar="", help="Check the files against their hashes.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """Count the events of the journal by kind.

    With --verify every Parquet segment is hashed; exit code 1 when one is missing or altered.

      assay journal
      assay journal --verify --json
    """
    from cli.screen import out, print_json, say, table

    session = session_of(context)
    with session.database() as database:
        events = session.journal(database)
        kinds, last = events.kinds(), events.last_seq()
        (n_quarantined,) = database.one("SELECT count(*) FROM quarantine")
        faults = events.verify() if verify else []
    if as_json:
        found = {"last_seq": last, "kinds": kinds, "n_quarantined": n_quarantined}
        print_json({**found, "faults": faults} if verify else found)
    else:
        rows = [*kinds.items(), ("all", sum(kinds.values()))]
        out().print(table(f"journal of {session.root}", ["kind", "events"], rows, right=["events"]))
        if n_quarantined:
            say(f"{n_quarantined:,} events are quarantined: further ahead of the clock than allowed")
        for fault in faults:
            say(fault, style="red")
    if faults:
        raise typer.Exit(FINDING)
