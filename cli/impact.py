"""``assay impact``: what a model version decided between two times."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AS_JSON, SINCE, UNTIL
from cli.session import Session, session_of

if TYPE_CHECKING:
    from domain.decision import Product
    from monitoring.impact import Impact

_HASH = re.compile(r"[0-9a-f]{8,64}")


def impact(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL_OR_BUNDLE", help="fraud, credit@champion, fraud@3, or digits of a bundle.")
    ],
    since: SINCE = None,
    until: UNTIL = None,
    ids: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the decision ids here, one a line.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Show what a model decided between two times: actions, grades, amounts, people, and what became known since.

    A model is its champion unless a version is named; "none" are the decisions without any model. Exit code 1 when
    it decided nothing.

      assay impact fraud@3 --since 2026-04-01 --until 2026-04-08 --ids affected.txt
      assay impact 3f9c2a71
    """
    from cli.door import FINDING
    from cli.screen import print_json, say
    from domain.errors import InputError, expected_got
    from domain.time import EARLIEST, parse_instant, system_clock
    from monitoring.impact import impact as look

    session = session_of(context)
    platform = session.platform()
    now = system_clock()
    start = EARLIEST if since is None else parse_instant(since, platform.time_zone)
    end = now if until is None else parse_instant(until, platform.time_zone)
    if start >= end:
        raise InputError(expected_got("--since before --until", f"{since} and {until or 'now'}", "assay impact"))
    bundle = bundle_of(session, model)
    with session.database() as database:
        found = look(
            bundle, session.journal(database), session.ledger(database), platform.fx_table(), maturities(session),
            since=start, until=end, known_until=now + 1, label_rules=session.label_rules(),
        )  # fmt: skip
    if ids is not None:
        ids.write_text("".join(f"{each}\n" for one in found for each in one.decision_ids), encoding="utf-8")
    if as_json:
        print_json({"bundle": bundle, "impact": [one.as_dict() for one in found]})
    else:
        for one in found:
            _show(one, platform.base_currency)
        if not found:
            say(f"{bundle} decided nothing in that time")
    if not found:
        raise typer.Exit(FINDING)


def bundle_of(session: Session, model: str) -> str:
    """The hash, or its first digits, of what was named; a model is asked for in the registry."""
    import os

    from scoring.decide import NO_MODEL
    from training.review_log import subject_of
    from training.tracking import CHAMPION, Tracker

    if model == NO_MODEL or _HASH.fullmatch(model):
        return model
    name, _, which = model.partition("@")
    return subject_of(Tracker.open(session.home, os.environ), name, which or CHAMPION).bundle


def maturities(session: Session) -> dict[Product, int]:
    """After which time silence says something: of the training configs of both products."""
    from domain.decision import Product
    from training.settings import read_training_settings

    configs = {Product.PAYMENT: "fraud", Product.LOAN: "credit"}
    return {each: read_training_settings(session.config(name)).maturity.after for each, name in configs.items()}


def _show(one: Impact, currency: str) -> None:
    from cli.policy_what_if import say_held
    from cli.screen import out, say, table
    from domain.money import Money
    from domain.time import format_duration

    say(f"bundle {one.model[:12]} on {one.product}s: {one.n:,} decisions, {one.n_degraded:,} of them degraded")
    rows = [
        [action, n, str(Money(one.amounts.get(action, 0), currency))] for action, n in sorted(one.by_action.items())
    ]
    out().print(table("by action", ["action", "n", "amount"], rows, right=["n", "amount"]))
    out().print(table("by grade", ["risk_grade", "n"], [list(each) for each in one.by_grade.items()], right=["n"]))
    title = f"what is known now (labels mature after {format_duration(one.maturity)})"
    out().print(table(title, ["label", "n"], [list(each) for each in one.labels.items()], right=["n"]))
    say_held(one.labels_held)
    say(f"{one.n_people:,} people by their tokens, {one.n_nameless:,} decisions without one")
    if one.n_unvalued:
        say(f"{one.n_unvalued:,} amounts could not be converted and are not counted")
