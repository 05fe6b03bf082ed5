"""The replay on Spark is the local replay, bit for bit: its tasks under any cut, and all of it on a real JVM."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cli.main import main
from domain.errors import DataError, Unavailable
from domain.events import Event
from domain.time import DAY
from features import spark, spark_tasks
from features.aggregates import Count, Mean
from features.catalogue import FeatureSet, compile_set, discover, load
from features.intake import Wanted
from features.replay import build_snapshot
from features.settings import FeatureSettings
from features.snapshot import Snapshot
from features.spark import INSTALL, build_on_spark
from features.view import FeatureView, ring
from stores.database import Database
from stores.journal import Journal
from tests.features.generated import generated_stream
from tests.features.streams import PLATFORM

N_EVENTS = 700
needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason=f"needs pyspark and Java: {INSTALL}",
)


def written(folder: Path, feature_set: FeatureSet, n: int = N_EVENTS) -> Journal:
    """Two segments of each kind and a tail, the second with an extension that the first lacks."""
    kinds = tuple(dict.fromkeys([feature_set.subject_kind, *(view.source for view in feature_set.views)]))
    events = generated_stream(kinds, 40 * DAY, n, 6)
    journal = Journal(Database(folder / "assay.db"), folder / "journal")
    journal.append(events[: n // 3])
    journal.flush()
    extended = [Event(e.kind, e.event_id, e.event_time, e.known_at, {**e.body, "x_mood": "calm"}) for e in events]
    journal.append(extended[n // 3 : 2 * n // 3])
    journal.flush()
    journal.append(events[2 * n // 3 :])
    return journal


def same(left: Snapshot, right: Snapshot) -> int:
    """Equal in schema and bits; returns the number of non-missing values."""
    assert left.table.schema == right.table.schema
    n = 0
    for name in left.table.column_names:
        ours, theirs = left.table[name].combine_chunks(), right.table[name].combine_chunks()
        if pa.types.is_float64(ours.type):
            assert not ours.null_count + theirs.null_count
            a, b = ours.to_numpy(), theirs.to_numpy()
            assert np.array_equal(
                np.where(np.isnan(a), 0, a.view(np.int64)), np.where(np.isnan(b), 0, b.view(np.int64))
            )
            assert np.array_equal(np.isnan(a), np.isnan(b)), name
            n += int(np.count_nonzero(~np.isnan(a)))
        else:
            assert ours.equals(theirs), name
    for name in ("n_rows", "null_shares", "n_truncated", "n_stale", "definition", "upto_seq"):
        assert left.manifest[name] == right.manifest[name]
    return n


def shuffled(
    table: pa.Table, key: str, order: tuple[str, str], n_parts: int, rng: np.random.Generator
) -> Iterator[list[Any]]:
    """What Spark's repartition and sort do: whole keys in each part, sorted, in batches of any size."""
    codes = table[key].combine_chunks().dictionary_encode().indices.to_numpy() * 7 % n_parts
    for part in range(n_parts):
        rows = table.filter(pa.array(codes == part)).sort_by([(name, "ascending") for name in order])
        yield rows.combine_chunks().to_batches(max_chunksize=int(rng.integers(1, 60)))


