"""`assay features trace` over a home that the real runtime has written."""

from __future__ import annotations

import json
from functools import partial

import msgspec
import pytest

from features.catalogue import load
from features.settings import FeatureSettings
from features.trace import told
from serving.books import Books
from stores.home import Home
from tests.serving import world
from tests.serving.decided import N_PAYMENTS, decided_home
from tests.shared import RunAssay


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return decided_home(tmp_path_factory.mktemp("traced"))


@pytest.fixture
def run(home: Home, run_assay: RunAssay) -> RunAssay:
    return partial(run_assay, "--home", str(home.root), "--configs", str(world.CONFIGS), "features", "trace")


def decisions(home: Home) -> list[tuple[str, str]]:
    books = Books.open(home, {}, 10.0)
    try:
        table = books.ledger.read("payment")
        return list(zip(table["decision_id"].to_pylist(), table["event_id"].to_pylist(), strict=True))
    finally:
        books.close()


def test_the_events_behind_a_decision(home: Home, run: RunAssay) -> None:
    ids = dict(reversed(pair) for pair in decisions(home))
    n_events = 0
    for event_id in [f"p{number}" for number in range(40, N_PAYMENTS, 8)]:
        code, out, _ = run("--feature", "card_amount_mean_30d", "--decision", ids[event_id], "--json")
        found = json.loads(out)
        assert (code, found["same"], found["request"]["event_id"]) == (0, True, event_id)
        assert found["value"] == found["expected"]
        n_events += len(found["events"])
        assert json.loads(run("--feature", "card_amount_mean_30d", "--event", event_id, "--json")[1]) == found
    assert n_events > 20


def test_a_person_can_read_it(home: Home, run: RunAssay) -> None:
    code, out, _ = run("--feature", "card_amount_mean_30d", "--event", "p70", "--limit", "2")
    assert code == 0
    assert "the same bit for bit" in out
    assert "the newest 2 shown" in out
    assert "not seen:" in out
    assert "arrived later" in run("--feature", "card_amount_mean_30d", "--event", "p70", "--unseen")[1]
    chosen = load(FeatureSettings(product="payment"), world.platform())
    for name, expression in chosen.definition["derived"][::6]:
        code, out, _ = run("--feature", name, "--event", "p70")
        assert code == 0
        assert f"{name} = {told(expression)} = " in out
        parts = [part for part in expression[1:] if part in chosen.names]
        assert all(f"\n  {part} = " in out for part in parts)


def test_an_event_without_a_decision_is_traced_by_a_config(run: RunAssay) -> None:
    for event_id in ("elsewhere", "without-features"):
        code, out, _ = run("--feature", "card_count_1h", "--event", event_id, "--json")
        assert (code, json.loads(out)["same"]) == (0, True)


def test_categories_are_compared_as_text(run: RunAssay) -> None:
    code, out, _ = run("--feature", "channel", "--event", "p70", "--json")
    assert (code, json.loads(out)["value"]) == (0, json.loads(out)["expected"])
    assert isinstance(json.loads(out)["value"], str)


def test_a_number_that_was_not_this_one_is_a_finding(home: Home, run: RunAssay) -> None:
    books = Books.open(home, {}, 10.0)
    try:
        (event,) = books.journal.find("p60")
        body = {**event.body, "amount": event.body["amount"] + 1}
        with books.database.transaction():
            books.database.execute("UPDATE event SET body = ? WHERE seq = ?", (msgspec.msgpack.encode(body), event.seq))
    finally:
        books.close()
    code, out, _ = run("--feature", "amount", "--event", "p60")
    assert code == 1
    assert "that was used" in out


def test_what_is_wrong_with_a_question_is_told(run: RunAssay) -> None:
    assert run("--feature", "amount")[0] == 2
    assert run("--feature", "amount", "--event", "p1", "--decision", "d")[0] == 2
    assert "expected a decision of the ledger" in run("--feature", "amount", "--decision", "nobody")[2]
    assert "expected one event of that id" in run("--feature", "amount", "--event", "nobody")[2]
    code, _, said = run("--feature", "card_amuont_mean_30d", "--event", "p1")
    assert code == 2
    assert "expected a feature of the set such as card_amount_mean_30d" in said
