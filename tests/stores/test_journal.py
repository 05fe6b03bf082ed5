"""The journal against a list: whatever is appended, flushed, lost or reopened, both connections read the list."""

# ruff: noqa: PT012 - a transaction is several statements
from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.errors import DataError, InputError
from domain.events import KINDS, ColumnType, Event, column_type
from stores import segments as segment_files
from stores.database import Database
from stores.journal import Appended, Journal
from stores.schema import event_schema
from stores.table_append import PART_ROWS
from tests.events import events, example_body

FEW_KINDS = ("inquiry", "transaction", "outcome")
few_ids = st.sampled_from([f"e{n}" for n in range(12)])
few_moments = st.integers(0, 6)
few_clients = st.sampled_from(["shop", "bank"])
batches = st.lists(events(FEW_KINDS, few_ids, few_moments, few_clients), max_size=6)


def stored(event: Event) -> Event:
    """The event as the journal gives it back: numbers are floats."""
    body = {
        name: float(value) if column_type(event.kind, name, value) is ColumnType.NUMBER else value
        for name, value in event.body.items()
    }
    return replace(event, body=body)


def tables_of(batch: Sequence[Event], extensions: dict[str, ColumnType]) -> dict[str, pa.Table]:
    """One table per kind, rows in the order given."""
    tables = {}
    for kind in dict.fromkeys(event.kind for event in batch):
        schema = event_schema(kind, extensions)
        rows = [
            {**event.body, "event_id": event.event_id, "event_time": event.event_time, "known_at": event.known_at}
            for event in batch
            if event.kind == kind
        ]
        names = [n for n in schema.names if n not in ("seq", "client")]
        tables[kind] = pa.Table.from_pylist(rows, pa.schema([schema.field(name) for name in names]))
    return tables


def read_events(journal: Journal, kind: str, after: int = 0, upto: int | None = None) -> list[Event]:
    head = ("seq", "client", "event_id", "event_time", "known_at")
    found = []
    for row in journal.read(kind, after=after, upto=upto).to_pylist():
        body = {name: value for name, value in row.items() if name not in head and value is not None}
        found.append(Event(kind, body=body, **{name: row[name] for name in head}))
    return found


class Crash(Exception):  # noqa: N818 - it stands for the power failing
    """The process ends here."""


