"""Sealed texts: what people wrote and must be readable again, AES-256-GCM under data keys that the vault's key wraps.

    vault key ──wraps──▶ data key (key_id) ──seals──▶ text (sealed_id)

The id of a text is bound into its seal, so two texts cannot be exchanged; a data key is made at first use and replaced
by `stores.key_rotation`.
"""

from __future__ import annotations

import re
import secrets

from stores.database import Database
from stores.keyring import Keyring
from stores.sealing_bytes import opened_under, sealed_under, wrapping_key

_SEALED_ID = re.compile(r"[0-9a-f]{32}")


class Sealer:
    """Seal and open texts.

    Parameters
    ----------
    database : the connection that owns the transaction.
    keys : the home's keyring, or the vault's key, 32 bytes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> sealer = Sealer(Database(Path(tempfile.mkdtemp()) / "assay.db"), bytes(32))
    >>> sealed = sealer.seal_within("call me at 5")
    >>> sealer.opened(sealed), sealer.erase_within(sealed), sealer.opened(sealed)
    ('call me at 5', True, None)
    """

    def __init__(self, database: Database, keys: Keyring | bytes) -> None:
        self._database = database
        self._keyring = keys if isinstance(keys, Keyring) else Keyring(database, lambda: [keys])

    def seal_within(self, text: str) -> str:
        """Seal a text inside the caller's transaction; returns its id."""
        key_id, key = self._newest()
        sealed_id = secrets.token_hex(16)
        self._database.execute(
            "INSERT INTO sealed VALUES (?, ?, ?)", (sealed_id, key_id, sealed_under(key, sealed_id, text.encode()))
        )
        return sealed_id

    def opened(self, sealed_id: str) -> str | None:
        """The text of an id, None when it was erased.

        Raises
        ------
        DataError
            When it was altered or exchanged, or is sealed under another key.
        """
        with self._database.reading():
            row = self._database.maybe(
                "SELECT content, key_id, wrapped FROM sealed JOIN seal_key USING (key_id) WHERE sealed_id = ?",
                (sealed_id,),
            )
            if row is None:
                return None
            content, key_id, wrapped = row
            return opened_under(self._unwrapped(key_id, wrapped), sealed_id, content).decode()

    def erase_within(self, sealed_id: str) -> bool:
        """Forget a text; True when there was one."""
        self._database.execute("DELETE FROM sealed WHERE sealed_id = ?", (sealed_id,))
        return self._database.connection.changes() > 0

    def _newest(self) -> tuple[int, bytes]:
        row = self._database.maybe(
            "SELECT key_id, wrapped FROM seal_key WHERE NOT retiring ORDER BY key_id DESC LIMIT 1"
        )
        if row is not None:
            return int(row[0]), self._unwrapped(row[0], row[1])
        return add_data_key(self._database, self._wrapping())

    def _unwrapped(self, key_id: int, wrapped: bytes) -> bytes:
        return opened_under(self._wrapping(), f"data key {key_id}", wrapped)

    def _wrapping(self) -> bytes:
        self._keyring.refresh()
        return wrapping_key(self._keyring.master)


def is_sealed_id(value: object) -> bool:
    """Whether a value is the id of a sealed text, by its shape.

    Examples
    --------
    >>> is_sealed_id("00" * 16), is_sealed_id("overdue")
    (True, False)
    """
    return isinstance(value, str) and _SEALED_ID.fullmatch(value) is not None


def add_data_key(database: Database, wrapping: bytes) -> tuple[int, bytes]:
    """Make a data key; returns its id and bytes."""
    (last,) = database.one("SELECT coalesce(max(key_id), 0) FROM seal_key")
    key_id, key = int(last) + 1, secrets.token_bytes(32)
    database.execute(
        "INSERT INTO seal_key VALUES (?, ?, 0)", (key_id, sealed_under(wrapping, f"data key {key_id}", key))
    )
    return key_id, key
