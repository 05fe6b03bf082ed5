"""Tokens: one person one token, nothing stored in clear, erased means gone."""

# ruff: noqa: PT012 - a transaction is several statements
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InputError, Unavailable
from domain.events import NAMESPACES, Event
from stores.database import Database
from stores.vault import Vault

KEY = bytes(range(32))
identifiers = st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "assay.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    database = Database(tmp_path_factory.mktemp("vault") / "assay.db")
    yield Vault(database, KEY)
    database.close()


@given(st.lists(st.tuples(st.sampled_from(sorted(NAMESPACES)), identifiers), min_size=2, max_size=8))
@settings(max_examples=40)
def test_equal_identifiers_of_a_namespace_share_a_token_and_no_others_do(
    shared: Vault, named: list[tuple[str, str]]
) -> None:
    tokens = {(NAMESPACES[column], identifier): shared.token(column, identifier) for column, identifier in named}
    assert len(set(tokens.values())) == len(tokens)
    # A second vault on the same store and key says the same.
    again = Vault(shared._database, KEY)
    for column, identifier in named:
        token = tokens[NAMESPACES[column], identifier]
        assert again.tokens(column, [identifier]) == {identifier: token}
        assert len(token) == 22
        assert token.isascii()
        assert identifier not in token or len(identifier) < 4


def test_no_token_begins_as_an_option_or_a_formula(shared: Vault) -> None:
    """One in 64 did: a command took ``-Qx…`` for an option, a spreadsheet would take it for a formula."""
    tokens = shared.tokens("card_id", [f"card {n}" for n in range(2_000)]).values()
    assert not [token for token in tokens if token.startswith(("-", "=", "+", "@"))]


def test_another_key_knows_nobody(database: Database) -> None:
    first = Vault(database, KEY).token("customer_id", "alice")
    assert Vault(database, bytes(32)).token("customer_id", "alice") != first
    assert Vault(database, KEY).token("customer_id", "alice") == first


def test_two_homes_give_one_person_two_tokens(tmp_path: Path) -> None:
    databases = [Database(tmp_path / name) for name in ("a.db", "b.db")]
    assert len({Vault(database, KEY).token("customer_id", "alice") for database in databases}) == 2
    for database in databases:
        database.close()


def test_an_account_that_pays_and_is_paid_keeps_one_token(database: Database) -> None:
    vault = Vault(database, KEY)
    assert vault.token("account_id", "DE89") == vault.token("payee_id", "DE89")
    assert vault.token("account_id", "DE89") != vault.token("customer_id", "DE89")


def test_events_lose_their_identifiers_and_nothing_else(database: Database) -> None:
    vault = Vault(database, KEY)
    body = {"customer_id": "alice", "payee_id": "bob", "merchant_id": "m1", "amount": 5, "currency": "CNY"}
    event = Event("transaction", "t1", 5, 6, body, "shop", 9)
    safe = vault.tokenised(event)
    assert safe.body == {**body, "customer_id": vault.token("customer_id", "alice"),
                         "payee_id": vault.token("payee_id", "bob")}  # fmt: skip
    assert (safe.kind, safe.event_id, safe.event_time, safe.known_at, safe.client, safe.seq) == (
        "transaction", "t1", 5, 6, "shop", 9)  # fmt: skip
    # A numeral and the number are one identifier at every door.
    assert vault.tokenised(Event("transaction", "t2", 5, 5, {"customer_id": 17})).body["customer_id"] == vault.token(
        "customer_id", "17"
    )


@pytest.mark.parametrize("identifier", ["", None, 17])
def test_an_identifier_is_text(database: Database, identifier: str) -> None:
    with pytest.raises(InputError, match="customer_id"):
        Vault(database, KEY).tokens("customer_id", [identifier])


def test_identifiers_are_never_on_disk(database: Database) -> None:
    vault = Vault(database, KEY)
    vault.tokens("customer_id", [f"alice.liddell+{n}@example.org" for n in range(50)])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"liddell" not in database.path.read_bytes()


def test_an_erased_person_is_a_stranger_at_the_next_sight(database: Database) -> None:
    vault = Vault(database, KEY)
    first = vault.token("customer_id", "alice")
    assert vault.erase("customer_id", "alice")
    assert not vault.erase("customer_id", "alice")
    assert vault.token("customer_id", "alice") != first
    # The same person under another column of the namespace is the same stranger.
    assert vault.token("borrower_id", "alice") == vault.token("customer_id", "alice")


