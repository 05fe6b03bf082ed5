"""The restricted store: records of anti-money-laundering work, apart from everything else, only ever appended to.

    body --AES-GCM, key of its subject--> record row --HMAC chain--> link
    link(n) = HMAC-SHA256(key, link(n - 1) || msgpack [n, every column of row n])

The chain runs over what is encrypted: forgetting the key of a subject makes its bodies unreadable for good and leaves
every link as it was.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import DataError, expected_got
from stores.chain import link_of
from stores.database import Database
from stores.keyed_hash import KeyedHash

PLATFORM: Final = "platform"
"""Subject of records that are about nobody in particular."""

RECORDS: Final = "aml.db"
"""The store's file."""

_GENESIS = b"assay restricted 1"
_NONCE = 12

# As in stores/database.py: an entry is never edited after it has been released.
_MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE subject_key (
        subject TEXT PRIMARY KEY,   -- token
        wrapped BLOB NOT NULL       -- its key, under the key of the store
    ) WITHOUT ROWID;
    CREATE TABLE record (
        n_link    INTEGER PRIMARY KEY,
        record_id TEXT NOT NULL UNIQUE,
        kind      TEXT NOT NULL,
        subject   TEXT NOT NULL,
        made_at   INTEGER NOT NULL,
        made_by   TEXT NOT NULL,
        body      BLOB NOT NULL,    -- nonce and AES-GCM of canonical JSON
        link      BLOB NOT NULL
    );
    CREATE INDEX record_of ON record (subject, kind);
    """,
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record.

    Parameters
    ----------
    subject : token of whom it is about, or `PLATFORM`.
    made_at : µs UTC. made_by : as the actor named himself.
    body : None once the subject's key has been shredded.
    """

    record_id: str
    kind: str
    subject: str
    made_at: int
    made_by: str
    body: Mapping[str, Any] | None


