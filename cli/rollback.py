"""``assay rollback``: the previous champion again."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AS_JSON
from cli.session import session_of


def rollback(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="fraud or credit.")],
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who decides; recorded as unverified.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; recorded on both versions.")],
    as_json: AS_JSON = False,
) -> None:
    """Make the previous champion the champion again; the one that was withdrawn needs a new verdict to come back.

    Nothing of the present champion is read, so a damaged one is no hindrance. `assay deploy` then points the
    service back.

      assay rollback fraud --approver wang --reason "declines doubled overnight"
    """
    import os
    from dataclasses import asdict

    from cli.screen import print_json, say
    from domain.time import system_clock
    from training.rollback import rollback as go_back
    from training.tracking import Tracker

    tracker = Tracker.open(session_of(context).home, os.environ)
    done = go_back(tracker, name, approver=approver, reason=reason, clock=system_clock)
    if as_json:
        print_json(asdict(done))
        return
    withdrawn = "" if done.withdrawn is None else f", version {done.withdrawn} is withdrawn"
    say(f"{name} version {done.version} is champion again{withdrawn}, decided by {done.approver} (unverified)")
    say(f"next: assay deploy {name}")