def without_spark(feature_set: FeatureSet, journal: Journal, after: int, n_parts: int, work: Path) -> pa.Table:
    """The tasks of a build, one after another in this process."""
    rng = np.random.default_rng(n_parts)
    kinds, last = spark._kinds(feature_set), journal.last_seq()
    events = {}
    for kind in kinds:
        paths, tail = spark._pieces(feature_set, journal, kind, last)
        places = pa.RecordBatch.from_pydict({"path": [str(p) for p in paths], "group": [0] * len(paths)})
        read = spark_tasks.read([places], tail.schema, 0, last)
        events[kind] = pa.concat_tables([*(pa.Table.from_batches([batch]) for batch in read), tail])
    groups = spark_tasks.groups_of(feature_set.plan)
    head = spark.head_columns(feature_set.subject_kind, feature_set.plan)
    subject = events[feature_set.subject_kind]
    parts = [subject.append_column(spark_tasks.GROUP, pa.nulls(subject.num_rows, pa.int32()).fill_null(-1))]
    for group in groups:
        copies = []
        for role in group.roles:
            found = events[role.kind].select(Wanted.of(group.plan, role.kind).columns)
            found = found.append_column(spark_tasks.ENTITY, events[role.kind][role.column])
            found = found.append_column(
                spark_tasks.KIND, pa.array([kinds.index(role.kind)] * found.num_rows, pa.int32())
            )
            found = found.append_column(spark_tasks.REQUEST, pa.array([role.request] * found.num_rows, pa.bool_()))
            copies.append(found.filter(pc.is_valid(found[spark_tasks.ENTITY])))
        rows = pa.concat_tables(copies, promote_options="default")
        for batches in shuffled(rows, spark_tasks.ENTITY, (spark_tasks.ENTITY, "seq"), n_parts, rng):
            parts += [pa.Table.from_batches([b]) for b in spark_tasks.answer(batches, group, tuple(kinds), after)]
    rows = pa.concat_tables(parts, promote_options="default")
    spans = spark_tasks.Spans(str(work), last // (3 * n_parts))
    rows = rows.append_column("_span", pc.divide(pc.subtract(rows["seq"], 1), spans.step))
    schema = build_snapshot(feature_set, journal, PLATFORM, after=last).table.schema
    files: dict[int, str] = {}
    for batches in shuffled(rows, "_span", ("seq", spark_tasks.GROUP), n_parts, rng):
        for told in spark_tasks.put_down(batches, spans, schema, feature_set, groups, head, after):
            ((span, path),) = zip(told["span"].to_pylist(), told["path"].to_pylist(), strict=True)
            assert span not in files
            files[span] = path
    assert len(list(work.iterdir())) == len(files)
    return pa.concat_tables(pq.read_table(files[span]) for span in sorted(files))


@pytest.mark.parametrize(("product", "n_parts", "chunk"), [("payment", 1, 10**6), ("payment", 5, 20), ("loan", 3, 1)])
def test_the_tasks_are_the_local_engine_under_any_cut(
    product: str, n_parts: int, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_tasks, "CHUNK", chunk)
    chosen = load(FeatureSettings(product=product), PLATFORM)  # type: ignore[arg-type]
    journal = written(tmp_path, chosen)
    for after in (0, journal.last_seq() // 2):
        local = build_snapshot(chosen, journal, PLATFORM, after=after)
        work = tmp_path / f"work-{after}"
        work.mkdir()
        found = without_spark(chosen, journal, after, n_parts, work)
        assert same(local, Snapshot(found, local.manifest)) > 1_000


def small_rings() -> FeatureSet:
    """A ring that overflows, an extension, and outcomes as a second source of an entity."""
    card = FeatureView(
        entity="card_id", source="transaction", retain=ring(3), name="card",
        features=[Count(over=["1h", "30d"]), Mean("amount", over=["30d"])],
    )  # fmt: skip
    known = [view for view in discover("payment").views if view.name in ("customer_known_fraud", "customer", "payee")]
    return compile_set(
        FeatureSettings(product="payment", own=["amount", "channel"]), PLATFORM, (card, *known),
        discover("payment").derived, {},
    )  # fmt: skip


@pytest.mark.spark
@pytest.mark.slow
@needs_spark
def test_a_real_jvm_gives_the_same_bits(tmp_path: Path) -> None:
    chosen = small_rings()
    journal = written(tmp_path, chosen)
    local = build_snapshot(chosen, journal, PLATFORM)
    there = tmp_path / "snapshot"
    remote = build_on_spark(chosen, journal, PLATFORM, master="local[2]", partitions=2, folder=there)
    assert same(local, remote) > 1_000
    assert local.manifest["n_truncated"] > 20
    assert same(local, Snapshot.load(there)) > 1_000
    assert remote.manifest["engine"] == "spark, local[2]"
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["journal", "snapshot"]


def test_an_error_of_a_task_is_ours_again() -> None:
    told = (
        "Traceback (most recent call last):\n  File …\ndomain.errors.DataError: amount: expected a rate, got none\n\n"
    )
    found = spark._of_a_task(RuntimeError(told))
    assert isinstance(found, DataError)
    assert str(found) == "amount: expected a rate, got none"
    other = RuntimeError("of theirs")
    assert spark._of_a_task(other) is other


def test_what_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = small_rings()
    journal = written(tmp_path, chosen, 30)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Unavailable, match=r"--engine: expected pyspark and Java; pip install.*no pyspark and no java"):
        build_on_spark(chosen, journal, PLATFORM)


def test_the_command_knows_the_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "features", "build", "fraud", "--engine", "abacus"]) == 2
    assert "abacus" in capsys.readouterr().err
