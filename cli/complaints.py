"""``assay complaints``: take complaints in, answer and settle them against a clock."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from cli.matter_commands import ID, NOTE, REASON, add_common, escalate_late, rate_matter, step_of, told
from cli.options import AS_JSON
from cli.session import session_of

complaints = typer.Typer(no_args_is_help=True, help="Complaints: intake, first answer, resolution, satisfaction.")

add_common(complaints, "complaint", "complaints", "complaints")

CLASS = Annotated[
    Literal["product", "service", "fraud_dispute", "credit_refusal", "other"],
    typer.Option("--class", help="What the complaint is about."),
]


@complaints.command("open")
def open_(
    context: typer.Context,
    complaint_class: CLASS,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT_ID", help="The payment or application complained of.")
    ] = None,
    customer: Annotated[str | None, typer.Option(metavar="ID", help="Who complains; only a token is kept.")] = None,
    borrower: Annotated[str | None, typer.Option(metavar="ID", help="Likewise, where a loan is meant.")] = None,
    channel: Annotated[str | None, typer.Option(metavar="CHANNEL", help="How it came in.")] = None,
    event_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Your own id; the same id again is the same complaint."),
    ] = None,
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Take a complaint in: an event in the journal, and the promises of its class begin to run.

    assay complaints open --class fraud_dispute --event pay-1001 --customer c-17 --text "I did not pay this"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    now = system_clock()
    with matter_books(session) as books:
        with books.database.transaction():
            made = books.complaints().open_complaint(
                complaint_class, at=now, actor=session.actor, client="desk", event_id=event_id or f"desk-{now}",
                people=books.people(customer, borrower), subject_event_id=event, channel=channel,
                text=books.sealed(text),
            )  # fmt: skip
        told(made, books, as_json)


@complaints.command("take-in")
def take_in(context: typer.Context, as_json: AS_JSON = False) -> None:
    """Take in the complaints that reached the journal by another way; their promises run since they were known.

    assay complaints take-in
    """
    from cli.matter_books import matter_books
    from cli.screen import print_json, say
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books, books.database.transaction():
        taken = books.complaints()
        made = [taken.take_in(event, actor=session.actor) for event in taken.untaken(system_clock() + 1)]
    if as_json:
        print_json([each.matter_id for each in made])
    else:
        say(f"{len(made)} complaints taken in")


@complaints.command("answer")
def answer(
    context: typer.Context,
    complaint_id: ID,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was answered; - reads it from standard input.")],
    as_json: AS_JSON = False,
) -> None:
    """Note that the customer has an answer; the first one stops the clock of the first answer.

    assay complaints answer complaint-1 "we are looking into it"
    """
    step_of(context, complaint_id, "complaint", "answered", text=text, as_json=as_json)


@complaints.command("close")
def close(
    context: typer.Context,
    complaint_id: ID,
    upheld: Annotated[bool, typer.Option("--upheld/--not-upheld", help="Whether the customer is right.")],
    code: Annotated[
        str | None, typer.Option(metavar="CODE", help="Outcome it becomes, where configs/complaints.yaml names none.")
    ] = None,
    text: NOTE = None,
    as_json: AS_JSON = False,
) -> None:
    """Settle a complaint; an upheld one becomes an outcome and opens the receipt of the decision again.

    The decision itself stays as it is in the ledger.

      assay complaints close complaint-1 --upheld
      assay complaints close complaint-2 --not-upheld --text "delivered and signed for"
    """
    from cli.matter_books import matter_books
    from cli.screen import say
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            made, receipt = books.complaints().settle(
                complaint_id, upheld=upheld, at=system_clock(), actor=session.actor, acts=books.acts, code=code,
                text=books.sealed(text),
            )  # fmt: skip
        told(made, books, as_json)
    if receipt is not None and not as_json:
        outcome = f"outcome {receipt.outcome_id}" if receipt.outcome_id else "no outcome"
        say(f"the receipt of decision {receipt.decision_id} is open again, {outcome}")


@complaints.command("reopen")
def reopen(context: typer.Context, complaint_id: ID, reason: REASON, as_json: AS_JSON = False) -> None:
    """Work on a settled complaint again, under a new promise.

    assay complaints reopen complaint-1 --reason "the customer sent a receipt"
    """
    from cli.matter_books import matter_books
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            said = books.sealed(reason)
            made = books.complaints().reopen(complaint_id, at=system_clock(), actor=session.actor, reason=said)
        told(made, books, as_json)


@complaints.command("rate")
def rate(
    context: typer.Context,
    complaint_id: ID,
    score: Annotated[int, typer.Option(min=1, max=5, help="How content the customer is: 1 not at all, 5 fully.")],
    as_json: AS_JSON = False,
) -> None:
    """Note how content the customer is with a settled complaint.

    assay complaints rate complaint-1 --score 4
    """
    rate_matter(context, complaint_id, "complaint", score, as_json)


@complaints.command("escalate")
def escalate(context: typer.Context, as_json: AS_JSON = False) -> None:
    """Make major ones of the complaints whose promise has long been broken (configs/complaints.yaml).

    Exit code 1 when there were any.

      assay complaints escalate
    """
    from cli.matter_books import complaint_settings, matter_books

    session = session_of(context)
    grace = complaint_settings(session).escalate_after
    with matter_books(session) as books:
        escalate_late(books, "complaint", grace, as_json)
