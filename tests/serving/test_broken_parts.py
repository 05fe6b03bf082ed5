"""The disk, the bundle, the checkpoints and MLflow are really taken away from a running service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.decision import Product
from serving.books import Books
from stores.home import Home
from tests.flows.mortal import Mortal
from tests.serving import world
from tests.serving.doors import until
from tests.serving.parity import same_vectors

SIZE = 48 * 2**20


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with little room."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("needs leave to mount a tmpfs (root); max_page_count stands for a full disk in test_group_commit")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def served(home: Home, environment: dict[str, str] | None = None) -> Iterator[tuple[httpx.Client, Mortal]]:
    """A service in a process of its own, and a client of it."""
    key = world.with_keys(home)["flow"]
    mortal = Mortal(home, world.CONFIGS)
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        mortal.start()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=mortal.url, headers=headers, timeout=60, trust_env=False) as client:
            yield client, mortal
    finally:
        os.environ.clear()
        os.environ.update(before)
        mortal.close()


def pay(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/payments/score", json=request, headers={"Idempotency-Key": request["event_id"]})


def test_a_full_disk_acknowledges_nothing_and_passes_by_itself(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        home = Home(disk / "home")
        world.deploy(home, Product.PAYMENT)
        stream = world.payment_stream(4_000, 41, world.START, prefix="full")
        waiting = iter(stream)
        told: dict[str, bytes] = {}
        refused: list[dict[str, Any]] = []
        with served(home) as (client, _):
            for _ in range(20):
                request = next(waiting)
                told[request["event_id"]] = pay(client, request).content
            _fill(disk)
            # What the write-ahead file has let go of still takes some: full is when it does not come back.
            while not (refused and _stays_away(client)):
                request = next(waiting)
                answer = pay(client, request)
                if answer.status_code == 200:
                    told[request["event_id"]] = answer.content
                else:
                    assert answer.status_code == 503
                    assert answer.headers["retry-after"]
                    refused.append(request)
            assert client.get("/readyz").status_code == 503
            assert client.get("/livez").status_code == 200
            for request in (next(waiting), next(waiting)):
                assert pay(client, request).status_code == 503
                refused.append(request)
            # Only what was acknowledged is there, while it is full.
            assert _decided(home) == set(told)
            (disk / "filler").unlink()
            until(lambda: client.get("/readyz").status_code == 200)
            for request in refused:
                answer = pay(client, request)
                assert answer.status_code == 200
                told[request["event_id"]] = answer.content
            for request in stream[:20]:
                assert pay(client, request).content == told[request["event_id"]]
        assert _decided(home) == set(told)
        assert same_vectors(home, Product.PAYMENT)[0] == len(told)


def _stays_away(client: httpx.Client) -> bool:
    """Whether the service is not ready for longer than some tries to write take."""
    end = time.monotonic() + 4
    while time.monotonic() < end:
        if client.get("/readyz").status_code == 200:
            return False
        time.sleep(0.05)
    return True


def _fill(disk: Path) -> None:
    """Leave not a page free."""
    with (disk / "filler").open("wb") as filler:
        for size in (2**20, 4096, 1):
            try:
                while True:
                    os.write(filler.fileno(), bytes(size))
            except OSError:
                continue


def _decided(home: Home) -> set[str]:
    books = Books.open(home, {}, 10.0)
    try:
        assert books.ledger.verify() == []
        decided: list[str] = books.ledger.read("payment")["event_id"].to_pylist()
    finally:
        books.close()
    assert len(set(decided)) == len(decided)
    return set(decided)


def test_what_is_not_needed_to_decide_may_go(tmp_path: Path) -> None:
    """MLflow, the bundle's files and the checkpoints: a running service does not even notice."""
    home = Home(tmp_path / "home")
    world.deploy(home, Product.PAYMENT)
    gone = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    stream = iter(world.payment_stream(100, 43, world.START, prefix="gone"))

    def decides(client: httpx.Client) -> None:
        for _ in range(5):
            decision = pay(client, next(stream)).json()
            assert (decision["degraded"], decision["score"] is None) == (False, False)

    with served(home, gone) as (client, mortal):
        decides(client)
        shutil.rmtree(home.bundles)
        home.states.unlink(missing_ok=True)
        home.states.mkdir()
        decides(client)
        assert client.get("/readyz").json()["ready"] is True
        # Born again without its model, it says so and lets rules and people decide.
        mortal.kill()
        mortal.start()
        decision = pay(client, {**next(stream), "amount": 3_000_000, "currency": "CNY"}).json()
        assert decision["degraded"].startswith("model dropped")
        assert (decision["score"], decision["action"]) == (None, "review")
        assert client.get("/readyz").json()["products"]["payment"]["refused"] is True
    world.deploy(home, Product.PAYMENT)
    home.states.rmdir()
    with served(home, gone) as (client, _):
        decides(client)


def test_serving_does_not_know_mlflow() -> None:
    asked = (
        "import json, sys, serving.runtime, serving.app, serving.engine, serving.engine_link;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout
    modules = json.loads(found)
    assert {"serving.runtime", "serving.engine"} <= set(modules)
    assert not [name for name in modules if name.partition(".")[0] == "mlflow"]
