"""A bank's statement is read whole or not at all, and says what to mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import AssayError, DataError, InputError
from monitoring.funds.settings import FundsSettings
from monitoring.funds.statement import read_statement
from stores.database import Database
from stores.settings_files import load_settings
from stores.statements import Statements
from stores.vault import Vault

SETTINGS = load_settings(Path(__file__).parents[3] / "configs" / "funds.yaml", FundsSettings)
HEAD = "date,bank_ref,amount,currency,reference,counterparty,balance,memo\n"
GOOD = HEAD + "2026-03-01,B1,100.00,CNY,r1,6222-1,600.00,x\n2026-03-02,B2,-50.50,CNY,,6222-2,549.50,\n"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "assay.db")


def read(database: Database, tmp_path: Path, content: str | bytes, settings: FundsSettings = SETTINGS):
    path = tmp_path / "statement.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    digest, lines = read_statement(path, settings, Vault(database, bytes(32)))
    return Statements(database).keep("custody", digest, lines, read_at=1, read_by="lin"), lines


def test_lines_come_as_written_and_accounts_as_tokens(database: Database, tmp_path: Path) -> None:
    _, (first, second) = read(database, tmp_path, GOOD)
    assert (first.minor, first.our_ref, first.balance, first.row) == (100_00, "r1", 600_00, 2)
    assert (second.minor, second.our_ref, second.booked_on) == (-50_50, None, "2026-03-02")
    assert first.counterparty == Vault(database, bytes(32)).known("account_id", "6222-1")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"6222" not in database.path.read_bytes()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (GOOD.replace("100.00", "NaN"), "row 2: amount: money: expected a finite amount"),
        (GOOD.replace("100.00", "1e3x"), "row 2: amount: expected an amount such as 1234.50"),
        (GOOD.replace("100.00", "100.001"), "at most 2 decimals"),
        (GOOD.replace("100.00", "0"), "other than zero"),
        (GOOD.replace("-50.50,CNY", "-50.50,USD"), "row 3: currency: expected CNY"),
        (GOOD.replace("B2", "B1"), "row 3: expected each bank reference once, got 'B1' of row 2"),
        (GOOD.replace("549.50", "549.00"), "row 3: expected a balance of 54950"),
        (GOOD.replace("2026-03-02", "02/03/2026"), "row 3: expected|booked_on: expected a day"),
        (GOOD.replace("2026-03-02", "2026-02-30"), "booked_on: expected a day"),
        (GOOD.replace(",B1,", ",,"), "a reference of the bank"),
        (GOOD + "2026-03-03,B3\n", "expected 8 fields, got 2"),
        (GOOD.replace("amount", "betrag"), "lacking amount, unknown betrag"),
        (GOOD.encode("utf-16"), "text in utf-8"),
        ("日期".encode("gb18030"), "text in utf-8"),
        (HEAD, "at least one movement"),
        ("", "lacking"),
        (GOOD + '2026-03-03,"B3', "CSV"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_kept(database, tmp_path, content, word) -> None:
    with pytest.raises(AssayError, match=word):
        read(database, tmp_path, content)
    assert Statements(database).lines("custody") == []
    assert database.execute("SELECT count(*) FROM subject") == [(0,)]


def test_another_bank_writes_otherwise(database: Database, tmp_path: Path) -> None:
    statement = {
        "encoding": "gb18030", "delimiter": ";", "date_format": "%Y%m%d", "thousands": ",",
        "columns": {"booked_on": "日期", "bank_ref": "流水号", "credit": "收入", "debit": "支出"}, "ignore": [],
    }  # fmt: skip
    settings = FundsSettings.model_validate({**SETTINGS.model_dump(), "statement": statement})
    content = "日期;流水号;收入;支出\n20260301;B1;1,234.50;\n20260302;B2;;20.00\n".encode("gb18030")
    _, lines = read(database, tmp_path, content, settings)
    assert [line.minor for line in lines] == [1_234_50, -20_00]
    both = "日期;流水号;收入;支出\n20260301;B1;1.00;1.00\n".encode("gb18030")
    with pytest.raises(DataError, match="either credit or debit"):
        read(database, tmp_path, both, settings)


def test_the_same_lines_again_change_nothing_but_other_ones_of_that_number_are_refused(database, tmp_path) -> None:
    assert read(database, tmp_path, GOOD)[0] == 2
    assert read(database, tmp_path, GOOD)[0] == 0
    longer = GOOD + "2026-03-03,B3,1.00,CNY,,,550.50,\n"
    assert read(database, tmp_path, longer)[0] == 1
    other = HEAD + "2026-03-01,B1,99.00,CNY,r1,,,\n2026-03-04,B4,5.00,CNY,,,,\n"
    with pytest.raises(DataError, match="bank reference B1 as it was kept"):
        read(database, tmp_path, other)
    assert [line.bank_ref for line in Statements(database).lines("custody")] == ["B1", "B2", "B3"]


def test_a_mapping_says_amounts_one_way(tmp_path: Path) -> None:
    columns = {"booked_on": "d", "bank_ref": "b", "amount": "a", "credit": "c", "debit": "e"}
    told = {**SETTINGS.model_dump(), "statement": {**SETTINGS.statement.model_dump(), "columns": columns}}
    with pytest.raises(ValueError, match="amount, or credit and debit"):
        FundsSettings.model_validate(told)
    with pytest.raises(InputError, match="readable statement"):
        read_statement(tmp_path / "none.csv", SETTINGS, Vault(Database(tmp_path / "a.db"), bytes(32)))