def test_erasure_by_another_process_is_noticed(database: Database) -> None:
    serving = Vault(database, KEY)
    first = serving.token("customer_id", "alice")
    assert serving.token("customer_id", "alice") == first
    desk = Database(database.path)
    Vault(desk, KEY).erase("customer_id", "alice")
    assert serving.token("customer_id", "alice") != first
    desk.close()


def test_an_erased_key_is_not_left_in_the_file(database: Database) -> None:
    vault = Vault(database, KEY)
    people = [f"person {n}" for n in range(400)]
    vault.tokens("customer_id", people)
    keys = {
        person: database.one("SELECT token_key FROM subject WHERE lookup = ?", (vault._lookup("person", person),))[0]
        for person in people
    }
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [database.path, database.path.with_name("assay.db-wal")]
    assert keys["person 7"] in files[0].read_bytes()
    for person in people[:60]:
        vault.erase("customer_id", person)
    left = b"".join(path.read_bytes() for path in files if path.exists())
    assert [person for person in people[:60] if keys[person] in left] == []
    assert all(keys[person] in left for person in people[60:])


def test_tokens_of_a_rolled_back_transaction_are_forgotten(database: Database) -> None:
    vault = Vault(database, KEY)
    made: list[str] = []
    with pytest.raises(ZeroDivisionError), database.transaction():
        made.append(vault.token("customer_id", "alice"))
        # Within the transaction the token stands.
        assert vault.token("customer_id", "alice") == made[0]
        _ = 1 / 0
    assert database.one("SELECT count(*) FROM subject") == (0,)
    assert vault.token("customer_id", "alice") != made[0]
    assert database.one("SELECT count(*) FROM subject") == (1,)


def test_known_people_need_no_write(database: Database) -> None:
    vault = Vault(database, KEY)
    token = vault.token("customer_id", "alice")
    reader = Database(database.path, busy_seconds=0.05)
    with database.transaction():
        database.execute("INSERT INTO extension VALUES ('loan', 'x_a', 'number')")
        # Another connection holds the pen; who is known can still be named.
        assert Vault(reader, KEY).token("customer_id", "alice") == token
    reader.close()


def test_a_key_is_not_said_to_be_erased_while_it_lies_in_the_log(tmp_path: Path) -> None:
    """Somebody reads long, such as a report: the log cannot be folded, and the key's page would stay in it."""
    database, reader = (Database(tmp_path / "assay.db", busy_seconds=0.1) for _ in range(2))
    vault = Vault(database, bytes(32))
    token = vault.token("customer_id", "alice")
    (key,) = database.one("SELECT token_key FROM subject")

    def lies() -> bool:
        return any(key in path.read_bytes() for path in tmp_path.glob("assay.db*"))

    with reader.reading():
        reader.one("SELECT count(*) FROM subject")
        with pytest.raises(Unavailable, match="a reader holds it"):
            vault.erase("customer_id", "alice")
        assert vault.known("customer_id", "alice") == token
    assert lies()
    assert vault.erase("customer_id", "alice")
    assert not lies()
    for each in (database, reader):
        each.close()


def test_identifiers_of_several_namespaces_take_three_statements_together(database: Database) -> None:
    vault, said = Vault(database, KEY), []
    known = vault.token("card_id", "4111")
    places = [("card", "4111"), ("person", "alice"), ("device", "4111"), ("person", "bob"), ("person", "alice")]
    with database.transaction():
        database.connection.exec_trace = lambda cursor, sql, values: said.append(sql) or True
        found = vault.tokens_of(places)
        database.connection.exec_trace = None
    assert [sql.split()[0] for sql in said] == ["PRAGMA", "SELECT", "INSERT"]
    assert found["card", "4111"] == known
    assert len(set(found.values())) == 4
    assert vault.tokens("customer_id", ["bob", "alice"]) == {
        "bob": found["person", "bob"],
        "alice": found["person", "alice"],
    }
    many = [f"c{n}" for n in range(1_203)]
    assert vault.tokens("customer_id", many) == {name: Vault(database, KEY).token("customer_id", name) for name in many}
