"""The stores of one thread over one connection, so that a decision is one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stores.acts import Acts
from stores.alerts import Alerts
from stores.appeals import Appeals
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keyring import VAULT_KEY, keyring_of
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.sealing import Sealer
from stores.vault import Vault

CHAIN_KEY = "chain"
"""Name of a secret key; every door of a home must use the same."""

__all__ = ["CHAIN_KEY", "VAULT_KEY", "Books"]


@dataclass(frozen=True, slots=True)
class Books:
    """Journal, ledger, vault, acts and sealed texts; one per thread."""

    database: Database
    journal: Journal
    ledger: Ledger
    vault: Vault
    acts: Acts
    sealer: Sealer

    @property
    def appeals(self) -> Appeals:
        """Appeals over the same connection."""
        return Appeals(self.acts, self.sealer)

    @property
    def alerts(self) -> Alerts:
        """The queue of alerts over the same connection."""
        return Alerts(self.database)

    @classmethod
    def open(cls, home: Home, environment: Mapping[str, str], busy_seconds: float) -> Books:
        """Open the stores of a home; the secret keys come from the environment or the home."""
        database = Database(home.database, busy_seconds)
        chain_key = secret_key(home.keys, CHAIN_KEY, environment)
        keyring = keyring_of(database, home.keys, environment)
        return cls(
            database,
            Journal(database, home.segments),
            Ledger(database, chain_key),
            Vault(database, keyring),
            Acts(database, chain_key),
            Sealer(database, keyring),
        )

    def close(self) -> None:
        """Release the file."""
        self.database.close()
