"""``assay cases``: decisions gathered, worked on, and closed with a finding that becomes an outcome."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.matter_commands import ID, NOTE, REASON, add_common, told
from cli.options import AS_JSON
from cli.session import session_of
from domain.findings import Finding

cases = typer.Typer(no_args_is_help=True, help="Cases: gather decisions, work on them, close them with a finding.")

add_common(cases, "case", "cases", "cases")

FINDING = Annotated[Finding, typer.Option(help="What the decisions were.")]


@cases.command("open")
def open_(
    context: typer.Context,
    decisions: Annotated[list[str], typer.Argument(metavar="DECISION_ID...", help="Decisions of one product.")],
    with_linked: Annotated[
        bool, typer.Option("--with-linked", metavar="", help="Take linked decisions in that are in no open case.")
    ] = False,
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Open a case; decisions that share a card, device or payee with its first are found and kept with it.

    assay cases open DECISION_ID --with-linked
    """
    from cli.matter_books import case_settings, matter_books
    from domain.errors import InputError, expected_got
    from domain.matters import MatterKind, MatterState
    from domain.time import system_clock
    from monitoring.entity_links import linked_decisions

    session = session_of(context)
    now = system_clock()
    with matter_books(session) as books:
        entry = books.ledger.get(decisions[0])
        if entry is None:
            raise InputError(expected_got("a decision of the ledger", decisions[0], "assay cases open"))
        links = linked_decisions(entry, books.journal, books.ledger, case_settings(session), now + 1)
        with books.database.transaction():
            busy = {
                link.decision_id
                for link in links
                for matter in books.matters.about(link.decision_id)
                if matter.kind is MatterKind.CASE and matter.state is not MatterState.CLOSED
            }
            more = [link.decision_id for link in links if with_linked and link.decision_id not in busy]
            made = books.cases().open(
                [*decisions, *more], at=now, actor=session.actor, text=books.sealed(text),
                linked={link.decision_id: ", ".join(link.columns) for link in links},
            )  # fmt: skip
        told(made, books, as_json)


@cases.command("link")
def link(
    context: typer.Context,
    case_id: ID,
    decisions: Annotated[list[str], typer.Argument(metavar="DECISION_ID...", help="Decisions of the same product.")],
    as_json: AS_JSON = False,
) -> None:
    """Take more decisions into a case.

    assay cases link case-1 DECISION_ID
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            made = books.cases().link(case_id, decisions, at=system_clock(), actor=session.actor)
        told(made, books, as_json)


@cases.command("close")
def close(
    context: typer.Context,
    case_id: ID,
    finding: Annotated[Finding | None, typer.Option(help="What the decisions were.")] = None,
    but: Annotated[
        list[str] | None, typer.Option(metavar="DECISION_ID=FINDING", help="One that was something else; repeatable.")
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", metavar="", help="Close it as somebody else has proposed.")
    ] = False,
    send_back: Annotated[
        str | None, typer.Option("--return", metavar="REASON", help="Send a proposed case back to who works on it.")
    ] = None,
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Close a case with a finding: an outcome for each of its decisions, in the same transaction.

    Where two must agree (configs/cases.yaml) the case is proposed, and another person confirms it or sends it back.

      assay cases close case-1 --finding fraud
      assay cases close case-1 --confirm --actor wang
    """
    from cli.matter_books import matter_books
    from cli.screen import say
    from domain.errors import InputError, expected_got
    from domain.matters import MatterState, Step
    from domain.time import system_clock

    session = session_of(context)
    if [finding is not None, confirm, send_back is not None].count(True) != 1:
        raise InputError(expected_got("one of --finding, --confirm, --return", case_id, "assay cases close"))
    with matter_books(session) as books:
        with books.database.transaction():
            cases_, at, who = books.cases(), system_clock(), session.actor
            if finding is not None:
                made = cases_.close(case_id, finding, at=at, actor=who, but=_but(but), text=books.sealed(text))
            elif confirm:
                made = cases_.confirm(case_id, at=at, actor=who, text=books.sealed(text))
            else:
                body = {"reason": books.sealed(send_back)}
                made = books.matters.append_within(case_id, Step.RETURNED, at=at, actor=who, body=body)
        told(made, books, as_json)
    if made.state is MatterState.PROPOSED and not as_json:
        say(f"two must agree: assay cases close {case_id} --confirm --actor SOMEBODY_ELSE")


@cases.command("correct")
def correct(context: typer.Context, case_id: ID, finding: FINDING, reason: REASON, as_json: AS_JSON = False) -> None:
    """Say that a closed case was something else: a correcting outcome; what was said before stays in the history.

    assay cases correct case-1 --finding genuine --reason "the card holder called back"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            said = books.sealed(reason) or ""
            made = books.cases().correct(case_id, finding, at=system_clock(), actor=session.actor, reason=said)
        told(made, books, as_json)


@cases.command("reopen")
def reopen(context: typer.Context, case_id: ID, reason: REASON, as_json: AS_JSON = False) -> None:
    """Work on a closed case again, under a new promise.

    assay cases reopen case-1 --reason "a second card turned up"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            said = books.sealed(reason) or ""
            made = books.cases().reopen(case_id, at=system_clock(), actor=session.actor, reason=said)
        told(made, books, as_json)


def _but(given: list[str] | None) -> dict[str, Finding]:
    from domain.errors import InputError, expected_got

    found = {}
    for each in given or ():
        decision_id, _, finding = each.rpartition("=")
        if finding not in set(Finding) or not decision_id:
            raise InputError(expected_got(f"DECISION_ID=FINDING, out of {', '.join(Finding)}", each, "--but"))
        found[decision_id] = Finding(finding)
    return found
