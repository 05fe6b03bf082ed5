"""``assay challenger``: what a bundle in the shadow would have said, against the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON, AS_OF
from cli.policy_what_if import CONFIG, LAST, SINCE, UNTIL, config_of, known_by, period_of, prices_of, say_held, told
from cli.session import Session, session_of

if TYPE_CHECKING:
    from monitoring.challenger import Contest

challenger = typer.Typer(no_args_is_help=True, help="Champion and challenger: compare, status.")

PRODUCT = Annotated[Literal["payment", "loan"], typer.Argument(metavar="payment|loan", help="What is decided on.")]


@challenger.command()
def compare(
    context: typer.Context,
    product: PRODUCT,
    last: LAST = None,
    since: SINCE = None,
    until: UNTIL = None,
    as_of: AS_OF = None,
    model: Annotated[
        str | None, typer.Option(metavar="HASH", help="A bundle that was in the shadow, or the canary, before.")
    ] = None,
    canary: Annotated[
        bool, typer.Option("--canary", help="Compare the canary's decisions on its own customers instead.")
    ] = False,
    config: CONFIG = None,
    as_json: AS_JSON = False,
) -> None:
    """Compare the shadow's scores with the champion's on the same decisions, by mature labels.

    AUC, average precision, alerts, value caught and cost of both, and their paired differences, with 95 % intervals
    over days. What the champion stopped has no label and is counted apart; outcomes that are held back (`assay labels`)
    say nothing here either. Labels are as known now, also of a period that ended long ago, or as of --as-of.

    With --canary: rates of actions, of fraud, of value caught and lost, and cost per decision of the canary and of the
    champion in the same time, each on its own customers, and their unpaired differences, with 95 % intervals over
    customers.

      assay challenger compare payment --last 30d
      assay challenger compare payment --last 30d --canary
    """
    from cli.canary_trial import look_trial, show_trial
    from cli.screen import print_json

    session = session_of(context)
    start, end = period_of(session, last, since, until)
    known = known_by(session, as_of)
    if canary:
        beside = look_trial(session, product, start, end, known, model, config)
        if as_json:
            print_json(beside.as_dict())
        else:
            show_trial(beside)
        return
    found = look_compare(session, product, start, end, known, model, config)
    if as_json:
        print_json(found.as_dict())
    else:
        show_contest(found)


@challenger.command()
def status(context: typer.Context, product: PRODUCT, as_json: AS_JSON = False) -> None:
    """What is deployed as champion, canary and shadow, and how much each shadow has scored and skipped.

    assay challenger status payment
    """
    from cli.screen import out, print_json, say, table
    from domain.decision import Product
    from serving.deployments import pointer_of
    from stores.bundles import pointed, previous
    from stores.shadow import ShadowStore

    session = session_of(context)
    pointers = session.home.pointers
    named = {role: pointed(pointers, pointer_of(Product(product), role)) for role in ("champion", "canary", "shadow")}
    named["previous"] = previous(pointers, product)
    scored: list[dict[str, object]] = []
    if session.home.shadow.is_file():
        store = ShadowStore(session.home.shadow)
        for model, n in store.models(product).items():
            scored.append({"model": model, "scored": n, "skipped": store.skipped(model)})
        store.close()
    if as_json:
        print_json({"product": product, **named, "shadows": scored})
        return
    for role, digest in named.items():
        say(f"{role}: {digest or 'none'}")
    rows = [
        [each["model"], each["scored"], ", ".join(f"{n:,} {why}" for why, n in each["skipped"].items())]  # type: ignore[attr-defined]
        for each in scored
    ]
    out().print(table("scored in the shadow", ["model", "scored", "skipped"], rows, right=["scored"]))


def look_compare(
    session: Session, product: str, since: int, until: int, as_of: int, model: str | None, config: str | None
) -> Contest:
    """The comparison on the decisions of ``[since, until)`` by the labels known by ``as_of``, µs UTC.

    Raises
    ------
    DataError
        When nothing was ever scored in the shadow.
    """
    from domain.decision import Product
    from domain.errors import DataError, expected_got
    from domain.labels import LABEL_POLICIES
    from monitoring.challenger import contest
    from scoring.released import read_outcomes
    from stores.shadow import ShadowStore

    where = str(session.home.shadow)
    if not session.home.shadow.is_file():
        raise DataError(expected_got("scores of a shadow (`assay deploy NAME --as shadow`)", "none", where))
    training = config_of(session, product, config)
    store = ShadowStore(session.home.shadow)
    try:
        known = list(store.models(product))
        chosen = model or (known[-1] if known else None)
        if chosen is None or chosen not in known:
            raise DataError(expected_got(f"a shadow of {product} that has scored, out of {known}", chosen, where))
        shadow, skipped = store.read(chosen, since=since, until=until), store.skipped(chosen)
    finally:
        store.close()
    with session.database() as database:
        decisions = session.ledger(database).read(product, since=since, until=until)
        journal, labels = session.journal(database), LABEL_POLICIES[training.label_policy]
        outcomes = read_outcomes(journal, labels, session.label_rules(), as_of=as_of)
        return contest(
            Product(product), decisions, shadow, journal, outcomes, skipped=skipped, labels=labels,
            maturity=training.maturity.after, as_of=as_of, since=since,
            until=until, platform=session.platform(), prices=prices_of(training),
        )  # fmt: skip


def show_contest(found: Contest) -> None:
    """The comparison as tables."""
    from cli.screen import out, say, table

    sides = ("champion", "challenger", "change")
    names = [name.removeprefix("champion_") for name in found.figures if name.startswith("champion_")]
    rows = [[name.replace("_", " "), *(told(found.figures.get(f"{side}_{name}")) for side in sides)] for name in names]
    of = f"{found.n:,} of {found.n_decided:,} {found.product} decisions"
    title = f"{of} on {found.n_days} days, money in {found.currency}"
    out().print(table(title, ["", "champion", f"challenger {found.challenger[:12]}…", "difference"], rows))
    columns = list(found.matrix)
    cells = [[then, *(line[now] for now in columns)] for then, line in found.matrix.items()]
    out().print(table("action of the champion (down), challenger (across)", ["", *columns], cells, right=columns))
    labels = ", ".join(f"{n:,} {name}" for name, n in found.labels.items() if n)
    say(f"labels of what was not stopped, known by {found.labels_as_of}: {labels}")
    say_held(found.labels_held)
    say(f"stopped by the champion: {found.blocked['n']:,} ({found.blocked['share']:.1%}); no figure counts them")
    say(f"a shadow score took {found.took_us['p50']:,.0f} µs, {found.took_us['p99']:,.0f} µs at the 99th percentile")
    say("skipped: " + (", ".join(f"{n:,} {why}" for why, n in found.skipped.items()) or "none"))
    for name, why in found.not_assessed.items():
        say(f"not assessed: {name.replace('_', ' ')}: {why}")
    if len(found.champions) > 1:
        by = ", ".join(f"{n:,} {model[:12]}…" for model, n in found.champions.items())
        say(f"decided by {len(found.champions)} bundles: {by}")
