"""``assay features trace``: the very events behind a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from cli.door import FINDING
from cli.session import Session, session_of

if TYPE_CHECKING:
    from features.traced import Number, Trace
    from stores.database import Database
    from stores.ledger import Entry

_CONFIGS = {"transaction": "fraud", "application": "credit"}


def trace(
    context: typer.Context,
    feature: Annotated[str, typer.Option(metavar="NAME", help="The feature; `assay features list` names them.")],
    decision: Annotated[
        str | None, typer.Option(metavar="ID", help="The number that this decision was made on.")
    ] = None,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT_ID", help="A payment or application, decided on or not.")
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="NAME", help="Who sent the event, where several did.")] = None,
    config: Annotated[
        str | None, typer.Option(metavar="CONFIG", help="Features of an event without a decision; fraud or credit.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most the newest N events.")] = 30,
    unseen: Annotated[bool, typer.Option("--unseen", metavar="", help="List also the events it does not see.")] = False,
    as_json: Annotated[bool, typer.Option("--json", metavar="", help="Print JSON, with every event.")] = False,
) -> None:
    """List the events behind a feature of a decision, and what was left out and why.

    The number is computed again from exactly these events. Exit code 1 when it is not the one that was used.

      assay features trace --feature card_amount_mean_30d --decision 01JD3Z…
      assay features trace --feature card_count_1h --event p-1001 --json
    """
    from cli.screen import print_json

    session = session_of(context)
    with session.database() as database:
        found = _traced(session, database, feature, decision, event, client, config)
    if as_json:
        print_json(found.as_dict())
    else:
        _show(found, limit, unseen=unseen)
    if not found.proven:
        raise typer.Exit(FINDING)


def _traced(
    session: Session, database: Database, feature: str, decision: str | None, event: str | None, client: str | None,
    config: str | None,
) -> Trace:  # fmt: skip
    from cli.features import feature_set
    from domain.errors import DataError, InputError, expected_got
    from features.trace import trace as trace_feature

    if (decision is None) == (event is None):
        raise InputError(expected_got("--decision or --event", "both or neither", "assay features trace"))
    ledger, journal = session.ledger(database), session.journal(database)
    if decision is not None:
        entry = ledger.get(decision)
        if entry is None:
            raise DataError(expected_got("a decision of the ledger", decision, "--decision"))
        return _of_decision(session, database, entry, feature)
    assert event is not None  # noqa: S101 - for the type checker
    sent = [one for one in journal.find(event) if client in (None, one.client)]
    if len(sent) != 1:
        senders = sorted({one.client for one in sent})
        raise DataError(expected_got("one event of that id; name its sender with --client", senders, f"event {event}"))
    decided = ledger.by_event(sent[0].client, event)
    if decided is not None and config is None:
        return _of_decision(session, database, decided, feature)
    name = config or _CONFIGS.get(sent[0].kind)
    if name is None:
        raise DataError(expected_got("a payment or an application", sent[0].kind, f"event {event}"))
    chosen = feature_set(session, name, journal)
    return trace_feature(chosen, journal, session.platform(), sent[0].seq, feature)


def _of_decision(session: Session, database: Database, entry: Entry, feature: str) -> Trace:
    """The number as it was logged; as a replay gives it where the decision was made without features."""
    from domain.errors import DataError, expected_got
    from features.trace import trace as trace_feature
    from scoring.bundle import load_bundle
    from scoring.decide import NO_MODEL

    if entry.model == NO_MODEL:
        where = f"decision {entry.decision_id}"
        raise DataError(expected_got("a decision made with a model; try --event and --config", NO_MODEL, where))
    # The process traces and does nothing else: a damaged model may end it.
    bundle = load_bundle(session.home.bundles / entry.model, score_golden_in_child=False)
    logged: Mapping[str, Number] | None = None if entry.vector is None else bundle.encoder.named(entry.vector)
    journal = session.journal(database)
    return trace_feature(bundle.feature_set, journal, bundle.platform, entry.seq, feature, logged)


def _show(found: Trace, limit: int, *, unseen: bool, depth: int = 0) -> None:
    from cli.screen import out, say, table
    from domain.time import format_instant
    from features.trace import MOST_WITHOUT

    verdict = "the same bit for bit" if found.same else f"NOT the {found.expected!r} that was used"
    formula = f" = {found.expression}" if found.expression else ""
    say(f"{'  ' * depth}{found.feature}{formula} = {found.value!r}, {verdict}", style="" if found.same else "red")
    if depth == 0:
        say(f"request seq {found.seq}, {found.event_id}, at {format_instant(found.event_time)}")
    if found.window is not None and found.events is not None:
        edges = f"{format_instant(found.window.low)} <= event_time < {format_instant(found.window.high)}"
        who = "the request names none" if found.key is None else found.key
        seen = found.seen
        listed = found.events if unseen else seen
        title = f"{seen.num_rows:,} events of {found.entity} {who} within {edges}"
        if listed.num_rows > limit:
            title += f"; the newest {limit} shown"
        rows = [
            [row["seq"], row["event_id"], row["event_time"].isoformat(), row["value"], row["why"] or row["role"],
             row["without"]]
            for row in listed.slice(max(0, listed.num_rows - limit)).to_pylist()
        ]  # fmt: skip
        right = ["seq", "value", "without it"]
        out().print(table(title, ["seq", "event", "time", "value", "role", "without it"], rows, right=right))
        if found.unseen:
            told = ", ".join(f"{n:,} {why}" for why, n in found.unseen.items())
            say(f"not seen: {told}{'' if unseen else ' (--unseen lists them)'}")
        if seen.num_rows > MOST_WITHOUT:
            say(f"the number without each event is computed up to {MOST_WITHOUT} of them")
    for one in found.inputs:
        _show(one, limit, unseen=unseen, depth=depth + 1)
