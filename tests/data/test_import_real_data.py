"""The shipped mappings on the real files: rows checked by hand, and every row against pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from data.importer.importer import ImportResult
from data.importer.mapping import ImportMapping
from domain.time import DAY, parse_instant
from stores.settings_files import load_settings
from tests.data.desk import MAPPINGS, Desk

pytestmark = pytest.mark.shared_data


def source_of(shared_data: Path, name: str) -> Path:
    path = shared_data / name
    if not path.exists():
        pytest.skip(f"needs {name} of the real data sets beside the project; it is not part of it")
    return path


def first_rows(desk: Desk, shared_data: Path, name: str, n_rows: int) -> tuple[Path, pd.DataFrame]:
    """The first rows of a file, as a file of their own and as a table."""
    table = pq.read_table(source_of(shared_data, name)).slice(0, n_rows)
    pq.write_table(table, desk.folder / "first.parquet")
    return desk.folder / "first.parquet", table.to_pandas()


def taken(desk: Desk, name: str, source: Path) -> ImportResult:
    result = desk.take(load_settings(MAPPINGS / f"{name}.yaml", ImportMapping), source)
    assert (result.n_rejected, result.n_duplicates, result.n_without_events, result.unused) == (0, 0, 0, ())
    return result


def by_id(desk: Desk, kind: str) -> pd.DataFrame:
    found: pd.DataFrame = desk.journal.read(kind).to_pandas().set_index("event_id")
    return found


def test_handbook(desk: Desk, shared_data: Path) -> None:
    source, table = first_rows(desk, shared_data, "handbook/transactions.parquet", 20_000)
    result = taken(desk, "handbook", source)
    assert result.n_events == {"transaction": 20_000, "outcome": 20_000}
    payments, outcomes = by_id(desk, "transaction"), by_id(desk, "outcome")
    # By hand, from the first page of the book's table: 57.16 at 00:00:31, and its first fraud.
    assert payments.loc["h0", ["event_time", "amount", "terminal_id"]].tolist() == [1_522_540_831_000_000, 5716, "3156"]
    assert payments.loc["h3527", ["amount", "terminal_id"]].tolist() == [22541, "3059"]
    assert payments.loc["h3527", "event_time"] == parse_instant("2018-04-01T10:17:43Z")
    assert outcomes.loc["h3527-label", "code"] == "chargeback_fraud"
    assert outcomes.loc["h3527-label", "known_at"] == parse_instant("2018-04-08T10:17:43Z")
    # Every row.
    ids = [f"h{n}" for n in table["TRANSACTION_ID"]]
    payments, outcomes = payments.loc[ids], outcomes.loc[[f"{name}-label" for name in ids]]
    assert payments["amount"].tolist() == [round(amount * 100) for amount in table["TX_AMOUNT"]]
    assert payments["event_time"].tolist() == [moment.value // 1000 for moment in table["TX_DATETIME"]]
    assert payments["terminal_id"].tolist() == table["TERMINAL_ID"].astype(str).tolist()
    for key in ("customer_id", "card_id"):
        tokens = desk.vault.tokens(key, sorted({str(n) for n in table["CUSTOMER_ID"]}))
        assert payments[key].tolist() == [tokens[str(n)] for n in table["CUSTOMER_ID"]]
        assert outcomes[key].tolist() == payments[key].tolist()
    assert (outcomes["code"] == "chargeback_fraud").tolist() == (table["TX_FRAUD"] == 1).tolist()
    assert (outcomes["known_at"].to_numpy() - payments["event_time"].to_numpy() == 7 * DAY).all()
    assert outcomes["subject_event_id"].tolist() == ids
    assert outcomes["subject_time"].tolist() == payments["event_time"].tolist()


def test_handbook_loses_no_fraud_to_floating_point(desk: Desk, shared_data: Path) -> None:
    """1,046 amounts are five times another in floats; all of them are frauds, and all are imported."""
    table = pq.read_table(source_of(shared_data, "handbook/transactions.parquet"))
    amounts = table["TX_AMOUNT"].to_numpy()
    noisy = (amounts * 100).round() / 100 != amounts
    assert noisy.sum() == 1046
    pq.write_table(table.filter(noisy), desk.folder / "noisy.parquet")
    result = taken(desk, "handbook", desk.folder / "noisy.parquet")
    assert result.n_events == {"transaction": 1046, "outcome": 1046}
    assert set(by_id(desk, "outcome")["code"]) == {"chargeback_fraud"}


def test_taiwan(desk: Desk, shared_data: Path) -> None:
    source, table = first_rows(desk, shared_data, "taiwan/credit_card_default.parquet", 600)
    result = taken(desk, "taiwan", source)
    assert result.n_events == {"application": 600, "statement": 3600, "repayment": 3600, "outcome": 600}
    assert result.static
    applications, statements = by_id(desk, "application"), by_id(desk, "statement")
    repayments, outcomes = by_id(desk, "repayment"), by_id(desk, "outcome")
    # By hand, the first borrower of the file: a woman of 24 with NT$ 20,000, two months late in August and September.
    first = applications.loc["taiwan-00001"]
    assert first[["amount", "education", "sex", "marital_status", "age_years", "product"]].tolist() == [
        2_000_000, "university", "female", "married", 24, "existing_card"]  # fmt: skip
    months = [f"2005-{month:02d}" for month in range(4, 10)]
    mine = statements.loc[[f"taiwan-00001-statement-{month}" for month in months]]
    assert mine["months_past_due"].tolist() == [-2, -2, -1, -1, 2, 2]
    assert mine["balance"].tolist() == [0, 0, 0, 68_900, 310_200, 391_300]
    assert repayments.loc[[f"taiwan-00001-repayment-{month}" for month in months], "amount"].tolist() == [
        0, 0, 0, 0, 68_900, 0]  # fmt: skip
    assert outcomes.loc["taiwan-00001-label", "code"] == "labelled_bad"
    # All is known before the first of October, Taipei time, and the answer a month later.
    asked = parse_instant("2005-10-01", "Asia/Taipei")
    assert set(applications["event_time"]) == {asked}
    assert statements["event_time"].max() < asked
    assert repayments["event_time"].max() < asked
    assert set(outcomes["known_at"]) == {asked + 30 * DAY}
    # Every row; the file's columns from April to September.
    late, bills = ["PAY_6", "PAY_5", "PAY_4", "PAY_3", "PAY_2", "PAY_0"], [f"BILL_AMT{n}" for n in range(6, 0, -1)]
    paid = [f"PAY_AMT{n}" for n in range(6, 0, -1)]
    for row, record in enumerate(table.to_dict("records"), start=1):
        of_row = statements.loc[[f"taiwan-{row:05d}-statement-{month}" for month in months]]
        assert of_row["months_past_due"].tolist() == [record[name] for name in late]
        assert of_row["balance"].tolist() == [record[name] * 100 for name in bills]
        assert of_row["credit_limit"].tolist() == [record["LIMIT_BAL"] * 100] * 6
        of_row = repayments.loc[[f"taiwan-{row:05d}-repayment-{month}" for month in months]]
        assert of_row["amount"].tolist() == [record[name] * 100 for name in paid]
        bad = record["default.payment.next.month"] == 1
        assert outcomes.loc[f"taiwan-{row:05d}-label", "code"] == ("labelled_bad" if bad else "labelled_good")
        token = desk.vault.token("borrower_id", str(record["ID"]))
        assert set(of_row["borrower_id"]) == {token, applications.loc[f"taiwan-{row:05d}", "borrower_id"]}
    # The order of the rows of the file is the order of the journal: a benchmark can find its rows again.
    assert applications.sort_values("seq").index.tolist() == [f"taiwan-{row:05d}" for row in range(1, 601)]


def test_german(desk: Desk, shared_data: Path) -> None:
    result = taken(desk, "german", source_of(shared_data, "german/germancredit.csv"))
    assert result.n_events == {"application": 1000, "outcome": 1000}
    assert result.static
    applications, outcomes = by_id(desk, "application"), by_id(desk, "outcome")
    assert (outcomes["code"] == "labelled_bad").sum() == 300
    first = applications.loc["german-0001"]
    assert first[["amount", "term_months", "purpose", "age_years", "sex"]].tolist() == [
        116_900, 6, "radio/television", 67, "male"]  # fmt: skip
    assert first[["x_checking_account", "x_savings"]].tolist() == ["... < 0 DM", "unknown/ no savings account"]
    assert first["x_telephone"] == "yes, registered under the customers name"
    assert applications["borrower_id"].nunique() == 1000
    # Nationality is protected and has no column to be kept in.
    assert not [name for name in applications.columns if "foreign" in name]


def test_amlsim(desk: Desk, shared_data: Path) -> None:
    source, table = first_rows(desk, shared_data, "amlsim/transactions.parquet", 4000)
    assert taken(desk, "amlsim", source).n_events == {"transaction": 4000}
    transfers = by_id(desk, "transaction").loc[[f"aml{row:06d}" for row in range(1, 4001)]]
    assert transfers["amount"].tolist() == [round(value * 100) for value in table["value"]]
    start = parse_instant("2017-01-01", "UTC")
    assert transfers["event_time"].tolist() == [start + int(step) * DAY for step in table["time"]]
    # Who pays and who is paid are accounts alike: money passing through is seen to pass.
    tokens: dict[str, Any] = desk.vault.tokens("account_id", [str(n) for n in range(20_000)])
    assert transfers["account_id"].tolist() == [tokens[str(n)] for n in table["sourceNodeId"]]
    assert transfers["payee_id"].tolist() == [tokens[str(n)] for n in table["targetNodeId"]]
    assert by_id(desk, "outcome").empty
