"""Changes of policies and lists: one proposes, another approves, and both are recorded in signed lines.

proposed ──approved by another──▶ in force until the next approved one of its subject
         └─rejected

The content of a change lies in a file named by its hash. An edit of that file, of a line, or a cut-off end of the
record is found when it is read, and whatever was in force before stays so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from domain.errors import DataError, InputError, expected_got
from domain.people import same_person
from domain.time import Clock, format_instant
from stores.database import Database
from stores.home import Home
from stores.keys import secret_key
from stores.signed_lines import SignedLines
from stores.whole_files import write_whole

KEY = "changes"

_TOLD = ("id", "subject", "state", "content", "before", "by", "at", "why", "summary", "decided_by", "decided_at",
         "decided_why")  # fmt: skip


class Subject(StrEnum):
    """What can be changed."""

    PAYMENT = "payment"
    LOAN = "loan"
    LISTS = "lists"


class State(StrEnum):
    """Where a change stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Change:
    """One change and what became of it.

    Parameters
    ----------
    id : C and the line of the record in which it was proposed.
    content : SHA-256 of what would be in force. before : of what was, when it was proposed; empty for the first.
    file : SHA-256 of the settings file at the decision: a later edit of the file is seen.
    place : line of the decision in the record.
    """

    id: str
    subject: Subject
    content: str
    before: str
    by: str
    at: str
    why: str
    summary: str = ""
    state: State = State.OPEN
    decided_by: str = ""
    decided_at: str = ""
    decided_why: str = ""
    file: str = ""
    place: int = 0


class Changes:
    """The record of one home.

    Parameters
    ----------
    lines : where it is kept. contents : folder of what the changes are about.
    database : keeps the head of the record.
    """

    def __init__(self, lines: SignedLines, contents: Path, database: Database, clock: Clock) -> None:
        self._lines = lines
        self._contents = contents
        self._database = database
        self._clock = clock

    @classmethod
    def open(cls, home: Home, database: Database, environment: Mapping[str, str], clock: Clock) -> Changes:
        """The record of a home, under the key ``ASSAY_CHANGES_KEY`` or ``keys/changes.key``.

        Raises
        ------
        DataError
            When there is a record but its key is gone: a fresh one would condemn it.
        """
        path = home.keys / f"{KEY}.key"
        if home.changes.is_file() and not path.is_file() and f"ASSAY_{KEY.upper()}_KEY" not in environment:
            raise DataError(f"{path}: expected the key that signed the changes, found none; restore it from its backup")
        lines = SignedLines(home.changes, secret_key(home.keys, KEY, environment))
        return cls(lines, home.changed_contents, database, clock)

    # ----------------------------------------------------------------- reading

    def all(self) -> tuple[Change, ...]:
        """Every change, oldest first.

        Raises
        ------
        DataError
            When a line does not verify, or lines that were there are gone.
        """
        return fold(self._verified())

    def in_force(self, subject: Subject) -> Change | None:
        """The newest approved change of a subject; None while none was approved. Errors as `all`."""
        return newest(self.all(), subject)

    def content(self, digest: str) -> bytes:
        """What a change is about.

        Raises
        ------
        DataError
            When it is gone or was altered.
        """
        path = self._contents / f"{digest}.json"
        try:
            found = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: expected the content of a change, got {error.strerror}") from error
        if hashlib.sha256(found).hexdigest() != digest:
            raise DataError(f"{path}: expected the content it is named by, it was altered; restore it from a backup")
        return found

    # ----------------------------------------------------------------- writing

    def propose(self, subject: Subject, content: bytes, *, by: str, why: str, summary: str = "") -> Change:
        """Record what somebody wants to put in force.

        Raises
        ------
        InputError
            When nobody or no reason is named, or it is what is in force already.
        """
        by, why = _said("the one who proposes", by), _said("a reason", why)
        digest = hashlib.sha256(content).hexdigest()
        known = self.all()
        current = newest(known, subject)
        if current is not None and current.content == digest:
            raise InputError(f"{subject}: expected a change, this is in force already as {current.id}")
        if any(each.subject is subject and each.content == digest and each.state is State.OPEN for each in known):
            raise InputError(f"{subject}: expected a change that nobody has proposed yet, this is open already")
        self._keep(digest, content)
        number = self._say(
            what="proposed", subject=subject.value, content=digest, before="" if current is None else current.content,
            by=by, at=format_instant(self._clock()), why=why, summary=summary,
        )  # fmt: skip
        return self._named(f"C{number}")

    def approve(self, change: str, *, by: str, file: str = "", why: str = "") -> Change:
        """Put an open change in force.

        Raises
        ------
        InputError
            When the one who proposed it approves, it is not open, or another was approved since it was proposed.
        DataError
            When its content was altered.
        """
        found, by = self._open(change), _said("the one who approves", by)
        if same_person(by, found.by):
            raise InputError(f"{found.id}: expected somebody other than {found.by}, who proposed it, got {by!r}")
        current = self.in_force(found.subject)
        if found.before != ("" if current is None else current.content):
            since = "nothing" if current is None else current.id
            raise InputError(
                f"{found.id}: expected a change of what is in force, {since} was approved since; propose it again"
            )
        self.content(found.content)
        return self._decide(found, State.APPROVED, by, why, file)

    def reject(self, change: str, *, by: str, why: str) -> Change:
        """Close an open change; the one who proposed it may take it back."""
        return self._decide(
            self._open(change), State.REJECTED, _said("the one who rejects", by), _said("a reason", why), ""
        )

    def _decide(self, change: Change, state: State, by: str, why: str, file: str) -> Change:
        at = format_instant(self._clock())
        self._say(what=state.value, change=change.id, by=by, at=at, why=why.strip(), file=file)
        decided = self._named(change.id)
        if decided.state is not state:
            raise InputError(f"{change.id}: expected to be the first to decide, somebody else was; see the history")
        return decided

    def _named(self, change: str) -> Change:
        return next(each for each in self.all() if each.id == change)

    def _open(self, change: str) -> Change:
        known = {each.id: each for each in self.all()}
        found = known.get(change.strip().upper())
        if found is None:
            raise InputError(expected_got(f"a change out of {', '.join(known) or 'none yet'}", change, "changes"))
        if found.state is not State.OPEN:
            raise InputError(f"{found.id}: expected an open change, it was {found.state} by {found.decided_by}")
        return found

    def _keep(self, digest: str, content: bytes) -> None:
        self._contents.mkdir(parents=True, exist_ok=True)
        write_whole(self._contents / f"{digest}.json", content)

    def _say(self, **what: Any) -> int:
        """Append a line and move the head on; returns the number of the line."""
        mac = self._lines.append(what)
        lines = self._lines.read()
        with self._database.transaction():
            # Several may write at once: the head only ever moves on.
            self._database.execute(
                "INSERT INTO signed_head VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET n_lines = excluded.n_lines, mac = excluded.mac WHERE excluded.n_lines > n_lines",
                (KEY, len(lines), lines[-1].mac),
            )
        return next(number for number, line in enumerate(lines, start=1) if line.mac == mac)

    def _verified(self) -> list[Mapping[str, Any]]:
        # The head first: a line appended in between is then one more than it asks for.
        head = self._database.maybe("SELECT n_lines, mac FROM signed_head WHERE name = ?", (KEY,))
        lines = self._lines.read()
        if head is not None:
            n_lines, mac = head
            if len(lines) < n_lines or lines[n_lines - 1].mac != mac:
                raise DataError(
                    f"{self._lines.path}: expected {n_lines} lines up to {mac[:12]}…, got {len(lines)}: its end was "
                    "cut off, or the file exchanged; restore it from a backup"
                )
        return [line.body for line in lines]