class JournalMachine(RuleBasedStateMachine):
    """A journal in two processes' worth of connections beside a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model: list[Event] = []

    @initialize()
    def open_two(self) -> None:
        self.journals = [self.open(0), self.open(1)]

    def open(self, which: int) -> Journal:
        # The second adds tables, and moves the tail before it does, two rows at a time.
        part_rows = 2 if which else PART_ROWS
        return Journal(Database(self.folder / "assay.db"), self.folder / "journal", part_rows=part_rows, rest=0.0)

    def teardown(self) -> None:
        for journal in getattr(self, "journals", []):
            journal.database.close()
        shutil.rmtree(self.folder)

    def seq_of(self, event: Event) -> int | None:
        identity = (event.client, event.event_id)
        return next((known.seq for known in self.model if (known.client, known.event_id) == identity), None)

    def expect(self, batch: Sequence[Event]) -> list[Appended]:
        wanted = []
        for event in batch:
            seq = self.seq_of(event)
            if seq is None:
                self.model.append(stored(event).numbered(len(self.model) + 1))
            wanted.append(Appended(seq or len(self.model), seq is None))
        return wanted

    # ------------------------------------------------------------------ rules

    @rule(which=st.integers(0, 1), batch=batches)
    def append(self, which: int, batch: list[Event]) -> None:
        assert self.journals[which].append(batch) == self.expect(batch)

    @rule(which=st.integers(0, 1), batch=batches, client=few_clients)
    def append_tables(self, which: int, batch: list[Event], client: str) -> None:
        batch = [replace(event, client=client) for event in batch]
        kinds = list(dict.fromkeys(event.kind for event in batch))
        # Arrival order of data that has none: known_at, event_time, event_id; then as handed over.
        arrival = sorted(batch, key=lambda e: (e.known_at, e.event_time, e.event_id, kinds.index(e.kind)))
        before = len(self.model)
        done = self.journals[which].append_tables(
            tables_of(batch, {"x_number": ColumnType.NUMBER, "x_category": ColumnType.CATEGORY}), client
        )
        self.expect(arrival)
        new = self.model[before:]
        assert (done.n_new, done.n_duplicate, done.last_seq) == (len(new), len(batch) - len(new), len(self.model))
        assert dict(done.kinds) == {k: n for k in kinds if (n := sum(event.kind == k for event in new))}

    @rule(which=st.integers(0, 1))
    def flush(self, which: int) -> None:
        assert self.journals[which].flush() >= 0
        assert self.journals[which].flush() == 0

    @rule(which=st.integers(0, 1))
    def reopen(self, which: int) -> None:
        self.journals[which].database.close()
        self.journals[which] = self.open(which)

    @rule(which=st.integers(0, 1), batch=batches, at=st.sampled_from(["sha256_of", "sync_folder"]))
    def crash_while_writing_a_segment(self, which: int, batch: list[Event], at: str) -> None:
        """Before the rename, or after it and before the record: the file does not exist."""
        batch = [replace(event, client="shop") for event in batch]
        honest = getattr(segment_files, at)

        def crash(path: Path) -> None:
            raise Crash

        setattr(segment_files, at, crash)
        try:
            self.journals[which].append_tables(tables_of(batch, {"x_number": ColumnType.NUMBER}), "shop")
            # Nothing new, so no segment was begun and nothing could fail.
            assert all(self.seq_of(event) is not None for event in batch)
        except Crash:
            self.reopen(which)
        except InputError:
            assert any("x_category" in event.body for event in batch)
        finally:
            setattr(segment_files, at, honest)

    @rule(which=st.integers(0, 1), batch=batches)
    def crash_while_flushing(self, which: int, batch: list[Event]) -> None:
        self.append(which, batch)
        honest = segment_files.sync_folder

        def crash(path: Path) -> None:
            raise Crash

        segment_files.sync_folder = crash
        try:
            assert self.journals[which].flush() == 0
        except Crash:
            self.reopen(which)
        finally:
            segment_files.sync_folder = honest

    @rule(
        which=st.integers(0, 1), batch=batches, spoilt=st.sampled_from(["amount", "currency", "event_id", "x_number"])
    )
    def refuse_bad_input(self, which: int, batch: list[Event], spoilt: str) -> None:
        """One bad event and nothing of the call is kept, by either door."""
        body = {**example_body("transaction"), "x_number": 1.0}
        bad = Event("transaction", "bad", 1, 1, {**body, spoilt: "?"}, "shop")
        bad = replace(bad, event_id="") if spoilt == "event_id" else bad
        if spoilt == "x_number":
            # Typed at its first use as a number; if it was not yet used, it is made so.
            self.append(which, [Event("transaction", "typed", 1, 1, body, "shop")])
        with pytest.raises(InputError):
            self.journals[which].append([*batch, bad])
        table = pa.Table.from_pylist([{**bad.body, "event_id": bad.event_id, "event_time": 1, "known_at": 1}])
        with pytest.raises(InputError):
            self.journals[which].append_tables({"transaction": table}, "shop")

    @precondition(lambda self: self.model)
    @rule(which=st.integers(0, 1), data=st.data())
    def read_a_stretch(self, which: int, data: st.DataObject) -> None:
        journal = self.journals[which]
        after = data.draw(st.integers(0, len(self.model)))
        upto = data.draw(st.integers(after, len(self.model) + 1))
        wanted = [event for event in self.model if after < event.seq <= upto]
        assert list(journal.events(after=after, upto=upto)) == wanted
        for kind in FEW_KINDS:
            assert read_events(journal, kind, after, upto) == [event for event in wanted if event.kind == kind]
        event = data.draw(st.sampled_from(self.model))
        assert journal.get(event.seq) == event
        assert event in journal.find(event.event_id)
        assert journal.seq_of(event.client, event.event_id) == event.seq

    # -------------------------------------------------------------- invariants

    @invariant()
    def both_connections_read_the_list(self) -> None:
        for journal in getattr(self, "journals", []):
            assert journal.last_seq() == len(self.model)
            assert sum(journal.kinds().values()) == len(self.model)
            for kind in FEW_KINDS:
                assert read_events(journal, kind) == [event for event in self.model if event.kind == kind]

    @invariant()
    def segments_are_sound(self) -> None:
        if hasattr(self, "journals"):
            assert self.journals[0].verify() == []


JournalMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=14)
TestJournal = JournalMachine.TestCase


# ------------------------------------------------------------------ one by one


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    yield made
    made.database.close()


def asked(event_id: str, moment: int = 5, client: str = "local", **body: object) -> Event:
    return Event("inquiry", event_id, moment, moment, {"borrower_id": "b1", **body}, client)  # type: ignore[dict-item]


@given(batch=st.lists(events(), max_size=12, unique_by=lambda event: event.event_id))
@settings(max_examples=25)
def test_every_event_comes_back_as_it_went_in(batch: list[Event], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("journal")
    one = Journal(Database(folder / "assay.db"), folder / "journal")
    one.append(batch)
    wanted = [stored(event).numbered(seq) for seq, event in enumerate(batch, start=1)]
    assert list(one.events()) == wanted
    one.flush()
    assert list(one.events()) == wanted
    one.database.close()
    other = Journal(Database(folder / "other.db"), folder / "other")
    other.append_tables(tables_of(batch, {"x_number": ColumnType.NUMBER, "x_category": ColumnType.CATEGORY}), "local")
    arrived = sorted(batch, key=lambda event: (event.known_at, event.event_time, event.event_id))
    assert list(other.events()) == [stored(event).numbered(seq) for seq, event in enumerate(arrived, start=1)]
    other.database.close()


def test_read_stays_in_order_when_a_table_follows_single_events(journal: Journal) -> None:
    journal.append([asked("a1")])
    journal.append_tables({"inquiry": pa.table({"event_id": ["b1", "b2"], "event_time": [1, 2], "known_at": [1, 2],
                                                "borrower_id": ["b", "b"]})}, "local")  # fmt: skip
    journal.append([asked("a2")])
    journal.flush()
    assert journal.read("inquiry")["event_id"].to_pylist() == ["a1", "b1", "b2", "a2"]
    assert journal.read("inquiry")["seq"].to_pylist() == [1, 2, 3, 4]


def test_the_same_id_of_another_client_is_another_event(journal: Journal) -> None:
    appended = journal.append([asked("q", client="shop"), asked("q", client="bank"), asked("q", 9, client="shop")])
    assert appended == [Appended(1, True), Appended(2, True), Appended(1, False)]
    assert [event.client for event in journal.find("q")] == ["shop", "bank"]
    # The first fact stands.
    assert journal.get(1).event_time == 5


def test_append_within_belongs_to_the_callers_transaction(journal: Journal) -> None:
    with pytest.raises(Crash), journal.database.transaction():
        journal.append_within([asked("q1")])
        assert journal.last_seq() == 1
        raise Crash
    assert journal.last_seq() == 0
    assert journal.append([asked("q2")]) == [Appended(1, True)]


def test_extensions_are_typed_at_their_first_use(journal: Journal) -> None:
    journal.append([asked("q1")])
    journal.flush()
    journal.append([asked("q2", x_score=1), asked("q3", x_segment="gold")])
    assert journal.extensions("inquiry") == {"x_score": ColumnType.NUMBER, "x_segment": ColumnType.CATEGORY}
    # Older segments lack the columns; they read as null.
    assert journal.read("inquiry", columns=["x_score", "x_segment"]).to_pydict() == {
        "x_score": [None, 1.0, None],
        "x_segment": [None, None, "gold"],
    }
    with pytest.raises(InputError, match="expected a number, as first journalled"):
        journal.append([asked("q4", x_score="high")])
    assert journal.last_seq() == 3


def test_an_extension_without_a_value_has_no_type_yet(journal: Journal) -> None:
    table = pa.table(
        {"event_id": ["q1"], "event_time": [1], "known_at": [1], "borrower_id": ["b"], "x_new": pa.nulls(1)}
    )
    journal.append_tables({"inquiry": table}, "local")
    assert journal.extensions("inquiry") == {}
    journal.append([asked("q2", x_new="gold")])
    journal.append_tables({"inquiry": table.set_column(0, "event_id", pa.array(["q3"]))}, "local")
    assert journal.read("inquiry")["x_new"].to_pylist() == [None, "gold", None]


def test_a_name_the_kind_lacks_is_refused(journal: Journal) -> None:
    with pytest.raises(InputError, match="lender_id"):
        journal.read("inquiry", columns=["amount"])
    with pytest.raises(InputError, match="expected a kind"):
        journal.read("wish")
    with pytest.raises(DataError, match="expected a seq"):
        journal.get(1)


HEAD = {"event_id": ["q1"], "event_time": [1], "known_at": [1], "borrower_id": ["b"]}
PAID = {"event_id": ["t1"], "event_time": [1], "known_at": [1], "amount": [100], "currency": ["CNY"]}


@pytest.mark.parametrize(
    ("kind", "columns", "told"),
    [
        ("inquiry", {**HEAD, "event_id": [None]}, "inquiry.event_id"),
        ("inquiry", {**HEAD, "event_id": [""]}, "printable text"),
        ("inquiry", {**HEAD, "event_id": [7]}, "values of string"),
        ("inquiry", {**HEAD, "event_time": pa.array([1], pa.timestamp("s"))}, "values of int64"),
        ("inquiry", {**HEAD, "event_time": [2**60]}, "between 1901 and 2106"),
        ("inquiry", {**HEAD, "known_at": [None]}, "inquiry.known_at"),
        ("inquiry", {**HEAD, "borrower_id": [None]}, "expected a key"),
        ("inquiry", {**HEAD, "purpose": ["x" * 129]}, "printable text"),
        ("inquiry", {**HEAD, "colour": ["red"]}, "colour"),
        ("inquiry", {**HEAD, "x_flag": [True]}, "values of double"),
        ("inquiry", {key: HEAD[key] for key in ("event_id", "event_time", "known_at")}, "inquiry.borrower_id"),
        ("transaction", {**PAID, "amount": [1.5]}, "transaction.amount"),
        ("transaction", {**PAID, "amount": [True]}, "values of int64"),
        ("transaction", {**PAID, "amount": [2**53 + 1]}, "whole number within"),
        ("transaction", {**PAID, "amount": ["100"]}, "values of int64"),
        ("transaction", {**PAID, "currency": ["yuan"]}, "ISO 4217"),
        ("transaction", {**PAID, "channel": ["pigeon"]}, "expected one of cash_agent"),
        ("transaction", {**PAID, "latitude": [float("nan")]}, "a finite number"),
        ("transaction", {**PAID, "x_score": [float("inf")]}, "a finite number"),
        ("transaction", {**PAID, "x_score": [[1.0]]}, "transaction.x_score"),
        ("wish", HEAD, "expected a kind"),
    ],
)
def test_tables_are_checked_like_single_events(
    journal: Journal, kind: str, columns: dict[str, list[object]], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        journal.append_tables({kind: pa.table(columns)}, "local")
    assert journal.last_seq() == 0
    assert not list(journal.segments.glob("*.parquet"))


def test_an_outcome_table_needs_one_time(journal: Journal) -> None:
    body = {name: [value] for name, value in example_body("outcome").items()}
    table = pa.table({"event_id": ["o1"], "event_time": [1], "known_at": [2], **body})
    with pytest.raises(InputError, match="event_time = known_at"):
        journal.append_tables({"outcome": table}, "local")


def test_dictionary_and_large_text_are_text(journal: Journal) -> None:
    table = pa.table({**HEAD, "event_id": pa.array(["q1"], pa.large_string()),
                      "purpose": pa.array(["car"]).dictionary_encode()})  # fmt: skip
    journal.append_tables({"inquiry": table}, "local")
    assert journal.read("inquiry", columns=["event_id", "purpose"]).to_pylist() == [
        {"event_id": "q1", "purpose": "car"}
    ]


def test_an_empty_table_is_nothing(journal: Journal) -> None:
    done = journal.append_tables({"inquiry": event_schema("inquiry", {}).empty_table()}, "local")
    assert (done.n_new, done.n_duplicate, done.last_seq) == (0, 0, 0)
    assert journal.append_tables({}, "local").last_seq == 0
    assert journal.read("inquiry").num_rows == 0
    assert list(journal.events()) == []


def test_a_reader_sees_one_moment_while_others_append_and_flush(journal: Journal, tmp_path: Path) -> None:
    other = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    journal.append([asked("q1")])
    with other.database.reading():
        assert other.last_seq() == 1
        journal.append([asked("q2")])
        journal.flush()
        assert other.read("inquiry")["event_id"].to_pylist() == ["q1"]
    assert other.read("inquiry")["event_id"].to_pylist() == ["q1", "q2"]
    other.database.close()


def test_writers_of_several_threads_share_one_numbering(tmp_path: Path) -> None:
    n_threads, n_each = 4, 25
    seen: list[list[int]] = [[] for _ in range(n_threads)]

    def write(place: int) -> None:
        mine = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
        for n in range(n_each):
            # Half of the ids are everybody's.
            owner = "all" if n % 2 else str(place)
            seen[place] += [one.seq for one in mine.append([asked(f"{owner}-{n}")]) if one.new]
            if n % 10 == 0:
                mine.flush()
        mine.database.close()

    Database(tmp_path / "assay.db").close()
    threads = [threading.Thread(target=write, args=(place,)) for place in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    n_events = n_threads * 13 + 12
    assert sorted(seq for mine in seen for seq in mine) == list(range(1, n_events + 1))
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    assert journal.read("inquiry")["seq"].to_pylist() == list(range(1, n_events + 1))
    journal.database.close()


def test_a_process_that_dies_before_the_record_has_written_nothing(tmp_path: Path) -> None:
    program = f"""
