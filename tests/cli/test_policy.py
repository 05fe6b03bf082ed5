"""`assay policy` and `assay lists` at the prompt: two people, one record, and files of other institutions."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from cli.session import PROJECT
from serving.books import Books
from stores.home import Home

PAN = "4000123412341234"


@pytest.fixture
def assay(tmp_path, monkeypatch, capsys):
    """Run a command in a fresh home with configs of its own; gives its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(PROJECT / "configs", tmp_path / "configs")

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["--home", str(tmp_path / "home"), "--configs", str(tmp_path / "configs"), *arguments])
        return code, capsys.readouterr()

    return run


def told(assay: Any, *arguments: str) -> Any:
    code, said = assay(*arguments, "--json")
    assert code == 0, said.err
    return json.loads(said.out)


def stricter(tmp_path: Path, **changes: Any) -> Path:
    content = yaml.safe_load((tmp_path / "configs" / "policy" / "payments.yaml").read_text())
    path = tmp_path / "stricter.yaml"
    path.write_text(yaml.safe_dump({**content, "version": "stricter", **changes}))
    return path


def test_the_examples_are_tried_and_a_difference_is_a_finding(assay, tmp_path):
    code, said = assay("policy", "test")
    assert code == 0
    assert "31 of 31 examples are as expected" in said.out
    actions = {"normal": "approve", "attention": "review", "warning": "review", "high": "decline"}
    code, said = assay("policy", "test", str(stricter(tmp_path, actions=actions)), "--json")
    assert code == 1
    assert any("expected step_up, got review" in each["faults"][0] for each in json.loads(said.out) if each["faults"])


def test_a_policy_is_proposed_by_one_and_approved_by_another(assay, tmp_path):
    path = str(stricter(tmp_path))
    change = told(assay, "--actor", "lin", "policy", "propose", path, "--why", "losses doubled")
    assert (change["id"], change["by"], change["summary"].partition(",")[0]) == ("C1", "lin", "stricter")
    code, said = assay("policy", "approve", "C1", "--approver", " Lin ")
    assert (code, "expected somebody other than lin, who proposed it" in said.err) == (2, True)
    assert told(assay, "policy", "history")["in_force"]["payment"].endswith("approved by nobody")
    code, said = assay("policy", "approve", "C1", "--approver", "wang")
    assert code == 0
    assert "C1 (payment) is approved" in said.out
    history = told(assay, "policy", "history")
    assert history["in_force"]["payment"] == "C1"
    assert [(e["id"], e["state"], e["decided_by"], e["in_force"]) for e in history["changes"]] == [
        ("C1", "approved", "wang", True)
    ]
    code, said = assay("policy", "show", "payment")
    assert json.loads(said.out)["settings"]["version"] == "stricter"
    # An edit of the file takes over where approvals are only recorded, and the history says that nobody approved it.
    file = tmp_path / "configs" / "policy" / "payments.yaml"
    file.write_text(file.read_text() + "\n# touched\n")
    assert told(assay, "policy", "history")["in_force"]["payment"].endswith("approved by nobody")
    serving = tmp_path / "configs" / "serving.yaml"
    serving.write_text(serving.read_text().replace("policy_approval: recorded", "policy_approval: required"))
    assert told(assay, "policy", "history")["in_force"]["payment"] == "C1"


def test_a_bad_policy_is_not_proposed_and_an_altered_record_is_told(assay, tmp_path):
    broken = str(stricter(tmp_path, stand_in=[]))
    code, said = assay("policy", "propose", broken, "--why", "x")
    assert (code, "stand_in" in said.err) == (2, True)
    assert not (tmp_path / "home" / "changes.jsonl").exists()
    assert assay("--actor", "lin", "policy", "propose", str(stricter(tmp_path)), "--why", "x")[0] == 0
    assert assay("policy", "reject", "C1", "--why", "no", "--by", "wang")[0] == 0
    code, said = assay("policy", "approve", "C1", "--approver", "wang")
    assert (code, "it was rejected by wang" in said.err) == (2, True)
    record = tmp_path / "home" / "changes.jsonl"
    record.write_text(record.read_text().replace("rejected", "approved"))
    code, said = assay("policy", "history")
    assert (code, "line 2: expected a signature that verifies" in said.err) == (3, True)


