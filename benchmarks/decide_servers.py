"""The three servers, each in processes of its own, and what each is sent."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import mlflow.lightgbm
import msgspec
import numpy as np
from decide_world import CONFIGS, MODEL, World
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from numpy.typing import NDArray

from domain.decision import Product
from domain.time import system_clock
from serving.books import Books
from serving.load.meter import Meter
from serving.load.traffic import Traffic
from serving.load.wire import post
from serving.run import free_port, running

OURS, BENTOML, MLFLOW = "assay", "bentoml_pandas_sklearn_shap", "mlflow"
_HOST = "127.0.0.1"
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    """Where it listens, what it is asked next, and what it costs."""

    name: str
    port: int
    requests: Iterator[bytes]
    meter: Meter

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{_HOST}:{self.port}"


def asked_of_ours(world: World, seed: int) -> Iterator[bytes]:
    """Payments that nobody has sent yet: each is journalled, decided on and kept."""
    traffic = Traffic(f"b{seed}", seed, system_clock)
    while True:
        yield traffic.request(Product.PAYMENT, _HOST, world.key)


def decided_rows(world: World, n: int) -> tuple[NDArray[np.float64], list[float]]:
    """The feature vectors of the newest decisions, float64[n, m], and the scores that were answered."""
    books = Books.open(world.home, {}, 30.0)
    try:
        decided = books.ledger.read(Product.PAYMENT.value)
    finally:
        books.close()
    kept = decided.filter(decided["score"].is_valid())[-n:]
    rows = [np.frombuffer(vector, dtype="<f8") for vector in kept["vector"].to_pylist()]
    return np.array(rows), kept["score"].to_pylist()


def not_approved(world: World) -> tuple[int, float]:
    """How many decisions the model in use has made, and the share of them that approved nothing."""
    books = Books.open(world.home, {}, 30.0)
    try:
        decided = books.ledger.read(Product.PAYMENT.value)
    finally:
        books.close()
    models = decided["model"].to_pylist()
    actions = [
        action for action, model in zip(decided["action"].to_pylist(), models, strict=True) if model == models[-1]
    ]
    return len(actions), sum(action != "approve" for action in actions) / len(actions)


def asked_of_bentoml(names: tuple[str, ...], rows: NDArray[np.float64]) -> list[bytes]:
    """Features that are ready, as BentoML's JSON."""
    bodies = (msgspec.json.encode({"row": dict(zip(names, _nulls(row), strict=True))}) for row in rows)
    return [post(_HOST, "/score", {}, body) for body in bodies]


def asked_of_mlflow(names: tuple[str, ...], rows: NDArray[np.float64]) -> list[bytes]:
    """Features that are ready, as MLflow's JSON."""
    bodies = (msgspec.json.encode({"dataframe_split": {"columns": names, "data": [_nulls(row)]}}) for row in rows)
    return [post(_HOST, "/invocations", {}, body) for body in bodies]


def _nulls(row: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in row.tolist()]


def score_in(server: str, answer: bytes) -> float:
    """The probability in an answer."""
    told = msgspec.json.decode(answer)
    return float(told["predictions"][0] if server == MLFLOW else told["score"])


@contextmanager
def ours(world: World) -> Iterator[Server]:
    """Our service on the world's home."""
    with running(world.home, CONFIGS) as service:
        port = int(service.url.rsplit(":", 1)[1])
        yield Server(OURS, port, asked_of_ours(world, 1), Meter(service.process.pid))


@contextmanager
def peers(world: World, rows: NDArray[np.float64]) -> Iterator[list[Server]]:
    """Both peers, with the requests they are asked over and over."""
    # The schema makes a column of nulls one of numbers, as it was learnt.
    schema = Schema([ColSpec("double", name, required=False) for name in world.names])
    mlflow.lightgbm.save_model(
        world.classifier.booster_, str(world.peers / "mlflow"), signature=ModelSignature(inputs=schema)
    )
    commands = {
        BENTOML: ["-m", "bentoml", "serve", "decide_peer:Peer", "--working-dir", str(_HERE), "--port"],
        MLFLOW: ["-m", "mlflow", "models", "serve", "-m", str(world.peers / "mlflow"), "--env-manager", "local",
                 "--host", _HOST, "--port"],
    }  # fmt: skip
    asked = {BENTOML: asked_of_bentoml(world.names, rows), MLFLOW: asked_of_mlflow(world.names, rows)}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_started(world, name, command, asked[name])) for name, command in commands.items()
        ]
        for server, path in zip(servers, ("/readyz", "/ping"), strict=True):
            _wait(server.url + path)
        yield servers


@contextmanager
def _started(world: World, name: str, command: list[str], asked: list[bytes]) -> Iterator[Server]:
    port = free_port()
    environment: Mapping[str, str] = {
        **os.environ, "PEER_MODEL": str(world.peers / MODEL), "BENTOML_DO_NOT_TRACK": "True",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    with (world.peers / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, str(port)], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        meter = Meter(process.pid)
        try:
            yield Server(name, port, itertools.cycle(asked), meter)
        finally:
            meter.end()


def _wait(url: str, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url}: expected a peer that is ready within {seconds:g} s; see its log")
