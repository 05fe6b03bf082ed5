"""Bundle files: a manifest of hashes, atomic installation and the one pointer that serving reads.

A bundle is a folder of plain files. Its hash is the SHA-256 of its manifest, which holds the
SHA-256 of every other file, so one name pins every byte.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

from domain.errors import ModelError, expected_got
from domain.time import format_instant
from stores.whole_files import only_writer, sha256_of, sync_folder, write_synced, write_whole

MANIFEST = "manifest.json"
FORMAT = 1
ALTERED = ".altered-"
"""Begins the name of an installed bundle that did not verify; backups and restores pass hidden names by."""

_HASH = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A verified manifest: the bundle's hash, the hash of each file, and what is said about it."""

    folder: Path
    hash: str
    files: Mapping[str, str]
    about: Mapping[str, Any]

    def read(self, name: str) -> bytes:
        """The bytes of one file, hashed as they are read: what is parsed is what was verified.

        Raises
        ------
        ModelError
            When the bundle has no such file, or its bytes are not those of the manifest.
        """
        path = self.folder / name
        if name not in self.files:
            raise ModelError(expected_got(f"a bundle with {name}", sorted(self.files), str(self.folder)))
        content = _read(path)
        _check_hash(path, self.files[name], hashlib.sha256(content).hexdigest())
        return content


def write_manifest(folder: Path, about: Mapping[str, Any]) -> str:
    """Hash every file of a folder into its ``manifest.json``; returns the bundle's hash.

    Parameters
    ----------
    about : JSON values: model, run, data hash, code revision, seeds, times and the like.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "model.txt").write_text("tree")
    >>> digest = write_manifest(folder, {"name": "fraud"})
    >>> verify_files(folder).hash == digest
    True
    """
    files = {path.name: _digest(path) for path in _plain_files(folder) if path.name != MANIFEST}
    content = json.dumps(
        {"format": FORMAT, "files": files, "about": dict(about)},
        sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False,
    )  # fmt: skip
    encoded = (content + "\n").encode()
    (folder / MANIFEST).write_bytes(encoded)
    return hashlib.sha256(encoded).hexdigest()


