"""`assay aml` and `assay records` as people use them: officers alone, every access on record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from cli.main import main
from stores.database import Database
from stores.home import Home
from stores.keys import secret_key
from stores.vault import Vault
from tests.monitoring.aml.world import OFFICER, configs, home_of, keeps_for, payments

MARCH = ["--since", "2026-03-01T00:00:00+08:00", "--until", "2026-04-01T00:00:00+08:00"]


class Desk:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.home = Home(folder / "home")

    def __call__(self, *arguments: str, actor: str = OFFICER) -> tuple[int, str, str]:
        where = ["--home", str(self.home.root), "--configs", str(self.folder / "configs"), "--actor", actor]
        code = main([*arguments, *where])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, *arguments: str):
        code, out, err = self(*arguments, "--json")
        assert code in (0, 1), err
        return json.loads(out)

    def token(self, column: str, identifier: str) -> str:
        database = Database(self.home.database)
        try:
            return Vault(database, secret_key(self.home.keys, "vault", {})).token(column, identifier)
        finally:
            database.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aml")
    home_of(folder / "home", payments())
    configs(folder / "configs")
    return folder


@pytest.fixture
def desk(world: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(world, capsys)


def test_nobody_but_an_officer_gets_in_and_the_try_is_on_record(desk: Desk) -> None:
    code, out, err = desk("aml", "hits", actor="eve")
    assert (code, out) == (2, "")
    assert "an officer named in configs/aml.yaml" in err
    told = desk.json("aml", "access")
    assert {"actor": "eve", "purpose": "aml hits", "granted": False, "verified": False}.items() <= told[0].items()
    assert told[-1]["actor"] == OFFICER


def test_the_shipped_settings_name_nobody(desk: Desk) -> None:
    assert main(["aml", "cases", "--home", str(desk.home.root), "--actor", OFFICER]) == 2
    assert "got 'wen'" in desk.capsys.readouterr().err


def test_large_values_are_reported_and_filed_once(desk: Desk, tmp_path: Path) -> None:
    lines = desk.json("aml", "large-value", *MARCH, "--to", str(tmp_path / "large.csv"))
    rich = next(each for each in lines if each["rule"] == "transfer_person_cross_border")
    assert (rich["total"], rich["n_payments"]) == ("200000.00 CNY", 2)
    assert len((tmp_path / "large.csv").read_text(encoding="utf-8").splitlines()) == len(lines) + 1
    assert (tmp_path / "large.csv").stat().st_mode & 0o777 == 0o600
    assert desk("aml", "filed", rich["key"], "--reference", "2026-42")[0] == 0
    code, _, err = desk("aml", "filed", rich["key"], "--reference", "2026-43")
    assert (code, "was not filed" in err) == (3, True)
    again = next(each for each in desk.json("aml", "large-value", *MARCH) if each["key"] == rich["key"])
    assert again["state"] == "filed_late"
    assert desk("aml", "filed", "0" * 16, "--reference", "1")[0] == 3


def test_planted_patterns_come_out(desk: Desk) -> None:
    found = desk.json("aml", "structuring", *MARCH)
    assert [each["customer"] for each in found] == [desk.token("customer_id", "smurf")]
    flows = desk.json("aml", "flows", *MARCH)
    assert flows[0]["customer"] == desk.token("customer_id", "mule")
    assert flows[0]["n_payers"] == 9


def test_a_month_without_plants_names_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The control of the test above: the same people and shops, nobody below a limit on purpose."""
    home_of(tmp_path / "home", payments(plant=False))
    configs(tmp_path / "configs")
    desk = Desk(tmp_path, capsys)
    assert desk.json("aml", "structuring", *MARCH) == []
    assert not [each for each in desk.json("aml", "flows", *MARCH) if each["n_payers"] >= 9]


