"""What `assay policy` and `assay lists` share: the record of changes, and how it is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cli.session import Session
    from scoring.changes import Change, Changes, Subject
    from serving.settings import Approval


@contextmanager
def record_of(session: Session, *, create: bool = False) -> Iterator[Changes]:
    """The home's record of changes while the block lasts; only what proposes makes a home."""
    from domain.time import system_clock
    from scoring.changes import Changes

    with session.database(create=create) as database:
        yield Changes.open(session.home, database, os.environ, system_clock)


def approval_of(session: Session) -> Approval:
    """Whether the service needs approvals, by its settings."""
    from serving.settings import ServingSettings
    from stores.settings_files import load_settings

    return load_settings(session.configs / "serving.yaml", ServingSettings).policy_approval


def file_of(session: Session, subject: Subject) -> Path:
    """The settings file of a subject."""
    from domain.decision import Product
    from scoring.changes import Subject
    from scoring.policy import POLICY_FILES

    name = "lists.yaml" if subject is Subject.LISTS else POLICY_FILES[Product(subject.value)]
    return session.configs / "policy" / name


def decide(
    session: Session, change: str, subjects: Sequence[Subject], *, approve: bool, by: str, why: str, as_json: bool
) -> None:
    """Approve or reject a change of one of some subjects, and tell."""
    from cli.screen import print_json, say
    from domain.errors import InputError, expected_got
    from serving.policies import file_hash

    with record_of(session) as record:
        found = next((each for each in record.all() if each.id == change.upper()), None)
        if found is not None and found.subject not in subjects:
            raise InputError(expected_got(f"a change of {', '.join(subjects)}", f"one of {found.subject}", change))
        if approve:
            path = file_of(session, subjects[0] if found is None else found.subject)
            done = record.approve(change, by=by, why=why, file=file_hash(path))
        else:
            done = record.reject(change, by=by, why=why)
    if as_json:
        print_json(asdict(done))
    else:
        say(f"{done.id} ({done.subject}) is {done.state.value}, proposed by {done.by}, decided by {done.decided_by}")
        if approve:
            say("names are unverified here; a running service follows within its reload_every")


def show_history(session: Session, subjects: Sequence[Subject], *, usage: bool, as_json: bool) -> None:
    """Every change of some subjects, and which content is in force."""
    from cli.screen import out, print_json, say, table
    from scoring.changes import newest
    from serving.policies import approved_counts

    with record_of(session) as record:
        known = [each for each in record.all() if each.subject in subjects]
        used = {each.content: (0, "", "") for each in known}
        if usage:
            with session.database() as database:
                used = usage_of(database, subjects)
    approval = approval_of(session)
    standing: dict[str, str] = {}
    for subject in subjects:
        change = newest(known, subject)
        path = file_of(session, subject)
        by_change = change is not None and approved_counts(change, path, approval)
        standing[subject.value] = f"{change.id}" if change is not None and by_change else f"{path}, approved by nobody"
    rows = [{**asdict(each), "in_force": standing[each.subject.value] == each.id} for each in known]
    if as_json:
        whole: dict[str, Any] = {"policy_approval": approval.value, "in_force": standing, "changes": rows}
        if usage:
            whole["uses"] = {digest: dict(zip(("n", "first", "last"), of, strict=True)) for digest, of in used.items()}
        print_json(whole)
        return
    columns = ["change", "of", "state", "proposed by", "at", "why", "decided by", "what", "in force"]
    cells = [
        [e["id"], e["subject"], e["state"], e["by"], e["at"], e["why"], e["decided_by"], e["summary"], e["in_force"]]
        for e in rows
    ]
    out().print(table(f"changes (policy_approval: {approval.value})", columns, cells))
    for name, what in standing.items():
        say(f"in force for {name}: {what}")
    if usage:
        approved = {each.content: each.id for each in known if each.state.value == "approved"}
        cells = [[digest[:12], approved.get(digest, "nobody approved it"), *of] for digest, of in used.items()]
        out().print(table("cited by decisions", ["content", "change", "n", "first", "last"], cells, right=["n"]))


def usage_of(database: Any, subjects: Sequence[Subject]) -> dict[str, tuple[int, str, str]]:
    """Content hash → how many decisions cite it, the first and the last time."""
    from domain.time import format_instant
    from scoring.changes import Subject

    found: dict[str, tuple[int, str, str]] = {}
    for subject in subjects:
        part = "lists" if subject is Subject.LISTS else "policy"
        rows = database.execute(
            f"SELECT json_extract(CAST(body AS TEXT), '$.versions.{part}') AS cited, count(*), min(decided_at), "  # noqa: S608 - our own words
            "max(decided_at) FROM decision WHERE ? IN ('lists', product) GROUP BY cited ORDER BY min(decided_at)",
            (subject.value,),
        )
        found.update({cited: (n, format_instant(first), format_instant(last)) for cited, n, first, last in rows})
    return found


def show_proposed(change: Change, as_json: bool) -> None:
    """A change that was just proposed, and what comes next."""
    from cli.screen import print_json, say
    from scoring.changes import Subject

    if as_json:
        print_json(asdict(change))
        return
    verb = "lists" if change.subject is Subject.LISTS else "policy"
    say(f"{change.id} proposed for {change.subject} by {change.by} (unverified): {change.summary or change.why}")
    say(f"next, by somebody else: assay {verb} approve {change.id} --approver NAME")