class RestrictedStore:
    """Append, read, verify and shred records.

    Parameters
    ----------
    folder : made when absent, for its owner alone.
    key : 32 bytes kept outside the store.

    Examples
    --------
    >>> import tempfile
    >>> store = RestrictedStore(Path(tempfile.mkdtemp()) / "restricted", bytes(32))
    >>> store.append("note", "token-1", {"said": "seen"}, made_by="lin", made_at=1)
    'note-000001'
    >>> store.read("note")[0].body, store.shred("token-1"), store.read("note")[0].body, store.verify()
    ({'said': 'seen'}, True, None, [])
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self.database = Database(folder / RECORDS, migrations=_MIGRATIONS)
        self._chain_key = hmac.digest(key, b"chain", "sha256")
        self._keyed = KeyedHash(self._chain_key)
        self._wrapping = AESGCM(hmac.digest(key, b"wrap", "sha256"))

    def append(self, kind: str, subject: str, body: Mapping[str, Any], *, made_by: str, made_at: int) -> str:
        """Write one record, durably; returns its id.

        Raises
        ------
        DataError
            When the body cannot be kept as JSON.
        """
        with self.database.transaction():
            return self.append_within(kind, subject, body, made_by=made_by, made_at=made_at)

    def append_within(self, kind: str, subject: str, body: Mapping[str, Any], *, made_by: str, made_at: int) -> str:
        """As `append`, inside the caller's transaction."""
        try:
            text = json.dumps(dict(body), ensure_ascii=False, sort_keys=True, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise DataError(f"{kind}: expected a body of JSON values, got {error}") from error
        n_link, link = self.head()
        n_link += 1
        record_id = f"{kind}-{n_link:06d}"
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + AESGCM(self._key_of(subject)).encrypt(nonce, text, record_id.encode())
        row = (record_id, kind, subject, made_at, made_by, sealed)
        self.database.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (n_link, *row, self._link(link, n_link, row))
        )
        return record_id

    def read(self, kind: str | None = None, subject: str | None = None, *, before: int | None = None) -> list[Record]:
        """Records in the order they were made.

        Parameters
        ----------
        before : only those made before this time (µs UTC).

        Raises
        ------
        DataError
            When the store was written under another key.
        """
        rows = self.database.execute(
            "SELECT record_id, kind, subject, made_at, made_by, body FROM record "
            "WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR subject = ?2) AND made_at < ?3 ORDER BY n_link",
            (kind, subject, 2**62 if before is None else before),
        )
        keys: dict[str, bytes | None] = {}
        found = []
        for record_id, of_kind, of, made_at, made_by, sealed in rows:
            if of not in keys:
                keys[of] = self._kept_key(of)
            found.append(Record(record_id, of_kind, of, made_at, made_by, self._opened(record_id, sealed, keys[of])))
        return found

    def shred(self, subject: str) -> bool:
        """Forget the key of a subject; True when there was one. Its records stay, unreadable.

        Raises
        ------
        Unavailable
            When a reader holds the write-ahead log, in which the key would go on lying.
        """
        self.database.fold_log("a key that is to be shredded")
        with self.database.transaction():
            self.database.execute("DELETE FROM subject_key WHERE subject = ?", (subject,))
            gone = self.database.connection.changes() > 0
        self.database.fold_log("a shredded key")
        return gone

    def head(self) -> tuple[int, bytes]:
        """Number and link of the newest record."""
        row = self.database.maybe("SELECT n_link, link FROM record ORDER BY n_link DESC LIMIT 1")
        return (0, hmac.digest(self._chain_key, _GENESIS, "sha256")) if row is None else (int(row[0]), row[1])

    def verify(self, n_at_least: int = 0) -> list[str]:
        """What is wrong with the chain, empty when all is well.

        Parameters
        ----------
        n_at_least : records that something outside the store says there were; without it a cut-off end is not seen.
        """
        faults = []
        expected, link = 0, hmac.digest(self._chain_key, _GENESIS, "sha256")
        rows = self.database.connection.execute(
            "SELECT n_link, link, record_id, kind, subject, made_at, made_by, body FROM record ORDER BY n_link"
        )
        for n_link, stored, *row in rows:
            if n_link != expected + 1:
                faults.append(f"record {expected + 1}: expected one, got {n_link} next: deleted")
            if not hmac.compare_digest(self._link(link, n_link, tuple(row)), stored):
                faults.append(f"record {n_link}: expected the hash of {row[0]} and the link before it, got another")
            expected, link = n_link, stored
        if expected < n_at_least:
            faults.append(
                f"record {expected + 1}: expected {n_at_least} records, the chain ends at {expected}: cut off"
            )
        return faults

    def close(self) -> None:
        """Release the file."""
        self.database.close()

    def _link(self, previous: bytes, n_link: int, row: tuple[Any, ...]) -> bytes:
        return link_of(self._keyed, previous, n_link, row)

    def _kept_key(self, subject: str) -> bytes | None:
        row = self.database.maybe("SELECT wrapped FROM subject_key WHERE subject = ?", (subject,))
        if row is None:
            return None
        try:
            return self._wrapping.decrypt(row[0][:_NONCE], row[0][_NONCE:], subject.encode())
        except InvalidTag:
            raise DataError(
                expected_got("the key this store was written with", "another", str(self.database.path))
            ) from None

    def _key_of(self, subject: str) -> bytes:
        kept = self._kept_key(subject)
        if kept is not None:
            return kept
        made, nonce = secrets.token_bytes(32), secrets.token_bytes(_NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, made, subject.encode())
        self.database.execute("INSERT INTO subject_key VALUES (?, ?)", (subject, wrapped))
        return made

    def _opened(self, record_id: str, sealed: bytes, key: bytes | None) -> Mapping[str, Any] | None:
        if key is None:
            return None
        try:
            text = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], record_id.encode())
        except InvalidTag:
            # A subject that came back after it was shredded has a new key, which opens only what came since.
            return None
        body: Mapping[str, Any] = json.loads(text)
        return body
