"""The stores of one thread over one connection, so that a decision is one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.vault import Vault

VAULT_KEY = "vault"
CHAIN_KEY = "chain"
"""Names of the secret keys; every door of a home must use the same."""


@dataclass(frozen=True, slots=True)
class Books:
    """Journal, ledger and vault; one per thread."""

    database: Database
    journal: Journal
    ledger: Ledger
    vault: Vault

    @classmethod
    def open(cls, home: Home, environment: Mapping[str, str], busy_seconds: float) -> Books:
        """Open the stores of a home; the secret keys come from the environment or the home."""
        database = Database(home.database, busy_seconds)
        return cls(
            database,
            Journal(database, home.segments),
            Ledger(database, secret_key(home.keys, CHAIN_KEY, environment)),
            Vault(database, secret_key(home.keys, VAULT_KEY, environment)),
        )

    def close(self) -> None:
        """Release the file."""
        self.database.close()
