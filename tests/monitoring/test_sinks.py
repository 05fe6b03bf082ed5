"""Sinks against a real HTTP server: signed, tried again, never lost, never told twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from domain.errors import DefinitionError, Unavailable
from domain.time import SECOND
from monitoring.limits import LimitSettings, WebhookSink
from monitoring.sinks import LinesSink, Webhook, configured
from monitoring.watch import deliver
from stores.breaches import Breaches, Note
from stores.database import Database
from stores.settings_files import load_settings
from tests.monitoring.world import CONFIGS

SECRET = b"between us"
LIMITS = load_settings(CONFIGS / "limits.yaml", LimitSettings)


class Receiver:
    """A server that answers as it is told and keeps what it got."""

    def __init__(self) -> None:
        self.answers: list[int | str] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                answer = receiver.answers.pop(0) if receiver.answers else 204
                if answer == "hang":
                    receiver.released.wait(5)
                    return
                self.send_response(int(answer))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/warnings"

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture(name="receiver")
def _receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Breaches]:
    database = Database(tmp_path / "assay.db")
    yield Breaches(database)
    database.close()


def hook(receiver: Receiver, waits: list[float], **changes: object) -> Webhook:
    made = {"name": "desk", "address": "A", "secret": "S", "timeout": 2 * SECOND, "attempts": 3, **changes}
    return Webhook(WebhookSink.model_validate(made), receiver.address, SECRET, waits.append)


def note(number: int, level: str = "warning", *, restricted: bool = False) -> Note:
    return Note(f"b{number}", "alerts", "alert_rate", "channel=mobile", "raised", number, level, 2.5, restricted)


def keep(store: Breaches, *notes: Note) -> None:
    with store.database.transaction():
        for each in notes:
            store.note_within(each)


def test_a_note_is_posted_once_with_a_signature_that_verifies(receiver: Receiver, store: Breaches) -> None:
    keep(store, note(1))
    for _ in range(2):
        assert deliver(store, LIMITS, [hook(receiver, [])], 9) == ()
    ((headers, body),) = receiver.got
    signed = headers["X-Assay-Timestamp"].encode() + b"." + body
    assert headers["X-Assay-Signature"] == "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert abs(int(headers["X-Assay-Timestamp"]) - time.time()) < 60
    told = json.loads(body)
    assert (told["turn"], told["level"], told["where"], told["owner"]) == (
        "raised", "warning", "channel=mobile", "fraud desk",
    )  # fmt: skip
    assert told["action"]["zh"] == LIMITS.limits["alerts"].action.zh
    assert headers["X-Assay-Delivery"] == str(told["note_id"])


def test_a_busy_server_is_tried_again(receiver: Receiver, store: Breaches) -> None:
    receiver.answers = [503, 429, 200]
    waits: list[float] = []
    keep(store, note(1))
    assert deliver(store, LIMITS, [hook(receiver, waits)], 9) == ()
    assert len(receiver.got) == 3
    assert 0.3 < waits[0] < waits[1]


def test_what_was_not_taken_is_offered_by_the_next_run(receiver: Receiver, store: Breaches) -> None:
    receiver.answers = [500, 500, 500]
    keep(store, note(1), note(2))
    (said,) = deliver(store, LIMITS, [hook(receiver, [])], 9)
    assert said.startswith("webhook desk: expected an answer of 2xx, got status 500")
    assert receiver.address not in said
    assert deliver(store, LIMITS, [hook(receiver, [])], 9) == ()
    assert [json.loads(body)["breach"] for _, body in receiver.got] == ["b1", "b1", "b1", "b1", "b2"]


def test_a_refusal_is_not_tried_again_in_the_same_run(receiver: Receiver, store: Breaches) -> None:
    receiver.answers = [401]
    keep(store, note(1))
    (said,) = deliver(store, LIMITS, [hook(receiver, [])], 9)
    assert "status 401" in said
    assert len(receiver.got) == 1


def test_a_server_that_hangs_costs_no_more_than_the_timeout(receiver: Receiver) -> None:
    receiver.answers = ["hang"]
    start = time.monotonic()
    with pytest.raises(Unavailable, match="ReadTimeout"):
        hook(receiver, [], timeout=1 * SECOND, attempts=1).tell({"note_id": 1})
    assert time.monotonic() - start < 4


def test_nobody_there() -> None:
    gone = Receiver()
    sink = hook(gone, [])
    gone.close()
    with pytest.raises(Unavailable, match="ConnectError"):
        sink.tell({"note_id": 1})


def test_one_sink_that_fails_does_not_hold_another_up(receiver: Receiver, store: Breaches, tmp_path: Path) -> None:
    receiver.answers = [400]
    lines = LinesSink(tmp_path / "told" / "warnings.jsonl", "attention")
    keep(store, note(1, "attention"), note(2))
    assert len(deliver(store, LIMITS, [hook(receiver, []), lines], 9)) == 1
    told = [json.loads(line) for line in lines.path.read_text(encoding="utf-8").splitlines()]
    assert [each["breach"] for each in told] == ["b1", "b2"]
    assert [json.loads(body)["breach"] for _, body in receiver.got] == ["b2"], "attention is below the webhook's level"


def test_a_restricted_note_is_never_told(receiver: Receiver, store: Breaches, tmp_path: Path) -> None:
    keep(store, note(1, "high", restricted=True))
    lines = LinesSink(tmp_path / "warnings.jsonl", "attention")
    assert deliver(store, LIMITS, [hook(receiver, []), lines], 9) == ()
    assert not receiver.got
    assert not lines.path.exists()


def test_a_file_that_takes_nothing_is_said(store: Breaches, tmp_path: Path) -> None:
    keep(store, note(1))
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    (said,) = deliver(store, LIMITS, [LinesSink(tmp_path / "taken" / "w.jsonl", "attention")], 9)
    assert "expected a file that takes lines" in said
    assert deliver(store, LIMITS, [LinesSink(tmp_path / "w.jsonl", "attention")], 9) == ()
    assert (tmp_path / "w.jsonl").read_text(encoding="utf-8").count("\n") == 1


def test_a_webhook_is_on_where_it_has_an_address_and_a_secret(tmp_path: Path) -> None:
    assert [sink.name for sink in configured(LIMITS, tmp_path, {})] == ["file"]
    address = {"ASSAY_WARNING_WEBHOOK": "https://desk.example/in"}
    both = configured(LIMITS, tmp_path, {**address, "ASSAY_WARNING_SECRET": "s"})
    assert [sink.name for sink in both] == ["file", "desk"]
    with pytest.raises(DefinitionError, match="ASSAY_WARNING_SECRET: expected the secret that signs webhook desk"):
        configured(LIMITS, tmp_path, address)
    with pytest.raises(DefinitionError, match="expected an address of http or https for desk") as told:
        configured(LIMITS, tmp_path, {"ASSAY_WARNING_WEBHOOK": "file:///etc/secret", "ASSAY_WARNING_SECRET": "s"})
    assert "secret" not in str(told.value)
