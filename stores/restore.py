"""Restore of a home from a backup and its keys: proved before it is there, or refused with nothing changed.

copy beside the target → every byte against the manifest → database sound → chain, acts and segments verify
→ restricted records and accesses verify → bundles verify → the registry told its new place → renamed into place
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import apsw

from domain.errors import DataError, InputError, ModelError, expected_got
from stores.access_log import access_log, most_records
from stores.acts import Acts
from stores.backup import Backup, damage, key_mark, read_backup
from stores.bundles import verify_files
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.registry_paths import move_artifacts
from stores.restricted import RECORDS, RestrictedStore

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that was restored.

    Parameters
    ----------
    n_files : copied. n_decisions : links of the chain that verify. n_bundles : bundles that verify.
    """

    home: Home
    backup: Backup
    n_files: int
    n_decisions: int
    n_bundles: int


def restore(folder: Path, root: Path, *, keys_folder: Path | None, environment: Mapping[str, str]) -> Restored:
    """Make a home out of a backup.

    Parameters
    ----------
    root : of the new home; absent or empty.
    keys_folder : where the keys were kept; None when they come from the environment.

    Raises
    ------
    InputError
        When something is there already, or the keys cannot be found.
    DataError
        When the backup is damaged, or is not of these keys; nothing was restored.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InputError(expected_got("a home that does not exist yet or is empty", str(root), "restore"))
    chain_key = _chain_key(keys_folder, environment)
    backup = read_backup(folder, chain_key)
    _right_keys(backup, keys_folder)
    root.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        for name in backup.files:
            if not (folder / name).is_file():
                raise _refused(folder, [f"{name}: expected a file of the backup, found none"])
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, staged / name)
        # What is judged is what was copied: a disk that lies while reading is seen too.
        faults = damage(backup, staged)
        if faults:
            raise _refused(folder, faults)
        home = Home(staged)
        if home.restricted.is_dir():
            home.restricted.chmod(0o700)
        if keys_folder is not None:
            shutil.copytree(keys_folder, home.keys)
            for path in (home.keys, *home.keys.iterdir()):
                path.chmod(0o700 if path.is_dir() else 0o600)
        n_decisions, n_bundles = _proved(home, backup, chain_key, environment)
        if backup.artifacts:
            move_artifacts(home.registry, backup.artifacts, Home(root).artifacts.resolve().as_uri())
        if root.exists():
            root.rmdir()
        staged.chmod(0o755)
        staged.rename(root)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Restored(Home(root), backup, len(backup.files), n_decisions, n_bundles)


def _proved(home: Home, backup: Backup, chain_key: bytes, environment: Mapping[str, str]) -> tuple[int, int]:
    faults: list[str] = []
    try:
        database = Database(home.database)
        try:
            ((said,),) = database.execute("PRAGMA integrity_check(1)")
            faults += [] if said == "ok" else [f"assay.db: expected a sound SQLite file, got {said}"]
            ledger = Ledger(database, chain_key)
            n_decisions, link = ledger.head()
            if (n_decisions, link.hex()) != (backup.n_decisions, backup.link):
                faults.append(f"chain: expected {backup.n_decisions} links as backed up, got {n_decisions}")
            faults += ledger.verify() + Acts(database, chain_key).verify()
            faults += Journal(database, home.segments).verify()
        finally:
            database.close()
    except apsw.Error as error:
        faults.append(f"assay.db: expected a sound SQLite file, got {error}")
    faults += _restricted(home, environment)
    bundles = sorted(path for path in home.bundles.iterdir() if path.is_dir()) if home.bundles.is_dir() else []
    for bundle in bundles:
        try:
            verify_files(bundle)
        except ModelError as error:
            faults.append(str(error))
    if faults:
        raise _refused(backup.folder, faults)
    return n_decisions, len(bundles)


def _restricted(home: Home, environment: Mapping[str, str]) -> list[str]:
    """Faults of the restricted records, held against the accesses to them; a key is never made here."""
    if not home.restricted.is_dir():
        return []
    for name in ("restricted", "access"):
        if f"ASSAY_{name.upper()}_KEY" not in environment and not (home.keys / f"{name}.key").is_file():
            raise InputError(
                expected_got(f"{name}.key with the keys, or ASSAY_{name.upper()}_KEY", "neither", "restore")
            )
    lines = access_log(home.restricted, home.keys, environment).read()
    if not (home.restricted / RECORDS).is_file():
        return []
    store = RestrictedStore(home.restricted, secret_key(home.keys, "restricted", environment))
    try:
        return [f"{RECORDS}: {fault}" for fault in store.verify(most_records(lines))]
    except apsw.Error as error:
        return [f"{RECORDS}: expected a sound SQLite file, got {error}"]
    finally:
        store.close()


def _chain_key(keys_folder: Path | None, environment: Mapping[str, str]) -> bytes:
    if keys_folder is None and "ASSAY_CHAIN_KEY" not in environment:
        raise InputError("restore: expected --keys DIR, or the keys in the environment (ASSAY_CHAIN_KEY), got neither")
    if keys_folder is not None and "ASSAY_CHAIN_KEY" not in environment and not (keys_folder / "chain.key").is_file():
        raise InputError(expected_got("a folder with chain.key", str(keys_folder), "restore"))
    return secret_key(keys_folder or Path(), "chain", environment)


def _right_keys(backup: Backup, keys_folder: Path | None) -> None:
    if keys_folder is None:
        return
    for name, mark in backup.keys.items():
        path = keys_folder / name
        if not path.is_file() or key_mark(path.read_bytes()) != mark:
            found = "another" if path.is_file() else "none"
            raise DataError(f"{path}: expected the key the backup was made with, got {found}; nothing was restored")


def _refused(folder: Path, faults: list[str]) -> DataError:
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    told = "; ".join(faults[:_SHOWN]) + more
    return DataError(f"{folder}: expected a sound backup, got {len(faults)} fault(s), nothing was restored: {told}")
