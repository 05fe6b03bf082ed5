"""The real thing: BentoML's server in processes of its own, on a free port of the loopback."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.decision import Product
from domain.errors import DefinitionError
from serving.auth import Role, add_key
from serving.books import Books
from serving.client import AssayClient, Refused
from serving.client_calls import Ask
from serving.engine import Engine
from serving.engine_link import LinkedEngine
from serving.routes import ROUTES
from serving.run import Running, running, serve
from stores.home import Home
from tests.serving import world
from tests.serving.parity import same_vectors

CANARY = "canary4111111111111111"


@dataclass
class Served:
    home: Home
    service: Running
    keys: dict[str, str]
    log: Path

    def client(self, name: str = "flow") -> AssayClient:
        # The first explanation starts a process, which takes long where others start theirs.
        return AssayClient(self.service.url, self.keys[name], timeout=60.0)

    def get(self, path: str, name: str | None = None) -> httpx.Response:
        headers = {} if name is None else {"Authorization": f"Bearer {self.keys[name]}"}
        return httpx.get(self.service.url + path, headers=headers, trust_env=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving_of(Home(tmp_path_factory.mktemp("served"))) as started:
        yield started


@contextmanager
def serving_of(home: Home) -> Iterator[Served]:
    """A service of a new home with a model for each product."""
    for product in Product:
        world.deploy(home, product)
    keys = world.with_keys(home)
    log = home.root / "service.log"
    configs = world.copied_configs(home.root.with_name(f"{home.root.name}-configs"), **world.PATIENT)
    with log.open("wb") as output, running(home, configs, log=output) as service:
        yield Served(home, service, keys, log)


def payment(event_id: str, **body: Any) -> dict[str, Any]:
    (request,) = world.payment_stream(1, 3, world.START)
    return {**request, "event_id": event_id, **body}


def test_it_decides_on_both_products(served: Served) -> None:
    with served.client() as client:
        client.wait_ready(5)
        decided = client.score_payment(payment("s-1"))
        assert decided["degraded"] is False
        assert decided["versions"]["model"] == client.models()["payment"]["model"]
        assert client.decision(decided["decision_id"]) == decided
        (application,) = world.application_stream(1, 3, world.START)
        loan = client.score_loan(application)
        assert loan["degraded"] is False
        assert loan["credit_grade"] in "AA A B C D E F"
        assert client.send_event({**payment("s-2"), "kind": "transaction"}) == {"event_id": "s-2", "accepted": True}
        assert client.send_outcome({"subject_event_id": "s-1", "code": "chargeback_fraud"})["accepted"]
        with pytest.raises(Refused, match="unknown_field") as refused:
            client.score_payment(payment("s-3", unknown=1))
        assert refused.value.status == 422


def test_it_listens_on_the_loopback_only(served: Served) -> None:
    port = int(served.service.url.rsplit(":", 1)[1])
    listening = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
    addresses = {line.split()[1] for line in listening.splitlines()[1:] if line.split()[3] == "0A"}
    assert {address.split(":")[0] for address in addresses if int(address.split(":")[1], 16) == port} == {"0100007F"}


def test_nothing_of_bentoml_is_open(served: Served) -> None:
    for path in ("/docs.json", "/schema.json", "/metrics", "/static_content/index.html", "/deployed", "/nothing"):
        assert served.get(path).status_code == 401, path
        assert {served.get(path, name).status_code for name in ("flow", "metrics", "analyst")} == {403}, path
    assert "script" not in served.get("/").text
    assert served.get("/", "admin").json()["service"] == "assay"


def test_bentoml_itself_answers_an_administrator(served: Served) -> None:
    answer = httpx.post(
        served.service.url + "/deployed", json={}, headers={"X-API-Key": served.keys["admin"]}, trust_env=False
    )
    assert answer.json()["payment"]["name"] == "fraud"
    assert served.get("/schema.json", "admin").json()["name"] == "assay"
    # An answer that streams waits for the connection's end beside it.
    assert "swagger" in served.get("/static_content/swagger-ui.css", "admin").text
    assert served.get("/livez").status_code == 200


def test_each_process_holds_what_it_needs_and_no_more(served: Served) -> None:
    """Scikit-learn was a third of the CPU that a start took."""
    (worker,), (engine,) = _members(served, "_bentoml_impl.worker.service"), _members(served, "serving.engine_apart")
    assert engine.ppid() == worker.pid
    loaded = {process: {Path(each.path).parts for each in process.memory_maps()} for process in (worker, engine)}
    assert any("lightgbm" in parts for parts in loaded[engine])
    assert not any("lightgbm" in parts for parts in loaded[worker])
    assert not [parts for found in loaded.values() for parts in found if "sklearn" in parts]


def _members(served: Served, module: str) -> list[psutil.Process]:
    family = psutil.Process(served.service.process.pid).children(recursive=True)
    return [member for member in family if module in member.cmdline()]


def test_headers_tell_no_versions(served: Served) -> None:
    assert "server" not in served.get("/livez").headers


def test_a_slow_header_and_a_broken_request_do_not_harm(served: Served) -> None:
    host, port = served.service.url.removeprefix("http://").split(":")
    for content in (
        b"POST /v1/payments/score HTTP/1.1\r\nHost: a\r\n",
        b"\x00\x01\x02\r\n\r\n",
        b"GET /v1/../ HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), 5) as raw:
            raw.sendall(content)
    assert served.get("/livez").status_code == 200


def test_no_content_of_a_request_is_in_any_log(served: Served) -> None:
    url = served.service.url
    with httpx.Client(base_url=url, headers={"X-API-Key": served.keys["flow"]}, trust_env=False) as client:
        for path in ("/v1/payments/score", "/v1/events", f"/v1/{CANARY}", "/deployed", f"/{CANARY}"):
            for body in (f'{{"{CANARY}": "{CANARY}"', json.dumps({**payment(CANARY), "card_id": CANARY, CANARY: 1})):
                headers = {"Content-Type": "application/json", "Idempotency-Key": CANARY}
                assert client.post(path, content=body, headers=headers).status_code >= 400
        good = client.post(
            "/v1/payments/score", json=payment("s-c", card_id=CANARY), headers={"Idempotency-Key": CANARY + "2"}
        )
        assert good.status_code == 200
    admin = {"X-API-Key": served.keys["admin"], "Content-Type": "application/json"}
    httpx.post(f"{url}/deployed", content=CANARY, headers=admin, trust_env=False)
    assert CANARY not in served.log.read_text()


def test_metrics_are_of_the_doors_and_of_the_engine(served: Served) -> None:
    with served.client() as client:
        client.score_payment(payment("s-metrics"))
    text = served.get("/v1/metrics", "metrics").text
    assert 'assay_requests_total{route="/payments/score",status="200"}' in text
    assert 'assay_decisions_total{action="' in text
    assert "assay_ready 1.0" in text
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "a family is told once"


def test_a_head_that_does_not_end_is_ended(served: Served) -> None:
    """The limits of `serving.connections` hold in BentoML's server, which offers none of its own."""
    host, port = served.service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5) as raw:
        raw.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nX: ")
        raw.settimeout(20)
        began = time.monotonic()
        with suppress(ConnectionError):
            assert raw.recv(1) == b""
        assert 3 < time.monotonic() - began < 15


