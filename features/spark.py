"""Build a snapshot on Spark: the local replay, entity by entity, in as many tasks as there are cores anywhere.

1. segments, row group by row group, and the tail      ──mapInArrow(read)──▶ events of each kind
2. for each entity column of the request: its events, once for each entity that they belong to
      ──repartition(entity), sortWithin(entity, seq)──mapInArrow(answer)──▶ (seq, answers)
3. the subject's events and all answers
      ──repartition(span of seq), sortWithin(seq, group)──mapInArrow(put_down)──▶ a file for each span
4. the driver puts the files together, one after another

The tasks run the code of the local engine (`features.spark_tasks`). docs/scale-out.md says how it scales.
"""

from __future__ import annotations

import copyreg
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain import errors
from domain.errors import Unavailable, expected_got
from domain.events import EXTENSION
from domain.settings import PlatformSettings
from domain.time import Clock, system_clock
from features import spark_tasks as tasks
from features.assembly import Block
from features.catalogue import FeatureSet
from features.intake import Wanted
from features.kernel.loading import load_kernel
from features.replay import Counts, head_columns, manifest_of, table_of
from features.snapshot import Snapshot
from features.sources import read_columns
from stores.journal import Journal
from stores.segments import n_groups
from stores.snapshots import SnapshotWriter

INSTALL = "pip install 'assay[spark]' (it runs on Java 17 or later)"

_PROJECT = Path(__file__).resolve().parents[1]


def build_on_spark(
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    *,
    master: str = "local[2]",
    after: int = 0,
    upto: int | None = None,
    folder: Path | None = None,
    partitions: int | None = None,
    clock: Clock = system_clock,
) -> Snapshot:
    """Features of every request with ``after < seq <= upto``, bit for bit those of `features.replay.build_snapshot`.

    Parameters
    ----------
    master : where Spark runs: ``local[2]``, or the address of a cluster whose workers have this package installed
        and see the journal's folder under the same path.
    folder : a new folder to write the snapshot to, which the workers see as well; without it the table is in memory.
    partitions : tasks of a shuffle; by default four times the cores.

    Raises
    ------
    Unavailable
        When pyspark or Java is not installed.
    DataError
        As the local engine does; raised in a task it arrives as the error of that task.
    """
    load_kernel()  # compiled once, before every worker would
    kind, plan = feature_set.subject_kind, feature_set.plan
    with journal.moment():
        last = journal.last_seq() if upto is None else upto
        counts = {name: journal.count(name, upto=last) for name in _kinds(feature_set)}
        arrival, quarantined = journal.arrival(upto=last), journal.quarantined(counts)
        pieces = {name: _pieces(feature_set, journal, name, last) for name in counts}
    head = head_columns(kind, plan)
    nothing = read_columns(journal, kind, list(head), last, last)
    empty = table_of(feature_set, plan, Block(0, nothing, np.empty((plan.n_row, 0)), np.empty(0, dtype=np.uint8)))
    counted = Counts(feature_set)
    span = {
        "after_seq": after,
        "upto_seq": last,
        "n_quarantined": quarantined,
        "arrival_order": {
            "seq_of_arrival": arrival.n_arrived,
            "seq_by_known_at_event_time_event_id": arrival.n_given,
            "known_at": {name: list(ways) for name, ways in arrival.known_at.items()},
        },
        "engine": f"spark, {master}",
    }
    with _work(folder) as work:
        with _session(master, partitions) as spark:

            def events(name: str, columns: Sequence[str]) -> Any:
                paths, tail = pieces[name]
                return _events(spark, paths, tail.select(list(columns)), last)

            files = _written(spark, feature_set, events, list(counts), head, after, last, work, empty.schema)

        def tables() -> Iterator[pa.Table]:
            for file in files:
                counted.add(table := pq.read_table(file, schema=empty.schema))
                yield table

        if folder is None:
            table = pa.concat_tables([empty, *tables()]).combine_chunks()
            return Snapshot(table, manifest_of(feature_set, platform, _digest(pieces), counted, span, clock))
        with SnapshotWriter(folder) as writer:
            for table in tables() if files else [empty]:
                writer.write(table)
            return Snapshot(
                None, writer.finish(manifest_of(feature_set, platform, _digest(pieces), counted, span, clock)), folder
            )


