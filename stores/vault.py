"""The vault: identifiers of people become tokens under a key of their own.

Only a keyed hash of the identifier is stored, beside a random key; the token is derived from both.
The key can be rotated (`stores.key_rotation`): further keys are put around the hash, the token stays.
Erasing the row erases the way from the identifier to its token: the person's events stay, nameless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from domain.errors import InputError, expected_got
from domain.events import NAMESPACES, Event
from stores.chance import Chance
from stores.database import Database
from stores.keyring import Keyring, token_of
from stores.many_rows import insert_rows, select_matching

Place = tuple[str, str]
"""Namespace and identifier."""

Subject = tuple[bytes, str, bytes, int, str | None]
"""A row of the vault: the hash, the namespace, the subject's own key, how many keys made the hash, the token."""


class Vault:
    """Tokenise identifiers; the same identifier of a namespace always gets the same token.

    Parameters
    ----------
    database : where the keys of subjects lie.
    key : the home's keyring, or the 32-byte key of the lookups.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> vault = Vault(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> token = vault.token("customer_id", "alice")
    >>> token == vault.token("borrower_id", "alice"), token == vault.token("card_id", "alice"), len(token)
    (True, False, 22)
    """

    def __init__(self, database: Database, key: Keyring | bytes) -> None:
        self._database = database
        self._keyring = key if isinstance(key, Keyring) else Keyring(database, lambda: [key])
        self._tokens: dict[tuple[str, str], str] = {}
        self._seen = 0
        self._new_key = Chance(16)

    def token(self, column: str, identifier: str) -> str:
        """The token of one identifier in a personal key column; made at first sight."""
        return self.tokens(column, [identifier])[identifier]

    def tokens(self, column: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Tokens of many identifiers; those made at first sight, in one transaction."""
        namespace = NAMESPACES[column]
        places = [(namespace, identifier) for identifier in identifiers]
        for _, identifier in places:
            if not isinstance(identifier, str) or not identifier:
                raise InputError(expected_got("an identifier as text", identifier, column))
        found = self.tokens_of(places)
        return {identifier: token for (_, identifier), token in found.items()}

    def tokens_of(self, places: Iterable[Place]) -> dict[Place, str]:
        """As `tokens`, for several namespaces at once: whatever is not known takes three statements together."""
        self._forget_stale()
        found = {}
        unknown = []
        for place in places:
            known = self._tokens.get(place)
            if known is None:
                unknown.append(place)
            else:
                found[place] = known
        if unknown:
            made = self._found_or_made({place: self._lookup(*place) for place in unknown})
            found.update(made)
            # A rolled-back transaction must not leave a token behind that the store has never kept.
            if not self._database.connection.in_transaction:
                self._tokens.update(made)
        return found

    def _found_or_made(self, lookups: Mapping[Place, bytes]) -> dict[Place, str]:
        found = self._stored(lookups)
        missing = {place: lookup for place, lookup in lookups.items() if place not in found}
        if missing and self._database.connection.in_transaction:
            found.update(self._issue(missing))
        elif missing:
            with self._database.transaction():
                # Another writer may have rotated the keys since we looked, or made what was missing: it stands.
                self._keyring.refresh()
                found.update(self._found_or_made(missing))
        return found

    def known(self, column: str, identifier: str) -> str | None:
        """The token of an identifier, None when it was never seen or has been erased; makes none."""
        self._forget_stale()
        place = (NAMESPACES[column], identifier)
        return self._stored({place: self._lookup(*place)}).get(place)

    def tokenised(self, event: Event) -> Event:
        """The event with every personal key replaced by its token."""
        body = {name: self.token(name, str(v)) if name in NAMESPACES else v for name, v in event.body.items()}
        return replace(event, body=body)

    def erase(self, column: str, identifier: str) -> bool:
        """Forget the key of one identifier; True when there was one. Its next sight makes a stranger.

        Raises
        ------
        Unavailable
            When a reader holds the write-ahead log, in which the key would go on lying.
        """
        namespace = NAMESPACES[column]
        self._tokens.pop((namespace, identifier), None)
        lookup = self._lookup(namespace, identifier)
        return self._forget(lambda: self._keyring.places(lookup))

    def erase_token(self, column: str, token: str) -> bool:
        """As `erase`, for who holds only the token: every key of the namespace is tried."""
        self._tokens.clear()

        def places() -> list[bytes]:
            rows = self._database.execute(
                "SELECT lookup, token_key, token FROM subject WHERE namespace = ?", (NAMESPACES[column],)
            )
            return [lookup for lookup, key, kept in rows if (kept or token_of(key, lookup)) == token]

        return self._forget(places)

    def _forget(self, places: Callable[[], list[bytes]]) -> bool:
        erased = False
        # Before anything is done it is seen that the log can be folded: nobody holds it, as a long report would.
        self._database.fold_log("a key that is to be erased")
        with self._database.transaction():
            self._keyring.refresh()
            for place in places():
                self._database.execute("DELETE FROM subject WHERE lookup = ?", (place,))
                erased = erased or self._database.connection.changes() > 0
        self._database.fold_log("an erased key")
        return erased

    def _forget_stale(self) -> None:
        """Drop the cache when another connection has committed: it may have erased someone (2.4 µs)."""
        version = int(self._database.one("PRAGMA data_version")[0])
        if version != self._seen:
            self.follow()
            self._seen = version

    def _lookup(self, namespace: str, identifier: str) -> bytes:
        return self._keyring.lookup(f"{namespace}\0{identifier}".encode())

    def _stored(self, lookups: Mapping[Place, bytes]) -> dict[Place, str]:
        """Tokens of the innermost hashes that have a row."""
        of = {kept: place for place, lookup in lookups.items() for kept in self._keyring.places(lookup)}
        found = {}
        wanted = [(kept,) for kept in of]
        for kept, key in select_matching(
            self._database.connection, "lookup, token_key", "subject", ("lookup",), wanted
        ):
            found[of[kept]] = token_of(key, lookups[of[kept]])
        return found

    def _issue(self, missing: Mapping[Place, bytes]) -> dict[Place, str]:
        """Make tokens that are not there, inside a transaction that has looked for them."""
        made = {place: self._made(place, lookup) for place, lookup in missing.items()}
        self.insert_within([subject for subject, _ in made.values()])
        return {place: token for place, (_, token) in made.items()}

    def _made(self, place: Place, lookup: bytes) -> tuple[Subject, str]:
        n_layers = len(self._keyring.layers)
        key, token = self._new_key_and_token(lookup)
        return (self._keyring.stored(lookup), place[0], key, n_layers, token if n_layers > 1 else None), token

    def _new_key_and_token(self, lookup: bytes) -> tuple[bytes, str]:
        """A new key whose token does not begin as an option of a command does, or as a formula of a spreadsheet."""
        while True:
            key = self._new_key()
            token = token_of(key, lookup)
            if not token.startswith("-"):
                return key, token

    # ------------------------------------------- by who writes many at a time

    def follow(self) -> None:
        """Another connection has committed: what is remembered goes, and a rotation is followed."""
        self._tokens.clear()
        self._keyring.refresh()

    def stored(self, places: Iterable[Place]) -> dict[Place, str]:
        """Tokens of those places that have one; makes none. `follow` is the caller's."""
        return self._stored({place: self._lookup(*place) for place in places})

    def made(self, place: Place) -> tuple[Subject, str]:
        """A new token of a place that has none, and the row that makes it last (`insert_within`)."""
        return self._made(place, self._lookup(*place))

    def insert_within(self, subjects: Sequence[Subject]) -> None:
        """Keep what was `made`, inside the transaction in which it was found missing."""
        insert_rows(self._database.connection, "subject", subjects)
