"""Backup of a home while it is in use: what cannot be made again, in one folder; its keys in another.

    1. restricted  accesses, then records, then the rest: an access never knows of a record that was not copied, nor a
                   record of a person whose hold was not
    2. databases   SQLite's online copy: one moment, whoever writes meanwhile
    3. segments    those that the copied database knows; a segment never changes once it is recorded
    4. the rest    bundles, pointers, signed logs, registry; caches and reports can be made again and stay out
    5. manifest    SHA-256 of every file, head of the chain, marks of the keys; under an HMAC of the chain's key

Keys lie apart: whoever has the backup alone can read no person's name, no restricted record, and forge no decision.
"""

from __future__ import annotations

import hmac
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from domain.errors import DataError, InputError, Unavailable, expected_got
from domain.time import format_instant
from stores.access_log import NAME as ACCESSES
from stores.database import Database
from stores.home import Home
from stores.ledger import Ledger
from stores.restricted import RECORDS
from stores.whole_files import sha256_of, sync

MANIFEST = "backup.json"
FORMAT = 1
_PURPOSE = b"assay backup 1"
_MARK = b"assay key mark 1"
_FOLDERS = ("bundles", "pointers", "imports", "changes", "mlartifacts")
_CACHES = ("states.db", "shadow.db")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made or read.

    Parameters
    ----------
    made_at : ISO 8601. n_decisions, link : head of the chain. last_seq : newest event.
    files : relative path → SHA-256. keys : name of a key → its mark, which tells a key without telling it.
    artifacts : URI of the artifacts' folder as the home's own registry names it; empty in a backup that does not say.
    """

    folder: Path
    made_at: str
    n_decisions: int
    link: str
    last_seq: int
    files: Mapping[str, str]
    keys: Mapping[str, str]
    artifacts: str = ""


def back_up(home: Home, folder: Path, *, chain_key: bytes, at: int, keys_folder: Path | None = None) -> Backup:
    """Copy a home into a folder that does not exist yet: there whole, or not at all.

    Parameters
    ----------
    at : µs UTC, recorded. keys_folder : where the keys go, apart from the backup; they are left out without it.

    Raises
    ------
    InputError
        When the folder is there already, or one of them lies within the home or the other.
    DataError
        When the home has no database, or a file of it changes or is damaged on the way.
    """
    _apart(home, folder, keys_folder)
    if not home.database.is_file():
        raise DataError(expected_got("a home with a database", "none", str(home.root)))
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _restricted(home, staged)
        for path in sorted(home.root.glob("*.db")):
            if path.name not in _CACHES:
                _copy_database(path, staged / path.name)
        head, last_seq = _segments(home, staged, chain_key)
        for source in _others(home):
            target = staged / source.relative_to(home.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        keys = _keys(home, keys_folder)
        body = {
            "format": FORMAT, "made_at": format_instant(at), "n_decisions": head[0], "link": head[1].hex(),
            "last_seq": last_seq, "files": {name: sha256_of(staged / name) for name in files_of(staged)}, "keys": keys,
            "artifacts": home.artifacts.resolve().as_uri(),
        }  # fmt: skip
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        signed = json.dumps({"body": text, "mac": _mac(chain_key, text)}, ensure_ascii=False) + "\n"
        (staged / MANIFEST).write_text(signed, encoding="utf-8")
        _synced(staged)
        staged.chmod(0o700)
        staged.rename(folder)
    except OSError as error:
        raise Unavailable(f"{folder}: expected room for a backup, got {error}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return read_backup(folder, chain_key)


def read_backup(folder: Path, chain_key: bytes) -> Backup:
    """What a backup says of itself; none of its files is looked at.

    Raises
    ------
    DataError
        When the manifest is absent, altered, of another format or under another key.
    """
    path = folder / MANIFEST
    try:
        line = json.loads(path.read_text(encoding="utf-8"))
        text, mac = str(line["body"]), str(line["mac"])
        genuine = hmac.compare_digest(mac, _mac(chain_key, text))
        body: dict[str, Any] = json.loads(text)
    except FileNotFoundError:
        raise DataError(f"{path}: expected the manifest of a backup, found none") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected the manifest of a backup, got {error!r}; use another backup") from error
    if not genuine:
        raise DataError(
            f"{path}: expected a manifest signed with this home's chain key, got another signature: it was altered, "
            "or the keys are not those of this backup"
        )
    if body["format"] != FORMAT:
        raise DataError(expected_got(f"a backup of format {FORMAT}", body["format"], str(path)))
    return Backup(
        folder, body["made_at"], body["n_decisions"], body["link"], body["last_seq"], body["files"], body["keys"],
        body.get("artifacts", ""),
    )  # fmt: skip


def damage(backup: Backup, folder: Path | None = None) -> list[str]:
    """What is wrong with the files of a backup, or of a copy of it; empty when all is well."""
    root = backup.folder if folder is None else folder
    present = set(files_of(root))
    faults = [f"{name}: expected a file of the backup, found none" for name in sorted(set(backup.files) - present)]
    faults += [f"{name}: expected no such file in the backup" for name in sorted(present - set(backup.files))]
    faults += [
        f"{name}: expected sha256 {digest[:12]}…, got another: altered or cut off"
        for name, digest in sorted(backup.files.items())
        if name in present and sha256_of(root / name) != digest
    ]
    return faults


def files_of(folder: Path) -> list[str]:
    """Every file below a folder but the manifest, as relative paths."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / MANIFEST
    )


