"""``assay load``: on a service of its own, which leaves the home as it was, and refusals that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from domain.decision import Product
from domain.time import system_clock
from serving.load.scratch import scratch_of
from stores.database import Database
from stores.home import Home
from tests.serving import world
from tests.serving.doors import Doors
from tests.serving.sockets import listening


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("load") / "home")
    world.deploy(made, Product.PAYMENT)
    Database(made.database).close()
    return made


def configs_with(tmp_path: Path, **promise: float) -> Path:
    configs = world.copied_configs(tmp_path / "configs", **world.PATIENT)
    given = {"rate": 200, "p50_ms": 5_000, "p99_ms": 9_000, "errors": 0.0, **promise}
    (configs / "load.yaml").write_text(json.dumps(given))
    return configs


def test_a_load_on_its_own_service_is_told_in_full_and_leaves_the_home_alone(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--rate", "30", "--seconds", "2", "--mix", "payments:1", "--warm", "0.5", "--json"]
    kept = main(["--home", str(home.root), "--configs", str(configs_with(tmp_path)), "load", "--start", *options])
    told = json.loads(capsys.readouterr().out)
    assert (kept, told["kept"], told["broken"]) == (0, True, []), told
    assert told["statuses"] == {"200": 60}
    assert (told["n_planned"], told["n_answered"], told["degraded"]) == (60, 60, 0)
    times = told["latency_ms"]
    assert 0 < times["p50"] <= times["p90"] <= times["p99"] <= times["p99.9"] <= times["max"]
    assert times["n"] == told["latency_by_product_ms"]["payment"]["n"] == 60
    assert told["cpu_us_per_request"] > 0
    assert told["rss_mb_after"] > 10
    database = Database(home.database)
    try:
        assert database.one("SELECT count(*) FROM decision") == (0,)
    finally:
        database.close()
    assert not list(home.root.glob(".load-*"))
    assert not (home.keys / "clients.json").exists()


def test_a_promise_that_is_not_kept_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a service that runs already: here the doors in this process, behind a real socket."""
    configs = configs_with(tmp_path / "load", p50_ms=0.001)
    hosts = {"allowed_hosts": "['127.0.0.1']"}
    doors = Doors(tmp_path, products=(Product.PAYMENT,), now=system_clock(), settings=hosts)
    try:
        with listening(doors) as url:
            arguments = ["--home", str(doors.home.root), "--configs", str(configs), "load", "--rate", "20"]
            where = ["--url", url, "--key", doors.keys["flow"]]
            assert main([*arguments, *where, "--seconds", "1", "--mix", "payments:1", "--warm", "0"]) == 1
    finally:
        doors.close()
    said = capsys.readouterr().out
    assert "p50: expected at most 0.001 ms, got" in said
    assert "kept:" not in said
    assert "20 planned; answers by status 200: 20; unanswered none" in said


def test_a_scratch_home_holds_what_was_journalled(home: Home) -> None:
    with scratch_of(home) as (scratch, key):
        assert (scratch.pointers / "payment.json").read_bytes() == (home.pointers / "payment.json").read_bytes()
        assert scratch.database.is_file()
        assert key.startswith("assay_")
    assert not scratch.root.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--mix", "cards:1"], 2, "mix"),
        (["--rate", "1", "--seconds", "0.2"], 2, "requests"),
        (["--arrivals", "bursts"], 2, "--arrivals"),
        ([], 2, "ASSAY_KEY"),
        (["--key", "k", "--url", "https://example.test"], 2, "url"),
        (["--key", "k", "--url", "http://127.0.0.1:9"], 5, "expected a service"),
        (["--start"], 3, "expected a home with a deployed model"),
    ],
)
def test_refusals_say_what_to_do(
    arguments: list[str], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path / "none"), "load", *arguments]) == code
    assert told in capsys.readouterr().err
