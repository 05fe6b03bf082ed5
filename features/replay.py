"""Build a snapshot: replay the journal, put the blocks together, and write them as they come.

journal ──replay──▶ answers ──assembly──▶ blocks ──▶ table in memory, or row groups of a file ──▶ manifest
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError, expected_got
from domain.events import KINDS, ColumnType
from domain.settings import PlatformSettings
from domain.time import Clock, format_instant, system_clock
from features.assembly import Block, blocks
from features.catalogue import FeatureSet
from features.intake import Taken
from features.kernel.layout import NULL, STALE, TRUNCATED
from features.offline import SIZES, Mask, Sizes, replay
from features.plan import Plan
from features.snapshot import Snapshot
from features.sources import read_columns
from stores.journal import Journal
from stores.snapshots import SnapshotWriter, taking_files
from stores.whole_files import only_writer

Progress = Callable[[int, int, str], None]
"""Called with rows done, rows in all, and what was just done."""

_NO_FLAGS: npt.NDArray[np.uint8] = np.empty(0, dtype=np.uint8)


def subject_keys(subject_kind: str) -> tuple[str, ...]:
    """Entity keys of a kind of subject, as they stand in a snapshot.

    Examples
    --------
    >>> subject_keys("application")
    ('borrower_id', 'customer_id', 'device_id', 'ip_id')
    """
    columns = KINDS[subject_kind].values()
    return tuple(column.name for column in columns if column.type is ColumnType.KEY and column.name != "links_to")


def build_snapshot(
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    *,
    after: int = 0,
    upto: int | None = None,
    subjects: pa.Array | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    clock: Clock = system_clock,
    sizes: Sizes = SIZES,
) -> Snapshot:
    """Features of every request with ``after < seq <= upto``, from all events that arrived before each.

    Parameters
    ----------
    subjects : ``seq`` of the requests to compute; all of them by default.
    folder : a new folder to write the snapshot to as it is made, so that memory does not grow with the journal;
        without it the table is made in memory. A build that was interrupted goes on where it stopped when it is
        started again for the same folder, features and events.
    threads : entities are shared out over this many; by default as many as there are processors.
    sizes : how much is done at once; no value depends on it.

    Raises
    ------
    DataError
        When ``subjects`` names an event that is no request, a value does not fit (see `features.columns`), or the
        folder exists.
    Unavailable
        When the disk is full or the folder cannot be written, or another build writes it; nothing half is left there.
    """
    plan, kind = feature_set.plan, feature_set.subject_kind
    if folder is not None and folder.exists():
        raise DataError(f"{folder}: expected no snapshot there yet; choose another folder or remove it")
    with journal.moment():
        last = journal.last_seq() if upto is None else upto
        counts = {name: journal.count(name, upto=last) for name in {kind, *(view.source for view in plan.views)}}
        arrival, quarantined = journal.arrival(upto=last), journal.quarantined(counts)
    if folder is not None:
        with taking_files(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
    report = _Report(progress, plan, counts)
    wanted = None if subjects is None else _wanted(subjects)
    identity = f"{feature_set.hash} {after} {last}"
    # What a build has done so far; hidden beside the folder, and thrown away with its completion.
    work = None if folder is None else folder.with_name(f".{folder.name}.work")
    held = nullcontext() if work is None else only_writer(work)
    with taking_files(work or Path(gettempdir())), held, replay(
        plan, journal, upto=last, threads=threads or os.cpu_count() or 1, told=report,
        chosen=lambda taken, requests: _chosen(kind, taken, requests, after, wanted), sizes=sizes, work=work,
        identity=identity,
    ) as replayed:  # fmt: skip
        counted = Counts(feature_set)
        head = head_columns(kind, plan)
        nothing = Block(0, read_columns(journal, kind, list(head), last, last), np.empty((plan.n_row, 0)), _NO_FLAGS)
        empty = table_of(feature_set, plan, nothing)

        def tables() -> Iterator[pa.Table]:
            for block in blocks(replayed, journal, head, last):
                table = table_of(feature_set, plan, block)
                counted.add(table)
                report(table.num_rows, "derived features and columns")
                yield table

        def manifest() -> dict[str, Any]:
            span = {
                "after_seq": after,
                "upto_seq": last,
                "n_quarantined": quarantined,
                "arrival_order": {
                    "seq_of_arrival": arrival.n_arrived,
                    "seq_by_known_at_event_time_event_id": arrival.n_given,
                    "known_at": {kind: list(ways) for kind, ways in arrival.known_at.items()},
                },
            }
            return manifest_of(feature_set, platform, replayed.digest, counted, span, clock)

        if folder is None:
            parts = list(tables())
            snapshot = Snapshot(pa.concat_tables(parts) if parts else empty, manifest())
        else:
            with SnapshotWriter(folder) as writer, ThreadPoolExecutor(1) as pen:
                written: Future[None] | None = None
                for table in tables():
                    # One block is written while the next is put together.
                    if written is not None:
                        written.result()
                    written = pen.submit(writer.write, table)
                (written or pen.submit(writer.write, empty)).result()
                snapshot = Snapshot(None, writer.finish(manifest()), folder)
    if work is not None:
        shutil.rmtree(work, ignore_errors=True)
    report.end()
    return snapshot


def head_columns(subject_kind: str, plan: Plan) -> tuple[str, ...]:
    """Columns of the events that a snapshot shows, or that own features read."""
    own = (name for _, number in plan.own for name in number.needs)
    texts = (column for _, column in plan.categories)
    names = ("seq", "event_time", "client", "event_id", "known_at", *subject_keys(subject_kind), *plan.amount.needs)
    return tuple(dict.fromkeys([*names, *own, *texts]))


def _wanted(subjects: pa.Array) -> npt.NDArray[np.int64]:
    return np.unique(np.asarray(subjects.to_numpy(zero_copy_only=False), dtype=np.int64))


def _chosen(kind: str, taken: Taken, requests: Mask, after: int, wanted: npt.NDArray[np.int64] | None) -> Mask:
    """Requests of the span, and of the subjects asked for."""
    seqs = taken.seqs.span(0, taken.n)
    found: Mask = requests & (seqs > after)
    if wanted is None:
        return found
    strangers = np.setdiff1d(wanted, seqs[found])
    if strangers.size:
        raise DataError(
            expected_got(f"the seq of a {kind} that asks for a decision", strangers[:5].tolist(), "subjects")
        )
    return found & np.isin(seqs, wanted)


def table_of(feature_set: FeatureSet, plan: Plan, block: Block) -> pa.Table:
    """The rows of a block as they stand in a snapshot."""
    head = block.head
    names = ["seq", "client", "event_id", "event_time", "known_at", *subject_keys(feature_set.subject_kind)]
    arrays: list[Any] = [head[name] for name in names]
    names.append("amount_base")
    base = plan.amount.many(head)
    arrays.append(pa.array(base, mask=base == NULL))
    given = np.arange(plan.n_row) if plan.visible is None else plan.visible
    texts = dict(plan.categories)
    for name, position in zip(feature_set.names, given.tolist(), strict=True):
        names.append(name)
        arrays.append(head[texts[position]] if position in texts else pa.array(block.columns[position]))
    for name, bit in (("truncated", TRUNCATED), ("stale", STALE)):
        names.append(name)
        arrays.append(pa.array((block.flags & bit).astype(np.bool_)))
    return pa.table(arrays, names=names)


class Counts:
    """What a manifest tells of the rows, counted block by block."""

    def __init__(self, feature_set: FeatureSet) -> None:
        self.n_rows = self.n_truncated = self.n_stale = 0
        self.n_null = dict.fromkeys(feature_set.names, 0)

    def add(self, table: pa.Table) -> None:
        """Count one block."""
        self.n_rows += table.num_rows
        for name in self.n_null:
            column = table[name]
            text = pa.types.is_string(column.type)
            self.n_null[name] += column.null_count if text else int(np.isnan(column.to_numpy()).sum())
        self.n_truncated += pc.sum(table["truncated"]).as_py() or 0
        self.n_stale += pc.sum(table["stale"]).as_py() or 0


def manifest_of(
    feature_set: FeatureSet, platform: PlatformSettings, data: str, counted: Counts, span: Mapping[str, Any],
    clock: Clock,
) -> dict[str, Any]:  # fmt: skip
    """What a snapshot says of itself; ``data`` is the hash of what was read, ``span`` what it covers."""
    n = max(counted.n_rows, 1)
    return {
        "product": feature_set.product,
        "definition": feature_set.hash,
        "data": data,
        "features": list(feature_set.names),
        "categorical": list(feature_set.categorical),
        **span,
        "n_rows": counted.n_rows,
        "null_shares": {name: missing / n for name, missing in counted.n_null.items()},
        "n_truncated": counted.n_truncated,
        "n_stale": counted.n_stale,
        "label_policy": feature_set.label_policy,
        "base_currency": platform.base_currency,
        "time_zone": platform.time_zone,
        "created_at": format_instant(clock()),
    }


class _Report:
    """Rows done out of all: read once, once per view, once put together."""

    def __init__(self, progress: Progress | None, plan: Plan, counts: Mapping[str, int]) -> None:
        self._progress = progress
        views = sum(counts[view.source] + counts[plan.subject_kind] for view in plan.views)
        self._total = sum(counts.values()) + views + counts[plan.subject_kind]
        self._done = 0

    def __call__(self, n: int, what: str) -> None:
        self._done = min(self._done + n, self._total)
        if self._progress is not None:
            self._progress(self._done, self._total, what)

    def end(self) -> None:
        """All is done: what was left out was not needed."""
        self(self._total - self._done, "complete")