def test_a_case_from_suspicion_to_evidence(desk: Desk, tmp_path: Path) -> None:
    code, out, _ = desk("aml", "case", "open", "mule", "--reason", "money passes through within hours")
    assert code == 0
    case = out.split(":")[0]
    desk("aml", "case", "note", case, "--text", "payers do not know each other")
    written = [Path(path) for path in desk.json("aml", "pack", case, *MARCH, "--out", str(tmp_path))["exported"]]
    assert [path.name for path in written] == [f"{case}.zh.html", f"{case}.en.html", f"{case}.json"]
    # The folder was there before and is anybody's: what lies in it is not.
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    told = json.loads(written[-1].read_text(encoding="utf-8"))
    features = {row[0]: row[1] for row in told["sections"][2]["blocks"][0]["rows"]}
    assert (features["Receipts"], features["Payers"], features["Paid, CNY"]) == (9, 9, 68000)
    reasons = " ".join(block["words"] for block in told["sections"][0]["blocks"])
    assert "9 payers within one window" in reasons
    assert "went out again" in reasons
    page = written[1].read_text(encoding="utf-8")
    assert "<svg" in page
    assert not any(word in page for word in ("acc-mule", "acc-boss", ">mule"))
    assert desk("aml", "case", "close", case, "--result", "filed", "--why", "pattern confirmed")[0] == 2
    assert (
        desk("aml", "case", "close", case, "--result", "filed", "--why", "pattern confirmed", "--reference", "7")[0]
        == 0
    )
    assert [each["result"] for each in desk.json("aml", "cases")] == ["filed"]


def in_clear(home: Home, *words: str) -> list[Path]:
    """Files of a home that hold one of the words."""
    files = [path for path in home.root.rglob("*") if path.is_file()]
    return [path for path in files if any(word.encode() in path.read_bytes() for word in words)]


def test_a_draft_is_sealed_until_it_is_exported_by_name(desk: Desk, tmp_path: Path) -> None:
    case = desk("aml", "case", "open", "ring-1", "--reason", "money goes round and comes back")[1].split(":")[0]
    told = desk.json("aml", "pack", case, *MARCH)
    assert told["exported"] == []
    assert in_clear(desk.home, "money goes round", "Suspicious") == []
    assert not (desk.home.restricted / "packs").exists()

    code, _, err = desk("aml", "export", told["pack"], "--out", str(tmp_path / "filing"), actor="eve")
    assert (code, "an officer named in configs/aml.yaml" in err) == (2, True)
    assert not (tmp_path / "filing").exists()
    written = [
        Path(path) for path in desk.json("aml", "export", told["pack"], "--out", str(tmp_path / "filing"))["exported"]
    ]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert all("money goes round" in path.read_text(encoding="utf-8") for path in written)
    (found,) = (each for each in desk.json("aml", "cases") if each["case_id"] == case)
    digest = hashlib.sha256(written[-1].read_bytes()).hexdigest()
    assert [(kind, text) for _, by, kind, text in found["said"] if by == OFFICER] == [
        ("case_pack", digest), ("case_export", str(tmp_path / "filing"))
    ]  # fmt: skip
    assert desk.json("aml", "access")[-1]["purpose"] == "aml access"
    assert desk("aml", "verify")[0] == 0
    code, _, err = desk("aml", "export", "case_pack-999999", "--out", str(tmp_path / "none"))
    assert (code, "a draft that `assay aml pack` kept" in err) == (3, True)


def test_evidence_that_begins_at_noon_tells_the_whole_sum_of_its_first_day(desk: Desk, tmp_path: Path) -> None:
    """150,000 in the morning and 50,000 in the afternoon are one large value of 200,000, whenever the period begins."""
    case = desk("aml", "case", "open", "rich", "--reason", "twice abroad on one day")[1].split(":")[0]
    period = ["--since", "2026-03-23T12:00:00+08:00", "--until", "2026-04-01T00:00:00+08:00"]
    written = desk.json("aml", "pack", case, *period, "--out", str(tmp_path))["exported"]
    (reported,) = (
        each
        for each in json.loads(Path(written[-1]).read_text(encoding="utf-8"))["sections"]
        if each["key"] == "reported"
    )
    assert "200,000.00 CNY" in json.dumps(reported)


def test_screening_from_list_to_verdict(desk: Desk, tmp_path: Path) -> None:
    names, people = tmp_path / "list.csv", tmp_path / "people.csv"
    names.write_text("entry_id,name,aliases,birth_dates\nE1,张伟明,,1970-05-31\n", encoding="utf-8")
    people.write_text("customer_id,name,birth_date\nc1,張偉明,1970-05-31\nc2,Olga Petrova,\n", encoding="utf-8")
    told = desk.json("aml", "screen", str(people), "--list", str(names))
    (hit,) = told["new"]
    assert desk("aml", "hits")[0] == 1
    assert desk("aml", "clear", hit, "--verdict", "cleared", "--why", "passport shows another person")[0] == 0
    assert desk("aml", "hits")[0] == 0
    assert desk.json("aml", "hits", "--all")[0]["said_by"] == OFFICER


