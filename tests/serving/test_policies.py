"""An approved change is in force without a restart; what nobody approved, or somebody altered, is not."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.decision import Product
from domain.errors import DataError, DefinitionError, Unavailable
from scoring.changes import Changes, Subject
from scoring.lists import Lists, ListSettings
from scoring.policy import Policy, load_policy
from scoring.reasons import ReasonBook
from serving.logs import json_logger
from serving.policies import Policies, file_hash
from serving.settings import Approval
from stores.database import Database
from stores.home import Home
from stores.settings_files import load_settings
from tests.serving import world
from tests.serving.doors import Doors, until

PAYMENT = Product.PAYMENT


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[Doors]:
    made = Doors(tmp_path, products=())
    made.look_often()
    yield made
    made.close()


def told(doors: Doors) -> dict[str, Any]:
    return dict(doors.send("GET", "/v1/models").json()["payment"])


def file(doors: Doors) -> Path:
    return doors.configs / "policy" / "payments.yaml"


def edited(doors: Doors, **changes: Any) -> Policy:
    """The shipped policy with other settings, compiled; nothing is written."""
    path = doors.configs / "edited.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(file(doors).read_text()), **changes}))
    book = load_settings(doors.configs / "reasons" / "payment.yaml", ReasonBook)
    return load_policy(path, book, world.platform(), None)


def strict(doors: Doors, version: str = "strict") -> Policy:
    """Nothing is approved without a model."""
    return edited(doors, version=version, stand_in=[{"action": "review"}])


def changes(doors: Doors) -> Changes:
    return Changes.open(doors.home, Database(doors.home.database), {}, lambda: doors.now)


def approve(doors: Doors, subject: Subject, content: bytes) -> str:
    record = changes(doors)
    change = record.propose(subject, content, by="lin", why="test")
    name = "lists.yaml" if subject is Subject.LISTS else f"{subject.value}s.yaml"
    record.approve(change.id, by="wang", file=file_hash(doors.configs / "policy" / name))
    return change.id


def pay(doors: Doors) -> dict[str, Any]:
    key = doors.key()
    body = {"event_id": key, "event_time": "2025-10-31T23:00:00Z", "amount": 900, "currency": "CNY", "merchant_id": "m"}
    return dict(doors.pay(body).json())


def test_an_approved_policy_is_followed_while_running(doors: Doors) -> None:
    before = told(doors)["policy"]
    assert pay(doors)["action"] == "approve"
    wanted = strict(doors)
    record = changes(doors)
    change = record.propose(Subject.PAYMENT, wanted.content, by="lin", why="test")
    # Proposed is not approved.
    time.sleep(0.1)
    assert told(doors)["policy"] == before
    record.approve(change.id, by="wang", file=file_hash(file(doors)))
    until(lambda: pay(doors)["versions"]["policy"] == wanted.hash)
    answer = pay(doors)
    assert (answer["action"], answer["versions"]["policy"]) == ("review", wanted.hash)
    doors.restart()
    assert told(doors)["policy"] == wanted.hash


def test_an_approved_list_blocks_and_its_entry_ends_by_itself(doors: Doors) -> None:
    entry = {"list": "block", "namespace": "merchant", "value": "m", "owner": "desk", "reason": "case 7",
             "expires_at": world.START + 60_000_000}  # fmt: skip
    lists = Lists(ListSettings.model_validate({"version": "l2", "entries": [entry]}))
    approve(doors, Subject.LISTS, lists.content)
    until(lambda: pay(doors)["versions"]["lists"] == lists.hash)
    answer = pay(doors)
    assert (answer["action"], answer["versions"]["lists"]) == ("decline", lists.hash)
    assert [reason["code"] for reason in answer["rule_reasons"]] == ["R01"]
    doors.now += 60_000_000
    assert pay(doors)["action"] == "approve"


def test_recorded_an_edit_of_the_file_takes_over_and_a_broken_one_does_not(doors: Doors) -> None:
    approve(doors, Subject.PAYMENT, strict(doors).content)
    until(lambda: pay(doors)["action"] == "review")
    text = file(doors).read_text()
    file(doors).write_text(text.replace("version: payments-2026-11", "version: edited"))
    until(lambda: pay(doors)["action"] == "approve")
    assert doors.engine.deployments._policies.told()["payment"]["version"] == "edited"
    assert doors.engine.deployments._policies.told()["payment"]["change"] is None
    good = told(doors)["policy"]
    file(doors).write_text("version: broken\n")
    until(lambda: "setting(s) to mend" in str(told(doors)["policy_refused"]))
    assert told(doors)["policy"] == good
    assert pay(doors)["versions"]["policy"] == good
    file(doors).write_text(text)
    until(lambda: told(doors)["policy_refused"] is None)


def test_a_record_that_was_altered_changes_nothing(doors: Doors) -> None:
    approve(doors, Subject.PAYMENT, strict(doors).content)
    until(lambda: pay(doors)["action"] == "review")
    in_force = told(doors)["policy"]
    whole = doors.home.changes.read_bytes()
    doors.home.changes.write_bytes(whole.replace(b"wang", b"evil"))
    # The file is empty for a moment while it is written, and is then refused for that.
    until(lambda: "signature" in str(told(doors)["policy_refused"]))
    assert pay(doors)["versions"]["policy"] == in_force
    # Cutting the approval off would bring the older policy back.
    doors.home.changes.write_bytes(whole.splitlines(keepends=True)[0])
    until(lambda: "cut off" in str(told(doors)["policy_refused"]))
    assert pay(doors)["versions"]["policy"] == in_force
    doors.home.changes.write_bytes(whole)
    until(lambda: told(doors)["policy_refused"] is None)
    assert pay(doors)["versions"]["policy"] == in_force


def test_content_that_was_altered_keeps_the_old_policy(doors: Doors) -> None:
    first = strict(doors)
    approve(doors, Subject.PAYMENT, first.content)
    until(lambda: pay(doors)["versions"]["policy"] == first.hash)
    second = strict(doors, "second")
    record = changes(doors)
    change = record.propose(Subject.PAYMENT, second.content, by="lin", why="test")
    path = doors.home.changed_contents / f"{second.hash}.json"
    path.write_bytes(path.read_bytes().replace(b"review", b"approve"))
    # Two steps of `approve` without its look at the content: as if it was altered a moment later.
    record._say(what="approved", change=change.id, by="wang", at="t", why="", file=file_hash(file(doors)))
    until(lambda: "altered" in str(told(doors)["policy_refused"]))
    assert pay(doors)["versions"]["policy"] == first.hash


def required(doors: Doors) -> None:
    doors._set("policy_approval", "required")


def test_required_means_no_start_without_an_approval_and_no_file_counts(doors: Doors) -> None:
    required(doors)
    doors.runtime.stop()
    with pytest.raises(DefinitionError, match=r"payment: expected an approved change .*assay policy propose"):
        doors._started()
    book = {p: load_settings(doors.configs / "reasons" / f"{p.value}.yaml", ReasonBook) for p in Product}
    for product in Product:
        path = doors.configs / "policy" / f"{product.value}s.yaml"
        made = load_policy(path, book[product], world.platform(), None)
        approve(doors, Subject(product.value), made.content)
    approve(doors, Subject.LISTS, Lists.load(doors.configs / "policy" / "lists.yaml").content)
    doors.runtime = doors._started()
    doors.door.open(doors.runtime)
    doors.look_often()
    in_force = told(doors)["policy"]
    file(doors).write_text(file(doors).read_text().replace("version: payments-2026-11", "version: edited"))
    time.sleep(0.1)
    assert pay(doors)["versions"]["policy"] == in_force
    wanted = strict(doors)
    approve(doors, Subject.PAYMENT, wanted.content)
    until(lambda: told(doors)["policy"] == wanted.hash)


def test_required_an_altered_record_stops_the_start(doors: Doors) -> None:
    approve(doors, Subject.PAYMENT, strict(doors).content)
    doors.home.changes.write_bytes(doors.home.changes.read_bytes().replace(b"wang", b"evil"))
    doors.runtime.stop()
    with pytest.raises(DataError, match="signature that verifies"):
        doors._started()
    doors.home.changes.write_bytes(doors.home.changes.read_bytes().replace(b"evil", b"wang"))
    doors.runtime = doors._started()


@pytest.mark.parametrize("approval", list(Approval))
def test_a_store_that_is_away_at_the_start_is_looked_at_again(tmp_path: Path, approval: Approval) -> None:
    home, configs = Home(tmp_path / "home"), tmp_path / "configs"
    shutil.copytree(world.CONFIGS, configs)
    home.database.mkdir(parents=True)  # SQLite cannot open a folder

    def started() -> Policies:
        log = json_logger(io.StringIO())
        return Policies(home, configs, world.platform(), approval, {}, clock=lambda: world.START, log=log)

    if approval is Approval.REQUIRED:
        with pytest.raises(Unavailable):
            started()
        return
    found = started()
    assert found.lists.settings.entries == ()
    home.database.rmdir()
    lists = Lists(ListSettings.model_validate({"version": "l2", "entries": []}))
    record = Changes.open(home, Database(home.database), {}, lambda: world.START)
    record.approve(record.propose(Subject.LISTS, lists.content, by="lin", why="x").id, by="wang",
                   file=file_hash(configs / "policy" / "lists.yaml"))  # fmt: skip
    assert found.changed(lambda product, policy: None)
    assert found.lists.hash == lists.hash
    assert not found.changed(lambda product, policy: None)
