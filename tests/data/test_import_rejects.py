"""What is written aside can be mended and imported; what was imported is on record."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from data.importer.records import read_record, write_record
from domain.errors import DataError, InputError
from tests.data.desk import GOOD, Desk, of_event, payments


def test_rejects_are_the_owners_and_disappear_when_all_is_well(desk: Desk) -> None:
    result = desk.bring(payments(), GOOD + "p2,never,bob,1\n")
    assert result.rejects is not None
    assert stat.S_IMODE(result.rejects.stat().st_mode) == 0o600
    assert stat.S_IMODE(desk.imports.stat().st_mode) == 0o700
    assert desk.bring(payments(), GOOD + "p2,2026-03-01,bob,1\n").rejects is None
    assert [path.name for path in desk.imports.iterdir()] == ["shop.json"]


def test_mended_rows_keep_their_numbers(desk: Desk) -> None:
    mapping = of_event(event_id="r{row}")
    lines = GOOD.splitlines()
    result = desk.bring(mapping, "\n".join([lines[0], lines[1], lines[1].replace("57.16", "x"), lines[1]]) + "\n")
    assert result.rejects is not None
    result.rejects.write_text(result.rejects.read_text().replace(",x,", ",12.00,"))
    mended = desk.take(desk.mapping(mapping), result.rejects)
    assert (mended.n_events, mended.n_duplicates, mended.unused) == ({"transaction": 1}, 0, ("ID",))
    found = {row["event_id"]: row["amount"] for row in desk.rows("transaction", "event_id", "amount")}
    assert found == {"r1": 5716, "r2": 1200, "r3": 5716}


WAYS = [{"delimiter": ";"}, {"quote": None}, {"encoding": "gb18030"}, {"encoding": "utf-16"}]


@pytest.mark.parametrize("source", WAYS)
def test_rejects_are_written_the_way_the_file_was(desk: Desk, source: dict[str, Any]) -> None:
    mapping = payments(source={"format": "csv", **source})
    delimiter, encoding = source.get("delimiter", ","), source.get("encoding", "utf-8")
    content = (GOOD + "p2,2026-03-01,客户,x\n").replace(",", delimiter)
    result = desk.bring(mapping, content.encode(encoding))
    assert result.n_rejected == 1
    assert result.rejects is not None
    text = result.rejects.read_text(encoding=encoding)
    result.rejects.write_text(text.replace(f"{delimiter}x{delimiter}", f"{delimiter}5{delimiter}"), encoding=encoding)
    assert desk.take(desk.mapping(mapping), result.rejects).n_events == {"transaction": 1}


def test_mended_rows_without_their_numbers_are_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="_row: expected the row numbers that were written aside"):
        desk.bring(payments(), "ID,AT,WHO,AMOUNT,_row\np1,2026-03-01,alice,1,first\n")


def test_the_record_says_what_training_must_know(desk: Desk) -> None:
    mapping = of_event(event_time={"constant": "2000-01-01", "static": True})
    first = desk.bring(mapping, GOOD)
    desk.bring(mapping, GOOD.replace("p1", "p2"), name="more")
    records = read_record(desk.imports, "shop")
    assert [record["source"] for record in records] == ["file.csv", "more.csv"]
    assert records[0] == json.loads(json.dumps(first.summary()))
    assert records[0]["static"] is True
    assert records[0]["arrival"] == {"transaction": "constant 2000-01-01"}
    (desk.imports / "shop.json").write_text("{}")
    with pytest.raises(DataError, match="expected the record of imports"):
        read_record(desk.imports, "shop")


def test_imports_that_run_at_once_are_all_on_record(desk: Desk) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_record(desk.imports, "shop", {"number": number}), range(40)))
    assert sorted(record["number"] for record in read_record(desk.imports, "shop")) == list(range(40))
    assert [path.name for path in desk.imports.iterdir()] == ["shop.json"]


def test_the_same_file_imported_many_times_at_once_writes_its_rejects_whole(desk: Desk) -> None:
    source = desk.folder / "file.csv"
    source.write_text(GOOD + "".join(f"p{number},never,bob,1\n" for number in range(2, 400)))
    mapping = desk.mapping(payments())
    expected = desk.take(mapping, source)
    assert expected.rejects is not None
    content = expected.rejects.read_bytes()

    def again(_: int) -> None:
        mine = Desk.at(desk.folder)
        try:
            # Another may take the old rejects away and not have written its own yet.
            assert mine.take(mapping, source).n_rejected == expected.n_rejected
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(again, range(16)))
    assert expected.rejects.read_bytes() == content
    assert sorted(path.name for path in desk.imports.iterdir()) == [expected.rejects.name, "shop.json"]


def test_columns_that_nobody_reads_are_told(desk: Desk) -> None:
    content = "ID,AT,WHO,AMOUNT,REMARK,COLOUR\np1,2026-03-01,alice,1,hello,red\n"
    assert desk.bring(payments(leave_out={"REMARK": "free text"}), content).unused == ("COLOUR",)


def test_progress_runs_from_start_to_end(desk: Desk) -> None:
    from data.importer.importer import import_source

    steps: list[tuple[int, int]] = []
    path = desk.folder / "file.csv"
    path.write_text(GOOD)
    import_source(
        desk.mapping(payments()), path, desk.journal, desk.vault, desk.platform, desk.imports,
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert steps[-1] == (len(steps), len(steps))
