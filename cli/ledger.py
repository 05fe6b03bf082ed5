"""``assay ledger``: check the chain of decisions, and anchor its head outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.door import FINDING
from cli.options import AS_JSON
from cli.session import session_of

ledger = typer.Typer(no_args_is_help=True, help="Check the chain of decisions; anchor its head outside.")


@ledger.command()
def verify(
    context: typer.Context,
    anchor: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Heads anchored before; without them a cut-off end is not seen.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Tell edits, deletions, reordering and truncation of the decisions, and of what people did about them.

    Exit code 1 when something is wrong.

      assay ledger verify --anchor anchors.jsonl
    """
    import os

    from cli.screen import print_json, say
    from stores.acts import Acts
    from stores.keys import secret_key

    session = session_of(context)
    with session.database() as database:
        book = session.ledger(database)
        acts = Acts(database, secret_key(session.home.keys, "chain", os.environ))
        faults = [*book.verify(anchor), *acts.verify()]
        n_decisions, link = book.head()
        n_acts, _ = acts.head()
    if as_json:
        print_json(
            {"ok": not faults, "n_decisions": n_decisions, "n_acts": n_acts, "head": link.hex(), "faults": faults}
        )
    else:
        for fault in faults:
            say(fault, style="red")
        verdict = f"{len(faults)} faults" if faults else "every link holds"
        against = "" if anchor or faults else "; a cut-off end would only show against --anchor"
        say(f"{n_decisions:,} decisions, {n_acts:,} acts: {verdict}{against}")
    if faults:
        raise typer.Exit(FINDING)


@ledger.command(name="anchor")
def anchor_head(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Kept outside the home; one line is added.")],
) -> None:
    """Add the head of the chain to a file kept elsewhere.

    assay ledger anchor /mnt/worm/anchors.jsonl
    """
    from cli.screen import say

    session = session_of(context)
    with session.database() as database:
        n_link = session.ledger(database).anchor(file)
    say(f"anchored decision {n_link:,} in {file}")