def test_a_held_person_is_erased_by_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no period binds, so that only the hold does."""
    home_of(tmp_path / "home", payments())
    configs(tmp_path / "configs", retention=keeps_for(aml=0, service=0))
    desk = Desk(tmp_path, capsys)
    assert desk("records", "hold", "c7", "--reason", "court order 2026-17")[0] == 0
    for column, identifier in (("customer_id", "c7"), ("borrower_id", "c7"), ("account_id", "acc-c7")):
        code, _, err = desk("erase", column, identifier, actor="operator")
        assert (code, "must be kept" in err) == (3, True)
        assert "court" not in err
    assert desk("records", "shred", "c7")[0] == 3
    assert desk("erase", "customer_id", "c8", actor="operator")[0] == 0
    (hold,) = (each for each in desk.json("records", "holds") if each["reason"] == "court order 2026-17")
    assert desk("records", "release", str(hold["hold_id"]), "--reason", "the case was dismissed")[0] == 0
    assert desk("erase", "customer_id", "c7", actor="operator")[0] == 0


def test_the_end_of_records_by_destroying_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One year of retention and a relationship that ended in 2025: due now, and gone for good."""
    home_of(tmp_path / "home", payments())
    configs(tmp_path / "configs", retention=keeps_for(aml=1, service=1))
    desk = Desk(tmp_path, capsys)
    record = {"customer_id": "gone", "party": "person", "grade": "low", "reasons": ["never paid"], "evidence": [],
              "ended_on": "2025-01-31"}  # fmt: skip
    path = tmp_path / "gone.yaml"
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    assert desk("aml", "diligence", "add", str(path))[0] == 0
    token = desk.token("customer_id", "gone")
    # It is kept for its period: the ordinary command does not end it.
    assert desk("erase", "customer_id", "gone", actor="operator")[0] == 3
    assert [each["state"] for each in desk.json("records", "due")] == ["due"]
    told = desk.json("records", "shred", "gone")
    assert (told["key"], told["records"], told["faults"]) == (True, True, [])
    assert desk.token("customer_id", "gone") != token
    assert desk("aml", "diligence", "show", token)[0] == 3
    assert desk("aml", "verify")[0] == 0
    assert desk("ledger", "verify")[0] == 0
    assert desk("records", "shred", "c1")[0] == 3


def test_a_ticket_of_yesterday_keeps_service_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The relationship ended long ago; who called yesterday is in the service's records all the same."""
    home_of(tmp_path / "home", payments())
    configs(tmp_path / "configs", retention=keeps_for(aml=1, service=1))
    desk = Desk(tmp_path, capsys)
    path = tmp_path / "gone.yaml"
    record = {"customer_id": "gone", "party": "person", "grade": "low", "reasons": ["never paid"], "evidence": [],
              "ended_on": "2025-01-31"}  # fmt: skip
    path.write_text(yaml.safe_dump(record), encoding="utf-8")
    assert desk("aml", "diligence", "add", str(path))[0] == 0
    assert desk("desk", "open", "--class", "enquiry", "--customer", "gone", "--text", "where is my letter")[0] == 0
    code, _, err = desk("records", "shred", "gone")
    assert (code, "service records: kept until" in err) == (3, True)
    (hold,) = desk.json("records", "holds")
    assert desk("records", "release", str(hold["hold_id"]), "--reason", "the customer asked for it")[0] == 3
    assert desk("erase", "customer_id", "gone", actor="operator")[0] == 3


def test_records_that_were_altered_are_told(desk: Desk) -> None:
    database = Database(desk.home.restricted / "aml.db", migrations=("",) * 1)
    try:
        database.execute("UPDATE record SET made_by = 'eve' WHERE n_link = 1")
        assert desk("aml", "verify")[0] == 1
        database.execute("UPDATE record SET made_by = ? WHERE n_link = 1", (OFFICER,))
        assert desk("aml", "verify")[0] == 0
    finally:
        database.close()