def test_a_card_is_blocked_without_its_number_being_kept(assay, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(PAN + "\n"))
    add = ["lists", "add", "block", "card", "-", "--owner", "desk", "--reason", "case 7", "--expires", "90d"]
    change = told(assay, "--actor", "lin", *add)
    assert change["summary"] == "1 added, 0 renewed, 0 removed, 1 in all"
    assert told(assay, "lists", "show")["entries"] == []
    assert assay("policy", "approve", change["id"], "--approver", "wang")[0] == 2
    assert assay("lists", "approve", change["id"], "--approver", "wang")[0] == 0
    (kept,) = told(assay, "lists", "show")["entries"]
    books = Books.open(Home(tmp_path / "home"), {}, 10.0)
    try:
        assert kept["token"] == books.vault.known("card_id", PAN)
    finally:
        books.close()
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or PAN.encode() not in path.read_bytes(), path
    code, said = assay("lists", "remove", "block", "card", "4999", "--why", "x")
    assert (code, "expected an entry of card" in said.err) == (2, True)
    monkeypatch.setattr("sys.stdin", io.StringIO(PAN + "\n"))
    change = told(assay, "--actor", "lin", "lists", "remove", "block", "card", "-", "--why", "found again")
    assert assay("lists", "approve", change["id"], "--approver", "wang")[0] == 0
    assert told(assay, "lists", "show")["entries"] == []


def test_lists_of_another_institution_come_in_with_their_source_and_go_out_again(assay, tmp_path):
    shared = tmp_path / "shared.csv"
    shared.write_text(
        f"namespace,identifier,expires_at\ncard,{PAN},2999-01-01T00:00:00Z\nmerchant,m9,2999-01-01T00:00:00Z\n"
        "merchant,m8,2001-01-01T00:00:00Z\n"
    )
    bring = ["lists", "import", str(shared), "--source", "Bank of Jiangnan", "--list", "watch", "--owner", "desk",
             "--why", "monthly exchange"]  # fmt: skip
    code, said = assay("--actor", "lin", *bring, "--json")
    assert code == 0
    assert "1 entries have ended already and are left out" in said.err
    assert assay("lists", "approve", json.loads(said.out)["id"], "--approver", "wang")[0] == 0
    out = tmp_path / "out.csv"
    assert assay("lists", "export", "--to", str(out))[0] == 0
    text = out.read_text()
    assert (PAN not in text, "Bank of Jiangnan" in text, "m9" in text, "m8" in text) == (True, True, True, False)
    code, said = assay("lists", "export", "--format", "json")
    assert len(json.loads(said.out)) == 2
    # What was exported comes in again and changes nothing.
    code, said = assay("--actor", "lin", "lists", "import", str(out), "--source", "ourselves", "--why", "again")
    assert (code, "0 added, 0 renewed, 0 removed, 2 in all" in said.out) == (0, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"namespace,token\ncard,{PAN}\n", "row 1: expected a token of 22 characters"),
        (f"namespace,identifier\npassport,{PAN}\n", "a namespace out of"),
        ("namespace,identifier,expires_at\ncard,1,2001-01-01T00:00:00Z\n", "expected an entry that ends after now"),
        ("", "expected entries, got none"),
    ],
)
def test_a_wrong_file_changes_nothing_and_names_nobody(assay, tmp_path, text, message):
    (tmp_path / "shared.csv").write_text(text)
    code, said = assay(
        "lists", "import", "shared.csv", "--source", "x", "--why", "x", "--list", "block", "--owner", "x",
        "--expires", "9d",
    )  # fmt: skip
    assert (code, message in said.err) == (2, True), said.err
    assert PAN not in said.err + said.out
    assert not (tmp_path / "home" / "changes.jsonl").exists()
