"""What is remembered of tokens is what is durable, and nobody erased is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.events import Event
from serving.tokens import Tokens
from stores.database import Database
from stores.vault import Vault

ASKED = Event("inquiry", "q1", 0, 0, {"borrower_id": "alice", "lender_id": "bank"})


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    made = Database(tmp_path / "assay.db"), Database(tmp_path / "assay.db")
    yield made
    for database in made:
        database.close()


def version(database: Database) -> int:
    return int(database.one("PRAGMA data_version")[0])


def test_a_token_is_learnt_once(databases: tuple[Database, Database]) -> None:
    database, _ = databases
    tokens = Tokens(Vault(database, bytes(32)))
    tokens.begin(version(database))
    first, learnt = tokens.tokenised(ASKED)
    assert list(learnt) == [("person", "alice")]
    assert first.body["lender_id"] == "bank"
    tokens.remember(learnt)
    second, learnt = tokens.tokenised(ASKED)
    assert (second, dict(learnt)) == (first, {})


def test_a_token_of_a_transaction_that_failed_is_not_remembered(databases: tuple[Database, Database]) -> None:
    database, other = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with pytest.raises(ZeroDivisionError), database.transaction():  # noqa: PT012 - what is rolled back is the point
        tokens.begin(version(database))
        lost, _ = tokens.tokenised(ASKED)
        raise ZeroDivisionError
    kept = Vault(other, bytes(32)).token("customer_id", "alice")
    assert kept != lost.body["borrower_id"]
    tokens.begin(version(database))
    assert tokens.tokenised(ASKED)[0].body["borrower_id"] == kept


def test_somebody_erased_elsewhere_is_a_stranger(databases: tuple[Database, Database]) -> None:
    database, other = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with database.transaction():
        tokens.begin(version(database))
        before, learnt = tokens.tokenised(ASKED)
    tokens.remember(learnt)
    assert Vault(other, bytes(32)).erase("borrower_id", "alice")
    with database.transaction():
        tokens.begin(version(database))
        after, _ = tokens.tokenised(ASKED)
    assert after.body["borrower_id"] != before.body["borrower_id"]
