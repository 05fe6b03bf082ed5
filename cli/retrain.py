"""``assay retrain``: from evidence to a request, and from a request to a challenger; never to a champion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AS_JSON, OVERRIDES
from cli.session import Session, session_of

if TYPE_CHECKING:
    from stores.retraining import Request


def retrain(
    context: typer.Context,
    what: Annotated[
        str | None, typer.Argument(metavar="MODEL|REQUEST", help="With --ask a model (fraud); else a request's id.")
    ] = None,
    ask: Annotated[
        str | None, typer.Option("--ask", metavar="WHY", help="Write a request down, with its evidence.")
    ] = None,
    close: Annotated[str | None, typer.Option("--close", metavar="WHY", help="Turn a request down.")] = None,
    listed: Annotated[bool, typer.Option("--list", metavar="", help="Show every request.")] = False,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who asks or closes; the actor by default.")] = None,
    last: Annotated[str, typer.Option(metavar="DURATION", help="The period the evidence is of.")] = "30d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Its end; now by default.")] = None,
    overrides: OVERRIDES = None,
    as_json: AS_JSON = False,
) -> None:
    """Ask for a model to be trained again, with evidence; turn a request into a challenger.

    A request is signed and keeps drift, realised and estimated performance, age and open breaches as they were. What
    comes of it is a challenger: `assay review` and `assay promote` are other people's work.

      assay retrain fraud --ask "the score drifts since March"
      assay retrain --list
      assay retrain 3fb2a1
    """
    import os

    from cli.screen import print_json, say
    from domain.errors import InputError, expected_got
    from domain.time import system_clock
    from stores.retraining import CLOSED, Retraining

    session = session_of(context)
    requests = Retraining.open(session.home, os.environ, system_clock)
    if listed == (what is not None) or (ask is not None and close is not None):
        raise InputError(expected_got("a model with --ask, a request, or --list alone", what, "assay retrain"))
    if listed or what is None:
        found = requests.all()
        if as_json:
            print_json([as_dict(each) for each in found])
        else:
            show(found)
        return
    if ask is not None:
        done = requests.ask(what, by or session.actor, ask, gather(session, what, last, until))
    elif close is not None:
        said = {"why": close, "by": by or session.actor}
        done = requests.settle(what, CLOSED, said)
    else:
        done = train_again(session, requests.find(what), overrides)
    if as_json:
        print_json(as_dict(done))
        return
    show([done])
    if done.state == "open":
        say(f"next: assay retrain {done.id}")
    elif done.state == "trained":
        say(f"next: assay review {done.model}, then assay promote {done.model} --approver NAME")


def gather(session: Session, model: str, last: str, until: str | None) -> dict[str, Any]:
    """The evidence about a model's product.

    Raises
    ------
    ModelError
        When no bundle of the product is deployed.
    """
    from cli.oversight import period_of
    from domain.errors import ModelError, expected_got
    from monitoring.oversight.look import Look
    from monitoring.retraining import evidence_for
    from monitoring.settings import MonitoringSettings
    from scoring.bundle import load_bundle
    from scoring.policy import POLICY_FILES
    from scoring.policy_settings import PolicySettings
    from stores.bundles import pointed
    from stores.settings_files import load_settings
    from training.settings import read_training_settings

    product = read_training_settings(session.config(model)).product
    digest = pointed(session.home.pointers, product.value)
    if digest is None:
        where = str(session.home.pointers)
        raise ModelError(expected_got(f"a deployed {product.value} model (`assay deploy`)", None, where))
    settings = load_settings(session.configs / "monitoring.yaml", MonitoringSettings)
    policy = load_settings(session.configs / "policy" / POLICY_FILES[product], PolicySettings)
    bundle = load_bundle(session.home.bundles / digest, score_golden_in_child=False)
    period = period_of(session, None, until, last)
    with session.database() as database:
        look = Look(
            session.home, session.configs, session.platform(), database, session.journal(database),
            session.ledger(database), *period,
        )  # fmt: skip
        return evidence_for(look, product, bundle, policy, settings)


def train_again(session: Session, request: Request, overrides: Path | None) -> Request:
    """Train the challenger that a request asks for, and write down which it is.

    Raises
    ------
    DataError
        When the request is not open.
    """
    import os

    from cli.screen import progress
    from cli.train import train_challenger
    from domain.errors import DataError, expected_got
    from domain.time import system_clock
    from stores.retraining import OPEN, TRAINED, Retraining
    from training.settings import read_training_settings
    from training.tracking import Tracker

    if request.state != OPEN:
        raise DataError(expected_got("an open request", f"{request.id}, {request.state}", "assay retrain"))
    settings = read_training_settings(session.config(request.model), overrides)
    tracker = Tracker.open(session.home, os.environ)
    with progress(f"retrain {settings.name}") as bar:
        trained = train_challenger(session, settings, tracker, bar)
    tracker.note(settings.name, trained.version, {"retraining_request": request.id})
    outcome = {
        "model": trained.name, "version": trained.version, "bundle": trained.bundle_hash, "by": session.actor,
    }  # fmt: skip
    return Retraining.open(session.home, os.environ, system_clock).settle(request.id, TRAINED, outcome)


def as_dict(request: Request) -> dict[str, Any]:
    """A request as JSON."""
    from dataclasses import asdict

    return asdict(request)


def show(requests: list[Request]) -> None:
    """Requests as a table."""
    from cli.screen import out, say, table

    if not requests:
        say("no request")
        return
    rows = []
    for each in requests:
        evidence, age = each.evidence, each.evidence.get("age_days")
        came = "" if each.outcome is None else str(each.outcome.get("version") or each.outcome.get("why", ""))
        rows.append(
            [each.id, each.model, each.state, each.by, each.at[:10], each.why, len(evidence.get("drift", ())),
             "—" if age is None else age, len(evidence.get("open_breaches", ())), came]
        )  # fmt: skip
    columns = ["id", "model", "state", "by", "asked", "why", "drifting", "age, days", "breaches", "outcome"]
    out().print(table("retraining requests", columns, rows, right=["drifting", "age, days", "breaches"]))