def fold(said: Iterable[Mapping[str, Any]]) -> tuple[Change, ...]:
    """What all lines together say, change by change; a decision that does not hold changes nothing.

    Two processes may write at once, so what `Changes.approve` checks is judged here again, in the order of the lines:
    only an open change is decided, by another than its proposer, and approved only onto what is in force.
    """
    found: dict[str, Change] = {}
    current: dict[Subject, str] = {}
    for number, line in enumerate(said, start=1):
        if line["what"] == "proposed":
            subject = Subject(line["subject"])
            found[f"C{number}"] = Change(
                f"C{number}", subject, line["content"], line["before"], line["by"], line["at"], line["why"],
                line["summary"],
            )  # fmt: skip
            continue
        change, state = found[line["change"]], State(line["what"])
        if change.state is not State.OPEN:
            continue
        if state is State.APPROVED:
            if same_person(line["by"], change.by) or change.before != current.get(change.subject, ""):
                continue
            current[change.subject] = change.content
        found[change.id] = replace(
            change, state=state, decided_by=line["by"], decided_at=line["at"], decided_why=line["why"],
            file=line["file"], place=number,
        )  # fmt: skip
    return tuple(found.values())


def newest(changes: Iterable[Change], subject: Subject) -> Change | None:
    """The approved change in force: the last that was approved."""
    approved = [each for each in changes if each.subject is subject and each.state is State.APPROVED]
    return max(approved, key=lambda each: each.place, default=None)


def told_of(change: Change) -> dict[str, str]:
    """A change as others are told of it."""
    return {name: str(getattr(change, name)) for name in _TOLD}


def _said(what: str, given: str) -> str:
    if not given.strip():
        raise InputError(f"changes: expected {what}, got none")
    return given.strip()
