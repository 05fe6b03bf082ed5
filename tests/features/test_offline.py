"""Offline at any size: how the work is cut up, kept in files, interrupted and gone on with changes no bit."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError, Unavailable
from domain.events import Event
from features import offline
from features.answers import FiledAnswers, HeldAnswers
from features.catalogue import load
from features.kernel.loading import load_kernel
from features.lanes import FiledLane, HeldLane, Shelf
from features.offline import SIZES, Sizes
from features.replay import build_snapshot
from features.settings import FeatureSettings
from stores.database import Database
from stores.journal import Journal
from stores.snapshots import SnapshotWriter, read_table
from tests.features.generated import generated_stream
from tests.features.streams import PLATFORM, memory_journal, streams
from tests.features.test_clocks import feature_set

TINY = Sizes(batch=7, block=5, piece=6, part=4, most=9, held=0, crowd=50)
"""Everything in many small pieces and in files."""

DAY = 86_400_000_000
KINDS_READ = ("transaction", "outcome", "authentication", "profile_change")
CHOSEN = load(FeatureSettings(product="payment"), PLATFORM)
EVENTS = generated_stream(KINDS_READ, 40 * DAY, 400, 5, n_entities=6)


def same(one: pa.Table, other: pa.Table) -> None:
    """Equal schemas and equal bits, NaN included."""
    assert one.schema == other.schema
    for name in one.column_names:
        if pa.types.is_floating(one[name].type):
            assert one[name].to_numpy().tobytes() == other[name].to_numpy().tobytes(), name
        else:
            assert one[name].to_pylist() == other[name].to_pylist(), name


@pytest.fixture(scope="module")
def journal() -> Journal:
    return memory_journal(EVENTS)


@pytest.fixture(scope="module")
def expected(journal: Journal) -> pa.Table:
    return build_snapshot(CHOSEN, journal, PLATFORM, threads=1).table


@pytest.mark.parametrize(
    "changed",
    [
        {"most": 1}, {"part": 1, "most": 7}, {"part": 1, "most": 64}, {"batch": 1}, {"batch": 13}, {"block": 1},
        {"block": 17}, {"piece": 1}, {"piece": 3}, {"held": 0}, {"held": 0, "block": 11, "piece": 4}, {"crowd": 9},
        {"held": 0, "batch": 3, "block": 64, "piece": 9, "part": 2},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("threads", [1, 3])
def test_how_the_work_is_cut_up_changes_nothing(
    journal: Journal, expected: pa.Table, changed: dict[str, int], threads: int
) -> None:
    same(expected, build_snapshot(CHOSEN, journal, PLATFORM, threads=threads, sizes=replace(SIZES, **changed)).table)


@given(
    streams(),
    st.builds(
        Sizes, batch=st.integers(1, 9), block=st.integers(1, 9), piece=st.integers(1, 9), part=st.integers(1, 9),
        most=st.integers(1, 9), held=st.sampled_from([0, 2**20]), crowd=st.integers(1, 9),
    ),
    st.sampled_from([1, 2]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_streams_cut_up_in_any_way(events: list[Event], sizes: Sizes, threads: int) -> None:
    chosen, journal = feature_set(3), memory_journal(events)
    plain = build_snapshot(chosen, journal, PLATFORM, threads=1).table
    same(plain, build_snapshot(chosen, journal, PLATFORM, threads=threads, sizes=sizes).table)


def test_a_folder_holds_what_memory_holds(journal: Journal, expected: pa.Table, tmp_path: Path) -> None:
    for name, sizes in (("held", SIZES), ("filed", TINY)):
        made = build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / name, sizes=sizes, threads=2)
        assert made.folder == tmp_path / name
        same(expected, made.table)
        same(expected.select(["seq", "amount"]), made.columns(["seq", "amount"]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["filed", "held"], "no work is left behind"


def test_a_part_of_the_span_in_pieces(journal: Journal, expected: pa.Table) -> None:
    wanted = expected["seq"].to_pylist()[5:90:7]
    options = {"after": 40, "upto": 300, "subjects": pa.array([seq for seq in wanted if 40 < seq <= 300])}
    plain = build_snapshot(CHOSEN, journal, PLATFORM, **options)  # type: ignore[arg-type]
    assert plain.table.num_rows > 3
    same(plain.table, build_snapshot(CHOSEN, journal, PLATFORM, sizes=TINY, **options).table)  # type: ignore[arg-type]


# ------------------------------------------------------------ interruption


class Stopped(Exception):  # noqa: N818 - a stop, not an error
    """The power goes."""


@contextmanager
def parts_until(monkeypatch: pytest.MonkeyPatch, limit: int | None) -> Iterator[list[int]]:
    """Counts the parts that are begun; stops the build when there are too many."""
    begun: list[int] = []
    plain = FiledAnswers.begin

    def begin(self: FiledAnswers, part: int, n: int) -> object:
        if limit is not None and len(begun) == limit:
            raise Stopped
        begun.append(part)
        return plain(self, part, n)

    with monkeypatch.context() as patch:
        patch.setattr(FiledAnswers, "begin", begin)
        yield begun


@pytest.mark.parametrize("stop", [0, 1, 13, 40])
def test_an_interrupted_build_goes_on_where_it_stopped(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    whole = build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / "whole", sizes=TINY, clock=lambda: 1, threads=1)
    with parts_until(monkeypatch, None) as every:
        build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / "every", sizes=TINY, threads=1)
    target = tmp_path / "target"
    with parts_until(monkeypatch, stop) as first, pytest.raises(Stopped):
        build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=TINY, threads=1)
    assert not target.exists()
    with parts_until(monkeypatch, None) as second:
        made = build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=TINY, clock=lambda: 1, threads=1)
    assert len(first) == stop
    assert len(second) == len(every) - stop, "complete parts are not computed again"
    assert made.manifest == whole.manifest
    assert (target / "table.parquet").read_bytes() == (tmp_path / "whole" / "table.parquet").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_parts_of_other_events_are_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = memory_journal(EVENTS[:300])
    target = tmp_path / "target"
    with parts_until(monkeypatch, 9), pytest.raises(Stopped):
        build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=TINY, threads=1)
    journal.append(EVENTS[300:])
    with parts_until(monkeypatch, None) as begun:
        made = build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=TINY, threads=1)
    same(build_snapshot(CHOSEN, journal, PLATFORM).table, made.table)
    with parts_until(monkeypatch, None) as every:
        build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / "every", sizes=TINY, threads=1)
    assert len(begun) == len(every), "none of the old parts was taken"


# ------------------------------------------------------------------- disks


@contextmanager
def files_of_at_most(n: int) -> Iterator[None]:
    """A disk that is full after so many bytes of a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


