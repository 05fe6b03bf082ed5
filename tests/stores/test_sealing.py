"""Sealed texts: unreadable in the file, readable with the key, neither alterable nor exchangeable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import DataError
from stores.database import Database
from stores.sealing import Sealer

KEY = bytes(range(32))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "assay.db")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealer]:
    database = Database(tmp_path_factory.mktemp("sealed") / "assay.db")
    yield Sealer(database, KEY)
    database.close()


@given(st.text(max_size=200).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
@settings(max_examples=40)
def test_what_is_sealed_can_be_opened(shared: Sealer, text: str) -> None:
    assert shared.opened(shared.seal_within(text)) == text


def test_nothing_of_it_lies_in_the_file(database: Database) -> None:
    sealer = Sealer(database, KEY)
    with database.transaction():
        first, second = sealer.seal_within("canary" * 5), sealer.seal_within("canary" * 5)
    stored = [content for (content,) in database.execute("SELECT content FROM sealed")]
    assert len(set(stored)) == 2, "the same text twice must not look the same"
    for path in database.path.parent.iterdir():
        assert b"canary" not in path.read_bytes()
    assert first != second
    assert database.one("SELECT count(*) FROM seal_key") == (1,)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE sealed SET content = CAST(substr(content, 1, 20) || zeroblob(1) || substr(content, 22) AS BLOB)",
        "UPDATE sealed SET content = zeroblob(5)",
        "UPDATE sealed SET content = (SELECT content FROM sealed WHERE sealed_id <> :first) WHERE sealed_id = :first",
        "UPDATE seal_key SET wrapped = zeroblob(60)",
        "UPDATE seal_key SET wrapped = x''",
    ],
)
def test_an_altered_or_exchanged_text_is_refused(database: Database, harm: str) -> None:
    sealer = Sealer(database, KEY)
    first = sealer.seal_within("first")
    sealer.seal_within("other")
    database.execute(harm, {"first": first} if ":first" in harm else ())
    with pytest.raises(DataError, match="seal"):
        sealer.opened(first)


def test_another_key_opens_nothing_and_a_fresh_sealer_does(database: Database) -> None:
    sealed = Sealer(database, KEY).seal_within("text")
    assert Sealer(database, KEY).opened(sealed) == "text"
    with pytest.raises(DataError):
        Sealer(database, bytes(32)).opened(sealed)
