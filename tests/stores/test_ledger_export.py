"""An export is checked with its files and the key alone, and tells every harm done to any of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.errors import DataError, InputError, Unavailable
from stores.anchors import add_anchor, read_anchors
from stores.ledger import Ledger
from stores.ledger_export import ARTIFACTS, LINES, MANIFEST, TABLE, export_ledger, verify_export
from tests.stores.test_ledger import KEY, ledger_of


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An export of six decisions and two artifacts, and an anchor taken before."""
    root = tmp_path_factory.mktemp("export")
    ledger = ledger_of(root, 6)
    with ledger.database.transaction():
        for content in (b"version: 1", b"version: 2"):
            ledger.put_artifact_within("policy", content)
    anchor = (root / "outside").as_uri()
    ledger.anchor(anchor, 5)
    export_ledger(ledger, root / "export")
    ledger.database.close()
    return root / "export", anchor


@pytest.fixture
def copy(exported: tuple[Path, str], tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported[0], tmp_path / "copy"))


def test_left_alone_all_is_well(exported: tuple[Path, str]) -> None:
    folder, anchor = exported
    faults, n, head = verify_export(folder, KEY, anchor)
    assert (faults, n) == ([], 6)
    assert read_anchors(anchor) == [(6, head)]
    assert verify_export(folder, bytes(32))[0]


def test_lines_and_table_say_the_same(exported: tuple[Path, str]) -> None:
    folder, _ = exported
    lines = [json.loads(line) for line in (folder / LINES).read_text().splitlines()]
    table = pq.read_table(folder / TABLE)
    assert [line["decision_id"] for line in lines] == table["decision_id"].to_pylist()
    assert [bytes.fromhex(line["link"]) for line in lines] == table["link"].to_pylist()
    assert len((folder / ARTIFACTS).read_text().splitlines()) == 2


def edited(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


HARMS: dict[str, tuple[str, Callable[[list[str]], list[str]]]] = {
    "a decision edited": (LINES, lambda rows: [row.replace('"approve"', '"decline"', 1) for row in rows]),
    "one deleted": (LINES, lambda rows: rows[:2] + rows[3:]),
    "two swapped": (LINES, lambda rows: [rows[1], rows[0], *rows[2:]]),
    "the end cut off": (LINES, lambda rows: rows[:-1]),
    "one twice": (LINES, lambda rows: [*rows, rows[-1]]),
    "an artifact edited": (ARTIFACTS, lambda rows: [rows[0].replace('"content": "', '"content": "AA'), *rows[1:]]),
    "an artifact deleted": (ARTIFACTS, lambda rows: rows[1:]),
    "the manifest edited": (
        MANIFEST,
        lambda rows: [row.replace('"n_artifacts": 2', '"n_artifacts": 1') for row in rows],
    ),
}


def resealed(folder: Path, key: bytes) -> None:
    """What a forger can do who has no chain key, or only another: make the manifest fit what is there."""
    from stores import ledger_export as own

    told = json.loads((folder / MANIFEST).read_text())
    rows = (folder / LINES).read_text().splitlines()
    told["n_decisions"] = len(rows)
    told["head"] = json.loads(rows[-1])["link"]
    told["n_artifacts"] = len((folder / ARTIFACTS).read_text().splitlines())
    told["sha256"] = {name: own._digest(folder / name) for name in (LINES, TABLE, ARTIFACTS)}
    told["hmac"] = own._sealed(key, told)
    (folder / MANIFEST).write_text(json.dumps(told))


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("forged", [False, True], ids=["as is", "manifest made to fit"])
def test_every_harm_is_told(copy: Path, harm: str, forged: bool) -> None:
    name, change = HARMS[harm]
    before = (copy / name).read_text()
    edited(copy / name, change)
    assert (copy / name).read_text() != before
    if forged:
        resealed(copy, bytes(32))
    assert verify_export(copy, KEY)[0], harm


def test_a_table_that_says_another_thing_is_told(copy: Path) -> None:
    table = pq.read_table(copy / TABLE)
    pq.write_table(table.slice(1), copy / TABLE)
    assert any(TABLE in fault for fault in verify_export(copy, KEY)[0])
    other = table.set_column(table.column_names.index("score"), "score", table["raw_score"])
    pq.write_table(other, copy / TABLE)
    resealed(copy, KEY)
    assert verify_export(copy, KEY)[0] == [f"{TABLE}, row 1: expected decision d1 as in {LINES}, got another"]
    (copy / TABLE).write_bytes(b"no table")
    resealed(copy, KEY)
    assert any("expected the rows" in fault for fault in verify_export(copy, KEY)[0])


def test_who_holds_the_key_and_cuts_the_end_off_is_told_by_the_anchor(copy: Path, exported: tuple[Path, str]) -> None:
    edited(copy / LINES, lambda rows: rows[:-1])
    table = pq.read_table(copy / TABLE)
    pq.write_table(table.slice(0, 5), copy / TABLE)
    resealed(copy, KEY)
    assert verify_export(copy, KEY)[0] == []
    assert any("cut off" in fault for fault in verify_export(copy, KEY, exported[1])[0])


def test_what_is_no_export_is_told(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="assay ledger export"):
        verify_export(tmp_path, KEY)
    (copy / LINES).write_text('{"n_link": 1}\n')
    with pytest.raises(DataError, match="line 1: expected a decision"):
        verify_export(copy, KEY)
    (copy / LINES).unlink()
    with pytest.raises(DataError, match="expected a file of the export"):
        verify_export(copy, KEY)


def test_an_export_is_not_written_over_another(copy: Path, tmp_path: Path) -> None:
    ledger = ledger_of(tmp_path / "l", 1)
    with pytest.raises(InputError, match="new or empty folder"):
        export_ledger(ledger, copy)
    empty = Ledger(ledger.database, KEY)
    ledger.database.execute("DELETE FROM decision")
    export_ledger(empty, tmp_path / "nothing")
    assert verify_export(tmp_path / "nothing", KEY)[:2] == ([], 0)
    ledger.database.close()


# ---------------------------------------------------------------------- anchors


@pytest.mark.parametrize("kind", ["path", "file", "memory"])
def test_anchors_add_up_wherever_they_lie(kind: str, tmp_path: Path) -> None:
    where = {"path": str(tmp_path / "a" / "b.jsonl"), "file": (tmp_path / "c" / "d").as_uri(),
             "memory": "memory://anchors/of-a-test"}[kind]  # fmt: skip
    ledger = ledger_of(tmp_path, 3)
    for _ in range(2):
        assert ledger.anchor(where, 1) == 3
    first = read_anchors(where)
    assert len(first) == 1
    assert ledger.verify(where) == []
    ledger.database.execute("PRAGMA foreign_keys=OFF")
    ledger.database.execute("DELETE FROM decision WHERE n_link = 3")
    assert any("cut off" in fault for fault in ledger.verify(where))
    ledger.anchor(where, 2)
    assert len(read_anchors(where)) == 2
    assert ledger.verify(where)  # a later anchor does not wash the older away
    ledger.database.close()


def test_places_that_take_no_anchor_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for where in (str(tmp_path / "file" / "anchors"), (tmp_path / "file" / "anchors").as_uri()):
        with pytest.raises(Unavailable, match="takes an anchor"):
            add_anchor(where, (1, "ab"), 0)
    with pytest.raises(InputError, match="protocol"):
        add_anchor("nowhere://bucket/anchors", (1, "ab"), 0)
    for where in ("memory://nothing-there", str(tmp_path / "absent")):
        with pytest.raises(DataError, match="anchor"):
            read_anchors(where)
