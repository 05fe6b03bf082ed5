"""``assay deploy``: the champion's bundle into the home, and the pointer that serving reads."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AS_JSON
from cli.session import session_of


def deploy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="fraud or credit.")],
    bento: Annotated[
        bool, typer.Option("--bento", metavar="", help="Also into BentoML's model store, for `bentoml build`.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Copy the champion's bundle into the home, verify it there, and point the service at it.

    A running service takes it up within a second, without a restart.

      assay deploy fraud
    """
    import os
    from dataclasses import asdict

    from cli.screen import print_json, say
    from domain.time import system_clock
    from training.registry import deploy as install
    from training.tracking import Tracker

    session = session_of(context)
    deployed = install(Tracker.open(session.home, os.environ), name, session.home, clock=system_clock, bento=bento)
    if as_json:
        print_json(asdict(deployed))
        return
    say(f"{deployed.product} is served by {name} version {deployed.version}, bundle {deployed.bundle}")
    say(f"in {deployed.folder}" + (f"; BentoML model {deployed.bento_tag}" if deployed.bento_tag else ""))
