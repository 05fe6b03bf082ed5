"""``assay import``: a file into the journal, whole rows or none of a row, nothing dropped in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from data.importer.columns import Columns
from data.importer.drafts import Draft, drafted
from data.importer.faults import Faults
from data.importer.labelling import arrival, labelled
from data.importer.mapping import ImportMapping
from data.importer.origins import described
from data.importer.records import write_record
from data.importer.rejects import write_rejects
from data.importer.source import REASON_COLUMN, ROW_COLUMN, TEXT_COLUMN, SourceTable, read_source
from domain.errors import DataError
from domain.settings import PlatformSettings
from stores.checks import Mask
from stores.journal import Journal
from stores.table_append import Batch
from stores.vault import Vault

Progress = Callable[[int, int], None]
"""Called as (done, total) steps."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did: ``n_rows = n_accepted + n_rejected``, always.

    Parameters
    ----------
    client : owner of the event ids.
    n_rows, n_accepted, n_rejected : rows of the file.
    n_without_events : accepted rows that no template wanted (`when`).
    n_unlabelled : accepted subjects whose label says nothing; None where the mapping has no label.
    n_events : kind → events that are new in the journal.
    n_duplicates : events the journal, or an equal row of the file, had already.
    seq_from, seq_to : their places in the journal; 0 where nothing was new.
    reasons : why rows were rejected → how many, the commonest first; a row may have several.
    rejects : the rows written aside, None when there are none.
    static : the subjects have no time of their own, so that folds cannot go forward in time.
    arrival : kind → how ``known_at``, and with it the order of arrival, was found.
    unused : columns of the file that the mapping neither reads nor leaves out by name.
    """

    mapping: str
    mapping_hash: str
    client: str
    source: str
    source_sha256: str
    n_rows: int
    n_accepted: int
    n_rejected: int
    n_without_events: int
    n_unlabelled: int | None
    n_events: Mapping[str, int]
    n_duplicates: int
    seq_from: int
    seq_to: int
    reasons: Mapping[str, int]
    rejects: Path | None
    static: bool
    arrival: Mapping[str, str]
    unused: tuple[str, ...]

    def summary(self) -> dict[str, object]:
        """The result as plain values, for JSON."""
        return asdict(self) | {"rejects": None if self.rejects is None else self.rejects.name}


def import_source(
    mapping: ImportMapping,
    source: Path,
    journal: Journal,
    vault: Vault,
    platform: PlatformSettings,
    rejects_dir: Path,
    progress: Progress | None = None,
) -> ImportResult:
    """Import one file.

    Parameters
    ----------
    rejects_dir : folder of the rejected rows, and of the record ``<mapping>.json`` that says what was imported.

    Raises
    ------
    InputError
        When the file cannot be read as the mapping says.
    DefinitionError
        When the mapping does not fit what the file holds.
    DataError
        When more rows are bad than the mapping allows; they are written aside, and nothing is imported.
    """
    report = progress or (lambda done, total: None)
    n_steps = len(mapping.events) + 4
    file = read_source(mapping.source, source, mapping.source_columns)
    report(1, n_steps)
    columns, faults = Columns(file, mapping.source), Faults(len(file.rows))
    drafts = _drafts(mapping, columns, platform, faults, report, n_steps)
    rejects = write_rejects(rejects_dir / f"{mapping.name}-{source.stem}", file, faults.told(), mapping.source)
    _check_share(mapping, source, file, faults, rejects)
    good = ~faults.bad
    tables = _tables(drafts, good, columns, vault, mapping.personal)
    report(n_steps - 1, n_steps)
    batch = journal.append_tables(tables, mapping.owner, _arrivals(mapping))
    result = _result(mapping, source, file, drafts, faults, batch, rejects)
    write_record(rejects_dir, result.mapping, result.summary())
    report(n_steps, n_steps)
    return result


def _arrivals(mapping: ImportMapping) -> dict[str, str]:
    """Kind → how ``known_at`` is found."""
    arrivals: dict[str, str] = {}
    for event in mapping.events:
        told = [*arrivals.get(event.kind, "").split("; "), described(event.known_at or event.event_time)]
        arrivals[event.kind] = "; ".join(dict.fromkeys(text for text in told if text))
    if mapping.label is not None:
        arrivals["outcome"] = arrival(mapping.label)
    return arrivals


def _drafts(
    mapping: ImportMapping,
    columns: Columns,
    platform: PlatformSettings,
    faults: Faults,
    report: Progress,
    n_steps: int,
) -> list[Draft]:
    fx = platform.fx_table()
    drafts = []
    for template in mapping.events:
        drafts.append(drafted(template, mapping, columns, fx, faults))
        report(1 + len(drafts), n_steps)
    if mapping.label is not None:
        subject = next(d for t, d in zip(mapping.events, drafts, strict=True) if t is mapping.subject)
        drafts.append(labelled(mapping.label, mapping, subject, columns, fx, faults))
    _hold_contradictions(drafts, faults)
    report(n_steps - 2, n_steps)
    return drafts


def _hold_contradictions(drafts: list[Draft], faults: Faults) -> None:
    """One id for two different facts: the first row stands, the others are rejected. Equal facts are duplicates."""
    ids, kinds, places = [], [], []
    for number, draft in enumerate(drafts):
        rows = np.flatnonzero(draft.selected & ~faults.bad)
        ids.append(draft.table["event_id"].take(pa.array(rows)).combine_chunks())
        kinds.append(np.full(len(rows), number))
        places.append(rows)
    encoded = pa.concat_arrays(ids).dictionary_encode().indices.to_numpy()
    draft_of, place_of = np.concatenate(kinds), np.concatenate(places)
    repeated = np.flatnonzero(np.bincount(encoded, minlength=1)[encoded] > 1)
    first: dict[int, tuple[str, dict[str, object]]] = {}
    told: set[int] = set()
    contradicting: Mapping[int, list[int]] = {number: [] for number in range(len(drafts))}
    for index in repeated[np.argsort(place_of[repeated], kind="stable")].tolist():
        draft, place = drafts[draft_of[index]], int(place_of[index])
        fact = (draft.kind, draft.table.slice(place, 1).to_pylist()[0])
        if first.setdefault(encoded[index], fact) != fact and place not in told:
            told.add(place)
            contradicting[int(draft_of[index])].append(place)
    for number, found in contradicting.items():
        bad = np.zeros(len(faults.bad), dtype=bool)
        bad[found] = True
        faults.add(bad, f"{drafts[number].kind}.event_id: expected a new id, an earlier row has it with other values")


def _check_share(mapping: ImportMapping, source: Path, file: SourceTable, faults: Faults, rejects: Path | None) -> None:
    n_rejected = int(faults.bad.sum()) + len(file.broken)
    if n_rejected <= mapping.at_most_rejected * file.n_rows and n_rejected < file.n_rows:
        return
    reasons = [f"{n:,} × {reason}" for reason, n in _reasons(file, faults).items()][:5]
    raise DataError(
        f"{source}: expected at most {mapping.at_most_rejected:.0%} of the rows to be bad, and some to be good, got "
        f"{n_rejected:,} bad of {file.n_rows:,}; nothing was imported. "
        f"They lie in {rejects}:\n  " + "\n  ".join(reasons)
    )


def _reasons(file: SourceTable, faults: Faults) -> dict[str, int]:
    counts = faults.counts()
    for line in file.broken:
        counts[line.reason] = counts.get(line.reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _tables(
    drafts: list[Draft], good: Mask, columns: Columns, vault: Vault, personal: Mapping[str, str]
) -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = {}
    for draft in drafts:
        parts.setdefault(draft.kind, []).append(draft.finished(good, columns, vault, personal))
    return {kind: pa.concat_tables(tables, promote_options="default") for kind, tables in parts.items()}


def _result(
    mapping: ImportMapping,
    source: Path,
    file: SourceTable,
    drafts: list[Draft],
    faults: Faults,
    batch: Batch,
    rejects: Path | None,
) -> ImportResult:
    good = ~faults.bad
    wanted = np.zeros(len(good), dtype=bool)
    for draft in drafts:
        wanted |= draft.selected
    known = {*mapping.source_columns, *mapping.leave_out, ROW_COLUMN, REASON_COLUMN, TEXT_COLUMN}
    n_unlabelled = None
    if mapping.label is not None:
        subject = next(d for t, d in zip(mapping.events, drafts, strict=False) if t is mapping.subject)
        n_unlabelled = int((good & subject.selected & ~drafts[-1].selected).sum())
    return ImportResult(
        mapping=mapping.name,
        mapping_hash=mapping.hash,
        client=mapping.owner,
        source=source.name,
        source_sha256=file.sha256,
        n_rows=file.n_rows,
        n_accepted=int(good.sum()),
        n_rejected=file.n_rows - int(good.sum()),
        n_without_events=int((good & ~wanted).sum()),
        n_unlabelled=n_unlabelled,
        n_events=batch.kinds,
        n_duplicates=batch.n_duplicate,
        seq_from=batch.last_seq - batch.n_new + 1 if batch.n_new else 0,
        seq_to=batch.last_seq if batch.n_new else 0,
        reasons=_reasons(file, faults),
        rejects=rejects,
        static=mapping.static,
        arrival=_arrivals(mapping),
        unused=tuple(name for name in file.table.column_names if name not in known),
    )
