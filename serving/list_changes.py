"""A change of the lists from entries: what is in force, with some added, renewed or taken away.

entries with identifiers ──vault──▶ tokens ──merged with the lists in force──▶ content of a change
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from domain.errors import InputError
from scoring.changes import Change, Changes, State, Subject
from scoring.list_files import COLUMN_OF, Merged, entries_of, merge, without_ended
from scoring.lists import PERSONAL, ListEntry, Lists, ListSettings
from serving.policies import approved_counts
from serving.settings import Approval
from stores.vault import Vault

_NO_TOKEN = "0" * 22

Row = Mapping[str, str]
"""``list``, ``namespace``, one of ``identifier`` and ``token``, and what else an entry has, as in `list_files`."""


def in_force(record: Changes, path: Path, approval: Approval) -> ListSettings:
    """The lists that a service decides with.

    Parameters
    ----------
    path : the settings file of the lists.
    """
    change = record.in_force(Subject.LISTS)
    if change is not None and approved_counts(change, path, approval):
        return Lists.from_content(record.content(change.content)).settings
    return Lists.load(path).settings


def merged(
    record: Changes,
    path: Path,
    approval: Approval,
    at: int,
    *,
    add: Iterable[ListEntry] = (),
    remove: Iterable[tuple[str, str, str]] = (),
) -> Merged:
    """The lists in force with a change; what has ended at ``at`` (µs UTC) is left behind.

    Raises
    ------
    InputError
        When an entry that is not there is to be removed.
    """
    current = without_ended(in_force(record, path, approval), at)
    return merge(current, f"lists-{len(record.all()) + 1}", add=add, remove=remove)


def added(rows: Sequence[Row], vault: Vault, where: str, at: int) -> tuple[ListEntry, ...]:
    """Entries of rows, identifiers as tokens; one that was never seen gets its token once all rows are right.

    Raises
    ------
    InputError
        Naming the first row that is wrong or has ended at ``at`` (µs UTC), without its identifier.
    """
    untried = entries_of(rows, {}, lambda _, identifiers: dict.fromkeys(identifiers, _NO_TOKEN), where)
    for number, entry in enumerate(untried, start=1):
        if entry.expires_at <= at:
            raise InputError(f"{where}: row {number}: expected an entry that ends after now, got one that has ended")
    return entries_of(rows, {}, vault.tokens, where)


def removed(rows: Sequence[Row], vault: Vault) -> list[tuple[str, str, str]]:
    """Keys of the entries that rows name; an identifier that was never seen is on no list, and gets no token."""
    found = []
    for row in rows:
        value = row.get("token") or row.get("identifier", "")
        if row["namespace"] in PERSONAL and "identifier" in row:
            value = vault.known(COLUMN_OF[row["namespace"]], row["identifier"]) or ""
        found.append((row["list"], row["namespace"], value))
    return found


def same_open(record: Changes, settings: ListSettings, by: str) -> Change | None:
    """The change of the very same entries that somebody has proposed already; a retry after a crash finds it."""
    for change in record.all():
        if (change.subject, change.state, change.by) != (Subject.LISTS, State.OPEN, by):
            continue
        if Lists.from_content(record.content(change.content)).settings.entries == settings.entries:
            return change
    return None
