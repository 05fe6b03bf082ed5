"""A service that stops, is killed or recovers starts from its checkpoint and answers as if it had never stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.decision import Product
from features.checkpoint import record_key
from serving.client import AssayClient
from serving.run import running
from stores.home import Home
from stores.states_sqlite import SqliteStates
from stores.vault import Vault
from tests.monitoring.aml.world import configs, keeps_for
from tests.serving import world
from tests.serving.doors import Doors, until
from tests.serving.parity import same_vectors


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    made = Doors(
        tmp_path_factory.mktemp("checkpoints"), products=(Product.PAYMENT,),
        settings={"checkpoint_every": "1s", "checkpoint_pause_ms": "0.01"},
    )  # fmt: skip
    yield made
    made.close()


def logged(doors: Doors, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in doors.log.getvalue().splitlines()]
    return [line for line in lines if line["event"] == event]


def pay(doors: Doors, n: int, seed: int = 4) -> None:
    requests = world.payment_stream(n, seed, world.START, prefix=f"{doors.key()}-")
    answers = doors.together([{"path": "/v1/payments/score", "body": request} for request in requests])
    assert {answer.status_code for answer in answers} == {200}


def saved(doors: Doors) -> int:
    return max([line["seq"] for line in logged(doors, "checkpoint")], default=0)


def last_seq(doors: Doors) -> int:
    return int(doors.counts()["event"])


def test_checkpoints_are_taken_while_requests_run_and_at_the_end(doors: Doors) -> None:
    for _ in range(6):
        pay(doors, 25)
    until(lambda: saved(doors) > 0)
    pay(doors, 25)
    before = saved(doors)
    doors.restart()
    assert saved(doors) == last_seq(doors) >= before
    assert logged(doors, "state_started")[-1]["from_checkpoint"] == last_seq(doors)
    pay(doors, 25)
    n_vectors, _ = same_vectors(doors.home, Product.PAYMENT)
    assert n_vectors == last_seq(doors) == 200
    assert logged(doors, "checkpoint_failed") == []


def test_a_damaged_checkpoint_is_told_and_costs_only_time(doors: Doors) -> None:
    features = doors.engine.desks[Product.PAYMENT].bundle.feature_set.hash
    doors.runtime.stop()
    store = SqliteStates(doors.home.states)
    mark = store.mark(features)
    key, body = next(store.items(features))
    store.save(features, {key: body[:-1]}, seq=mark.seq, head=mark.head, after=mark.version)
    store.close()
    doors.restart()
    (told,) = logged(doors, "checkpoint_refused")
    assert "checksum" in told["error"]
    assert logged(doors, "state_started")[-1]["from_checkpoint"] == 0
    pay(doors, 25)
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)
    doors.restart()
    assert logged(doors, "state_started")[-1]["from_checkpoint"] == seq
    same_vectors(doors.home, Product.PAYMENT)


def test_a_transaction_that_fails_leaves_no_trace_in_a_checkpoint(doors: Doors) -> None:
    books, kept = doors.engine.committing, doors.engine.desks
    n_before, rebuilt = last_seq(doors), kept[Product.PAYMENT].state

    def refuse() -> bool:
        books.database.connection.set_commit_hook(None)
        return True

    doors.engine.committer.between(lambda: books.database.connection.set_commit_hook(refuse))
    request = world.payment_stream(1, 77, world.START, prefix="refused")[0]
    assert doors.pay(request).status_code == 503
    until(lambda: kept[Product.PAYMENT].state is not rebuilt and doors.runtime.ready)
    assert last_seq(doors) == n_before
    pay(doors, 10)
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)
    doors.restart()
    pay(doors, 10)
    same_vectors(doors.home, Product.PAYMENT)


def test_an_erased_card_is_gone_from_the_running_service_and_the_file(
    doors: Doors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unbound = str(configs(tmp_path / "unbound", retention=keeps_for(aml=0, service=0)))
    requests = world.payment_stream(25, 9, world.START, prefix="erased-")
    doors.together([{"path": "/v1/payments/score", "body": request} for request in requests])
    card = str(requests[0]["card_id"])
    token = Vault(doors.engine.committing.database, _vault_key(doors.home)).known("card_id", card)
    holdings = doors.engine.desks[Product.PAYMENT].state.holdings
    assert token in holdings.first["card_id"]
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)
    key = record_key("card_id", str(token)).encode()
    files = [doors.home.states, doors.home.states.with_name("states.db-wal")]
    assert any(key in path.read_bytes() for path in files if path.exists())
    assert main(["--home", str(doors.home.root), "--configs", unbound, "erase", "card_id", card, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"known": True, "n_records": 1, "n_texts": 0, "n_texts_kept": 0}
    until(lambda: token not in holdings.first["card_id"])
    assert main(["--home", str(doors.home.root), "--configs", unbound, "erase", "card_id", card]) == 1
    pay(doors, 25)
    seq = last_seq(doors)
    until(lambda: saved(doors) >= seq)
    doors.restart()
    assert token not in doors.engine.desks[Product.PAYMENT].state.holdings.first["card_id"]
    store = SqliteStates(doors.home.states)
    features = doors.engine.desks[Product.PAYMENT].bundle.feature_set.hash
    assert store.read(features, [key.decode()])[1] == [None]
    store.close()
    # The stranger of the same number begins anew, offline as online.
    pay(doors, 25)
    same_vectors(doors.home, Product.PAYMENT)


def _vault_key(home: Home) -> bytes:
    from serving.books import VAULT_KEY
    from stores.keys import secret_key

    return secret_key(home.keys, VAULT_KEY, {})


@pytest.mark.slow
@pytest.mark.chaos
def test_killed_after_a_checkpoint_the_rest_is_replayed(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    world.deploy(home, Product.PAYMENT)
    key = world.with_keys(home)["flow"]
    configs = world.copied_configs(tmp_path / "configs", checkpoint_every="1s")
    requests = world.payment_stream(150, 31, world.START)
    log = tmp_path / "service.log"

    def send(url: str, part: list[dict[str, Any]]) -> None:
        with AssayClient(url, key) as client:
            for request in part:
                client.score_payment(request, key=request["event_id"])

    with log.open("ab") as output:
        with running(home, configs, log=output) as service:
            send(service.url, requests[:80])
            until(lambda: b'"event": "checkpoint"' in log.read_bytes())
            send(service.url, requests[80:120])
            service.kill()
        with running(home, configs, log=output) as service:
            send(service.url, requests[120:])
    started = [json.loads(line) for line in log.read_text().splitlines() if '"state_started"' in line]
    assert 0 < started[-1]["from_checkpoint"] <= started[-1]["seq"] == 120
    n_vectors, _ = same_vectors(home, Product.PAYMENT)
    assert n_vectors == 150
