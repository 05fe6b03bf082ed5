"""What is remembered of tokens is what is durable, and nobody erased is remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.events import Event
from serving import tokens as tokens_file
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


def test_a_token_is_learnt_once(databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch) -> None:
    database, _ = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with database.transaction():
        tokens.begin(version(database), [ASKED])
        first = tokens.tokenised(ASKED)
        assert tokens.n_unwritten == 1
        assert first.body["lender_id"] == "bank"
        tokens.write()
    tokens.remember()
    tokens.begin(version(database), [])
    with monkeypatch.context() as patch:
        patch.setattr(Vault, "stored", lambda *_: pytest.fail("it is remembered"))
        assert tokens.tokenised(ASKED) == first
    assert tokens.n_unwritten == 0


def test_a_token_that_is_taken_back_is_made_anew(databases: tuple[Database, Database]) -> None:
    database, other = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with database.transaction():
        tokens.begin(version(database), [ASKED])
        first = tokens.tokenised(ASKED)
        tokens.forget_after(0)
        second = tokens.tokenised(ASKED)
        tokens.write()
    assert first.body["borrower_id"] != second.body["borrower_id"]
    assert Vault(other, bytes(32)).token("customer_id", "alice") == second.body["borrower_id"]


def test_a_token_of_a_transaction_that_failed_is_not_remembered(databases: tuple[Database, Database]) -> None:
    database, other = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with pytest.raises(ZeroDivisionError), database.transaction():  # noqa: PT012 - what is rolled back is the point
        tokens.begin(version(database), [ASKED])
        lost = tokens.tokenised(ASKED)
        tokens.write()
        raise ZeroDivisionError
    kept = Vault(other, bytes(32)).token("customer_id", "alice")
    assert kept != lost.body["borrower_id"]
    tokens.begin(version(database), [ASKED])
    assert tokens.tokenised(ASKED).body["borrower_id"] == kept


def test_somebody_erased_elsewhere_is_a_stranger(databases: tuple[Database, Database]) -> None:
    database, other = databases
    tokens = Tokens(Vault(database, bytes(32)))
    with database.transaction():
        tokens.begin(version(database), [ASKED])
        before = tokens.tokenised(ASKED)
        tokens.write()
    tokens.remember()
    assert Vault(other, bytes(32)).erase("borrower_id", "alice")
    with database.transaction():
        tokens.begin(version(database), [ASKED])
        after = tokens.tokenised(ASKED)
    assert after.body["borrower_id"] != before.body["borrower_id"]


def test_the_oldest_is_forgotten_and_looked_up_again(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_file, "_MAX_KNOWN", 128)
    database, _ = databases
    tokens = Tokens(Vault(database, bytes(32)))
    asked = [Event("inquiry", f"q{n}", 0, 0, {"borrower_id": f"b{n}"}) for n in range(400)]
    told: list[Event] = []
    for event in [*asked, *asked]:
        with database.transaction():
            tokens.begin(version(database), [event])
            assert len(tokens._known) <= 128
            told.append(tokens.tokenised(event))
            tokens.write()
        tokens.remember()
    assert told[400:] == told[:400]
    assert tokens._known.get(("person", "b399")) is not None
    assert tokens._known.get(("person", "b0")) is None
