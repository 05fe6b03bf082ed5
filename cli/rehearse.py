"""``assay rehearse``: what the deployed model and policy would have decided on simulated traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON, SINCE, UNTIL
from cli.session import Session, session_of

if TYPE_CHECKING:
    from domain.decision import Product
    from features.replay import Progress
    from monitoring.desk_rehearsal import DeskRehearsed
    from monitoring.rehearsal import Rehearsed


def rehearse(
    context: typer.Context,
    product: Annotated[
        Literal["payment", "loan", "desk"],
        typer.Argument(metavar="payment|loan|desk", help="Whose requests; desk: the complaints."),
    ],
    since: SINCE = None,
    until: UNTIL = None,
    as_json: AS_JSON = False,
) -> None:
    """Write decisions on simulated requests to the ledger, as if each had been asked when it arrived.

    For homes filled by `assay simulate`: what looks back then has something to look at. Requests that were decided on
    are left alone, and so are those of every client but the simulator. The period ends with the newest request.
    The desk takes in and answers every complaint of the journal up to the end, staffed for twice its usual load.

      assay rehearse payment --since 2026-04-01
      assay rehearse loan --since 2026-04-01 --until 2026-05-01
      assay rehearse desk --until 2026-05-01
    """
    from cli.screen import print_json, progress, say
    from domain.decision import Product
    from domain.time import parse_instant, system_clock

    session = session_of(context)
    zone = session.platform().time_zone
    start = 0 if since is None else parse_instant(since, zone)
    end = 2**62 if until is None else parse_instant(until, zone)
    if product == "desk":
        _say_desk(desk_rehearsed(session, system_clock() if until is None else end), as_json)
        return
    with progress(f"rehearse {product}") as bar:
        made = rehearsed(session, Product(product), start, end, bar.steps)
    if as_json:
        print_json({"n": made.n, "n_refused": made.n_refused, "actions": dict(made.actions)})
    else:
        told = ", ".join(f"{count:,} {action}" for action, count in sorted(made.actions.items()))
        say(f"{made.n:,} decisions{f': {told}' if told else ''}; {made.n_refused:,} requests could not be decided on")


def rehearsed(session: Session, product: Product, since: int, until: int, progress: Progress) -> Rehearsed:
    """Decide with what is deployed and with the policy and lists of the configs.

    Raises
    ------
    ModelError
        When no bundle is deployed.
    """
    from data.simulator.load import CLIENT
    from domain.errors import ModelError, expected_got
    from monitoring.rehearsal import rehearse as decide
    from scoring.bundle import load_bundle
    from scoring.lists import Lists
    from scoring.policy import POLICY_FILES, load_policy
    from scoring.reasons import ReasonBook
    from stores.bundles import pointed
    from stores.settings_files import load_settings

    digest = pointed(session.home.pointers, product.value)
    if digest is None:
        where = str(session.home.pointers)
        raise ModelError(expected_got(f"a deployed {product.value} model (`assay deploy`)", None, where))
    # Deployment proved it in a process of its own, and every byte is verified again here.
    bundle = load_bundle(session.home.bundles / digest, score_golden_in_child=False)
    platform, folder = session.platform(), session.configs / "policy"
    book = load_settings(session.configs / "reasons" / f"{product.value}.yaml", ReasonBook)
    policy = load_policy(folder / POLICY_FILES[product], book, platform, bundle.encoder.names)
    lists = Lists.load(folder / "lists.yaml")
    with session.database() as database:
        return decide(
            product, bundle, policy, lists, session.journal(database), session.ledger(database), platform,
            client=CLIENT, since=since, until=until, progress=progress,
        )  # fmt: skip


def desk_rehearsed(session: Session, until: int) -> DeskRehearsed:
    """Work on every complaint of the journal known before ``until`` (µs UTC)."""
    import os

    from cli.matter_books import complaint_settings
    from monitoring.desk_rehearsal import rehearse_desk
    from stores.acts import Acts
    from stores.keys import secret_key

    with session.database() as database:
        acts = Acts(database, secret_key(session.home.keys, "chain", os.environ))
        journal, ledger = session.journal(database), session.ledger(database)
        return rehearse_desk(journal, ledger, acts, complaint_settings(session), until=until)


def _say_desk(made: DeskRehearsed, as_json: bool) -> None:
    from dataclasses import asdict

    from cli.screen import print_json, say

    if as_json:
        print_json(asdict(made))
    else:
        say(
            f"{made.n_taken:,} complaints taken in, {made.n_answered:,} answered and {made.n_settled:,} settled "
            f"by a desk of {made.a_day} a day"
        )
