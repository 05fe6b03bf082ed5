"""From the files of a simulation into a journal, and, for a demonstration, the newest part over HTTP instead."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.simulator.simulation import MANIFEST, Progress
from domain.errors import DataError, InputError, expected_got
from domain.events import KINDS, NAMESPACES
from stores.journal import Journal
from stores.vault import Vault

CLIENT = "simulator"
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What went into the journal: deliveries read per kind, events new to it, deliveries it had already."""

    kinds: Mapping[str, int]
    n_new: int
    n_duplicate: int
    last_seq: int


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a simulation's folder.

    Raises
    ------
    DataError
        When the folder holds no simulation.
    """
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(
            f"{path}: expected a simulation, found none; make one with `assay simulate --out {folder}`"
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: expected JSON, got {error}; simulate again") from error
    return manifest


def journal_simulation(
    folder: Path,
    journal: Journal,
    vault: Vault,
    client: str = CLIENT,
    *,
    known_after: int | None = None,
    known_until: int | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Append a simulation's events to a journal, personal keys as tokens.

    Parameters
    ----------
    known_after, known_until : µs UTC; only events with ``known_after < known_at <= known_until``.
    progress : called with steps done, steps in all, and what was just done.

    Raises
    ------
    DataError
        When the folder holds no simulation or a file of it is missing or damaged.
    """
    kinds = list(read_manifest(folder)["kinds"])
    report = progress or (lambda done, total, what: None)
    tables = {}
    for done, kind in enumerate(kinds):
        table = _between(_read(folder, kind), known_after, known_until).drop_columns("arrived_at")
        tables[kind] = tokenised(table, vault)
        report(done + 1, len(kinds) + 1, f"{kind}: {table.num_rows:,} deliveries")
    batch = journal.append_tables(tables, client, dict.fromkeys(tables, "recorded by the simulator"))
    report(len(kinds) + 1, len(kinds) + 1, f"journal: {batch.n_new:,} events")
    counts = {kind: table.num_rows for kind, table in tables.items()}
    return Loaded(counts, batch.n_new, batch.n_duplicate, batch.last_seq)


def tokenised(table: pa.Table, vault: Vault) -> pa.Table:
    """The table with every personal key replaced by its token; columns of one namespace share theirs."""
    for name in [name for name in table.column_names if name in NAMESPACES]:
        encoded = table[name].combine_chunks().dictionary_encode()
        identifiers = encoded.dictionary.to_pylist()
        tokens = vault.tokens(name, identifiers)
        made = pa.array([tokens[identifier] for identifier in identifiers], pa.string())
        table = table.set_column(table.column_names.index(name), name, made.take(encoded.indices))
    return table


def held_back(
    folder: Path,
    kind: str,
    after: int,
    limit: int | None = None,
    *,
    again: bool = False,
    subjects: bool = True,
    protected: bool = False,
) -> Iterator[dict[str, Any]]:
    """What arrived after an instant, as bodies for the service, in order of arrival, with raw identifiers.

    A body has ``event_id``, ``event_time`` (µs UTC) and the columns that are not null.

    Parameters
    ----------
    after : µs UTC; deliveries with ``arrived_at`` up to it are left out.
    limit : most bodies to give; all by default.
    again : second deliveries too, with the ``event_id`` of the first.
    subjects : of the transactions only those that are decided on: not captures, reversals, refunds.
    protected : protected attributes too; the service does not read them.

    Raises
    ------
    InputError
        When the kind is unknown.
    DataError
        When the folder holds no simulation.
    """
    if kind not in KINDS:
        raise InputError(expected_got(f"a kind out of {', '.join(KINDS)}", kind, "held_back"))
    table = _read(folder, kind)
    table = table.filter(pc.greater(table["arrived_at"], after))
    if not again:
        table = table.filter(pc.equal(table["arrived_at"], table["known_at"]))
    if subjects and "stage" in table.column_names:
        stage = table["stage"]
        table = table.filter(pc.or_kleene(pc.is_null(stage), pc.equal(stage, "authorisation")))
    if not protected:
        table = table.drop_columns([name for name, column in KINDS[kind].items() if column.protected])
    table = table.drop_columns(["known_at", "arrived_at"]).slice(0, limit)
    for batch in table.to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield {name: value for name, value in row.items() if value is not None}


def _read(folder: Path, kind: str) -> pa.Table:
    path = folder / f"{kind}.parquet"
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise DataError(f"{path}: expected the {kind} events of a simulation, found none; simulate again") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: expected the {kind} events of a simulation, got {error}; simulate again") from error


def _between(table: pa.Table, after: int | None, until: int | None) -> pa.Table:
    if after is not None:
        table = table.filter(pc.greater(table["known_at"], after))
    if until is not None:
        table = table.filter(pc.less_equal(table["known_at"], until))
    return table
