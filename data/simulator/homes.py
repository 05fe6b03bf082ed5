"""A home with a simulated world in its journal, for notebooks and first looks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from data.simulator.load import journal_simulation
from data.simulator.settings import SimulationSettings
from data.simulator.simulate import simulate
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keyring import keyring_of
from stores.vault import Vault


def simulated_home(root: str | Path, settings: SimulationSettings, environment: Mapping[str, str] = os.environ) -> Home:
    """Write a world and journal it, as ``assay simulate`` does; returns the home.

    Parameters
    ----------
    root : of a new home. environment : where the key of the vault may be named.

    Raises
    ------
    DataError
        When the home holds another world already.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     home = simulated_home(folder, SimulationSettings(payment_days=14, n_customers=100, n_borrowers=100))
    ...     home.database.is_file()
    True
    """
    home = Home(Path(root))
    world = home.root / "simulation"
    simulate(settings).write(world)
    database = Database(home.database)
    try:
        journal = Journal(database, home.segments)
        journal_simulation(world, journal, Vault(database, keyring_of(database, home.keys, environment)))
    finally:
        database.close()
    return home
