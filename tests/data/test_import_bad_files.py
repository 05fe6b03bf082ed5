"""Files that do not fit are refused whole, with what was expected; no line of any file is lost."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.importer.records import read_record
from domain.errors import DataError, DefinitionError, InputError, Unavailable
from stores.database import Database
from tests.data.desk import GOOD, ROW, Desk, payments, rejects_of


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "expected a header and rows, got an empty file"),
        ("\n\n", "expected a header and rows, got blank lines"),
        ("ID,AT,WHO,AMOUNT\n", "expected at least one row, got none"),
        ("ID;AT;WHO;AMOUNT\np1;2026-03-01;alice;57.16\n",
         r"expected column\(s\) ID, AT, WHO, AMOUNT, the file has ID;AT;WHO;AMOUNT; .*is the delimiter right"),
        ("ID,AT,AMOUNT\np1,2026-03-01,1\n", r"expected column\(s\) WHO, the file has ID, AT, AMOUNT"),
        ("id,at,who,amount\n1,2,3,4\n", r"expected column\(s\) ID, AT, WHO, AMOUNT, the file has id, at, who, amount"),
        ("ID,AT,WHO,AMOUNT,WHO\np1,2026-03-01,a,1,b\n", "expected every column once, got WHO twice"),
        (GOOD + 'p2,2026-03-01T08:00:00Z,"bob,1\n', r"expected quotes .* in pairs, got 1: one is never closed"),
        (GOOD.encode("utf-16"), r"expected column\(s\) ID"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_whole(desk: Desk, content: str | bytes, told: str) -> None:
    with pytest.raises(InputError, match=rf"(?s)file\.csv: {told}"):
        desk.bring(payments(), content)
    assert desk.journal.last_seq() == 0


def test_a_missing_file_is_named(desk: Desk) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: expected a file to import, got 'No such file"):
        desk.take(desk.mapping(payments()), desk.folder / "nowhere.csv")
    with pytest.raises(InputError, match="expected a file to import"):
        desk.take(desk.mapping(payments()), desk.folder)


def test_one_format_taken_for_the_other_is_told(desk: Desk) -> None:
    parquet = payments(source={"format": "parquet"})
    path = desk.folder / "file.parquet"
    path.write_text(GOOD)
    with pytest.raises(InputError, match="expected a readable parquet file"):
        desk.take(desk.mapping(parquet), path)
    pq.write_table(pa.table({name: [value] for name, value in ROW.items()}), path)
    with pytest.raises(InputError, match="expected CSV, got a Parquet file; say `format: parquet`"):
        desk.take(desk.mapping(payments()), path)
    assert desk.take(desk.mapping(parquet), path).n_accepted == 1


def test_a_damaged_parquet_file_is_told(desk: Desk) -> None:
    path = desk.folder / "file.parquet"
    mapping = desk.mapping(payments(source={"format": "parquet"}))
    pq.write_table(pa.table({name: [value] * 5000 for name, value in ROW.items()}), path)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:4], b"PAR1", whole[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"file\.parquet: expected a readable parquet file"):
            desk.take(mapping, path)
    assert desk.journal.last_seq() == 0


def test_a_truncated_archive_is_told(desk: Desk) -> None:
    path = desk.folder / "file.csv.gz"
    whole = gzip.compress(GOOD.encode() * 50)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="expected a readable csv file"):
        desk.take(desk.mapping(payments()), path)
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert desk.take(desk.mapping(payments()), path).n_accepted == 1


def test_bytes_that_the_declared_encoding_lacks_are_told(desk: Desk) -> None:
    gbk = payments(source={"format": "csv", "encoding": "gb18030"})
    with pytest.raises(InputError, match=r"expected a readable csv file, got .*gb18030"):
        desk.bring(gbk, GOOD.encode() + b"p2,2026-03-01T08:00:00Z,\xff\xff,1\n")
    result = desk.bring(gbk, GOOD.replace("alice", "客户").encode("gb18030"))
    assert result.n_accepted == 1
    assert desk.rows("transaction", "customer_id") == [{"customer_id": desk.vault.token("customer_id", "客户")}]


def test_nested_columns_and_times_without_zone_stop_the_import(desk: Desk) -> None:
    nested = payments(source={"format": "parquet"})
    with pytest.raises(InputError, match="expected a column of plain values, got 'list"):
        desk.bring(nested, pa.table({**{k: [v] for k, v in ROW.items()}, "WHO": [["alice"]]}))
    with pytest.raises(DefinitionError, match=r"AT: expected times with a zone or a declared `zone"):
        desk.bring(payments(zone=None), GOOD.replace("Z", ""))


def test_too_many_bad_rows_mean_a_wrong_mapping(desk: Desk) -> None:
    content = GOOD + "".join(f"p{n},2026-03-01T08:00:00Z,bob,x\n" for n in range(2, 6))
    told = r"(?s)expected at most 50% of the rows to be bad.*got 4 bad of 5; nothing was imported.*4 × transaction"
    with pytest.raises(DataError, match=told):
        desk.bring(payments(at_most_rejected=None), content)
    assert desk.journal.last_seq() == 0
    assert read_record(desk.imports, "shop") == []
    # What was bad lies aside all the same.
    assert len(rejects_of(desk.imports / "shop-file.rejected.csv")) == 4
    with pytest.raises(DataError, match="nothing was imported"):
        desk.bring(payments(), content.replace(",57.16", ",y"))
    assert desk.bring(payments(), content).n_accepted == 1


def test_a_store_that_fails_keeps_nothing(desk: Desk) -> None:
    other = Database(desk.journal.database.path)
    desk.journal.database.wait_at_most(0.02)
    with other.transaction():
        with pytest.raises(Unavailable, match="nothing was written"):
            desk.bring(payments(), GOOD)
        other.execute("INSERT INTO extension VALUES ('loan', 'x_a', 'number')")
    other.close()
    assert read_record(desk.imports, "shop") == []
    assert desk.bring(payments(), GOOD).n_events == {"transaction": 1}


cells = st.binary(max_size=6).map(lambda raw: raw.translate(None, b'\r\n"'))


@given(st.lists(st.lists(cells, min_size=1, max_size=6), max_size=6))
@settings(max_examples=40)
@example([[b"p2", b"2026-03-01", b"caf\xe9"]])
@example([[b"\xff"], [b"p2", b"2026-03-01", b"caf\xe9", b"1"]])
@example([[b""], [b"", b""], [b"p2", b"2026-03-01", b"bob", b"1"]])
def test_no_line_is_lost_whatever_it_holds(tmp_path_factory: pytest.TempPathFactory, noise: list[list[bytes]]) -> None:
    desk = Desk.at(tmp_path_factory.mktemp("noise"))
    lines = [b",".join(row) for row in noise]
    content = GOOD.encode() + b"\n".join(lines) + b"\np9,2026-03-02,zoe,1\n"
    result = desk.bring(payments(), content)
    # Only blank lines are no rows.
    assert result.n_rows == 2 + sum(line != b"" for line in lines)
    assert desk.journal.kinds() == {"transaction": sum(result.n_events.values())}
    assert result.n_accepted == sum(result.n_events.values()) + result.n_duplicates
    kept = b"" if result.rejects is None else result.rejects.read_bytes()
    rejected = {int(row["_row"]) for row in rejects_of(result.rejects)} if kept else set()
    assert len(rejected) == result.n_rejected
    desk.close()


@given(st.binary(max_size=200))
@settings(max_examples=30)
def test_no_bytes_bring_anything_but_our_errors(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    desk = Desk.at(tmp_path_factory.mktemp("noise"))
    for content in (noise, b"ID,AT,WHO,AMOUNT\n" + noise):
        try:
            result = desk.bring(payments(), content)
        except (InputError, DataError, DefinitionError):
            assert desk.journal.last_seq() == 0
        else:
            assert result.n_accepted > 0
    desk.close()
