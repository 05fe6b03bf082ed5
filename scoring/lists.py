"""Block, allow and watch lists: versioned content, each entry with an owner, a reason and an end."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, model_validator

from domain.errors import DefinitionError, InputError, ModelError
from domain.events import KINDS, MAX_TEXT, NAMESPACES, ColumnType, Event
from domain.settings import Settings
from domain.time import format_instant, parse_instant
from stores.settings_files import load_settings


class ListName(StrEnum):
    """What being on a list means."""

    BLOCK = "block"
    ALLOW = "allow"
    WATCH = "watch"


def _as_instant(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_instant(value)  # type: ignore[arg-type]  # refuses non-text itself
    except InputError as error:
        raise ValueError(str(error)) from error


Instant = Annotated[int, BeforeValidator(_as_instant), PlainSerializer(format_instant, when_used="json")]

ENTITY_NAMESPACES: Mapping[str, str] = {
    column.name: NAMESPACES.get(column.name, column.name.removesuffix("_id"))
    for columns in KINDS.values()
    for column in columns.values()
    if column.type is ColumnType.KEY and (column.personal or column.name in ("merchant_id", "terminal_id", "bin_id"))
}
"""Entity key column → namespace of list entries; people's keys share the namespaces of their tokens."""


PERSONAL = frozenset(NAMESPACES.values())
"""Namespaces whose entries are tokens, never the identifier itself."""

TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
"""What the vault gives for an identifier."""


class ListEntry(Settings):
    """One listed entity.

    Parameters
    ----------
    namespace : person, card, account, device, ip, merchant, terminal or bin.
    value : the token of a personal key (never the identifier itself), or the plain merchant, terminal or bin.
    expires_at : ISO 8601 with zone; from then on the entry means nothing.
    source : which institution told it, where it was not found here.
    """

    list: ListName
    namespace: str
    value: str = Field(min_length=1, max_length=MAX_TEXT)
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires_at: Instant
    source: str | None = Field(default=None, min_length=1, max_length=MAX_TEXT)

    @property
    def key(self) -> tuple[str, str, str]:
        """What an entry is about; each is once on a list."""
        return self.list.value, self.namespace, self.value

    @model_validator(mode="after")
    def _namespace_is_known(self) -> ListEntry:
        known = sorted(set(ENTITY_NAMESPACES.values()))
        if self.namespace not in known:
            raise ValueError(f"expected a namespace out of {', '.join(known)}, got {self.namespace!r}")
        return self


class ListSettings(Settings):
    """``configs/policy/lists.yaml``."""

    version: str = Field(min_length=1)
    entries: tuple[ListEntry, ...]

    @model_validator(mode="after")
    def _entries_are_distinct(self) -> ListSettings:
        counted = Counter(f"{entry.list} {entry.namespace}:{entry.value}" for entry in self.entries)
        twice = sorted(entity for entity, n in counted.items() if n > 1)
        if twice:
            raise ValueError(f"expected each entity once on a list, got {twice} again")
        return self


def untokenised(entries: Iterable[ListEntry]) -> str:
    """What is wrong with entries that name a person's identifier instead of its token; empty when nothing is.

    The identifiers themselves are not repeated.

    Examples
    --------
    >>> entry = {"list": "block", "namespace": "card", "value": "4000123412341234", "owner": "desk",
    ...          "reason": "stolen", "expires_at": "2027-01-01T00:00:00Z"}
    >>> untokenised([ListEntry.model_validate(entry)])
    'expected tokens of 22 characters for card, got another text for entry 1; see `assay lists import`'
    """
    wrong = [
        (place, entry.namespace)
        for place, entry in enumerate(entries, start=1)
        if entry.namespace in PERSONAL and not TOKEN.fullmatch(entry.value)
    ]
    if not wrong:
        return ""
    places = ", ".join(str(place) for place, _ in wrong[:10])
    return (
        f"expected tokens of 22 characters for {', '.join(sorted({name for _, name in wrong}))}, "
        f"got another text for entry {places}; see `assay lists import`"
    )


class Lists:
    """Lists compiled for look-up.

    Examples
    --------
    >>> entry = {"list": "block", "namespace": "merchant", "value": "m9", "owner": "desk", "reason": "collusion",
    ...          "expires_at": "2027-01-01T00:00:00Z"}
    >>> lists = Lists(ListSettings.model_validate({"version": "1", "entries": [entry]}))
    >>> event = Event("transaction", "e1", 0, 0, {"merchant_id": "m9"})
    >>> sorted(lists.hits(event, at=0)), sorted(lists.hits(event, at=2**60))
    ([<ListName.BLOCK: 'block'>], [])
    """

    def __init__(self, settings: ListSettings, cited: bytes | None = None) -> None:
        self.settings = settings
        # As with a policy: bytes that were read back stay as they were.
        self.content = cited or msgspec.json.encode(settings.model_dump(mode="json"), order="sorted")
        self.hash = hashlib.sha256(self.content).hexdigest()
        self._ends: dict[tuple[str, str], list[tuple[ListName, int]]] = {}
        for entry in settings.entries:
            self._ends.setdefault((entry.namespace, entry.value), []).append((entry.list, entry.expires_at))

    @classmethod
    def load(cls, path: Path) -> Lists:
        """Read a lists file; DefinitionError names what is wrong with it, such as an identifier that is no token."""
        settings = load_settings(path, ListSettings)
        clear = untokenised(settings.entries)
        if clear:
            raise DefinitionError(f"{path}: {clear}")
        return cls(settings)

    @classmethod
    def from_content(cls, content: bytes) -> Lists:
        """Read lists back from the bytes a decision cites.

        Raises
        ------
        ModelError
            When the bytes are no lists.
        """
        try:
            return cls(ListSettings.model_validate(msgspec.json.decode(content)), content)
        except (msgspec.DecodeError, ValidationError) as error:
            raise ModelError(f"lists: expected the content a decision cites, got {error}") from error

    def hits(self, event: Event, at: int) -> frozenset[ListName]:
        """The lists that any entity of an event is on at ``at`` (µs UTC)."""
        if not self._ends:
            return frozenset()
        found: set[ListName] = set()
        for column, value in event.body.items():
            namespace = ENTITY_NAMESPACES.get(column)
            if namespace is not None:
                found.update(name for name, end in self._ends.get((namespace, str(value)), ()) if at < end)
        return frozenset(found)
