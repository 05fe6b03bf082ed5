"""``assay lists``: block, allow and watch lists, each change proposed by one and approved by another."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import AS_JSON
from cli.policy import APPROVER, CHANGE, PROPOSER, WHY
from cli.session import Session, session_of

if TYPE_CHECKING:
    from scoring.changes import Changes
    from scoring.list_files import Merged
    from scoring.lists import ListSettings

lists = typer.Typer(
    no_args_is_help=True, help="Lists: show, export, add, remove, import, propose, approve, reject, history."
)

LIST = Annotated[Literal["block", "allow", "watch"], typer.Argument(metavar="block|allow|watch", help="Which list.")]
NAMESPACE = Annotated[str, typer.Argument(metavar="NAMESPACE", help="person, card, account, device, ip, merchant, …")]
WHOM = Annotated[str, typer.Argument(metavar="IDENTIFIER", help="As it comes in; - reads it from standard input.")]
TOKEN = Annotated[bool, typer.Option("--token", metavar="", help="It is a token of this home already.")]
EXPIRES = Annotated[str, typer.Option(metavar="TIME", help="When it ends: 90d, or an ISO 8601 time.")]


@lists.command()
def show(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", metavar="", help="Also those that have ended.")] = False,
    as_json: AS_JSON = False,
) -> None:
    """The entries in force, with owner, reason, source and end.

    assay lists show
    """
    from cli.screen import out, print_json, say, table
    from domain.time import system_clock
    from scoring.list_files import FIELDS, as_rows, without_ended

    session = session_of(context)
    whole = in_force(session)
    kept = whole if every else without_ended(whole, system_clock())
    rows = as_rows(kept.entries)
    if as_json:
        print_json({"version": whole.version, "entries": rows})
        return
    out().print(table(f"lists {whole.version}", list(FIELDS), [[row[name] for name in FIELDS] for row in rows]))
    say(f"{len(whole.entries) - len(kept.entries)} have ended and mean nothing any more")


@lists.command()
def export(
    context: typer.Context,
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="Of the file.")] = "csv",
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="By default standard output.")] = None,
    every: Annotated[bool, typer.Option("--all", metavar="", help="Also those that have ended.")] = False,
) -> None:
    """Write the entries in force. People stand in it as tokens of this home: only merchants, terminals and bins say
    anything to another institution.

      assay lists export --format json --to lists.json
    """
    import json

    from domain.time import system_clock
    from scoring.list_files import as_csv, as_rows, without_ended

    whole = in_force(session_of(context))
    entries = (whole if every else without_ended(whole, system_clock())).entries
    text = as_csv(entries) if form == "csv" else json.dumps(as_rows(entries), ensure_ascii=False, indent=1) + "\n"
    if to is None:
        sys.stdout.write(text)
    else:
        to.write_text(text, encoding="utf-8")


@lists.command()
def add(
    context: typer.Context,
    on: LIST,
    namespace: NAMESPACE,
    whom: WHOM,
    owner: Annotated[str, typer.Option(metavar="NAME", help="Who answers for the entry.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Of the entry, such as a case; also of the change.")],
    expires: EXPIRES,
    token: TOKEN = False,
    by: PROPOSER = None,
    as_json: AS_JSON = False,
) -> None:
    """Propose an entry; an entity that is on the list already is renewed.

    assay lists add block card - --owner "fraud desk" --reason "stolen, case 1234" --expires 90d
    """
    row = {
        "list": on, "namespace": namespace, "owner": owner, "reason": reason,
        "token" if token else "identifier": _read(whom), "expires_at": _end(session_of(context), expires),
    }  # fmt: skip
    _propose_rows(session_of(context), [row], {}, "assay lists add", reason, by, as_json)


@lists.command()
def remove(
    context: typer.Context,
    on: LIST,
    namespace: NAMESPACE,
    whom: WHOM,
    why: WHY,
    token: TOKEN = False,
    by: PROPOSER = None,
    as_json: AS_JSON = False,
) -> None:
    """Propose to take an entry away.

    assay lists remove block card - --why "card was found, case 1234 closed"
    """
    from serving.list_changes import removed

    session = session_of(context)
    row = {"list": on, "namespace": namespace, "token" if token else "identifier": _read(whom)}
    with session.database(create=True) as database:
        gone = removed([row], session.vault(database))
    with _record(session) as record:
        merged = _merged(session, record, remove=gone)
        _propose(session, record, merged, why, by, as_json)


@lists.command(name="import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or JSON; see docs/policy.md for its columns.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="Which institution told it.")],
    why: WHY,
    on: Annotated[
        Literal["block", "allow", "watch"] | None, typer.Option("--list", help="For rows that do not say.")
    ] = None,
    namespace: Annotated[str | None, typer.Option(metavar="NAME", help="For rows that do not say.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="For rows that do not say.")] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="For rows that do not say: 90d, or a time.")
    ] = None,
    by: PROPOSER = None,
    as_json: AS_JSON = False,
) -> None:
    """Propose entries that another institution has told. Identifiers become tokens on the way in; none is kept.

    assay lists import shared.csv --source "Bank of Jiangnan" --list watch --owner desk --expires 180d --why "exchange"
    """
    from scoring.list_files import read_rows

    session = session_of(context)
    shared = {"list": on, "namespace": namespace, "owner": owner, "source": source}
    if expires is not None:
        shared["expires_at"] = _end(session, expires)
    given = {name: value for name, value in shared.items() if value is not None}
    rows = read_rows(file)
    _propose_rows(session, rows, {**given, "reason": why}, str(file), why, by, as_json)


@lists.command()
def propose(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The lists as they should be, as configs/policy/lists.yaml.")
    ],
    why: WHY,
    by: PROPOSER = None,
    as_json: AS_JSON = False,
) -> None:
    """Propose a whole file of lists.

    assay lists propose configs/policy/lists.yaml --why "as reviewed in November"
    """
    from cli.changes import show_proposed
    from scoring.changes import Subject
    from scoring.lists import Lists

    session = session_of(context)
    made = Lists.load(file)
    with _record(session, create=True) as record:
        change = record.propose(
            Subject.LISTS, made.content, by=session.actor if by is None else by, why=why,
            summary=f"{made.settings.version}, {len(made.settings.entries)} entries",
        )  # fmt: skip
    show_proposed(change, as_json)


@lists.command()
def approve(
    context: typer.Context,
    change: CHANGE,
    approver: APPROVER,
    why: Annotated[str, typer.Option(metavar="TEXT", help="Said with the approval.")] = "",
    as_json: AS_JSON = False,
) -> None:
    """Put proposed lists in force; a running service follows without a restart.

    assay lists approve C4 --approver wang
    """
    from cli.changes import decide
    from scoring.changes import Subject

    decide(session_of(context), change, [Subject.LISTS], approve=True, by=approver, why=why, as_json=as_json)


@lists.command()
def reject(
    context: typer.Context,
    change: CHANGE,
    why: WHY,
    by: Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who rejects; the actor by default.")] = None,
    as_json: AS_JSON = False,
) -> None:
    """Close a proposed change of the lists.

    assay lists reject C4 --why "no case behind it"
    """
    from cli.changes import decide
    from scoring.changes import Subject

    session = session_of(context)
    named = session.actor if by is None else by
    decide(session, change, [Subject.LISTS], approve=False, by=named, why=why, as_json=as_json)


@lists.command()
def history(
    context: typer.Context,
    usage: Annotated[
        bool, typer.Option("--usage", metavar="", help="Also which lists decisions cite, and who approved them.")
    ] = False,
    as_json: AS_JSON = False,
) -> None:
    """Every change of the lists: who proposed, who approved, when and why.

    assay lists history
    """
    from cli.changes import show_history
    from scoring.changes import Subject

    show_history(session_of(context), [Subject.LISTS], usage=usage, as_json=as_json)


def in_force(session: Session) -> ListSettings:
    """The lists that a service of this home decides with."""
    from cli.changes import approval_of, file_of
    from scoring.changes import Subject
    from serving.list_changes import in_force as lists_in_force

    with _record(session) as record:
        return lists_in_force(record, file_of(session, Subject.LISTS), approval_of(session))


def _record(session: Session, *, create: bool = False) -> AbstractContextManager[Changes]:
    from cli.changes import record_of

    return record_of(session, create=create)


def _merged(session: Session, record: Changes, **changes: object) -> Merged:
    from cli.changes import approval_of, file_of
    from domain.time import system_clock
    from scoring.changes import Subject
    from serving.list_changes import merged

    path = file_of(session, Subject.LISTS)
    return merged(record, path, approval_of(session), system_clock(), **changes)  # type: ignore[arg-type]  # add or remove


def _propose_rows(
    session: Session,
    rows: list[dict[str, str]],
    shared: dict[str, str],
    where: str,
    why: str,
    by: str | None,
    as_json: bool,
) -> None:
    from domain.errors import InputError
    from domain.time import system_clock
    from scoring.list_files import entries_of

    with session.database(create=True) as database:
        entries = entries_of(rows, shared, session.vault(database).tokens, where)
    now = system_clock()
    alive = [entry for entry in entries if entry.expires_at > now]
    if not alive:
        raise InputError(f"{where}: expected an entry that ends after now, got {len(entries)} that have ended")
    if len(alive) < len(entries):
        from cli.screen import err

        err().print(f"{len(entries) - len(alive)} entries have ended already and are left out", highlight=False)
    with _record(session, create=True) as record:
        _propose(session, record, _merged(session, record, add=alive), why, by, as_json)


def _propose(session: Session, record: Changes, merged: Merged, why: str, by: str | None, as_json: bool) -> None:
    from cli.changes import show_proposed
    from scoring.changes import Subject
    from scoring.lists import Lists

    content = Lists(merged.settings).content
    named = session.actor if by is None else by
    show_proposed(record.propose(Subject.LISTS, content, by=named, why=why, summary=merged.summary), as_json)


def _read(whom: str) -> str:
    return sys.stdin.readline().strip() if whom == "-" else whom


def _end(session: Session, expires: str) -> str:
    from domain.errors import InputError
    from domain.time import format_instant, parse_duration, parse_instant, system_clock

    try:
        return format_instant(system_clock() + parse_duration(expires))
    except InputError:
        return format_instant(parse_instant(expires, session.platform().time_zone))
