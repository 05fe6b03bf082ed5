"""No tipping-off: with a customer under suspicion, everything ordinary says to the letter what it says without.

Two homes that differ in nothing but the restricted class. Every ordinary command, page, answer of the service and log
line is the same in both, and no word of the restricted class is among them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import COMMANDS, main
from domain.restricted import restricted_texts
from tests.monitoring.aml.world import OFFICER, configs
from tests.serving import world
from tests.serving.decided import decided_home
from tests.serving.doors import Doors
from tests.shared import RunAssay

CUSTOMERS = ("c0", "c1", "c2", "c3")
"""Of the decided home: its cards are few, so that everybody is under suspicion and decided on."""

SECRET = "xyzzy quux"
ENTRY = "ENTRY-PLUGH"
WORDS = re.compile(
    rf"{SECRET}|{ENTRY}|plugh|(case|hit|clearing|diligence|screening)-\d{{6}}|aml_|suspicio", re.IGNORECASE
)

SINCE, UNTIL = "2025-10-01T00:00:00+08:00", "2025-11-02T00:00:00+08:00"


def plant(home: Path, settings: Path, folder: Path) -> None:
    """Everything an officer can do, done to every customer of the home."""
    names, people = folder / "list.csv", folder / "people.csv"
    names.write_text(f"entry_id,name,birth_dates\n{ENTRY},Plugh Twisty,1970\n", encoding="utf-8")
    rows = [f"{customer},Plugh Twisty,1970-01-01" for customer in CUSTOMERS]
    people.write_text("\n".join(["customer_id,name,birth_date", *rows, ""]), encoding="utf-8")

    def officer(*arguments: str) -> int:
        return main([*arguments, "--home", str(home), "--configs", str(settings), "--actor", OFFICER])

    assert officer("aml", "screen", str(people), "--list", str(names)) == 1
    for customer in CUSTOMERS:
        record = {"customer_id": customer, "party": "person", "grade": "high", "reasons": [SECRET], "evidence": [],
                  "review_on": "2025-01-01"}  # fmt: skip
        (folder / "record.yaml").write_text(yaml.safe_dump(record), encoding="utf-8")
        assert officer("aml", "diligence", "add", str(folder / "record.yaml")) == 0
        assert officer("aml", "case", "open", customer, "--reason", f"{SECRET} as it passes through") == 0
        assert officer("records", "hold", customer, "--reason", f"{SECRET} ordered by a court") == 0
    assert officer("aml", "clear", "hit-000001", "--verdict", "confirmed", "--why", f"{SECRET} by passport") == 0
    assert officer("aml", "pack", "case-000007", "--since", SINCE, "--until", UNTIL) in (0, 3)


@pytest.fixture(scope="module", name="homes")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The roots without and with the restricted class, and the settings with an officer."""
    plain = tmp_path_factory.mktemp("plain")
    decided_home(plain)
    planted = tmp_path_factory.mktemp("planted")
    shutil.rmtree(planted)
    shutil.copytree(plain, planted)
    folder = tmp_path_factory.mktemp("officer")
    plant(planted / "home", configs(folder / "configs"), folder)
    return plain, planted, folder / "configs"


@pytest.fixture(name="ask")
def _ask(homes: tuple[Path, Path, Path], run_assay: RunAssay, tmp_path: Path) -> Any:
    def command(*arguments: str) -> list[tuple[int, str, str]]:
        answers = []
        for number, root in enumerate(homes[:2]):
            told = [each.replace("{out}", str(tmp_path / str(number))) for each in arguments]
            where = ("--home", str(root / "home"), "--configs", str(homes[2]), "--actor", "operator")
            code, *caught = run_assay(*told, *where)
            texts = (each.replace(str(root), "ROOT").replace(str(tmp_path / str(number)), "OUT") for each in caught)
            answers.append((code, *texts))
        return answers

    return command


ORDINARY = [
    ("journal", "--json"),
    ("journal", "--verify", "--json"),
    ("ledger", "verify", "--json"),
    ("monitor", "payment", "--json"),
    ("monitor", "loan", "--json"),
    ("channels", "--until", UNTIL, "--json"),
    ("book", "--until", UNTIL, "--json"),
    ("alerts", "list", "--json"),
    ("cases", "list", "--json"),
    ("complaints", "list", "--json"),
    ("desk", "list", "--json"),
    ("keys", "list", "--json"),
    ("funds", "reconcile", "--until", UNTIL, "--json"),
    ("funds", "coverage", "--until", UNTIL, "--json"),
    ("watch", "run", "--as-of", UNTIL, "--since", "2025-11-01", "--json"),
    ("watch", "status", "--as-of", UNTIL, "--json"),
]