@contextmanager
def _work(folder: Path | None) -> Iterator[Path]:
    """A folder for the files of the tasks, thrown away in the end: beside the snapshot, where all workers see it."""
    parent = None if folder is None else folder.resolve().parent
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".assay-spark-", dir=parent) as made:
        yield Path(made)


# ---------------------------------------------------------------------- sources


def _kinds(feature_set: FeatureSet) -> list[str]:
    return list(dict.fromkeys([feature_set.subject_kind, *(view.source for view in feature_set.plan.views)]))


def _pieces(feature_set: FeatureSet, journal: Journal, kind: str, upto: int) -> tuple[list[Path], pa.Table]:
    """Segments and tail of a kind, with all columns that its views, and its requests, need."""
    head = head_columns(kind, feature_set.plan) if kind == feature_set.subject_kind else ()
    names = dict.fromkeys([*Wanted.of(feature_set.plan, kind).columns, *head])
    known = journal.extensions(kind)
    present = [name for name in names if not EXTENSION.fullmatch(name) or name in known]
    paths, tail = journal.pieces(kind, upto=upto, columns=present)
    for name in (name for name in names if name not in present):
        # An extension that was never journalled: no row has it.
        tail = tail.append_column(name, pa.nulls(tail.num_rows, pa.string()))
    return [path.resolve() for path in paths], tail.combine_chunks()


def _digest(pieces: dict[str, tuple[list[Path], pa.Table]]) -> str:
    """Names what was read: segments never change under their names, the tail by its content."""
    whole = hashlib.sha256(b"spark")
    for kind, (paths, tail) in sorted(pieces.items()):
        whole.update(f"{kind} {[path.name for path in paths]} {tail.num_rows}".encode())
        for batch in tail.to_batches():
            whole.update(batch.serialize())
    return whole.hexdigest()


def _events(spark: Any, paths: list[Path], tail: pa.Table, upto: int) -> Any:
    """A frame of one kind's events: a task for each row group, and the tail."""
    groups = [(str(path), group) for path in paths for group in range(n_groups(path))]
    frame = spark.createDataFrame(tail, schema=_struct(tail.schema))
    if not groups:
        return frame
    places = spark.createDataFrame(groups, "path string, group int").repartition(len(groups))
    read = partial(tasks.read, wanted=tail.schema, after=0, upto=upto)
    return places.mapInArrow(read, _struct(tail.schema)).unionByName(frame)


# ---------------------------------------------------------------------- shuffle


