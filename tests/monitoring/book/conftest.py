"""A simulated lender for all tests of the book, and an empty journal for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from data.simulator.homes import simulated_home
from data.simulator.settings import SimulationSettings
from stores.database import Database
from stores.journal import Journal
from tests.monitoring.planted import journal_in

WORLD = SimulationSettings(seed=11, payment_days=14, n_customers=100, loan_months=30, n_borrowers=900,
                           start="2026-04-17")  # fmt: skip


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Iterator[Journal]:
    journal = journal_in(tmp_path)
    yield journal
    journal.database.close()


@pytest.fixture(scope="session", name="simulated")
def _simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    home = simulated_home(tmp_path_factory.mktemp("lender"), WORLD)
    database = Database(home.database)
    yield Journal(database, home.segments)
    database.close()