import os
from pathlib import Path
from domain.events import Event
from stores import segments as module
from stores.database import Database
from stores.journal import Journal
journal = Journal(Database(Path({str(tmp_path / "assay.db")!r})), Path({str(tmp_path / "journal")!r}))
journal.append([Event("inquiry", f"q{{n}}", n, n, {{"borrower_id": "b"}}) for n in range(5)])
module.sync_folder = lambda folder: os._exit(9)
journal.flush()
"""
    root = Path(__file__).parents[2]
    died = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert died.returncode == 9
    assert len(list((tmp_path / "journal").glob("*.parquet"))) == 1
    journal = Journal(Database(tmp_path / "assay.db"), tmp_path / "journal")
    assert [event.event_id for event in journal.events()] == [f"q{n}" for n in range(5)]
    assert journal.flush() == 5
    assert [event.event_id for event in journal.events()] == [f"q{n}" for n in range(5)]
    assert journal.verify() == []
    journal.database.close()


@pytest.fixture
def segment(journal: Journal) -> Path:
    """One segment of a thousand events, on disk."""
    journal.append([asked(f"q{n}", n, purpose=f"purpose {n % 7}") for n in range(1000)])
    journal.flush()
    return next(journal.segments.glob("*.parquet"))


def test_a_missing_segment_is_found(journal: Journal, segment: Path) -> None:
    segment.unlink()
    assert journal.verify() == [f"{segment}: expected a segment, found none"]
    with pytest.raises(DataError, match="restore it from a backup"):
        journal.read("inquiry")


def test_a_truncated_segment_is_found(journal: Journal, segment: Path) -> None:
    segment.write_bytes(segment.read_bytes()[:-100])
    assert len(journal.verify()) == 1
    with pytest.raises(DataError, match="restore it from a backup"):
        journal.read("inquiry")


def test_a_flipped_bit_is_found_anywhere_by_verify(journal: Journal, segment: Path) -> None:
    whole = segment.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 50).astype(int).tolist():
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x10
        segment.write_bytes(spoilt)
        assert journal.verify() == [f"{segment}: expected sha256 {journal_sha(journal)[:12]}…, the file was altered"]
    segment.write_bytes(whole)
    assert journal.verify() == []


def journal_sha(journal: Journal) -> str:
    return str(journal.database.one("SELECT sha256 FROM segment")[0])


def test_a_flipped_bit_in_a_page_is_found_by_the_next_reader(journal: Journal, segment: Path) -> None:
    wanted = journal.read("inquiry")
    whole = segment.read_bytes()
    group = pq.ParquetFile(segment).metadata.row_group(0)
    names = [group.column(n).path_in_schema for n in range(group.num_columns)]
    column = group.column(names.index("event_time"))
    # The last byte of the last page of the column: values, not headers.
    spoilt = bytearray(whole)
    spoilt[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 0x01
    segment.write_bytes(spoilt)
    with pytest.raises(DataError, match="restore it from a backup"):
        journal.read("inquiry")
    segment.write_bytes(whole)
    assert journal.read("inquiry").equals(wanted)


def test_every_kind_can_be_read_when_there_is_nothing(journal: Journal) -> None:
    for kind in KINDS:
        assert journal.read(kind).schema == event_schema(kind, {})


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_are_what_is_read_in_pieces(journal: Journal, size: int) -> None:
    journal.append([asked(f"a{n}", **({"purpose": "car"} if n % 2 else {})) for n in range(4)])
    journal.flush()
    journal.append([asked(f"b{n}", x_score=0.5, x_segment="silver") for n in range(3)])
    journal.flush()
    journal.append([asked(f"c{n}", x_segment="gold") for n in range(5)])
    for span in ({}, {"after": 2, "upto": 9}, {"after": 4, "upto": 7}, {"after": 8}, {"after": 12}, {"upto": 1}):
        for columns in (None, ["event_id", "purpose", "x_score", "x_segment"]):
            whole = journal.read("inquiry", columns=columns, **span)  # type: ignore[arg-type]
            assert journal.count("inquiry", **span) == whole.num_rows
            for dictionaries in (False, True):
                tables = list(
                    journal.batches("inquiry", columns=columns, size=size, dictionaries=dictionaries, **span)  # type: ignore[arg-type]
                )
                assert all(0 < table.num_rows <= size for table in tables)
                assert [row for table in tables for row in table.to_pylist()] == whole.to_pylist()
                texts = {pa.types.is_dictionary(table.schema.field("purpose").type) for table in tables}
                assert texts <= {dictionaries}


def test_batches_see_one_moment_while_others_flush(journal: Journal, tmp_path: Path) -> None:
    journal.append([asked(f"a{n}") for n in range(6)])
    other = Journal(Database(journal.database.path), journal.segments)
    seen = []
    for table in journal.batches("inquiry", columns=["event_id"], size=2):
        seen += table["event_id"].to_pylist()
        other.append([asked(f"later{len(seen)}")])
        other.flush()
    assert seen == [f"a{n}" for n in range(6)]
    assert not journal.database.connection.in_transaction
    stopped = journal.batches("inquiry", size=2)
    next(stopped)
    stopped.close()
    assert not journal.database.connection.in_transaction
    other.database.close()


def test_a_damaged_segment_is_told_by_batches(journal: Journal, segment: Path) -> None:
    segment.write_bytes(segment.read_bytes()[:-20])
    with pytest.raises(DataError, match="restore it from a backup"):
        list(journal.batches("inquiry"))


def test_a_row_group_outside_of_the_span_is_not_read(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append([asked(f"a{n}") for n in range(9)])
    plain = pq.write_table
    monkeypatch.setattr(pq, "write_table", lambda *a, **k: plain(*a, **k, row_group_size=3))
    journal.flush()
    groups: list[list[int]] = []
    read = pq.ParquetFile.iter_batches

    def watched(self: pq.ParquetFile, size: int, row_groups: list[int], columns: list[str]) -> object:
        groups.append(row_groups)
        return read(self, size, row_groups=row_groups, columns=columns)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    found = [row for table in journal.batches("inquiry", after=3, upto=5) for row in table["seq"].to_pylist()]
    assert (found, groups) == ([4, 5], [[1]])


def test_the_way_of_arrival_is_kept(journal: Journal) -> None:
    assert journal.arrival().n_arrived == 0
    journal.append([asked("a1"), asked("a2")])
    table = pa.table({"event_id": ["b1", "b2"], "event_time": [1, 2], "known_at": [1, 2], "borrower_id": ["x", "y"]})
    journal.append_tables({"inquiry": table}, "bank", {"inquiry": "a declared delay of 7d", "loan": "nothing"})
    journal.append_tables({"inquiry": table}, "bank", {"inquiry": "told again"})
    journal.append([asked("a3")])
    journal.append_tables({"inquiry": table}, "shop")
    found = journal.arrival()
    assert (found.n_arrived, found.n_given) == (3, 4)
    assert found.known_at == {"inquiry": ("a declared delay of 7d",)}
    assert (journal.arrival(upto=3).n_arrived, journal.arrival(upto=3).n_given) == (2, 1)
    assert journal.arrival(upto=2).known_at == {}
