"""``assay deploy``: a bundle into the home, and the pointer that serving reads: champion, canary or shadow."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.options import AS_JSON
from cli.session import Session, session_of


def deploy(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="fraud or credit.")],
    role: Annotated[
        Literal["champion", "canary", "shadow"],
        typer.Option("--as", help="Decides; decides on a share of customers; only scores."),
    ] = "champion",
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="For a canary or shadow; the challenger by default.")
    ] = None,
    stop: Annotated[
        Literal["canary", "shadow"] | None, typer.Option(help="Take a canary or shadow away; nothing is installed.")
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", metavar="", help="The bundle that served before, at once; MLflow is not asked.")
    ] = False,
    bento: Annotated[
        bool, typer.Option("--bento", metavar="", help="Also into BentoML's model store, for `bentoml build`.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Copy a bundle into the home, verify it there, and point the service at it.

    A running service takes it up within a second, without a restart. A canary needs a reviewer's approval as a
    promotion does (`assay review`).

      assay deploy fraud
      assay deploy fraud --as shadow
      assay deploy fraud --as canary --version 4
      assay deploy fraud --stop canary
      assay deploy fraud --back
    """
    import os
    from dataclasses import asdict

    from cli.screen import print_json, say
    from domain.errors import InputError, expected_got
    from domain.time import system_clock
    from training.registry import deploy as install
    from training.review_log import ReviewLog
    from training.tracking import Tracker

    session = session_of(context)
    if stop is not None and back:
        raise InputError(expected_got("--stop or --back", "both", "assay deploy"))
    if stop is not None or back:
        _flip(session, name, stop, as_json)
        return
    deployed = install(
        Tracker.open(session.home, os.environ), name, session.home, clock=system_clock, bento=bento, role=role,
        version=version, reviews=ReviewLog.open(session.home, os.environ, system_clock),
    )  # fmt: skip
    if as_json:
        print_json(asdict(deployed))
        return
    verb = {"champion": "is served by", "canary": "has as its canary", "shadow": "has in its shadow"}[role]
    say(f"{deployed.product} {verb} {name} version {deployed.version}, bundle {deployed.bundle}")
    say(f"in {deployed.folder}" + (f"; BentoML model {deployed.bento_tag}" if deployed.bento_tag else ""))


def _flip(session: Session, name: str, stop: str | None, as_json: bool) -> None:
    """Take a pointer away, or point back at what served before."""
    from cli.screen import print_json, say
    from domain.errors import ModelError, expected_got
    from domain.time import system_clock
    from stores.bundles import point, previous, unpoint, verify_files
    from training.settings import read_training_settings

    product = read_training_settings(session.config(name)).product.value
    pointers = session.home.pointers
    if stop is not None:
        gone = unpoint(pointers, f"{product}.{stop}")
        if as_json:
            print_json({"product": product, "stopped": stop, "was_there": gone})
        else:
            say(f"{product} has no {stop} any more" if gone else f"{product} had no {stop}")
        return
    before = previous(pointers, product)
    if before is None:
        raise ModelError(expected_got(f"a bundle that served {product} before", None, str(pointers)))
    verify_files(session.home.bundles / before)
    point(pointers, product, before, system_clock())
    if as_json:
        print_json({"product": product, "bundle": before})
    else:
        say(f"{product} is served by bundle {before} again; the registry is untouched: see assay rollback {name}")
