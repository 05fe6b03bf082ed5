"""What a Spark task does with the rows that it is given; plain Arrow in and out, and no Spark in here.

1. read       a row group of a journal segment
2. answer     rows of whole entities, sorted by (entity, seq): the local replay over them, view by view
3. assemble   rows of whole requests, sorted by (request, group): the local assembly over them
4. put down   rows of the snapshot, in files by spans of seq

Both sorts come from Spark. The replay, the kernel and the assembly are those of the local engine, so the bits are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from uuid import uuid4

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.events import Event
from features.answers import Answers, Part
from features.assembly import blocks
from features.catalogue import FeatureSet
from features.columns import Encoding
from features.conditions import SUBJECT_CONDITIONS
from features.intake import Taken, Wanted, take_in
from features.kernel.layout import COLUMNS_AT, N_COLUMNS, NULL
from features.lanes import Shelf
from features.offline import SIZES, Mask, Replayed, reads_request, replay
from features.plan import Plan, ViewPlan
from features.replay import table_of as snapshot_table
from features.tables import Tables
from stores.segments import read_group

Words = npt.NDArray[np.int64]
Batches = Iterable[pa.RecordBatch]

CHUNK = 2**18
"""Rows after which a task computes what is complete; one entity alone may be more."""

ENTITY, KIND, REQUEST, GROUP = "_entity", "_kind", "_request", "_group"
ANSWERS = pa.schema(
    [("seq", pa.int64()), (GROUP, pa.int32()), ("_answers", pa.list_(pa.float64())), ("_flags", pa.int32())]
)
"""What comes back for a request from one group of views."""


@dataclass(frozen=True)
class Role:
    """Rows of a kind that go to the entity that one of their columns names, and whether as requests."""

    kind: str
    column: str
    request: bool


@dataclass(frozen=True)
class Group:
    """The views of one entity column of the request: they share a shuffle and a task."""

    ordinal: int
    entity: str
    plan: Plan
    roles: tuple[Role, ...]

    @property
    def n_out(self) -> int:
        """Numbers for each request."""
        return sum(view.n_out for view in self.plan.views)


def groups_of(plan: Plan) -> tuple[Group, ...]:
    """The views by the entity column that they are read by."""
    found = []
    for ordinal, entity in enumerate(dict.fromkeys(view.entity for view in plan.views)):
        views = tuple(view for view in plan.views if view.entity == entity)
        sources = [Role(view.source, view.key, (view.source, view.key) == (plan.subject_kind, entity))
                   for view in views]  # fmt: skip
        roles = tuple(dict.fromkeys([Role(plan.subject_kind, entity, True), *sources]))
        found.append(Group(ordinal, entity, replace(plan, views=views, layouts=_read_by(plan, views)), roles))
    return tuple(found)


def _read_by(plan: Plan, views: tuple[ViewPlan, ...]) -> dict[str, tuple[Encoding, ...]]:
    """The layouts with nothing at the places that the views do not read: those columns need not travel."""
    read: dict[str, set[int]] = {kind: set() for kind in plan.layouts}
    for view in views:
        columns = int(view.program[COLUMNS_AT])
        read[view.source].update(view.program[columns : columns + int(view.program[N_COLUMNS])].tolist())
        if reads_request(view.program):
            read[plan.subject_kind].update(range(len(plan.layouts[plan.subject_kind])))
    return {
        kind: tuple(encoding if place in read[kind] else _Unread("") for place, encoding in enumerate(encodings))
        for kind, encodings in plan.layouts.items()
    }


@dataclass(frozen=True)
class _Unread(Encoding):
    """A place that nobody reads."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def one(self, event: Event) -> int:
        """Null."""
        del event
        return NULL

    def many(self, table: pa.Table) -> Words:
        """Nulls."""
        return np.full(table.num_rows, NULL, dtype=np.int64)


# ------------------------------------------------------------------------- read


def read(batches: Batches, wanted: pa.Schema, after: int, upto: int) -> Iterator[pa.RecordBatch]:
    """Events of the row groups that the rows (path, group) name."""
    for batch in batches:
        for path, group in zip(batch["path"].to_pylist(), batch["group"].to_pylist(), strict=True):
            yield from read_group(path, group, wanted, after, upto).to_batches(CHUNK)


