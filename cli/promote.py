"""``assay promote``: the gates, and a second person."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.session import session_of


def promote(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="fraud or credit.")],
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who approves; never the one who trained.")],
    version: Annotated[str, typer.Option(metavar="VERSION", help="A number or an alias.")] = "challenger",
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Overrule a gate that is not firm; the reason is recorded.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print JSON.")] = False,
) -> None:
    """Make a version the champion, if every gate holds; the former champion is kept as previous.

    Exit code 4 when a gate fails: the champion stays.

      assay promote fraud --approver wang
    """
    import os
    from dataclasses import asdict

    from cli.screen import out, print_json, say, table
    from domain.time import system_clock
    from training.registry import promote as approve
    from training.tracking import Tracker

    session = session_of(context)
    tracker = Tracker.open(session.home, os.environ)
    promoted = approve(tracker, name, approver=approver, clock=system_clock, version=version, force_reason=force)
    if as_json:
        print_json(asdict(promoted))
        return
    rows = [[gate.name, "passed" if gate.passed else "overruled", gate.value] for gate in promoted.gates]
    out().print(table(f"gates of {name} version {promoted.version}", ["gate", "verdict", "value"], rows))
    say(f"{name} version {promoted.version} is champion, approved by {promoted.approver} (unverified)")
    say(f"next: assay deploy {name}")
