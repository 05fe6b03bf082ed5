"""Who is erased takes the words about him along: no ciphertext is left, others keep theirs, and the chains verify."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.events import Event
from domain.time import system_clock
from serving.books import Books
from stores.holds import Holds
from stores.home import Home
from stores.keys import secret_key
from stores.vault import Vault
from tests.monitoring.aml.world import configs, keeps_for
from tests.serving import world
from tests.serving.doors import Doors

Assay = Callable[..., tuple[int, Any]]

ANN, BO = "ann", "bo"


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Home:
    """Each of two people has a payment refused, appeals, complains and has a ticket; a case is about both.

    A third payment names a card and nobody.
    """
    doors = Doors(tmp_path, products=())
    try:
        for name, who in (("p-ann", {"customer_id": ANN}), ("p-bo", {"customer_id": BO}), ("p-none", {})):
            (request,) = world.payment_stream(1, 3, world.START)
            body = {**request, "event_id": name, "amount": 90_000_000, "currency": "CNY", "card_id": f"card {name}"}
            decision = doors.pay({**{k: v for k, v in body.items() if k != "customer_id"}, **who}).json()
            path = f"/v1/decisions/{decision['decision_id']}/review"
            told = [
                doors.send("POST", path, {"asked_by": "customer", "contact": f"{name} at", "statement": f"{name} me"}),
                doors.send("POST", f"{path}/verdict", {"verdict": "upheld", "note": f"{name} seen"}, client="reviewer"),
                doors.send(
                    "POST", f"/v1/alerts/{decision['decision_id']}/disposition",
                    {"status": "escalated", "note": f"{name} odd"}, client="analyst",
                ),
                doors.send(
                    "POST", "/v1/complaints",
                    {"event_id": f"c-{name}", "complaint_class": "service", "subject_event_id": name,
                     "text": f"{name} angry", "contact": f"{name} mail"},
                ),
            ]  # fmt: skip
            assert [answer.status_code for answer in told] == [200] * 4, [answer.text for answer in told]
    finally:
        doors.close()
    return doors.home


@pytest.fixture(name="assay")
def _assay(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Assay:
    """Where no period binds, so that what is asked is what goes and what a hold keeps."""
    where = str(configs(tmp_path / "unbound", retention=keeps_for(aml=0, service=0)))

    def run(*arguments: str, within: str = where) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["--home", str(home.root), "--configs", within, "--actor", "lin", *arguments, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    return run


@contextmanager
def opened(home: Home) -> Iterator[Books]:
    books = Books.open(home, {}, 10.0)
    try:
        yield books
    finally:
        books.close()


def words(home: Home) -> dict[str, bytes]:
    """Every sealed text that is left, with its ciphertext."""
    with opened(home) as books:
        rows = books.database.execute("SELECT sealed_id, content FROM sealed")
        return {str(books.sealer.opened(sealed_id)): content for sealed_id, content in rows}


def token(home: Home, column: str, identifier: str) -> str:
    with opened(home) as books:
        found = Vault(books.database, secret_key(home.keys, "vault", {})).known(column, identifier)
    assert found is not None
    return found


def verifies(home: Home, assay: Assay) -> None:
    with opened(home) as books:
        assert books.ledger.verify() == books.acts.verify() == []
    assert assay("ledger", "verify")[0] == 0


def decision_of(home: Home, event_id: str) -> str:
    with opened(home) as books:
        found = books.ledger.by_event("flow", event_id)
    assert found is not None
    return found.decision_id


def test_the_words_about_a_person_go_with_him(home: Home, assay: Assay) -> None:
    assert assay("desk", "open", "--class", "hotline", "--customer", ANN, "--text", "ann calls")[0] == 0
    assert assay("desk", "open", "--class", "hotline", "--customer", BO, "--text", "bo calls")[0] == 0
    assert assay("complaints", "note", "complaint-1", "ann is right")[0] == 0
    assert assay("cases", "open", decision_of(home, "p-ann"), "--text", "ann again")[0] == 0
    before = words(home)
    assert len(before) == 3 * 6 + 4
    code, told = assay("erase", "customer_id", ANN)
    assert (code, told["n_texts"], told["n_texts_kept"]) == (0, 9, 0)
    after = words(home)
    assert set(before) - set(after) == {
        "p-ann at", "p-ann me", "p-ann seen", "p-ann odd", "p-ann angry", "p-ann mail", "ann calls", "ann is right",
        "ann again",
    }  # fmt: skip
    # Not a byte of it is left in the files, and those of others are.
    held = b"".join(path.read_bytes() for path in home.root.glob("assay.db*"))
    assert all((content in held) is (text in after) for text, content in before.items())
    verifies(home, assay)
    shown = assay("complaints", "show", "complaint-1")[1]
    assert [entry["text"] for entry in shown["history"] if "text" in entry] == ["(erased)", "(erased)"]
    assert assay("erase", "customer_id", ANN)[0] == 1


def test_the_reasons_of_steps_are_words_too(home: Home, assay: Assay) -> None:
    """Why a matter was escalated, reopened or corrected names people as well: it lies sealed and goes with them."""
    assert assay("desk", "open", "--class", "hotline", "--customer", ANN)[0] == 0
    assert assay("desk", "assign", "ticket-1")[0] == 0
    assert assay("desk", "close", "ticket-1", "--resolved")[0] == 0
    assert assay("desk", "reopen", "ticket-1", "--reason", "ann wrote from Suzhou")[0] == 0
    assert assay("desk", "escalate", "ticket-1", "--reason", "ann shouts at us")[0] == 0
    reasons = [entry["reason"] for entry in assay("desk", "show", "ticket-1")[1]["history"] if "reason" in entry]
    assert reasons == ["ann wrote from Suzhou", "ann shouts at us", "ann shouts at us"]
    held = b"".join(path.read_bytes() for path in home.root.glob("assay.db*"))
    assert b"shouts" not in held
    assert b"Suzhou" not in held
    assert assay("erase", "customer_id", ANN)[0] == 0
    assert not [text for text in words(home) if "ann" in text]
    reasons = [entry["reason"] for entry in assay("desk", "show", "ticket-1")[1]["history"] if "reason" in entry]
    assert reasons == ["(erased)"] * 3
    verifies(home, assay)


def test_a_hold_keeps_his_words_and_those_he_shares(home: Home, assay: Assay) -> None:
    both = [decision_of(home, name) for name in ("p-ann", "p-bo")]
    assert assay("cases", "open", *both, "--text", "ann and bo together")[0] == 0
    before = words(home)
    with opened(home) as books:
        number = Holds(books.database).place(token(home, "customer_id", ANN), system_clock())
    code, said = assay("erase", "customer_id", ANN)
    assert (code, "must be kept" in said) == (3, True)
    assert words(home) == before
    # The other one is not held: what is his own goes, what is about both stays.
    code, told = assay("erase", "customer_id", BO)
    assert (code, told["n_texts"], told["n_texts_kept"]) == (0, 6, 1)
    assert "ann and bo together" in words(home)
    assert not any(text.startswith("p-bo") for text in words(home))
    with opened(home) as books:
        Holds(books.database).release(number, system_clock())
    assert assay("erase", "customer_id", ANN)[1]["n_texts"] == 7
    assert all(text.startswith("p-none") for text in words(home))
    verifies(home, assay)


def test_a_period_keeps_the_words_he_shares_too(home: Home, assay: Assay, tmp_path: Path) -> None:
    """Ann repaid a loan and what Bo paid was taken back: what is about both is a record of hers."""
    both = [decision_of(home, name) for name in ("p-ann", "p-bo")]
    assert assay("cases", "open", *both, "--text", "ann and bo together")[0] == 0
    repaid = {"borrower_id": token(home, "customer_id", ANN), "loan_id": "l", "amount": 1, "currency": "CNY"}
    back = {"stage": "reversal", "links_to": "p-bo", "amount": 90_000_000, "currency": "CNY", "channel": "mobile"}
    now = system_clock()
    with opened(home) as books:
        books.journal.append(
            [Event("repayment", "r", now, now, repaid), Event("transaction", "back", now, now, back, "flow")]
        )
    ten_years = str(configs(tmp_path / "ten years", retention=keeps_for(aml=10, service=0)))
    code, said = assay("erase", "customer_id", ANN, within=ten_years)
    assert (code, "must be kept" in said) == (3, True)
    code, told = assay("erase", "customer_id", BO, within=ten_years)
    assert (code, told["n_texts"], told["n_texts_kept"]) == (0, 6, 1)
    assert "ann and bo together" in words(home)


def test_a_card_owns_the_words_that_name_no_person(home: Home, assay: Assay) -> None:
    code, told = assay("erase", "card_id", "card p-ann")
    assert (code, told["n_texts"]) == (0, 0)
    code, told = assay("erase", "card_id", "card p-none")
    assert (code, told["n_texts"]) == (0, 6)
    assert not any(text.startswith("p-none") for text in words(home))
    verifies(home, assay)
