"""The book's fifteen inputs are what its own pandas code computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.time import DAY
from training.protocols.book_inputs import NAMES, WINDOWS, book_inputs

N = 400


@pytest.fixture(scope="module")
def payments() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    # Seconds apart, so that the book's order within one instant does not matter.
    time = np.sort(rng.choice(60 * 86_400, N, replace=False)) * 1_000_000
    return pd.DataFrame(
        {
            "time": time, "customer": rng.integers(0, 6, N), "terminal": rng.integers(0, 9, N),
            "amount": rng.integers(1, 300, N).astype(float), "y": (rng.random(N) < 0.2).astype(np.int8),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def ours(payments: pd.DataFrame) -> pd.DataFrame:
    columns = [payments[name].to_numpy() for name in ("time", "customer", "terminal", "amount", "y")]
    return pd.DataFrame(book_inputs(*columns, delay=7 * DAY), columns=list(NAMES))


def naive(payments: pd.DataFrame, row: int, key: str, oldest: int, newest: int) -> Any:
    """Rows of the same key that are up to ``oldest`` and no less than ``newest`` before a row."""
    now = payments.iloc[row]
    age = now["time"] - payments["time"]
    return payments.loc[(payments[key] == now[key]) & (age >= newest) & (age < oldest), :]


def test_windows_are_those_of_a_loop(payments: pd.DataFrame, ours: pd.DataFrame) -> None:
    for row in range(0, N, 3):
        for days in WINDOWS:
            spent = naive(payments, row, "customer", days * DAY, 0)
            assert ours[f"customer_count_{days}d"][row] == len(spent)
            assert ours[f"customer_amount_mean_{days}d"][row] == pytest.approx(spent["amount"].mean())
            seen = naive(payments, row, "terminal", (7 + days) * DAY, 7 * DAY)
            assert ours[f"terminal_count_{days}d"][row] == len(seen)
            assert ours[f"terminal_risk_{days}d"][row] == pytest.approx(seen["y"].mean() if len(seen) else 0.0)


def test_customers_are_what_pandas_rolls(payments: pd.DataFrame, ours: pd.DataFrame) -> None:
    dated = payments.set_index(pd.to_datetime(payments["time"], unit="us"))
    for days in WINDOWS:
        for customer, group in dated.groupby("customer"):
            got = ours[f"customer_amount_mean_{days}d"][(payments["customer"] == customer).to_numpy()]
            assert got.to_numpy() == pytest.approx(group["amount"].rolling(f"{days}D").mean().to_numpy())


def test_the_clock_is_the_books(payments: pd.DataFrame, ours: pd.DataFrame) -> None:
    moment = pd.to_datetime(payments["time"], unit="us")
    assert ours["weekend"].tolist() == (moment.dt.day_of_week >= 5).astype(float).tolist()
    assert ours["night"].tolist() == (moment.dt.hour <= 6).astype(float).tolist()
