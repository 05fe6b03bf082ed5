"""The vault: identifiers of people become tokens under a key of their own.

Only a keyed hash of the identifier is stored, beside a random key; the token is derived from both.
Erasing the row erases the way from the identifier to its token: the person's events stay, nameless.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import replace

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
        self._seen = 0

    def token(self, column: str, identifier: str) -> str:
        """The token of one identifier in a personal key column; made at first sight."""
        self._forget_stale()
        known = self._tokens.get((NAMESPACES[column], identifier))
        return known if known is not None else self.tokens(column, [identifier])[identifier]

    def tokens(self, column: str, identifiers: Iterable[str]) -> dict[str, str]:
        """Tokens of many identifiers; those made at first sight, in one transaction."""
        namespace = NAMESPACES[column]
        self._forget_stale()
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
            found = {identifier: self._stored(lookup) for identifier, lookup in fresh.items()}
            missing = {identifier: fresh[identifier] for identifier, token in found.items() if token is None}
            if missing and self._database.connection.in_transaction:
                found.update(self._issue(namespace, missing))
            elif missing:
                with self._database.transaction():
                    found.update(self._issue(namespace, missing))
            made = {identifier: token for identifier, token in found.items() if token is not None}
            result.update(made)
            # A rolled-back transaction must not leave a token behind that the store has never kept.
            if not self._database.connection.in_transaction:
                self._tokens.update({(namespace, identifier): token for identifier, token in made.items()})
        return result

    def known(self, column: str, identifier: str) -> str | None:
        """The token of an identifier, None when it was never seen or has been erased; makes none."""
        return self._stored(self._lookup(NAMESPACES[column], identifier))

    def tokenised(self, event: Event) -> Event:
        """The event with every personal key replaced by its token."""
        body = {name: self.token(name, str(v)) if name in NAMESPACES else v for name, v in event.body.items()}
        return replace(event, body=body)

    def erase(self, column: str, identifier: str) -> bool:
        """Forget the key of one identifier; True when there was one. Its next sight makes a stranger."""
        namespace = NAMESPACES[column]
        self._tokens.pop((namespace, identifier), None)
        return self._forget(self._lookup(namespace, identifier))

    def erase_token(self, column: str, token: str) -> bool:
        """As `erase`, for who holds only the token: every key of the namespace is tried."""
        rows = self._database.execute(
            "SELECT lookup, token_key FROM subject WHERE namespace = ?", (NAMESPACES[column],)
        )
        lookup = next((lookup for lookup, key in rows if _derived(key, lookup) == token), None)
        self._tokens.clear()
        return lookup is not None and self._forget(lookup)

    def _forget(self, lookup: bytes) -> bool:
        with self._database.transaction():
            self._database.execute("DELETE FROM subject WHERE lookup = ?", (lookup,))
            erased = self._database.connection.changes() > 0
        # The write-ahead log holds the page as it was until it is folded into the file.
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased

    def _forget_stale(self) -> None:
        """Drop the cache when another connection has committed: it may have erased someone (2.4 µs)."""
        version = int(self._database.one("PRAGMA data_version")[0])
        if version != self._seen:
            self._tokens.clear()
            self._seen = version

    def _lookup(self, namespace: str, identifier: str) -> bytes:
        return hmac.digest(self._key, f"{namespace}\0{identifier}".encode(), "sha256")

    def _stored(self, lookup: bytes) -> str | None:
        row = self._database.maybe("SELECT token_key FROM subject WHERE lookup = ?", (lookup,))
        return None if row is None else _derived(row[0], lookup)

    def _issue(self, namespace: str, missing: dict[str, bytes]) -> dict[str, str]:
        made = {}
        for identifier, lookup in missing.items():
            # Another writer may have made it since we looked; the first one stands.
            self._database.execute(
                "INSERT OR IGNORE INTO subject VALUES (?, ?, ?)", (lookup, namespace, secrets.token_bytes(16))
            )
            (key,) = self._database.one("SELECT token_key FROM subject WHERE lookup = ?", (lookup,))
            made[identifier] = _derived(key, lookup)
        return made


def _derived(key: bytes, lookup: bytes) -> str:
    digest = hmac.digest(key, lookup, "sha256")[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