@pytest.mark.parametrize("arguments", ORDINARY, ids=" ".join)
def test_an_ordinary_command_says_the_same(arguments: tuple[str, ...], ask: Any) -> None:
    plain, planted = ask(*arguments)
    assert planted == plain
    assert not WORDS.search(planted[1] + planted[2])
    assert not restricted_texts(planted[1:])


def test_explanations_replays_and_notices_say_the_same(homes: tuple[Path, Path, Path], ask: Any) -> None:
    from serving.books import Books
    from stores.home import Home

    books = Books.open(Home(homes[1] / "home"), {}, 10.0)
    try:
        rows = [row for product in ("payment", "loan") for row in books.ledger.read(product).to_pylist()]
    finally:
        books.close()
    some = [row["decision_id"] for row in rows if row["action"] != "approve"][-2:]
    assert some
    for decision in some:
        for command in (("explain", decision, "--json", "--features", "2"), ("replay", decision, "--json")):
            plain, planted = ask(*command)
            assert planted == plain
            assert not WORDS.search(planted[1] + planted[2])
            assert not restricted_texts(planted[1:])


def test_the_site_is_the_same_to_the_byte(ask: Any, tmp_path: Path) -> None:
    plain, planted = ask("oversight", "--since", SINCE, "--until", UNTIL, "--out", "{out}", "--lang", "en", "--json")
    assert planted == plain
    pages = [{path.name: path.read_bytes() for path in (tmp_path / each).iterdir()} for each in ("0", "1")]
    assert pages[0].keys() == pages[1].keys()
    for name in pages[0]:
        assert pages[1][name] == pages[0][name], name
        # The stylesheet's data is no text; what people and programs read is the rest.
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", pages[1][name].decode())
        assert not WORDS.search(text), name


def test_restricted_pages_and_breaches_are_for_officers(ask: Any, tmp_path: Path) -> None:
    for arguments in (("oversight", "--restricted", "--out", "{out}"), ("watch", "status", "--restricted")):
        for code, said, why in ask(*arguments):
            assert (code, said) == (2, "")
            assert "an officer" in why
    assert not list(tmp_path.glob("*/restricted"))


@pytest.fixture(name="services")
def _services(homes: tuple[Path, Path, Path]) -> Iterator[list[Doors]]:
    made = [Doors(root, now=world.now_like(900)) for root in homes[:2]]
    yield made
    for doors in made:
        doors.close()


def same(body: Any) -> Any:
    """An answer without what differs from one answer to the next."""
    if isinstance(body, dict):
        return {
            name: same(value) for name, value in body.items() if name not in ("decision_id", "timings_us", "request_id")
        }
    return [same(each) for each in body] if isinstance(body, list) else body


def test_the_service_answers_the_same_and_logs_nothing(services: list[Doors]) -> None:
    requests = world.payment_stream(12, 77, world.START, prefix="again", n_cards=4)
    for request in requests:
        plain, planted = (doors.pay(request, key=request["event_id"]) for doors in services)
        assert (planted.status_code, same(planted.json())) == (plain.status_code, same(plain.json()))
        decision = planted.json()["decision_id"]
        for path in (f"/v1/decisions/{decision}", "/v1/alerts", "/v1/models"):
            for client in ("analyst", "admin", "flow"):
                assert not WORDS.search(services[1].send("GET", path, client=client).text), path
    assert not WORDS.search(services[1].log.getvalue())
    assert not restricted_texts([services[1].log.getvalue()])


def test_the_test_can_see(homes: tuple[Path, Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """An officer of the planted home does read the words that nobody else may."""
    where = ["--home", str(homes[1] / "home"), "--configs", str(homes[2]), "--actor", OFFICER]
    capsys.readouterr()
    assert main(["aml", "cases", "--json", *where]) == 0
    said = capsys.readouterr().out
    assert SECRET in said
    assert len(json.loads(said)) == len(CUSTOMERS)
    assert "Restricted" in COMMANDS
