"""``assay promote``: the gates, a reviewer's verdict and a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of

if TYPE_CHECKING:
    from training.gates.settings import GateSettings


def promote(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="fraud or credit.")],
    approver: Annotated[str, typer.Option(metavar="NAME", help="Who approves; never the one who trained.")],
    version: Annotated[str, typer.Option(metavar="VERSION", help="A number or an alias.")] = "challenger",
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Overrule a gate that is not firm; the reason is recorded.")
    ] = None,
    as_json: AS_JSON = False,
) -> None:
    """Make a version the champion, if every gate holds; the former champion is kept as previous.

    It needs a reviewer's valid verdict (`assay review`) and an approver who did not train it. What every gate found
    is recorded either way. Limits and their sources: configs/gates.yaml. Exit code 4 when a gate does not hold: the
    champion stays.

      assay review fraud --verdict approve --reviewer zhang
      assay promote fraud --approver wang
    """
    import os

    from cli.screen import out, print_json, say, table
    from domain.time import system_clock
    from training.promotion import promote as approve
    from training.review_log import ReviewLog
    from training.tracking import Tracker

    session = session_of(context)
    tracker = Tracker.open(session.home, os.environ)
    promoted = approve(
        tracker, name, approver=approver, reviews=ReviewLog.open(session.home, os.environ, system_clock),
        limits=gate_settings(session), clock=system_clock, version=version, force_reason=force,
    )  # fmt: skip
    if as_json:
        print_json(promoted.as_dict())
        return
    rows = [
        [gate.name, gate.verdict.value if gate.holds else f"{gate.verdict.value}, overruled", gate.value, gate.limit]
        for gate in promoted.gates
    ]
    out().print(table(f"gates of {name} version {promoted.version}", ["gate", "verdict", "value", "limit"], rows))
    say(f"{name} version {promoted.version} is champion, approved by {promoted.approver} (unverified)")
    say(f"next: assay deploy {name}")


def gate_settings(session: Session) -> GateSettings:
    """``gates.yaml`` of the configs folder."""
    from stores.settings_files import load_settings
    from training.gates.settings import GateSettings

    return load_settings(session.configs / "gates.yaml", GateSettings)
