"""A home that is lost and restored elsewhere says what it said: every store, through the commands that read it."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from domain.decision import Product
from domain.time import DAY, system_clock
from scoring.bundle import load_bundle, write_bundle
from stores.breaches import RAISED, Breaches
from stores.bundles import pointed
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from tests.monitoring.aml.world import OFFICER, configs, home_of, payments
from tests.monitoring.risks.test_risks import turn
from tests.scoring.bundles import changed
from tests.stores.decisions import decision, payment
from training.tracking import Tracker

MARCH = ("--since", "2026-03-01T00:00:00+08:00", "--until", "2026-04-01T00:00:00+08:00")
SAID = (
    ("aml", "cases"), ("aml", "hits", "--all"), ("aml", "large-value", *MARCH), ("aml", "flows", *MARCH),
    ("aml", "diligence", "list"), ("aml", "structuring", *MARCH), ("records", "holds"),
    ("watch", "status"), ("risks", "--until", "2026-05-01"), ("complaints", "list"), ("desk", "list"),
    ("cases", "list"), ("alerts",), ("policy", "history"), ("lists", "show"), ("models",), ("review", "fraud"),
    ("keys", "list"), ("labels", "payment"), ("funds", "coverage", "--until", "2026-04-01"),
)  # fmt: skip
"""What is asked of both homes; `aml access`, which grows with every look, is asked apart."""


class Desk:
    """Commands of an officer on one of two homes."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.home = Home(folder / "home")

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0, 1)) -> Any:
        self.capsys.readouterr()
        where = ("--home", str(self.home.root), "--configs", str(self.folder / "configs"), "--actor", OFFICER)
        code = main([*where, *arguments, "--json"])
        said = self.capsys.readouterr()
        assert code in codes, (arguments, said.err)
        return json.loads(said.out) if said.out else said.err

    def plain(self, *arguments: str) -> str:
        """The same without ``--json``."""
        where = ("--home", str(self.home.root), "--configs", str(self.folder / "configs"), "--actor", OFFICER)
        assert main([*where, *arguments]) == 0, arguments
        return self.capsys.readouterr().out


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """A home with payments, a suspicion, and a hit on a list of names."""
    home_of(tmp_path / "home", payments())
    configs(tmp_path / "configs")
    desk = Desk(tmp_path, capsys)
    case = desk.plain("aml", "case", "open", "mule", "--reason", "money passes through within hours").partition(":")[0]
    desk.plain("aml", "case", "note", case, "--text", "payers do not know each other")
    people, names = tmp_path / "people.csv", tmp_path / "list.csv"
    names.write_text("entry_id,name,aliases,birth_dates\nE1,张伟明,,1970-05-31\n", encoding="utf-8")
    people.write_text("customer_id,name,birth_date\nc1,張偉明,1970-05-31\n", encoding="utf-8")
    desk("aml", "screen", str(people), "--list", str(names))
    return desk


def add_the_rest(desk: Desk) -> None:
    """Decisions, a breach, a case, a champion in the registry with a finding, a proposed policy."""
    database = Database(desk.home.database)
    journal, ledger = Journal(database, desk.home.segments), Ledger(database, secret_key(desk.home.keys, "chain", {}))
    for number in range(3):
        decision(journal, ledger, payment(f"p{number}", at=system_clock() - DAY))
    turn(Breaches(database), RAISED, system_clock() - DAY)
    journal.flush()
    database.close()
    desk("cases", "open", "d-p2", "--text", "one of three")
    tracker = Tracker.open(desk.home, {})
    staged = desk.folder / "run"
    digest = write_bundle(staged / "bundle", changed(Product.PAYMENT, about={"run": "r1"}))
    with tracker.run("assay-fraud", "a run", {}) as run:
        run.folder(staged)
        tracker.register("fraud", run, "bundle", {"bundle": digest, "operator": "lin", "product": "payment"})
    tracker.client.set_registered_model_alias("assay-fraud", "champion", "1")
    desk("review", "fraud", "--finding", "no refunds in training", "--owner", "lin", "--due", "2027-01-31")
    stricter = desk.folder / "stricter.yaml"
    shipped = (desk.folder / "configs" / "policy" / "payments.yaml").read_text(encoding="utf-8")
    stricter.write_text(re.sub("(?m)^version: .*$", "version: stricter", shipped), encoding="utf-8")
    desk("policy", "propose", str(stricter), "--why", "losses doubled", codes=(0,))


def everything(desk: Desk) -> dict[tuple[str, ...], Any]:
    return {asked: desk(*asked) for asked in SAID}


@pytest.mark.slow
def test_a_restored_home_says_what_the_lost_one_said(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    # A child process for the golden rows takes seconds and has tests of its own.
    monkeypatch.setattr("training.registry.load_bundle", partial(load_bundle, score_golden_in_child=False))
    add_the_rest(desk)
    before = everything(desk)
    assert before["aml", "cases"]
    assert before["aml", "hits", "--all"]
    assert before["watch", "status"]
    anchor = str(tmp_path / "anchors.jsonl")
    desk.plain("ledger", "anchor", anchor)
    seen = desk("aml", "access")
    desk("backup", str(tmp_path / "backup"), "--keys", str(tmp_path / "keys"))
    shutil.rmtree(desk.home.root)

    desk.home = Home(tmp_path / "elsewhere" / "home")
    desk("restore", str(tmp_path / "backup"), "--keys", str(tmp_path / "keys"), codes=(0,))
    after = everything(desk)
    assert [asked for asked in SAID if before[asked] != after[asked]] == []
    assert desk("ledger", "verify", "--anchor", anchor, codes=(0,))["faults"] == []
    assert desk("aml", "verify", codes=(0,))["faults"] == []
    assert desk("aml", "access")[: len(seen)] == seen
    assert desk.home.restricted.stat().st_mode & 0o077 == 0
    # The registry names its artifacts where they are now.
    assert pointed(desk.home.pointers, "payment") is None
    desk("deploy", "fraud", codes=(0,))
    assert pointed(desk.home.pointers, "payment") == before["models",][0]["bundle"]


def test_the_restricted_records_are_proved_before_the_home_is_there(desk: Desk, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    database = Database(desk.home.restricted / "aml.db", migrations=("",))
    database.execute("UPDATE record SET made_by = 'eve' WHERE n_link = 1")
    database.close()
    desk("backup", str(tmp_path / "backup"), "--keys", str(keys))
    desk.home = Home(tmp_path / "again")
    assert "aml.db: record 1: expected the hash" in desk(
        "restore", str(tmp_path / "backup"), "--keys", str(keys), codes=(3,)
    )
    (keys / "restricted.key").unlink()
    assert "restricted.key: expected the key the backup was made with, got none" in desk(
        "restore", str(tmp_path / "backup"), "--keys", str(keys), codes=(3,)
    )
    assert not desk.home.root.exists()


def test_the_backup_alone_tells_no_suspicion(desk: Desk, tmp_path: Path) -> None:
    desk("backup", str(tmp_path / "backup"))
    kept = [path for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"aml.db", "access.jsonl"}
    assert not any(b"within hours" in path.read_bytes() for path in kept)
    assert (tmp_path / "backup" / "restricted").stat().st_mode & 0o077 == 0
