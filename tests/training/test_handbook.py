"""The Handbook's split: exactly the published rows, straight from the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError
from domain.time import DAY
from stores.settings_files import load_settings
from tests.training.conftest import ROOT
from training.protocols.handbook import HandbookSettings, check_counts
from training.protocols.handbook_rows import Rows, published_split
from training.protocols.prequential import checked


@pytest.fixture(scope="module")
def protocol() -> HandbookSettings:
    return load_settings(ROOT / "configs" / "benchmarks" / "handbook.yaml", HandbookSettings)


def naive_split(
    rows: list[tuple[int, int, int]], first: int, train: int, delay: int, test: int
) -> tuple[list[int], list[int]]:
    """The book's loop over (day, fraud, customer), one row at a time."""
    learnt = [i for i, (day, _, _) in enumerate(rows) if first <= day < first + train]
    known = {rows[i][2] for i in learnt if rows[i][1]}
    tested = []
    for offset in range(test):
        known |= {customer for day, fraud, customer in rows if fraud and day == first + train + offset - 1}
        today = first + train + delay + offset
        tested += [i for i, (day, _, customer) in enumerate(rows) if day == today and customer not in known]
    return learnt, tested


row = st.tuples(st.integers(0, 12), st.integers(0, 1), st.integers(0, 5))


@given(
    st.lists(row, min_size=1, max_size=60), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)
)
def test_the_split_is_the_books_loop(
    rows: list[tuple[int, int, int]], first: int, train: int, delay: int, test: int
) -> None:
    day, fraud, customer = (np.array(column) for column in zip(*rows, strict=True))
    got = published_split(day, fraud, customer, first, train=train, delay=delay, test=test)
    learnt, tested = naive_split(rows, first, train, delay, test)
    assert got.train.tolist() == learnt
    assert got.test.tolist() == tested


@pytest.mark.shared_data
def test_the_published_counts_come_out(shared_data: Path, protocol: HandbookSettings) -> None:
    columns = ["TX_DATETIME", "CUSTOMER_ID", "TX_FRAUD"]
    table = pq.read_table(shared_data / "handbook" / protocol.file, columns=columns)
    day = table["TX_DATETIME"].to_numpy().astype("datetime64[D]").astype(np.int64)
    y, customer = table["TX_FRAUD"].to_numpy(), table["CUSTOMER_ID"].to_numpy()
    lengths = {name: getattr(protocol, name) // DAY for name in ("train", "delay", "test")}
    rows = published_split(day, y, customer, protocol.train_from // DAY, **lengths)
    assert (len(rows.train), int(y[rows.train].sum())) == (67_240, 598)
    assert (len(rows.test), int(y[rows.test].sum())) == (58_264, 385)
    check_counts(protocol, y, rows)
    for first in protocol.folds:
        earlier = published_split(day, y, customer, first // DAY, **lengths)
        assert day[earlier.test].max() < protocol.train_from // DAY


@pytest.mark.shared_data
def test_the_published_counts_of_the_four_folds_come_out(shared_data: Path, protocol: HandbookSettings) -> None:
    columns = ["TX_DATETIME", "CUSTOMER_ID", "TX_FRAUD"]
    table = pq.read_table(shared_data / "handbook" / protocol.file, columns=columns)
    day = table["TX_DATETIME"].to_numpy().astype("datetime64[D]").astype(np.int64)
    y, customer = table["TX_FRAUD"].to_numpy(), table["CUSTOMER_ID"].to_numpy()
    lengths = {name: getattr(protocol, name) // DAY for name in ("train", "delay", "test")}
    got = []
    for fold in protocol.prequential.folds:
        rows = published_split(day, y, customer, fold.train_from // DAY, **lengths)
        assert checked(fold, rows) is rows
        got.append((len(rows.train), len(rows.test)))
    assert got == [(67_049, 57_604), (67_080, 58_337), (66_975, 57_937), (67_240, 58_264)]
    newest = max(protocol.folds) // DAY + sum(lengths.values())
    assert newest <= min(fold.train_from for fold in protocol.prequential.folds) // DAY


def test_a_fold_of_other_rows_is_refused(protocol: HandbookSettings) -> None:
    none = Rows(np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(DataError, match=r"67,049 training and 57,604 test rows of the fold from 2018-08-15"):
        checked(protocol.prequential.folds[0], none)


def test_other_rows_are_refused(protocol: HandbookSettings) -> None:
    none = Rows(np.zeros(0, np.int64), np.zeros(0, np.int64))
    with pytest.raises(DataError, match=r"expected the published 67,240 training rows \(598 frauds\) and 58,264"):
        check_counts(protocol, np.zeros(0, np.int8), none)
