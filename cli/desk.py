"""``assay desk``: tickets of the service desk, from the call to the follow-up."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.matter_commands import ID, NOTE, REASON, add_common, escalate_late, rate_matter, step_of, told
from cli.options import AS_JSON
from cli.session import session_of

desk = typer.Typer(no_args_is_help=True, help="Service desk: tickets with a first owner, clocks and follow-up.")

add_common(desk, "ticket", "desk", "tickets")


@desk.command("open")
def open_(
    context: typer.Context,
    ticket_class: Annotated[str, typer.Option("--class", metavar="CLASS", help="A class of configs/desk.yaml.")],
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Who asks; only a token is kept.")] = None,
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="How it came in.")] = None,
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Open a ticket; it is sent to the agent of its class who has the fewest.

    assay desk open --class hotline --customer c-17 --text "where is my refund"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            made = books.tickets().open(
                ticket_class, at=system_clock(), actor=session.actor, people=books.people(customer), channel=channel,
                text=books.sealed(text),
            )  # fmt: skip
        told(made, books, as_json)


@desk.command("answer")
def answer(
    context: typer.Context,
    ticket_id: ID,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was answered; - reads it from standard input.")],
    as_json: AS_JSON = False,
) -> None:
    """Note that the customer has an answer; the first one stops the clock of the first answer.

    assay desk answer ticket-1 "the refund was booked today"
    """
    step_of(context, ticket_id, "ticket", "answered", text=text, as_json=as_json)


@desk.command("close")
def close(
    context: typer.Context,
    ticket_id: ID,
    resolved: Annotated[bool, typer.Option("--resolved/--unresolved", help="Whether the customer was helped.")],
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Close a ticket; its owner does, and a follow-up is promised from now on.

    assay desk close ticket-1 --resolved
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            made = books.tickets().close(
                ticket_id, at=system_clock(), actor=session.actor, resolved=resolved, text=books.sealed(text)
            )
        told(made, books, as_json)


@desk.command("reopen")
def reopen(context: typer.Context, ticket_id: ID, reason: REASON, as_json: AS_JSON = False) -> None:
    """Work on a closed ticket again, under a new promise.

    assay desk reopen ticket-1 --reason "the refund did not arrive"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            said = books.sealed(reason)
            made = books.tickets().reopen(ticket_id, at=system_clock(), actor=session.actor, reason=said)
        told(made, books, as_json)


@desk.command("escalate")
def escalate(
    context: typer.Context,
    ticket_id: Annotated[str | None, typer.Argument(metavar="ID", help="A ticket; all that are long late.")] = None,
    reason: REASON = "asked for",
    as_json: AS_JSON = False,
) -> None:
    """Make a general ticket a major one, which the lead takes; without an id all whose promise has long been broken.

    Exit code 1 when late ones were found.

      assay desk escalate ticket-1 --reason "second call today"
      assay desk escalate
    """
    from cli.matter_books import desk_settings, matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        if ticket_id is None:
            escalate_late(books, "ticket", desk_settings(session).escalate_after, as_json)
            return
        with books.database.transaction():
            said = books.sealed(reason) or ""
            made = books.tickets().escalate(ticket_id, at=system_clock(), actor=session.actor, reason=said)
        told(made, books, as_json)


@desk.command("follow-up")
def follow_up(
    context: typer.Context,
    ticket_id: ID,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was said; - reads it from standard input.")],
    as_json: AS_JSON = False,
) -> None:
    """Note that the customer of a closed ticket was asked again.

    assay desk follow-up ticket-1 "content, refund arrived"
    """
    step_of(context, ticket_id, "ticket", "followed_up", text=text, as_json=as_json)


@desk.command("review")
def review(
    context: typer.Context,
    ticket_id: ID,
    agrees: Annotated[bool, typer.Option("--agree/--disagree", help="Whether it was handled well.")],
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Review a closed ticket a second time; never by who closed it.

    assay desk review ticket-1 --agree
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            made = books.tickets().review(
                ticket_id, at=system_clock(), actor=session.actor, agrees=agrees, text=books.sealed(text)
            )
        told(made, books, as_json)


@desk.command("rate")
def rate(
    context: typer.Context,
    ticket_id: ID,
    score: Annotated[int, typer.Option(min=1, max=5, help="How content the customer is: 1 not at all, 5 fully.")],
    as_json: AS_JSON = False,
) -> None:
    """Note how content the customer is with a closed ticket.

    assay desk rate ticket-1 --score 4
    """
    rate_matter(context, ticket_id, "ticket", score, as_json)
