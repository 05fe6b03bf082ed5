"""`assay features backfill`: builds, follows on, does nothing twice, and says what it did."""

import json

import pytest

from cli.main import main
from stores.home import Home
from stores.states_sqlite import SqliteStates
from tests.features.generated import generated_stream
from tests.features.streams import START

KINDS = ("transaction", "authentication", "outcome")


@pytest.fixture
def home(tmp_path):
    from stores.database import Database
    from stores.journal import Journal

    home = Home(tmp_path / "home")
    database = Database(home.database)
    Journal(database, home.segments).append(generated_stream(KINDS, 20 * 86_400_000_000, 300, 1))
    database.close()
    return home


def backfilled(home, capsys, *more):
    assert main(["--home", str(home.root), "features", "backfill", *more, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_builds_and_then_follows_on(home, capsys):
    (first,) = backfilled(home, capsys, "fraud")
    assert (first["product"], first["seq"]) == ("payment", 300)
    assert min(first["n_entities"], first["n_rows"], first["n_bytes"]) > 0
    store = SqliteStates(home.states)
    assert store.mark(first["features"]).seq == 300
    records = dict(store.items(first["features"]))
    assert len(records) == first["n_entities"]
    assert START > 0
    # Again: nothing is written; from scratch: the same bytes in the end.
    (again,) = backfilled(home, capsys, "fraud")
    assert (again["n_bytes"], again["n_entities"], again["n_rows"]) == (0, first["n_entities"], first["n_rows"])
    assert store.mark(first["features"]).version == 1
    (anew,) = backfilled(home, capsys, "fraud", "--anew")
    assert anew["n_bytes"] == first["n_bytes"]
    assert dict(store.items(first["features"])) == records
    store.close()


def test_a_damaged_checkpoint_is_built_anew(home, capsys):
    (first,) = backfilled(home, capsys, "fraud")
    store = SqliteStates(home.states)
    mark = store.mark(first["features"])
    key, body = next(store.items(first["features"]))
    store.save(first["features"], {key: body[:50]}, seq=mark.seq, head=mark.head, after=mark.version)
    (second,) = backfilled(home, capsys, "fraud")
    assert second["n_bytes"] == first["n_bytes"]
    assert store.read(first["features"], [key])[1] == [body]
    store.close()


def test_what_is_wrong_is_said(home, capsys):
    base = ["--home", str(home.root), "features", "backfill"]
    for wrong, code, told in (
        ([], 2, "expected a config, or --deployed, got 'neither'"),
        (["fraud", "--deployed"], 2, "got 'both'"),
        (["--deployed"], 3, "expected a deployed bundle"),
        (["fraud", "--states", "here"], 2, "expected an address such as redis://"),
        (["fraud", "--states", "redis://127.0.0.1:1/0"], 5, "expected an answer"),
    ):
        assert main([*base, *wrong]) == code
        assert told in capsys.readouterr().err