def verify_files(folder: Path) -> Manifest:
    """Check every byte of a bundle against its manifest; nothing of it is parsed before that.

    Raises
    ------
    ModelError
        When the manifest is absent or not one of ours, a file is missing, extra or altered, or the
        folder is named by a hash that its manifest does not have.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: expected a bundle folder, found none; deploy the model again")
    raw = _read(folder / MANIFEST)
    digest = hashlib.sha256(raw).hexdigest()
    if _HASH.fullmatch(folder.name) and folder.name != digest:
        raise ModelError(
            f"{folder}: expected the manifest with the hash the folder is named by, got {digest[:12]}…: "
            "the manifest was altered; deploy the model again"
        )
    files, about = _parse(raw, folder / MANIFEST)
    present = {path.name for path in _plain_files(folder)} - {MANIFEST}
    missing, extra = sorted(set(files) - present), sorted(present - set(files))
    if missing or extra:
        raise ModelError(
            f"{folder}: expected exactly the {len(files)} files of the manifest, "
            f"missing {missing}, extra {extra}; deploy the model again"
        )
    for name, expected in files.items():
        _check_hash(folder / name, expected, _digest(folder / name))
    return Manifest(folder, digest, MappingProxyType(files), MappingProxyType(about))


def install(folder: Path, bundles_dir: Path) -> Path:
    """Copy a verified bundle to ``bundles_dir/<hash>``: there whole, or not at all.

    What lies there and does not verify is set aside under a hidden name, told in the log, and replaced.

    Raises
    ------
    ModelError
        When the bundle does not verify.
    """
    manifest = verify_files(folder)
    target = bundles_dir / manifest.hash
    if _fault(target) is not None:
        bundles_dir.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".staged-", dir=bundles_dir))
        try:
            for name in (*manifest.files, MANIFEST):
                write_synced(staged / name, _read(folder / name))
            staged.chmod(0o755)  # mkdtemp makes it private; serving may run as another user
            sync_folder(staged)
            with only_writer(target, wait=True):
                # Looked at again: somebody else may have installed or mended the same bundle meanwhile.
                if (fault := _fault(target)) is not None:
                    _set_aside(target, fault)
                    staged.rename(target)
            sync_folder(bundles_dir)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    verify_files(target)
    return target


def _fault(folder: Path) -> str | None:
    """Why a bundle does not verify; None when it does."""
    try:
        verify_files(folder)
    except ModelError as error:
        return str(error)
    return None


def _set_aside(target: Path, fault: str) -> None:
    """Rename a bad bundle, where there is one: it is evidence of what was altered, and nobody reads a hidden name.

    Until the good one has the name no bundle has it. Readers refused the bad one, as they refuse none.
    """
    if not os.path.lexists(target):
        return
    names = (target.with_name(f"{ALTERED}{target.name}-{number}") for number in count(1))
    aside = next(path for path in names if not os.path.lexists(path))
    target.rename(aside)
    logging.getLogger("assay.bundles").warning("%s; it was set aside as %s and replaced", _cause(fault), aside)


def _cause(fault: str) -> str:
    """A fault without what to do about it, which is being done.

    Examples
    --------
    >>> _cause("model.txt: the file was altered or cut off; deploy the model again")
    'model.txt: the file was altered or cut off'
    """
    return fault.removesuffix("; deploy the model again")


def point(pointers_dir: Path, product: str, bundle: str, at: int) -> None:
    """Make a bundle the one that serves a product; the former one is kept for rollback.

    Parameters
    ----------
    bundle : hash of an installed bundle.
    at : µs UTC, recorded.
    """
    if not _HASH.fullmatch(bundle):
        raise ModelError(expected_got("a bundle hash of 64 hex digits", bundle, f"pointer of {product}"))
    pointers_dir.mkdir(parents=True, exist_ok=True)
    path = _path(pointers_dir, product)
    with only_writer(path, wait=True):
        current = _pointer(pointers_dir, product)
        previous = None
        if current is not None:
            previous = current["previous"] if current["bundle"] == bundle else current["bundle"]
        content = {"bundle": bundle, "previous": previous, "at": format_instant(at)}
        write_whole(path, (json.dumps(content, sort_keys=True) + "\n").encode())


def unpoint(pointers_dir: Path, product: str) -> bool:
    """Take a pointer away, such as that of a canary; False when there was none."""
    try:
        _path(pointers_dir, product).unlink()
    except FileNotFoundError:
        return False
    sync_folder(pointers_dir)
    return True


def pointed(pointers_dir: Path, product: str) -> str | None:
    """Hash of the bundle that serves a product; None when none was deployed."""
    current = _pointer(pointers_dir, product)
    return None if current is None else current["bundle"]


def previous(pointers_dir: Path, product: str) -> str | None:
    """Hash of the bundle that served before the present one; None when there was none."""
    current = _pointer(pointers_dir, product)
    return None if current is None else current["previous"]


def _path(pointers_dir: Path, product: str) -> Path:
    if not _PLAIN.fullmatch(product):
        raise ModelError(expected_got("the plain name of a product", product, "pointer"))
    return pointers_dir / f"{product}.json"


def _pointer(pointers_dir: Path, product: str) -> dict[str, Any] | None:
    path = _path(pointers_dir, product)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ModelError(f"{path}: expected a pointer, got {error}; deploy the model again") from error
    if not isinstance(content, dict) or set(content) != {"bundle", "previous", "at"}:
        raise ModelError(expected_got("a pointer with bundle, previous, at", content, str(path)))
    if not _HASH.fullmatch(str(content["bundle"])):
        raise ModelError(expected_got("a bundle hash of 64 hex digits", content["bundle"], str(path)))
    return content


def _parse(raw: bytes, path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise ModelError(f"{path}: expected a JSON manifest, got {error}; deploy the model again") from error
    if not isinstance(content, dict) or set(content) != {"format", "files", "about"}:
        raise ModelError(expected_got("a manifest with format, files, about", content, str(path)))
    if content["format"] != FORMAT:
        raise ModelError(expected_got(f"a manifest of format {FORMAT}", content["format"], str(path)))
    files, about = content["files"], content["about"]
    if not isinstance(files, dict) or not isinstance(about, dict) or not files:
        raise ModelError(expected_got("files with their hashes", files, str(path)))
    for name, digest in files.items():
        if not _PLAIN.fullmatch(name) or name == MANIFEST or not _HASH.fullmatch(str(digest)):
            raise ModelError(expected_got("plain file names with SHA-256 hashes", {name: digest}, str(path)))
    return files, about


def _plain_files(folder: Path) -> list[Path]:
    paths = sorted(folder.iterdir())
    for path in paths:
        # A link could be pointed elsewhere after it has been verified.
        if path.is_symlink() or not path.is_file():
            raise ModelError(f"{path}: expected plain files only in a bundle, got a link or a folder; remove it")
    return paths


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: expected a file of the bundle, got {error.strerror}; deploy the model again"
        ) from error


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise ModelError(
            f"{path}: expected a file of the bundle, got {error.strerror}; deploy the model again"
        ) from error


def _check_hash(path: Path, expected: str, got: str) -> None:
    if got != expected:
        raise ModelError(
            f"{path}: expected sha256 {expected[:12]}…, got {got[:12]}…: the file was altered or cut off; "
            "deploy the model again"
        )
