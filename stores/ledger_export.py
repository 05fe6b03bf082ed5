"""The ledger as files that a third party can check without us: it needs them, the chain key and no home.

    decisions.jsonl     one decision a line with its link; bytes in base64: what is checked
    decisions.parquet   the same rows, for tools that read tables; held against the lines
    artifacts.jsonl     policies, lists and texts that the decisions cite, by their SHA-256
    manifest.json       how many, the head, the SHA-256 of each file, and an HMAC over all that

An edit, a deletion, a swap or a cut in any of them is told.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import DataError, InputError
from stores.anchors import read_anchors
from stores.chain import Linked, chain_faults
from stores.ledger import LINKED_SCHEMA, Entry, Ledger
from stores.whole_files import sha256_of

FORMAT = "assay ledger export 1"
LINES, TABLE, ARTIFACTS, MANIFEST = "decisions.jsonl", "decisions.parquet", "artifacts.jsonl", "manifest.json"
_COLUMNS = tuple(column.name for column in fields(Entry))
_BYTES = ("body", "timings", "vector")
_BATCH = 5_000


def export_ledger(ledger: Ledger, folder: Path) -> dict[str, Any]:
    """Write every decision and what it cites into a new folder; returns the manifest.

    Raises
    ------
    InputError
        When the folder holds files: an export is not written over another.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: expected a new or empty folder for an export, it holds files")
    folder.mkdir(parents=True, exist_ok=True)
    n, link, n_artifacts = 0, ledger.start, 0
    with (
        ledger.database.reading(),
        (folder / LINES).open("w", encoding="utf-8") as lines,
        (folder / ARTIFACTS).open("w", encoding="utf-8") as artifacts,
        pq.ParquetWriter(folder / TABLE, LINKED_SCHEMA) as table,
    ):
        batch: list[Linked] = []
        for n, link, row in ledger.linked():
            lines.write(json.dumps(_as_line(n, link, row), ensure_ascii=False) + "\n")
            batch.append((n, link, row))
            if len(batch) == _BATCH:
                table.write_table(_as_table(batch))
                batch = []
        table.write_table(_as_table(batch))
        for digest, kind, content in ledger.artifacts():
            told = {"hash": digest, "kind": kind, "content": _text(content)}
            artifacts.write(json.dumps(told) + "\n")
            n_artifacts += 1
    manifest = {
        "format": FORMAT,
        "n_decisions": n,
        "head": link.hex(),
        "n_artifacts": n_artifacts,
        "sha256": {name: _digest(folder / name) for name in (LINES, TABLE, ARTIFACTS)},
    }
    manifest["hmac"] = _sealed(ledger.key, manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest


def verify_export(folder: Path, key: bytes, anchor: str | Path | None = None) -> tuple[list[str], int, str]:
    """What is wrong with an export, how many decisions it holds, and their head.

    Parameters
    ----------
    key : the chain key.
    anchor : heads anchored before, which must be in it; `stores.anchors`.

    Raises
    ------
    DataError
        When it is no export, or a line of it cannot be read.
    """
    manifest = _manifest(folder)
    faults = []
    if not hmac.compare_digest(str(manifest.get("hmac")), _sealed(key, manifest)):
        faults.append(
            f"{MANIFEST}: expected to be sealed with this chain key, got another seal: altered, or another key"
        )
    faults += [
        f"{name}: expected the bytes that were exported, got others"
        for name in (LINES, TABLE, ARTIFACTS)
        if _digest(folder / name) != manifest.get("sha256", {}).get(name)
    ]
    heads = [] if anchor is None else read_anchors(anchor)
    found, (n, head) = chain_faults(key, _lines(folder), heads, anchor)
    faults += found
    if (n, head) != (manifest.get("n_decisions"), manifest.get("head")):
        faults.append(f"{LINES}: expected to end at link {manifest.get('n_decisions')}, got {n}: cut off or grown")
    faults += _table_faults(folder) + _artifact_faults(folder, manifest)
    return faults, n, head


# ------------------------------------------------------------------------ parts


def _as_line(n_link: int, link: bytes, row: tuple[Any, ...]) -> dict[str, Any]:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in _BYTES:
        values[name] = None if values[name] is None else _text(values[name])
    return {"n_link": n_link, "link": link.hex(), **values}


def _lines(folder: Path) -> Iterator[Linked]:
    with (folder / LINES).open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                told = json.loads(line)
                for name in _BYTES:
                    told[name] = None if told[name] is None else base64.b64decode(told[name], validate=True)
                row = tuple(told[name] for name in _COLUMNS)
                found = (int(told["n_link"]), bytes.fromhex(told["link"]), row)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{folder / LINES}, line {number}: expected a decision, got {error!r}") from error
            yield found


def _as_table(batch: list[Linked]) -> pa.Table:
    rows = [(n_link, *row, link) for n_link, link, row in batch]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(LINKED_SCHEMA)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, LINKED_SCHEMA, strict=True)], schema=LINKED_SCHEMA)


def _table_faults(folder: Path) -> list[str]:
    """The table must say what the lines say."""
    try:
        rows = _rows_of(pq.ParquetFile(folder / TABLE))
        for number, (ours, theirs) in enumerate(zip(_lines(folder), rows, strict=True), start=1):
            if ours != theirs:
                return [f"{TABLE}, row {number}: expected decision {ours[2][0]} as in {LINES}, got another"]
    except (pa.ArrowException, OSError, ValueError) as error:
        return [f"{TABLE}: expected the rows of {LINES}, got {error}"]
    return []


def _rows_of(file: pq.ParquetFile) -> Iterator[Linked]:
    for batch in file.iter_batches(batch_size=_BATCH):
        for n_link, *row, link in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield n_link, link, tuple(row)


def _artifact_faults(folder: Path, manifest: dict[str, Any]) -> list[str]:
    faults, n = [], 0
    with (folder / ARTIFACTS).open(encoding="utf-8") as file:
        for n, line in enumerate(file, start=1):
            try:
                told = json.loads(line)
                whole = hashlib.sha256(base64.b64decode(told["content"], validate=True)).hexdigest() == told["hash"]
            except (ValueError, KeyError, TypeError):
                whole = False
            if not whole:
                faults.append(f"{ARTIFACTS}, line {n}: expected content of its own hash, it was altered")
    if n != manifest.get("n_artifacts"):
        faults.append(f"{ARTIFACTS}: expected {manifest.get('n_artifacts')} lines, got {n}")
    return faults


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ValueError(told["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: expected what `assay ledger export` wrote ({FORMAT}), got {error!r}") from error
    return dict(told)


def _sealed(key: bytes, manifest: dict[str, Any]) -> str:
    said = {name: value for name, value in manifest.items() if name != "hmac"}
    return hmac.digest(key, json.dumps(said, sort_keys=True).encode(), "sha256").hex()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise DataError(f"{path}: expected a file of the export, got {error}") from error
