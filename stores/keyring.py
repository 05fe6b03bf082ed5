"""The keyring of a home: the vault's present key, and under it the lookup keys that identifiers are hashed with.

    vault key (file or environment) ──wraps──▶ lookup key 1 … N, and the data keys of sealed texts

    stored(identifier) = HMAC(key N, … HMAC(key 1, namespace and identifier))

Identifiers are not kept, so a stored hash cannot be made anew from them; a further key is put around it instead.
Whoever has the old vault key can then neither read the lookup keys nor make a stored hash. A home that never rotated
has one lookup key: the vault key itself.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain.errors import DefinitionError
from stores.database import Database
from stores.keyed_hash import KeyedHash, hash_once
from stores.keys import KEY_BYTES, secret_key
from stores.sealing_bytes import opened_under, wrapping_key

VAULT_KEY = "vault"
OLD_VARIABLE = "ASSAY_VAULT_KEY_OLD"
"""Holds the former key while keys from the environment are rotated."""


class Keyring:
    """The keys in use, read again whenever another connection may have rotated them.

    Parameters
    ----------
    candidates : vault keys that may be the present one, the likeliest first.

    Examples
    --------
    >>> import tempfile
    >>> keyring = Keyring(Database(Path(tempfile.mkdtemp()) / "assay.db"), lambda: [bytes(32)])
    >>> keyring.layers == (bytes(32),), keyring.master == bytes(32), keyring.rotating
    (True, True, False)
    """

    def __init__(self, database: Database, candidates: Callable[[], Sequence[bytes]]) -> None:
        self._database = database
        self._candidates = candidates
        self._mark: bytes | None = None
        self.master = b""
        self.layers: tuple[bytes, ...] = ()
        self._hashes: tuple[KeyedHash, ...] = ()
        self.rotating = False
        self.refresh()

    def refresh(self) -> None:
        """Follow a rotation.

        Raises
        ------
        DefinitionError
            When none of the keys at hand is the present one.
        """
        database = self._database
        row = database.maybe("SELECT mark FROM vault_mark")
        mark = b"" if row is None else row[0]
        if mark != self._mark:
            self.master = present_master(database, self._candidates())
            rows = database.execute("SELECT n, wrapped FROM lookup_key ORDER BY n")
            wrapping = wrapping_key(self.master)
            self.layers = tuple(opened_under(wrapping, f"lookup key {n}", wrapped) for n, wrapped in rows) or (
                self.master,
            )
            self._hashes = tuple(map(KeyedHash, self.layers))
            self._mark = mark
        self.rotating = bool(database.one("SELECT EXISTS (SELECT 1 FROM lookup_key WHERE NOT everywhere)")[0])

    def lookup(self, identifier: bytes) -> bytes:
        """The innermost hash; it is derived from, never stored once keys were rotated."""
        return self._hashes[0](identifier)

    def stored(self, lookup: bytes, since: int = 1) -> bytes:
        """The hash as it is stored: the keys after layer ``since`` put around it."""
        for keyed in self._hashes[since:]:
            lookup = keyed(lookup)
        return lookup

    def places(self, lookup: bytes) -> list[bytes]:
        """Every hash a row may lie under, the newest first: one, but while a rotation is under way."""
        if not self.rotating:
            return [self.stored(lookup)]
        found = [lookup]
        for keyed in self._hashes[1:]:
            found.append(keyed(found[-1]))
        return found[::-1]


def present_master(database: Database, candidates: Sequence[bytes]) -> bytes:
    """The candidate that the store was last rotated to; the first where it never was.

    Raises
    ------
    DefinitionError
        When none is.
    """
    row = database.maybe("SELECT mark FROM vault_mark")
    if row is None:
        return candidates[0]
    for candidate in candidates:
        if hmac.compare_digest(mark_of(candidate), row[0]):
            return candidate
    raise DefinitionError(
        f"{database.path}: expected the vault key it was rotated to, got another; "
        "give that one (keys/vault.key or ASSAY_VAULT_KEY), and restart what still runs with the old"
    )


def token_of(key: bytes, lookup: bytes) -> str:
    """The token of a subject's own key and the innermost hash of the identifier."""
    return base64.urlsafe_b64encode(hash_once(key, lookup)[:16]).decode().rstrip("=")


def mark_of(master: bytes) -> bytes:
    """What tells a key from others without telling the key."""
    return hmac.digest(master, b"assay key mark 1", "sha256")


def vault_keys(folder: Path, environment: Mapping[str, str]) -> list[bytes]:
    """Vault keys at hand: that of the environment and its predecessor, or the file and the one being rotated to."""
    keys = [secret_key(folder, VAULT_KEY, environment)]
    if OLD_VARIABLE in environment:
        keys.append(_from_hex(environment[OLD_VARIABLE]))
    following = next_key(folder)
    if following.is_file():
        keys.append(following.read_bytes())
    return keys


def next_key(folder: Path) -> Path:
    """Where the key that is being rotated to lies until it is the present one."""
    return folder / f"{VAULT_KEY}.key.next"


def keyring_of(database: Database, folder: Path, environment: Mapping[str, str]) -> Keyring:
    """The keyring of a home."""
    return Keyring(database, lambda: vault_keys(folder, environment))


def _from_hex(text: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise DefinitionError(f"{OLD_VARIABLE}: expected {2 * KEY_BYTES} hex digits, got another text")
    return key
