"""Files of list entries, from and for other institutions: CSV or JSON, identifiers to tokens on the way in.

A row has `list`, `namespace`, one of `identifier` and `token`, `owner`, `reason`, `expires_at` and `source`; what all
rows share can be given once. Neither an error nor the lists ever hold the identifier of a person.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.errors import InputError, expected_got
from domain.events import NAMESPACES
from domain.time import format_instant
from scoring.lists import PERSONAL, TOKEN, ListEntry, ListSettings

FIELDS = ("list", "namespace", "token", "owner", "reason", "expires_at", "source")
"""Columns of an export."""

_ALLOWED = frozenset({*FIELDS, "identifier"})

COLUMN_OF: Mapping[str, str] = {namespace: column for column, namespace in reversed(list(NAMESPACES.items()))}
"""Namespace → a column whose identifiers are its."""

Tokenise = Callable[[str, Sequence[str]], Mapping[str, str]]
"""Column, identifiers → token of each."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Lists after a change, and what changed."""

    settings: ListSettings
    added: int
    renewed: int
    removed: int

    @property
    def summary(self) -> str:
        """In one line, for the record."""
        return (
            f"{self.added} added, {self.renewed} renewed, {self.removed} removed, {len(self.settings.entries)} in all"
        )


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV or JSON file, as texts.

    Raises
    ------
    InputError
        When it is neither, or has a column that no entry has.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a CSV or JSON file in UTF-8, got {type(error).__name__}") from error
    if path.suffix.lower() == ".json":
        try:
            found = json.loads(text)
        except ValueError as error:
            raise InputError(f"{path}: expected JSON, got a mistake") from error
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise InputError(expected_got("a list of entries", type(found).__name__, str(path)))
        rows = [{str(k): str(v) for k, v in row.items() if v is not None} for row in found]
    else:
        reader = csv.DictReader(io.StringIO(text))
        rows = [{k or "": v for k, v in row.items() if isinstance(v, str) and v.strip()} for row in reader]
        if any(None in row for row in csv.DictReader(io.StringIO(text))):
            raise InputError(f"{path}: expected as many values as columns in each row, got more")
    strange = sorted({name for row in rows for name in row} - _ALLOWED)
    if strange:
        raise InputError(expected_got(f"columns out of {', '.join(sorted(_ALLOWED))}", strange, str(path)))
    if not rows:
        raise InputError(f"{path}: expected entries, got none")
    return [{name: value.strip() for name, value in row.items()} for row in rows]


def entries_of(
    rows: Sequence[Mapping[str, str]], shared: Mapping[str, str], tokenise: Tokenise, where: str
) -> tuple[ListEntry, ...]:
    """Entries of rows; each row goes before what they share.

    Raises
    ------
    InputError
        Naming the first row that is wrong, without its identifier.
    """
    wholes = [{**shared, **row} for row in rows]
    tokens = _tokens(wholes, tokenise, where)
    entries = []
    for number, (whole, token) in enumerate(zip(wholes, tokens, strict=True), start=1):
        values: dict[str, Any] = {name: value for name, value in whole.items() if name not in ("identifier", "token")}
        try:
            entries.append(ListEntry.model_validate({**values, "value": token}))
        except ValidationError as error:
            problems = "; ".join(_told(each["loc"], each["msg"]) for each in error.errors())
            raise InputError(f"{where}: row {number}: expected an entry, got a mistake: {problems}") from None
    return tuple(entries)


def merge(
    current: ListSettings, version: str, *, add: Iterable[ListEntry] = (), remove: Iterable[tuple[str, str, str]] = ()
) -> Merged:
    """Lists with entries added, renewed where the entity is on the list already, and removed.

    Raises
    ------
    InputError
        When one that is not there is to be removed.
    """
    kept = {entry.key: entry for entry in current.entries}
    added = renewed = removed = 0
    for entry in add:
        added += entry.key not in kept
        renewed += entry.key in kept and kept[entry.key] != entry
        kept[entry.key] = entry
    for key in remove:
        if kept.pop(key, None) is None:
            raise InputError(f"lists: expected an entry of {key[1]} on the {key[0]} list to remove, found none")
        removed += 1
    return Merged(ListSettings(version=version, entries=tuple(kept.values())), added, renewed, removed)


def without_ended(settings: ListSettings, at: int) -> ListSettings:
    """The entries that still mean something at ``at`` (µs UTC)."""
    return settings.model_copy(update={"entries": tuple(e for e in settings.entries if at < e.expires_at)})


def as_rows(entries: Iterable[ListEntry]) -> list[dict[str, str]]:
    """Entries as an export writes them."""
    return [
        {
            "list": entry.list.value,
            "namespace": entry.namespace,
            "token": entry.value,
            "owner": entry.owner,
            "reason": entry.reason,
            "expires_at": format_instant(entry.expires_at),
            "source": entry.source or "",
        }
        for entry in entries
    ]


def as_csv(entries: Iterable[ListEntry]) -> str:
    """Entries as CSV with a head."""
    out = io.StringIO()
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(as_rows(entries))
    return out.getvalue()


def _told(place: Sequence[object], what: str) -> str:
    return f"{'.'.join(str(part) for part in place) or 'as a whole'}: {what.removeprefix('Value error, ')}"


def _tokens(wholes: Sequence[Mapping[str, str]], tokenise: Tokenise, where: str) -> list[str]:
    wanted: dict[str, list[str]] = {}
    for number, whole in enumerate(wholes, start=1):
        given = [name for name in ("identifier", "token") if whole.get(name)]
        if len(given) != 1:
            raise InputError(f"{where}: row {number}: expected one of identifier and token, got {given or 'neither'}")
        namespace = whole.get("namespace", "")
        if namespace not in PERSONAL:
            continue
        if given == ["identifier"]:
            wanted.setdefault(COLUMN_OF[namespace], []).append(whole["identifier"])
        elif not TOKEN.fullmatch(whole["token"]):
            raise InputError(f"{where}: row {number}: expected a token of 22 characters, got another text")
    known = {column: tokenise(column, values) for column, values in wanted.items()}
    return [
        known[COLUMN_OF[whole["namespace"]]][whole["identifier"]]
        if whole.get("identifier") and whole.get("namespace") in PERSONAL
        else whole.get("identifier") or whole["token"]
        for whole in wholes
    ]
