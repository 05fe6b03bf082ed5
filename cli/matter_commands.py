"""The commands that cases, complaints and tickets have in common, said once and given to each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON
from cli.session import session_of

if TYPE_CHECKING:
    from domain.matters import Matter

ID = Annotated[str, typer.Argument(metavar="ID", help="Such as case-1, complaint-12, ticket-3.")]
NOTE = Annotated[str | None, typer.Option(metavar="TEXT", help="Kept encrypted; - reads it from standard input.")]
REASON = Annotated[str, typer.Option(metavar="TEXT", help="Why; kept encrypted in the history.")]


def add_common(app: typer.Typer, kind: str, command: str, plural: str) -> None:
    """Give an app ``list``, ``show``, ``assign`` and ``note`` for its kind of matter."""

    @app.command("list", help=f"List {plural}, those due soonest first.\n\nassay {command} list --overdue")
    def list_all(
        context: typer.Context,
        state: Annotated[
            Literal["open", "working", "proposed", "closed"] | None, typer.Option(help="Only those in this state.")
        ] = None,
        owner: Annotated[str | None, typer.Option(metavar="NAME", help="Only those of one person.")] = None,
        overdue: Annotated[
            bool, typer.Option("--overdue", metavar="", help="Only those with a broken promise.")
        ] = False,
        as_json: AS_JSON = False,
    ) -> None:
        from cli.matter_books import as_row, matter_books, show_list
        from cli.screen import print_json
        from domain.matters import MatterKind
        from domain.time import system_clock

        now = system_clock()
        with matter_books(session_of(context)) as books:
            rows = [as_row(each, now) for each in books.matters.of(MatterKind(kind))]
        rows = [
            row
            for row in rows
            if state in (None, row["state"]) and owner in (None, row["owner"]) and (row["overdue"] or not overdue)
        ]
        rows.sort(key=lambda row: (row["due_at"] is None, row["due_at"]))
        if as_json:
            print_json(rows)
        else:
            show_list(plural, rows)

    @app.command("show", help=f"Show a {kind} with its clocks and its whole history.\n\nassay {command} show {kind}-1")
    def show_one(context: typer.Context, matter_id: ID, as_json: AS_JSON = False) -> None:
        from cli.matter_books import matter_books
        from domain.matters import MatterKind

        with matter_books(session_of(context)) as books:
            told(books.matters.get(matter_id, MatterKind(kind)), books, as_json)

    @app.command(
        "assign",
        help=f"Take a {kind}, or hand it over; the first who takes it stays responsible until then.\n\n"
        f"assay {command} assign {kind}-1 --to lin",
    )
    def assign(
        context: typer.Context,
        matter_id: ID,
        to: Annotated[str | None, typer.Option(metavar="NAME", help="Who is responsible from now on; you.")] = None,
        as_json: AS_JSON = False,
    ) -> None:
        from cli.matter_books import matter_books
        from domain.matters import MatterKind, MatterState, Step
        from domain.time import system_clock

        session = session_of(context)
        name = session.actor if to is None else to
        with matter_books(session) as books:
            with books.database.transaction():
                taken = (
                    name == session.actor and books.matters.get(matter_id, MatterKind(kind)).state is MatterState.OPEN
                )
                step, body = (Step.TAKEN, {}) if taken else (Step.HANDED_OVER, {"to": name})
                made = books.matters.append_within(matter_id, step, at=system_clock(), actor=session.actor, body=body)
            told(made, books, as_json)

    @app.command("note", help=f"Add a note to a {kind}; it is kept encrypted.\n\nassay {command} note {kind}-1 TEXT")
    def note(
        context: typer.Context,
        matter_id: ID,
        text: Annotated[str, typer.Argument(metavar="TEXT", help="What to note; - reads it from standard input.")],
        as_json: AS_JSON = False,
    ) -> None:
        step_of(context, matter_id, kind, "noted", text=text, as_json=as_json)


def step_of(
    context: typer.Context, matter_id: str, kind: str, step: str, *, text: str | None = None, as_json: bool = False
) -> None:
    """Append one plain step with what somebody wrote."""
    from cli.matter_books import matter_books
    from domain.matters import MatterKind, Step
    from domain.time import system_clock

    session = session_of(context)
    with matter_books(session) as books:
        with books.database.transaction():
            body = {"text": books.sealed(text)}
            books.matters.get(matter_id, MatterKind(kind))
            made = books.matters.append_within(matter_id, Step(step), at=system_clock(), actor=session.actor, body=body)
        told(made, books, as_json)


def told(matter: Matter, books: object, as_json: bool) -> None:
    """Show a matter, or print it as JSON."""
    from cli.matter_books import MatterBooks, as_history, show
    from cli.screen import print_json
    from domain.time import system_clock

    assert isinstance(books, MatterBooks)  # noqa: S101 - for the type checker; the class is imported only here
    if as_json:
        print_json(as_history(matter, books, system_clock()))
    else:
        show(matter, books, system_clock())


def escalate_late(books: object, kind: str, grace: int, as_json: bool) -> None:
    """Escalate every general matter of a kind that is late by more than ``grace``; exit code 1 when there were any."""
    from cli.door import FINDING
    from cli.matter_books import MatterBooks
    from cli.screen import print_json, say
    from domain.matters import MatterKind, Step
    from domain.time import system_clock
    from stores.tickets import late_general

    assert isinstance(books, MatterBooks)  # noqa: S101 - for the type checker; the class is imported only here
    now = system_clock()
    with books.database.transaction():
        late = late_general(books.matters.of(MatterKind(kind)), now, grace)
        for matter in late:
            if kind == "ticket":
                books.tickets().escalate(matter.matter_id, at=now, actor=books.session.actor, reason="overdue")
            else:
                body = {"level": "major", "reason": "overdue"}
                books.matters.append_within(
                    matter.matter_id, Step.ESCALATED, at=now, actor=books.session.actor, body=body
                )
    if as_json:
        print_json([each.matter_id for each in late])
    else:
        say(f"{len(late)} escalated" + "".join(f", {each.matter_id}" for each in late))
    if late:
        raise typer.Exit(FINDING)


def rate_matter(context: typer.Context, matter_id: str, kind: str, score: int, as_json: bool) -> None:
    """Note the satisfaction with a closed matter."""
    from cli.matter_books import matter_books
    from domain.matters import MatterKind
    from domain.time import system_clock
    from stores.tickets import rate as rate_within

    session = session_of(context)
    with matter_books(session) as books:
        books.matters.get(matter_id, MatterKind(kind))
        with books.database.transaction():
            made = rate_within(books.matters, matter_id, score=score, at=system_clock(), actor=session.actor)
        told(made, books, as_json)