def test_another_host_is_sent_away(served: Served) -> None:
    for path in ("/", "/docs.json", "/v1/models"):
        answer = httpx.get(served.service.url + path, headers={"Host": "evil.example"}, trust_env=False)
        assert answer.status_code == 421, path


def test_a_past_decision_is_explained_beside_the_requests(served: Served) -> None:
    """In the worker of BentoML as well, whose main module the child must not run again."""
    with served.client() as client:
        decided = client.score_payment(payment("s-why", amount=90_000_000, currency="CNY"))
        told = client.explanation(decided["decision_id"])
        assert (told["decision_id"], told["action"]) == (decided["decision_id"], decided["action"])
    with served.client("analyst") as client:
        assert client.explanation(decided["decision_id"])["receipt"]["replays"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_the_document_says_holds_for_generated_requests(served: Served) -> None:
    """Schemathesis over every operation: no error of ours, and every answer one that the document names."""
    every = add_key(served.home, "every", list(Role))
    headers = {"Authorization": f"Bearer {every}"}
    with AssayClient(served.service.url, served.keys["admin"]) as admin:
        admin._ask(Ask("POST", "/v1/admin/reload"))
    schema = schemathesis.openapi.from_url(f"{served.service.url}/v1/openapi.json", headers=headers)
    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    seen: dict[str, set[int]] = {}

    def checked(operation: Any, mode: GenerationMode) -> None:
        @settings(
            max_examples=8, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            bent = "Authorization" in (case.headers or {})
            response = case.call(headers={} if bent else headers)
            seen.setdefault(f"{case.method} {case.path}", set()).add(response.status_code)
            if not bent:
                case.validate_response(response, checks=checks)

        run()

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/v1/admin/reload":
            continue
        checked(operation, GenerationMode.POSITIVE)
        # What takes no input has no wrong one.
        with suppress(Unsatisfiable):
            checked(operation, GenerationMode.NEGATIVE)
    left_out = {"POST /v1/admin/reload", "GET /v1/openapi.json"}
    assert set(seen) == {f"{route.method} /v1{route.path}" for route in ROUTES} - left_out
    assert all(status < 500 for statuses in seen.values() for status in statuses), seen


def test_a_bundle_deployed_by_another_process_is_followed(served: Served) -> None:
    digest = world.deploy(served.home, Product.PAYMENT, seed=6)
    with served.client() as client:
        end = time.monotonic() + 90
        for number in itertools.count():
            assert time.monotonic() < end
            if client.score_payment(payment(f"s-swap-{number}"))["versions"]["model"] == digest:
                break
            assert client.models()["payment"]["refused"] is None
        assert client.models()["payment"]["model"] == digest


def test_a_killed_supervisor_leaves_no_worker_behind(tmp_path: Path) -> None:
    """And the worker ends in good order: what it has acknowledged is kept."""
    with serving_of(Home(tmp_path / "mortal")) as served:
        _killed(served)


def _killed(served: Served) -> None:
    workers = [*_members(served, "_bentoml_impl.worker.service"), *_members(served, "serving.engine_apart")]
    assert len(workers) == 2
    with served.client() as client:
        client.wait_ready(5)
        kept = [client.score_payment(payment(f"s-kept-{number}"))["decision_id"] for number in range(5)]
    served.service.process.kill()
    _, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    assert "cleanup finalized" in served.log.read_text()
    books = Books.open(served.home, {}, 5.0)
    try:
        assert books.ledger.verify() == []
        assert all(books.ledger.get(decision_id) is not None for decision_id in kept)
    finally:
        books.close()
    n_vectors, _ = same_vectors(served.home, Product.PAYMENT)
    assert n_vectors >= len(kept)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("serving.yaml", "group_commit: many\n", "group_commit"),
        ("serving.yaml", "keep_answers: 1h\n", "keep_answers"),
        ("serving.yaml", "extensions: {transaction: {vip: number}}\n", "x_"),
        ("serving.yaml", "extensions: {transaction: {x_vip: money}}\n", "x_vip"),
        ("serving.yaml", "unknown: 1\n", "unknown"),
        ("platform.yaml", "base_currency: CNY\n", "time_zone"),
        ("policy/payments.yaml", "version: 1\n", "payments.yaml"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(tmp_path: Path, name: str, content: str, told: str) -> None:
    configs = tmp_path / "configs"
    shutil.copytree(world.CONFIGS, configs)
    (configs / name).write_text(content)
    with pytest.raises(DefinitionError, match=told):
        LinkedEngine(Home(tmp_path / "home"), configs, {}, log=None)
    with pytest.raises(DefinitionError, match=told):
        Engine(Home(tmp_path / "home"), configs, {}, log=None, at_hand=list)
    if name.count("/") == 0:
        with pytest.raises(DefinitionError, match=told):
            serve(Home(tmp_path / "home"), configs)