def key_mark(key: bytes) -> str:
    """Tells a key without telling it.

    Examples
    --------
    >>> key_mark(bytes(32)) == key_mark(bytes(32)), len(key_mark(bytes(32)))
    (True, 16)
    """
    return hmac.digest(key, _MARK, "sha256").hex()[:16]


def _restricted(home: Home, staged: Path) -> None:
    """What only officers may read: in a folder of the owner's alone here too."""
    accesses, records = home.restricted / ACCESSES, home.restricted / RECORDS
    target = Home(staged).restricted
    if accesses.is_file() or records.is_file():
        target.mkdir(mode=0o700)
    if accesses.is_file():
        shutil.copyfile(accesses, target / ACCESSES)
    if records.is_file():
        _copy_database(records, target / RECORDS)


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's online copy; a page that is damaged is told here and not on the day of the restore."""
    try:
        reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
        writing = apsw.Connection(str(target))
        try:
            reading.set_busy_timeout(30_000)
            with writing.backup("main", reading, "main") as copy:
                copy.step()
            writing.execute("PRAGMA journal_mode=DELETE").fetchall()
            ((said,),) = writing.execute("PRAGMA integrity_check(1)").fetchall()
        finally:
            writing.close()
            reading.close()
    except apsw.Error as error:
        raise DataError(f"{source}: expected a sound SQLite file, got {error}; restore it from a backup") from error
    if said != "ok":
        raise DataError(f"{source}: expected a sound SQLite file, got {said}; restore it from a backup")


def _segments(home: Home, staged: Path, chain_key: bytes) -> tuple[tuple[int, bytes], int]:
    """Copy the segments the copied database knows; head of the chain and newest seq in it."""
    with tempfile.TemporaryDirectory(prefix="assay-backup-") as scratch:
        # Opening it writes: the copy that is kept must stay as it was hashed.
        looked_at = Path(scratch) / "assay.db"
        shutil.copyfile(staged / home.database.name, looked_at)
        database = Database(looked_at)
        try:
            head = Ledger(database, chain_key).head()
            (last_seq,) = database.one("SELECT coalesce(max(seq), 0) FROM event")
            names = database.execute("SELECT name, sha256 FROM segment ORDER BY name")
        finally:
            database.close()
    target = staged / home.segments.name
    target.mkdir()
    for name, digest in names:
        source = home.segments / name
        if not source.is_file():
            raise DataError(f"{source}: expected a segment of the journal, found none; restore it from a backup")
        shutil.copyfile(source, target / name)
        if sha256_of(target / name) != digest:
            raise DataError(f"{source}: expected sha256 {digest[:12]}…, got another; restore it from a backup")
    return head, int(last_seq)


def _others(home: Home) -> Iterator[Path]:
    for path in sorted(home.root.iterdir()):
        if path.is_file() and not path.name.startswith(".") and ".db" not in path.name and path.suffix != ".log":
            yield path
    for name in _FOLDERS:
        folder = home.root / name
        yield from (path for path in sorted(folder.rglob("*")) if path.is_file() and not _staged(path, folder))


def _staged(path: Path, folder: Path) -> bool:
    """Whether a file is being written, or a crash left it half written: such lie under hidden names."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _keys(home: Home, keys_folder: Path | None) -> dict[str, str]:
    marks = {path.name: key_mark(path.read_bytes()) for path in sorted(home.keys.glob("*.key"))}
    if keys_folder is not None:
        keys_folder.mkdir(parents=True, mode=0o700)
        for path in sorted(each for each in home.keys.glob("[!.]*") if each.is_file()):
            target = keys_folder / path.name
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(path.read_bytes())
        _synced(keys_folder)
    return marks


def _apart(home: Home, folder: Path, keys_folder: Path | None) -> None:
    named = [("backup", folder)] + ([] if keys_folder is None else [("keys", keys_folder)])
    for name, path in named:
        if path.exists():
            raise InputError(expected_got("a folder that does not exist yet", str(path), name))
        if path.resolve().is_relative_to(home.root.resolve()):
            raise InputError(expected_got("a folder outside the home", str(path), name))
    if keys_folder is not None and (
        keys_folder.resolve().is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(keys_folder.resolve())
    ):
        raise InputError(expected_got("keys kept apart from the backup", str(keys_folder), "keys"))


def _mac(chain_key: bytes, text: str) -> str:
    return hmac.digest(hmac.digest(chain_key, _PURPOSE, "sha256"), text.encode(), "sha256").hex()


def _synced(folder: Path) -> None:
    """Force every file, and the folders that name them, to the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)