def _written(
    spark: Any,
    feature_set: FeatureSet,
    events: Callable[[str, Sequence[str]], Any],
    kinds: Sequence[str],
    head: tuple[str, ...],
    after: int,
    upto: int,
    work: Path,
    schema: pa.Schema,
) -> list[Path]:
    """The files that the tasks have written, in ``seq`` order."""
    from pyspark.errors import PythonException
    from pyspark.sql import functions as f

    plan, kind = feature_set.plan, feature_set.subject_kind
    groups = tasks.groups_of(plan)
    n = int(spark.conf.get("spark.sql.shuffle.partitions"))
    columns = dict.fromkeys([*Wanted.of(plan, kind).columns, *head])
    parts = [events(kind, list(columns)).withColumn(tasks.GROUP, f.lit(-1).cast("int"))]
    for group in groups:
        copies = [_copy(events, role, kinds.index(role.kind), group) for role in group.roles]
        # Whole entities, in arrival order; who has no key is nobody's.
        rows = _united(copies).repartition(n, tasks.ENTITY).sortWithinPartitions(tasks.ENTITY, "seq")
        answer = partial(tasks.answer, group=group, kinds=tuple(kinds), after=after)
        parts.append(rows.mapInArrow(answer, _struct(tasks.ANSWERS)))
    # More spans than tasks, so that those that fall to the same task even out.
    spans = tasks.Spans(str(work), max(1, -(-upto // (4 * n))))
    rows = _united(parts).withColumn("_span", f.floor((f.col("seq") - 1) / spans.step))
    rows = rows.repartition(n, "_span").sortWithinPartitions("seq", tasks.GROUP)
    put_down = partial(
        tasks.put_down, spans=spans, schema=schema, feature_set=feature_set, groups=groups, head=head, after=after
    )
    try:
        written = rows.mapInArrow(put_down, _struct(tasks.WRITTEN)).toArrow()
    except PythonException as error:
        raise _of_a_task(error) from error
    return [Path(path) for path in written.sort_by("span")["path"].to_pylist()]


def _of_a_task(error: Exception) -> Exception:
    """Our own error out of what Spark makes of it."""
    found = re.findall(r"^domain\.errors\.(\w+): (.+)$", str(error), re.MULTILINE)
    return getattr(errors, found[-1][0])(found[-1][1]) if found else error


def _copy(events: Callable[[str, Sequence[str]], Any], role: tasks.Role, ordinal: int, group: tasks.Group) -> Any:
    """The events of a kind under the entity that one column names."""
    from pyspark.sql import functions as f

    names = Wanted.of(group.plan, role.kind).columns
    found = events(role.kind, names).where(f.col(role.column).isNotNull())
    return found.select(
        f.col(role.column).alias(tasks.ENTITY), f.lit(ordinal).alias(tasks.KIND), f.lit(role.request).alias(
            tasks.REQUEST), *names,
    )  # fmt: skip


def _united(frames: list[Any]) -> Any:
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionByName(frame, allowMissingColumns=True)
    return whole


def _struct(schema: pa.Schema) -> Any:
    """An Arrow schema in Spark's words."""
    from pyspark.sql import types as t

    words: list[tuple[Callable[[pa.DataType], bool], Any]] = [
        (pa.types.is_int64, t.LongType()),
        (pa.types.is_int32, t.IntegerType()),
        (pa.types.is_float64, t.DoubleType()),
        (pa.types.is_boolean, t.BooleanType()),
        (pa.types.is_string, t.StringType()),
        (pa.types.is_list, t.ArrayType(t.DoubleType())),
    ]
    return t.StructType(
        [t.StructField(field.name, next(word for fits, word in words if fits(field.type))) for field in schema]
    )


# ---------------------------------------------------------------------- session


@contextmanager
def _session(master: str, partitions: int | None) -> Iterator[Any]:
    """A session of our own, stopped when the block ends."""
    missing = [name for name, there in (
        ("pyspark", importlib.util.find_spec("pyspark") is not None),
        ("java", shutil.which("java") is not None or "JAVA_HOME" in os.environ),
    ) if not there]  # fmt: skip
    if missing:
        raise Unavailable(expected_got(f"pyspark and Java; {INSTALL}", f"no {' and no '.join(missing)}", "--engine"))
    with warnings.catch_warnings():
        # Nothing here goes through pandas: Arrow in, Arrow out.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield from _started(master, partitions)


def _started(master: str, partitions: int | None) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    # A label policy holds read-only mappings, which no pickle knows.
    copyreg.pickle(MappingProxyType, _as_dict)
    path = os.pathsep.join(dict.fromkeys([str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(2**16),
        "spark.executorEnv.PYTHONPATH": path,
    }
    if master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.builder.master(master).appName("assay features")
    for name, value in options.items():
        builder = builder.config(name, value)
    # Read by pyspark from the environment alone: without it the workers run whatever python3 is.
    ours = os.environ.setdefault("PYSPARK_PYTHON", sys.executable) is sys.executable
    try:
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        try:
            n = partitions or 4 * spark.sparkContext.defaultParallelism
            spark.conf.set("spark.sql.shuffle.partitions", str(n))
            yield spark
        finally:
            spark.stop()
    finally:
        if ours:
            del os.environ["PYSPARK_PYTHON"]


def _as_dict(mapping: MappingProxyType[Any, Any]) -> tuple[Any, tuple[Any]]:
    return MappingProxyType, (dict(mapping),)
