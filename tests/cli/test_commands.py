"""Every command: documented, with help, and with JSON that parses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cli.checks import all_checks
from cli.main import app, main
from cli.reference import PAGE, commands, page
from cli.session import Session
from domain.events import Event
from stores.database import Database
from stores.journal import Journal

PROJECT = Path(__file__).parents[2]
EVERY = dict(commands(typer.main.get_command(app), "assay"))
READING = [path for path, command in EVERY.items() if any("--json" in parameter.opts for parameter in command.params)]


@pytest.fixture
def home(tmp_path):
    """A home whose journal holds two events."""
    database = Database(tmp_path / "assay.db")
    journal = Journal(database, tmp_path / "journal")
    journal.append([Event("inquiry", f"q{n}", 10, 10, {"borrower_id": "b1"}) for n in range(2)])
    database.close()
    return tmp_path


def test_the_reference_is_that_of_the_commands():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m cli.reference`"


@pytest.mark.parametrize("path", EVERY)
def test_every_command_is_documented_and_has_help(path, capsys):
    assert f"### `{path}" in page()
    command = EVERY[path]
    assert command.help
    assert all(parameter.help for parameter in command.params), path
    assert main([*path.split()[1:], "--help"]) == 0
    shown = capsys.readouterr().out
    assert command.help.split("\n")[0][:40] in shown
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert all(name in shown for name in parameter.opts)


@pytest.mark.parametrize("path", EVERY)
def test_examples_in_help_are_commands(path):
    for line in re.findall(r"^ *(assay .*)$", EVERY[path].help, re.MULTILINE):
        assert any(line.startswith(known) for known in EVERY), line


def test_commands_that_read_have_json():
    reading = {
        "doctor",
        "journal",
        "features list",
        "models",
        "review",
        "keys list",
        "monitor",
        "ledger verify",
        "replay",
    }
    assert {f"assay {name}" for name in reading} <= set(READING) | {"assay models"}


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["journal"], "kinds"),
        (["journal", "--verify"], "faults"),
        (["ledger", "verify"], "head"),
        (["doctor"], "checks"),
    ],
)
def test_json_is_one_document_on_stdout(arguments, key, home, capsys):
    main(["--home", str(home), *arguments, "--json"])
    assert key in json.loads(capsys.readouterr().out)


def test_the_journal_is_counted(home, capsys):
    assert main(["--home", str(home), "journal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"last_seq": 2, "kinds": {"inquiry": 2}, "n_quarantined": 0}


def test_an_altered_segment_is_a_finding(home, capsys):
    database = Database(home / "assay.db")
    Journal(database, home / "journal").flush()
    database.close()
    (segment,) = (home / "journal").glob("*.parquet")
    assert main(["--home", str(home), "journal", "--verify"]) == 0
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    assert main(["--home", str(home), "journal", "--verify"]) == 1
    assert "the file was altered" in capsys.readouterr().out


def test_keys_are_made_listed_and_revoked(tmp_path, capsys):
    def run(*arguments):
        assert main(["--home", str(tmp_path), "keys", *arguments]) == 0
        return capsys.readouterr()

    made = run("add", "shop", "--role", "payments-scorer", "--role", "analyst")
    assert re.fullmatch(r"assay_[\w-]{43}\n", made.out)
    assert made.out.strip() not in made.err
    assert json.loads(run("list", "--json").out) == {"shop": ["analyst", "payments-scorer"]}
    assert made.out.strip() not in (tmp_path / "keys" / "clients.json").read_text()
    run("revoke", "shop")
    assert json.loads(run("list", "--json").out) == {}


def test_an_anchored_head_is_verified(home, tmp_path, capsys):
    anchors = tmp_path.with_name(f"{tmp_path.name}-elsewhere") / "anchors.jsonl"
    assert main(["--home", str(home), "ledger", "anchor", str(anchors)]) == 0
    assert main(["--home", str(home), "ledger", "verify", "--anchor", str(anchors), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["ok"] is True


def test_an_export_is_verified_with_the_key_alone(home, tmp_path, capsys, monkeypatch):
    assert main(["--home", str(home), "ledger", "export", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_decisions"] == 0
    elsewhere = ["--home", str(tmp_path / "no-home"), "ledger", "verify", "--export", str(tmp_path / "out")]
    assert main(elsewhere) == 2
    assert "ASSAY_CHAIN_KEY" in capsys.readouterr().err
    assert not (tmp_path / "no-home").exists()
    monkeypatch.setenv("ASSAY_CHAIN_KEY", (home / "keys" / "chain.key").read_bytes().hex())
    assert main(elsewhere) == 0
    (tmp_path / "out" / "artifacts.jsonl").write_text("{}\n")
    assert main([*elsewhere, "--json"]) == 1
    assert "artifacts.jsonl: expected the bytes that were exported" in capsys.readouterr().out
    assert main(["--home", str(home), "ledger", "export", str(tmp_path / "out")]) == 2


def test_a_lost_chain_key_is_not_replaced(home, capsys):
    database = Database(home / "assay.db")
    with database.transaction():
        database.execute(
            "INSERT INTO decision VALUES "
            "(1, 'd', 1, 'payment', 'c', 'q0', 1, 'm', 'approve', 'normal', 0, 0, x'', x'', x'', x'')"
        )
    database.close()
    assert main(["--home", str(home), "ledger", "verify"]) == 3
    assert "expected the key of the ledger's chain, found none" in capsys.readouterr().err
    assert not (home / "keys" / "chain.key").exists()


def test_doctor_finds_what_is_there_and_leaves_nothing_behind(tmp_path, capsys):
    home = tmp_path / "home"
    assert main(["--home", str(home), "doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert {check["state"] for check in found["checks"]} <= {"ok", "missing"}
    assert all(check["advice"] for check in found["checks"] if check["state"] == "missing")
    names = {check["name"].split()[0] for check in found["checks"]}
    assert {"Python", "lightgbm", "mlflow", "bentoml", "memory", "disk", "folder", "journal", "MLflow", "Java"} <= names
    assert list(tmp_path.iterdir()) == []


def test_doctor_fails_on_what_is_broken(tmp_path, capsys):
    (tmp_path / "assay.db").write_bytes(b"no database " * 999)
    assert main(["--home", str(tmp_path), "--configs", str(tmp_path), "doctor"]) == 1
    shown = capsys.readouterr().out
    assert "✗ journal" in shown
    assert "✗ platform.yaml" in shown
    assert "expected a settings file, found none" in shown


def test_doctor_asks_a_tracking_server_that_is_down(tmp_path):
    checks = all_checks(Session(tmp_path, PROJECT / "configs", "tester"), {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    (tracking,) = [check for check in checks if check.name == "MLflow"]
    assert tracking.state == "fault"
    assert "unset MLFLOW_TRACKING_URI" in tracking.advice


def test_output_to_a_pipe_is_plain(home):
    """No colours, no bars: what a script reads."""
    code = "import sys; from cli.main import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TERM")}
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(home), "journal"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""