# ----------------------------------------------------------------------- answer


def answer(batches: Batches, group: Group, kinds: tuple[str, ...], after: int) -> Iterator[pa.RecordBatch]:
    """Answers of a group's views to the requests among the rows; see `ANSWERS`."""
    for chunk in whole(batches, ENTITY):
        yield from _answers(chunk, group, kinds, after)


def _answers(chunk: pa.Table, group: Group, kinds: tuple[str, ...], after: int) -> Iterator[pa.RecordBatch]:
    plan = group.plan
    asked = np.unique(chunk.filter(pc.field(REQUEST))["seq"].to_numpy())
    asked = asked[asked > after]
    if not len(asked):
        return
    tables = {}
    for kind in dict.fromkeys(role.kind for role in group.roles):
        ordinal = kinds.index(kind)
        rows = chunk.filter(pc.equal(chunk[KIND], ordinal))
        tables[kind] = _once(rows.select(Wanted.of(plan, kind).columns))

    def chosen(taken: Taken, requests: Mask) -> Mask:
        found: Mask = requests & np.isin(taken.seqs.span(0, taken.n), asked)
        return found

    source = Tables(tables)
    with replay(
        plan, source, upto=source.last_seq(), threads=1, told=lambda *_: None, chosen=chosen, sizes=_IN_MEMORY
    ) as replayed:
        n = replayed.n
        flags = np.zeros(n, dtype=np.uint8)
        matrix = np.empty((n, group.n_out))
        at = 0
        for view, answers in zip(plan.views, replayed.answers, strict=True):
            into = np.empty((n, view.n_out))
            answers.fill(0, n, into, flags)
            matrix[:, at : at + view.n_out] = into
            at += view.n_out
        seqs = replayed.subject.seqs.take(replayed.rows)
    if n:
        offsets = np.arange(n + 1, dtype=np.int32) * group.n_out
        columns = [
            pa.array(seqs), pa.array(np.full(n, group.ordinal, dtype=np.int32)),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.reshape(-1))),
            pa.array(flags.astype(np.int32)),
        ]  # fmt: skip
        yield pa.RecordBatch.from_arrays(columns, schema=ANSWERS)


_IN_MEMORY = replace(SIZES, held=2**62)
"""A task holds its chunk anyway: nothing of it goes to files."""


def _once(rows: pa.Table) -> pa.Table:
    """In the order of seq; a row may have come for two of its entities."""
    seqs = rows["seq"].to_numpy()
    _, first = np.unique(seqs, return_index=True)
    return rows.take(pa.array(first)).combine_chunks()


# --------------------------------------------------------------------- assemble


def assemble(
    batches: Batches, feature_set: FeatureSet, groups: tuple[Group, ...], head: tuple[str, ...], after: int
) -> Iterator[pa.RecordBatch]:
    """Rows of the snapshot, from the subject's events (group −1) and the answers to them."""
    for chunk in whole(batches, "seq"):
        yield from _assembled(chunk, feature_set, groups, head, after)


def _assembled(
    chunk: pa.Table, feature_set: FeatureSet, groups: tuple[Group, ...], head: tuple[str, ...], after: int
) -> Iterator[pa.RecordBatch]:
    plan, kind = feature_set.plan, feature_set.subject_kind
    wanted = Wanted.of(plan, kind)
    ordinals = chunk[GROUP]
    events = chunk.filter(pc.equal(ordinals, -1)).select(list(dict.fromkeys([*wanted.columns, *head])))
    source = Tables({kind: _once(events)})
    last = source.last_seq()
    taken = take_in(source, wanted, 0, last, SIZES.batch, Shelf(None), lambda _: None)
    requests = taken.masks[SUBJECT_CONDITIONS.get(kind, ())] & (taken.seqs.span(0, taken.n) > after)
    seqs = taken.seqs.take(np.flatnonzero(requests))
    if not len(seqs):
        return
    given: dict[int, Answers] = {}
    for group in groups:
        rows = chunk.filter(pc.equal(ordinals, group.ordinal))
        matrix = np.full((len(seqs), group.n_out), np.nan)
        flags = np.zeros(len(seqs), dtype=np.uint8)
        places = np.searchsorted(seqs, rows["seq"].to_numpy())
        matrix[places] = pc.list_flatten(rows["_answers"]).to_numpy().reshape(-1, group.n_out)
        flags[places] = rows["_flags"].to_numpy().astype(np.uint8)
        at = 0
        for view in group.plan.views:
            given[view.start] = _Given(matrix[:, at : at + view.n_out], flags)
            at += view.n_out
    replayed = Replayed(
        plan, len(seqs), requests, taken, tuple(given[view.start] for view in plan.views), "", _IN_MEMORY
    )
    for block in blocks(replayed, source, head, last):
        yield from snapshot_table(feature_set, plan, block).to_batches()


