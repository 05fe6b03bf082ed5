"""`bentoml build` makes a Bento of code and settings only, and the service runs from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from serving.client import AssayClient
from serving.run import ROOT, Running, command, free_port, wait_ready
from stores.home import Home
from tests.serving import world


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("bentos")
    environment = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"}
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "build", "--version", "test"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "bentos" / "assay" / "test"


def test_it_holds_code_and_settings_and_nothing_else(bento: Path) -> None:
    source = bento / "src"
    packages = {path.relative_to(source).parts[0] for path in source.rglob("*.py")}
    assert packages == {"domain", "stores", "features", "scoring", "serving"}
    for package in packages:
        assert {path.relative_to(source) for path in (source / package).rglob("*.py")} == {
            path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")
        }
    assert {path.name for path in (source / "configs").iterdir()} >= {
        "platform.yaml",
        "serving.yaml",
        "policy",
        "reasons",
    }
    suffixes = {path.suffix for path in source.rglob("*") if path.is_file()}
    assert suffixes == {".py", ".yaml", ".lock"}
    told = yaml.safe_load((bento / "bento.yaml").read_text())
    assert told["service"] == "serving.service:Assay"
    assert "--hash=sha256:" in (bento / "env" / "python" / "requirements.txt").read_text()


def test_the_service_runs_from_it(bento: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    keys = world.with_keys(home)
    port = free_port()
    arguments, variables = command(home, bento / "src" / "configs", os.environ, port=port)
    arguments[4] = str(bento)
    arguments[arguments.index("--working-dir") + 1] = str(bento)
    log = tmp_path / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            arguments, cwd=tmp_path, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    service = Running(f"http://127.0.0.1:{port}", process)
    try:
        wait_ready(service.url, 120, process)
        (request,) = world.payment_stream(1, 3, world.START)
        with AssayClient(service.url, keys["flow"]) as client:
            decided = client.score_payment(request)
            assert decided["degraded"] == "model dropped: no model is deployed"
            batch = client.score_payments([{**request, "event_id": "b-1"}, {**request, "amount": -1}])
            assert [item["status"] for item in batch["items"]] == [200, 422]
            assert client.send_complaint({"event_id": "c-1", "complaint_class": "service"})["complaint_id"]
            assert client.decision(decided["decision_id"]) == decided
            told = client.explanation(decided["decision_id"])
            assert told["decision_id"] == decided["decision_id"], "the child begins from the Bento as well"
        with AssayClient(service.url, keys["admin"]) as client:
            assert client.turn_kill_switch(on=True, reason="a drill")["on"] is True
    finally:
        service.stop()
    assert service.process.returncode == 0
    assert "cleanup finalized" in log.read_text()
    assert "Traceback" not in log.read_text()
