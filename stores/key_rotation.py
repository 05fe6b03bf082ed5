"""Rotation of the vault's key, and with it of every stored hash and sealed text; cut off anywhere, it goes on.

1. write the next key beside the present one                       vault.key.next
2. one transaction: a further lookup key and data key, all keys wrapped anew, the store marked with the next key
3. the next key takes the place of the present one                 vault.key
4. batches: a further hash around each stored one; each sealed text under the new data key
5. one transaction: what is old and empty is deleted

Tokens do not change: they come from the innermost hash and the subject's own key.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.errors import DefinitionError
from stores.database import Database
from stores.keyring import Keyring, keyring_of, mark_of, next_key, present_master, token_of, vault_keys
from stores.keys import KEY_BYTES
from stores.sealing import add_data_key
from stores.sealing_bytes import opened_under, sealed_under, wrapping_key
from stores.whole_files import sync_folder, write_whole

BATCH = 500
"""Rows in one transaction: a running service waits a few milliseconds for each."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did; ``resumed`` where it went on with one that was cut off."""

    resumed: bool
    n_subjects: int
    n_texts: int


def rotate(database: Database, keys: Path, environment: Mapping[str, str]) -> Rotated:
    """Rotate the keys of a home, or go on with a rotation that was cut off.

    Parameters
    ----------
    keys : folder of the key files. environment : where it holds the vault's key, it must hold the new one, and
        ``ASSAY_VAULT_KEY_OLD`` the former.

    Raises
    ------
    DefinitionError
        When the keys at hand are not those of the store, or the environment holds no new one.
    """
    from_environment = "ASSAY_VAULT_KEY" in environment
    if not from_environment:
        _settle_files(database, keys)
    resumed = _unfinished(database) if _is_marked(database, keys, environment) else False
    if not resumed:
        _begin(database, keys, environment, from_environment=from_environment)
    keyring = keyring_of(database, keys, environment)
    n_subjects = _rehash(database, keyring)
    n_texts = _reseal(database, keyring)
    with database.transaction():
        database.execute("UPDATE lookup_key SET everywhere = 1")
        database.execute("DELETE FROM seal_key WHERE retiring AND key_id NOT IN (SELECT key_id FROM sealed)")
        database.execute("DROP INDEX IF EXISTS subject_rotating")
    database.fold_log("hashes and texts under the former key")
    return Rotated(resumed, n_subjects, n_texts)


def _is_marked(database: Database, keys: Path, environment: Mapping[str, str]) -> bool:
    """Whether the key at hand is the one that the store was rotated to last."""
    row = database.maybe("SELECT mark FROM vault_mark")
    return row is not None and hmac.compare_digest(mark_of(vault_keys(keys, environment)[0]), row[0])


def _unfinished(database: Database) -> bool:
    (unfinished,) = database.one(
        "SELECT EXISTS (SELECT 1 FROM lookup_key WHERE NOT everywhere) "
        "OR EXISTS (SELECT 1 FROM seal_key WHERE retiring)"
    )
    return bool(unfinished)


def _begin(database: Database, keys: Path, environment: Mapping[str, str], *, from_environment: bool) -> None:
    at_hand = vault_keys(keys, environment)
    before = present_master(database, at_hand[::-1] if from_environment else at_hand[:1])
    if from_environment:
        after = at_hand[0]
        if len(at_hand) < 2 or hmac.compare_digest(before, after):
            raise DefinitionError(
                "ASSAY_VAULT_KEY: expected a new key, with the former in ASSAY_VAULT_KEY_OLD, got none"
            )
    else:
        after = secrets.token_bytes(KEY_BYTES)
        write_whole(next_key(keys), after, 0o600)
    _mark(database, before, after)
    if not from_environment:
        _settle_files(database, keys)


def _mark(database: Database, before: bytes, after: bytes) -> None:
    """Step 2."""
    old, new = wrapping_key(before), wrapping_key(after)
    with database.transaction():
        layers = {
            int(n): opened_under(old, f"lookup key {n}", wrapped)
            for n, wrapped in database.execute("SELECT n, wrapped FROM lookup_key")
        } or {1: before}
        n_new = len(layers) + 1
        layers[n_new] = secrets.token_bytes(KEY_BYTES)
        for n, key in layers.items():
            database.execute(
                "INSERT OR REPLACE INTO lookup_key VALUES (?, ?, ?)",
                (n, sealed_under(new, f"lookup key {n}", key), int(n < n_new)),
            )
        for key_id, wrapped in database.execute("SELECT key_id, wrapped FROM seal_key"):
            again = sealed_under(new, f"data key {key_id}", opened_under(old, f"data key {key_id}", wrapped))
            database.execute("UPDATE seal_key SET wrapped = ?, retiring = 1 WHERE key_id = ?", (again, key_id))
        add_data_key(database, new)
        database.execute("INSERT OR REPLACE INTO vault_mark VALUES (1, ?)", (mark_of(after),))
        database.execute(f"CREATE INDEX IF NOT EXISTS subject_rotating ON subject (layer) WHERE layer < {n_new}")


def _settle_files(database: Database, keys: Path) -> None:
    """Step 3, also where it was cut off before; a next key that the store was never marked with is none."""
    following = next_key(keys)
    if not following.is_file():
        return
    row = database.maybe("SELECT mark FROM vault_mark")
    if row is not None and hmac.compare_digest(mark_of(following.read_bytes()), row[0]):
        following.replace(keys / "vault.key")
    else:
        following.unlink()
    sync_folder(keys)


def _rehash(database: Database, keyring: Keyring) -> int:
    """Step 4: a further hash around each stored one."""
    n_done, last = 0, len(keyring.layers)
    while True:
        with database.transaction():
            rows = database.execute(
                f"SELECT lookup, layer, token_key, token FROM subject WHERE layer < {last} LIMIT ?",  # noqa: S608 - a number of ours
                (BATCH,),
            )
            for lookup, layer, key, token in rows:
                # Only the innermost hash gives the token: it is kept before that hash goes.
                kept = token_of(key, lookup) if token is None else token
                values = (keyring.stored(lookup, layer), last, kept, lookup)
                database.execute("UPDATE subject SET lookup = ?, layer = ?, token = ? WHERE lookup = ?", values)
        n_done += len(rows)
        if not rows:
            return n_done


def _reseal(database: Database, keyring: Keyring) -> int:
    """Step 4: each sealed text under the new data key."""
    n_done = 0
    wrapping = wrapping_key(keyring.master)
    while True:
        with database.transaction():
            keys = {
                int(key_id): opened_under(wrapping, f"data key {key_id}", wrapped)
                for key_id, wrapped in database.execute("SELECT key_id, wrapped FROM seal_key")
            }
            (newest,) = database.one("SELECT max(key_id) FROM seal_key WHERE NOT retiring")
            rows = database.execute(
                "SELECT sealed_id, key_id, content FROM sealed WHERE key_id IN "
                "(SELECT key_id FROM seal_key WHERE retiring) LIMIT ?",
                (BATCH,),
            )
            for sealed_id, key_id, content in rows:
                again = sealed_under(keys[newest], sealed_id, opened_under(keys[key_id], sealed_id, content))
                database.execute(
                    "UPDATE sealed SET key_id = ?, content = ? WHERE sealed_id = ?", (newest, again, sealed_id)
                )
        n_done += len(rows)
        if not rows:
            return n_done