_FULL = [(TINY, 100), (SIZES, 10_000), (TINY, 40_000)]


@pytest.mark.parametrize(("sizes", "room"), _FULL, ids=["lane", "table", "end"])
def test_a_full_disk_is_told_and_leaves_nothing_half(
    journal: Journal, expected: pa.Table, tmp_path: Path, sizes: Sizes, room: int
) -> None:
    target = tmp_path / "target"
    with files_of_at_most(room), pytest.raises(Unavailable, match="expected a folder that takes files"):
        build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=sizes, threads=1)
    assert not target.exists()
    assert not list(tmp_path.rglob("*.staged"))
    same(expected, build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=sizes, threads=1).table)


@pytest.mark.parametrize("sizes", [TINY, SIZES], ids=["filed", "held"])
def test_a_folder_that_cannot_be_written(journal: Journal, tmp_path: Path, sizes: Sizes) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="expected a folder that takes files"):
        build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / "file" / "snapshot", sizes=sizes)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_two_builds_of_one_snapshot_do_not_get_into_each_others_way(
    journal: Journal, expected: pa.Table, tmp_path: Path
) -> None:
    """The second is sent away, however far the first has come, and the first is none the worse."""
    target = tmp_path / "target"
    met: list[str] = []
    # A connection of its own, as another process has: the first one's is read by a thread while progress is told.
    other = memory_journal(EVENTS)

    def second(done: int, total: int, what: str) -> None:
        if target.exists():
            return
        with pytest.raises(Unavailable, match="only one who writes it"):
            build_snapshot(CHOSEN, other, PLATFORM, folder=target, sizes=TINY, threads=1)
        met.append(what)

    built = build_snapshot(CHOSEN, journal, PLATFORM, folder=target, sizes=TINY, threads=1, progress=second)
    same(expected, built.table)
    assert "derived features and columns" in met
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_two_writers_of_one_folder(tmp_path: Path) -> None:
    rows = pa.table({"n": [1, 2]})
    with SnapshotWriter(tmp_path / "made") as first:
        first.write(rows)
        with pytest.raises(Unavailable, match="only one who writes it"), SnapshotWriter(tmp_path / "made"):
            pass
        first.finish({})
    assert read_table(tmp_path / "made").equals(rows)
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_snapshot_is_never_overwritten(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected no snapshot there yet"):
        build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path)


# ------------------------------------------------------------------ memory


