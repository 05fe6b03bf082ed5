"""The vault: identifiers of people become tokens under a key of their own.

Only a keyed hash of the identifier is stored, beside a random key; the token is derived from both.
Erasing the row erases the way from the identifier to its token: the person's events stay, nameless.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from domain.errors import InputError, expected_got
from domain.events import NAMESPACES, Event
from stores.database import Database


class Vault:
    """Tokenise identifiers; the same identifier of a namespace always gets the same token.

    Parameters
    ----------
    database : where the keys of subjects lie.
    key : the 32-byte key of the lookups.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> vault = Vault(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> token = vault.token("customer_id", "alice")
    >>> token == vault.token("borrower_id", "alice"), token == vault.token("card_id", "alice"), len(token)
    (True, False, 22)
    """

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, column: str, identifier: str) -> str:
        """The token of one identifier in a personal key column; made at first sight."""
        namespace = NAMESPACES[column]
        known = self._tokens.get((namespace, identifier))
        if known is not None:
            return known
        return self.tokens(column, [identifier])[identifier]

    def tokens(self, column: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Tokens of many identifiers, in one transaction."""
        namespace = NAMESPACES[column]
        result = {}
        fresh = {}
        for identifier in identifiers:
            if not isinstance(identifier, str) or not identifier:
                raise InputError(expected_got("an identifier as text", identifier, column))
            known = self._tokens.get((namespace, identifier))
            if known is not None:
                result[identifier] = known
            else:
                fresh[identifier] = self._lookup(namespace, identifier)
        if fresh:
            if self._database.connection.in_transaction:
                made = self._issue(namespace, fresh)
            else:
                with self._database.transaction():
                    made = self._issue(namespace, fresh)
            result.update(made)
            # A rolled-back transaction must not leave a token behind that the store has never kept.
            if not self._database.connection.in_transaction:
                self._tokens.update({(namespace, identifier): token for identifier, token in made.items()})
        return result

    def tokenised(self, event: Event) -> Event:
        """The event with every personal key replaced by its token."""
        body = {name: self.token(name, str(v)) if name in NAMESPACES else v for name, v in event.body.items()}
        return Event(event.kind, event.event_id, event.event_time, event.known_at, body, event.client, event.seq)

    def erase(self, column: str, identifier: str) -> bool:
        """Forget the key of one identifier; True when there was one. Its next sight makes a stranger."""
        namespace = NAMESPACES[column]
        self._tokens.pop((namespace, identifier), None)
        lookup = self._lookup(namespace, identifier)
        with self._database.transaction():
            self._database.execute("DELETE FROM subject WHERE lookup = ?", (lookup,))
            return self._database.connection.changes() > 0

    def _lookup(self, namespace: str, identifier: str) -> bytes:
        return hmac.digest(self._key, f"{namespace}\0{identifier}".encode(), "sha256")

    def _issue(self, namespace: str, fresh: dict[str, bytes]) -> dict[str, str]:
        execute = self._database.execute
        made = {}
        for identifier, lookup in fresh.items():
            row = self._database.maybe("SELECT token_key FROM subject WHERE lookup = ?", (lookup,))
            if row is None:
                row = (secrets.token_bytes(16),)
                execute("INSERT INTO subject VALUES (?, ?, ?)", (lookup, namespace, row[0]))
            digest = hmac.digest(row[0], lookup, hashlib.sha256)[:16]
            made[identifier] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return made