@dataclass(frozen=True)
class _Given(Answers):
    """Answers that came with the rows; NaN where the request names no entity."""

    matrix: npt.NDArray[np.float64]
    flags: npt.NDArray[np.uint8]

    aligned = False

    def missing(self, part: int) -> bool:
        """Nothing is left to compute."""
        del part
        return False

    def begin(self, part: int, n: int) -> Part:
        """Never asked for."""
        raise NotImplementedError

    def fill(self, start: int, stop: int, into: npt.NDArray[np.float64], flags: npt.NDArray[np.uint8]) -> None:
        """The rows asked for."""
        into[:] = self.matrix[start:stop]
        flags |= self.flags[start:stop]


# ------------------------------------------------------------------------ write


@dataclass(frozen=True)
class Spans:
    """Where the rows of a snapshot are put down: one file for each ``step`` of ``seq``."""

    folder: str
    step: int

    def write(self, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Put down rows in ``seq`` order; gives the number and the path of each file that is complete."""
        for span, tables in groupby(self._cut(batches), key=itemgetter(0)):
            path = Path(self.folder) / f"span-{span:09d}.parquet"
            # A task may run twice: the last to finish gives the file its name, and both hold the same bytes.
            staged = path.with_name(f".{path.name}.{uuid4().hex}")
            with pq.ParquetWriter(staged, schema, compression="zstd", compression_level=1) as writer:
                for _, table in tables:
                    writer.write_table(table)
            staged.replace(path)
            yield pa.RecordBatch.from_pydict({"span": [span], "path": [str(path)]}, schema=WRITTEN)

    def _cut(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
        for batch in batches:
            table = pa.Table.from_batches([batch])
            spans = (table["seq"].to_numpy() - 1) // self.step
            edges = [0, *(np.flatnonzero(np.diff(spans)) + 1).tolist(), table.num_rows]
            for start, stop in pairwise(edges):
                yield int(spans[start]), table.slice(start, stop - start)


WRITTEN = pa.schema([("span", pa.int64()), ("path", pa.string())])
"""What a task tells of a file."""


def put_down(
    batches: Batches, spans: Spans, schema: pa.Schema, feature_set: FeatureSet, groups: tuple[Group, ...],
    head: tuple[str, ...], after: int,
) -> Iterator[pa.RecordBatch]:  # fmt: skip
    """Assemble the rows and write them; see `WRITTEN`."""
    yield from spans.write(assemble(batches, feature_set, groups, head, after), schema)


# ------------------------------------------------------------------------ chunk


def whole(batches: Batches, name: str, size: int | None = None) -> Iterator[pa.Table]:
    """Rows sorted by a column, in tables of about ``size`` rows that never cut a run of equal values.

    Examples
    --------
    >>> batches = pa.table({"k": [1, 1, 2, 3, 3, 3]}).to_batches(max_chunksize=2)
    >>> [table["k"].to_pylist() for table in whole(batches, "k", size=2)]
    [[1, 1, 2], [3, 3, 3]]
    """
    wanted = CHUNK if size is None else size
    waiting: list[pa.RecordBatch] = []
    n = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        waiting.append(batch)
        n += batch.num_rows
        # The last value may go on in the next batch; only where a new one has begun can be cut.
        if n < wanted or (n > batch.num_rows and batch[name][0] == batch[name][-1] == waiting[-2][name][-1]):
            continue
        table = pa.Table.from_batches(waiting)
        cut = pc.index(table[name], table[name][-1]).as_py()
        if cut:
            yield table.slice(0, cut)
            waiting = table.slice(cut).to_batches()
            n = table.num_rows - cut
    if waiting:
        yield pa.Table.from_batches(waiting)