def test_nothing_of_the_size_of_the_journal_is_held(
    expected: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a timing: the streaming path is taken, and what passes through memory keeps to its sizes."""
    database = Database(tmp_path / "assay.db")
    journal = Journal(database, tmp_path / "journal")
    journal.append(EVENTS)
    journal.flush()
    batches: list[int] = []
    plain = Journal.batches

    def watched(self: Journal, *names: str, **options: object) -> Iterator[pa.Table]:
        for table in plain(self, *names, **options):  # type: ignore[arg-type]
            batches.append(table.num_rows)
            yield table

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("expected no kind to be read whole, no lane and no answers in memory")

    pieces: list[int] = []
    replayed = load_kernel().replay

    def measured(*arguments: Any) -> Any:
        _pool, _meta, _free, _program, owners, *_ = arguments
        pieces.append(len(owners))
        return replayed(*arguments)

    monkeypatch.setattr(Journal, "batches", watched)
    monkeypatch.setattr(HeldAnswers, "__init__", refused)
    monkeypatch.setattr(Shelf, "lane", _filed_only(Shelf.lane))
    monkeypatch.setattr(offline, "load_kernel", lambda: replace(load_kernel(), replay=measured))
    with monkeypatch.context() as patch:
        patch.setattr("features.replay.read_columns", _empty_only(patch))
        made = build_snapshot(CHOSEN, journal, PLATFORM, folder=tmp_path / "made", sizes=TINY, threads=2)
    same(expected, made.table)
    assert max(batches) == TINY.batch
    assert sum(batches) > 2 * 400 * 0.5
    assert max(pieces) <= 2 * TINY.piece
    with made_file(made.folder) as file:
        assert file.num_row_groups == -(-expected.num_rows // TINY.block)


def _filed_only(plain: object) -> object:
    def lane(self: Shelf, n: int) -> object:
        made = plain(self, n)  # type: ignore[operator]
        assert isinstance(made, FiledLane)
        return made

    return lane


def _empty_only(patch: pytest.MonkeyPatch) -> object:
    from features.sources import read_columns

    def read(journal: Journal, kind: str, names: list[str], after: int, upto: int) -> pa.Table:
        assert after == upto
        return read_columns(journal, kind, names, after, upto)

    return read


@contextmanager
def made_file(folder: Path | None) -> Iterator[object]:
    import pyarrow.parquet as pq

    assert folder is not None
    with pq.ParquetFile(folder / "table.parquet") as file:
        yield file


@given(st.lists(st.integers(0, 99), max_size=40), st.integers(1, 7))
def test_a_lane_in_a_file_is_a_lane_in_memory(rows: list[int], reach: int) -> None:
    import tempfile

    words = np.arange(100) * 7
    places = np.array(sorted(rows), dtype=np.int64)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("features.lanes._REACH", reach)
        held, filed = HeldLane(100), FiledLane(Path(folder) / "lane")
        for lane in (held, filed):
            for start in range(0, 100, 30):
                lane.append(words[start : start + 30])
        assert held.take(places).tolist() == filed.take(places).tolist() == words[places].tolist()
        assert held.span(3, 9).tolist() == filed.span(3, 9).tolist()


# ---------------------------------------------------------------- manifest


def test_equal_data_gives_an_equal_hash(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    journal.append(EVENTS[:250])
    one = build_snapshot(CHOSEN, journal, PLATFORM).manifest
    journal.flush()
    journal.append(EVENTS[250:])
    upto = build_snapshot(CHOSEN, journal, PLATFORM, upto=250, sizes=TINY).manifest
    assert upto["data"] == one["data"], "where the events lie is not what they are"
    journal.flush()
    full = build_snapshot(CHOSEN, journal, PLATFORM).manifest
    assert full["data"] != one["data"]
    other = [replace(event, event_time=event.event_time + 1) if event.seq == 200 else event for event in EVENTS[:250]]
    assert build_snapshot(CHOSEN, memory_journal(other), PLATFORM).manifest["data"] != one["data"]


def test_a_manifest_says_where_the_order_comes_from(tmp_path: Path) -> None:
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    journal.append(EVENTS[:50])
    rows = {"event_id": ["t1", "t2"], "event_time": [5, 6], "known_at": [5, 6], "amount": [1, 2]}
    table = pa.table({**rows, "currency": ["CNY", "CNY"]})
    told = {"transaction": "event_time", "outcome": "nothing of this kind came"}
    journal.append_tables({"transaction": table}, "bank", told)
    journal.append_tables({"transaction": table.set_column(0, "event_id", pa.array(["t3", "t4"]))}, "bank")
    journal.append_tables({"transaction": table}, "bank", {"transaction": "a duplicate tells nothing"})
    for kind, client in (("transaction", "c"), ("transaction", "d"), ("inquiry", "c")):
        journal.database.execute(
            "INSERT INTO quarantine (client, event_id, kind, received_at, reason, body) VALUES (?, 'q', ?, 1, '', x'')",
            (client, kind),
        )
    manifest = build_snapshot(CHOSEN, journal, PLATFORM).manifest
    assert manifest["arrival_order"] == {
        "seq_of_arrival": 50,
        "seq_by_known_at_event_time_event_id": 4,
        "known_at": {"transaction": ["event_time"]},
    }
    assert manifest["n_quarantined"] == {"transaction": 2}, "of the kinds that the features read"
    earlier = build_snapshot(CHOSEN, journal, PLATFORM, upto=51).manifest["arrival_order"]
    assert earlier["seq_by_known_at_event_time_event_id"] == 1
