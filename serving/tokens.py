"""Tokens of identifiers seen lately, so that a returning customer costs no look-up.

Without this they were half of the committer's time: three statements an identifier, six identifiers a payment. Those
that are not known are looked up for a whole transaction together, and those that nobody has seen are written together.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.events import NAMESPACES, Event, Value
from domain.recent import Recent
from stores.vault import Place, Subject, Vault

_MAX_KNOWN = 100_000
"""Identifiers that are remembered: some 35 MB. Who is back after so many others costs a look-up."""


class Tokens:
    """A vault with a memory of what is durable; for the committer's thread.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from stores.database import Database
    >>> vault = Vault(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> tokens, asked = Tokens(vault), Event("inquiry", "q1", 0, 0, {"borrower_id": "alice"})
    >>> tokens.begin(1, [asked])
    >>> event = tokens.tokenised(asked)
    >>> tokens.write(), tokens.remember()
    (None, None)
    >>> event.body["borrower_id"] == vault.token("customer_id", "alice")
    True
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: Recent[Place, str] = Recent(_MAX_KNOWN)
        self._version: int | None = None
        self._learnt: dict[Place, str] = {}
        self._looked_up: set[Place] = set()
        self._made: list[tuple[Place, Subject]] = []

    def begin(self, version: int, events: Iterable[Event]) -> None:
        """Start a transaction at a data version, in which these events are likely to come.

        Whoever else has written since the last one may have erased someone, or rotated the keys.
        """
        if version != self._version:
            self._vault.follow()
            self._known.clear()
            self._version = version
        self._learnt.clear()
        self._looked_up.clear()
        self._made.clear()
        known = self._known
        self._look_up({place for event in events for place in _places(event).values() if known.get(place) is None})

    def tokenised(self, event: Event) -> Event:
        """The event with tokens for identifiers; those never seen are `write` to be called for."""
        body: dict[str, Value] = dict(event.body)
        known, learnt = self._known, self._learnt
        for name, place in _places(event).items():
            body[name] = known.get(place) or learnt.get(place) or self._first_seen(place)
        return Event(event.kind, event.event_id, event.event_time, event.known_at, body, event.client, event.seq)

    def _first_seen(self, place: Place) -> str:
        if place not in self._looked_up:
            self._look_up({place})
            if place in self._learnt:
                return self._learnt[place]
        subject, token = self._vault.made(place)
        self._made.append((place, subject))
        self._learnt[place] = token
        return token

    def _look_up(self, places: set[Place]) -> None:
        if places:
            self._learnt.update(self._vault.stored(places))
            self._looked_up |= places

    # ------------------------------------------------------------------- write

    @property
    def n_unwritten(self) -> int:
        """Tokens that were made and wait to be written."""
        return len(self._made)

    def forget_after(self, n_unwritten: int) -> None:
        """Take back the tokens that were made beyond the first of those that wait."""
        for place, _ in self._made[n_unwritten:]:
            del self._learnt[place]
        del self._made[n_unwritten:]

    def write(self) -> None:
        """Write what was made, inside the transaction."""
        if self._made:
            self._vault.insert_within([subject for _, subject in self._made])
            self._made.clear()

    def take_back(self) -> None:
        """What was written may have been rolled back: all that was learnt is looked up again when it is asked for."""
        self._learnt.clear()
        self._looked_up.clear()
        self._made.clear()

    def remember(self) -> None:
        """Keep what was learnt: it is durable now. That of a transaction that failed must never be."""
        known = self._known
        for place, token in self._learnt.items():
            known[place] = token


def _places(event: Event) -> dict[str, Place]:
    return {name: (NAMESPACES[name], str(value)) for name, value in event.body.items() if name in NAMESPACES}
