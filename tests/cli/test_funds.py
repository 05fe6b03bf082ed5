"""`assay funds` from the statement to the page: a clean one passes, planted faults show in command, page, exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cli.main import main
from domain.events import Event
from domain.time import DAY
from tests.monitoring.aml.world import CONFIGS, START, home_of

UNTIL = "2026-05-15T00:00:00+08:00"


def events() -> list[Event]:
    random = np.random.default_rng(4)
    made = []
    for k in range(240):
        at = START + int(random.integers(0, 55 * DAY))
        kind = "loan" if k % 6 == 0 else "repayment"
        body = {"borrower_id": f"b{k % 20}", "amount": int(random.integers(50_000, 900_000)), "currency": "CNY"}
        made.append(Event(kind, f"{kind}-{k}", at, at, body | ({"loan_id": f"loan-{k}"} if kind == "loan" else {})))
    return made


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    home_of(tmp_path / "home", events())

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*arguments, "--home", str(tmp_path / "home"), "--configs", str(CONFIGS), "--actor", "lin"])
        caught = capsys.readouterr()
        return code, caught.out, caught.err

    return command


def page(tmp_path: Path, run) -> dict:
    said = run("oversight", "--since", "2026-03-01", "--until", UNTIL, "--out", str(tmp_path / "site"), "--lang", "en")
    assert said[0] in (0, 1), said
    return json.loads((tmp_path / "site" / "funds.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("faults", [False, True])
def test_from_statement_to_page(faults: bool, tmp_path: Path, run) -> None:
    file = tmp_path / "statement.csv"
    code, out, _ = run("funds", "simulate", "--to", str(file), "--until", UNTIL, "--json", *(["--faults"] * faults))
    planted = json.loads(out)["faults"]
    assert (code, bool(planted)) == (0, faults)
    assert run("funds", "reconcile", "--until", UNTIL)[0] == 0
    assert run("funds", "read", str(file))[0] == 0
    assert json.loads(run("funds", "read", str(file), "--json")[1])["n_new"] == 0
    code, out, _ = run("funds", "reconcile", "--until", UNTIL, "--json")
    found = json.loads(out)
    assert code == (1 if faults else 0)
    named = {each["event_id"] for each in found["breaks"] if each["event_id"]}
    assert named == {
        where[0] for what, where in planted.items() if what in ("missing_at_bank", "amount", "date", "twice")
    }
    assert {each["what"] for each in found["flags"]} >= ({"commingling"} if faults else set())
    assert page(tmp_path, run)["sections"][0]["status"] == ("red" if faults else "pass")
    covered = json.loads(run("funds", "coverage", "--until", UNTIL, "--json")[1])
    assert covered["verdict"] == "not assessed"
    assert covered["ratio"] == pytest.approx(covered["balance"] / covered["largest"])


def test_a_bad_statement_is_refused_by_name_of_row_and_changes_nothing(tmp_path: Path, run) -> None:
    file = tmp_path / "statement.csv"
    run("funds", "simulate", "--to", str(file), "--until", UNTIL)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines[:3], lines[2], *lines[3:]]), encoding="utf-8")
    code, _, err = run("funds", "read", str(file))
    assert code == 3
    assert "row 4: expected each bank reference once" in err
    assert run("funds", "reconcile", "--until", UNTIL)[0] == 0
    assert json.loads(run("funds", "reconcile", "--until", UNTIL, "--json")[1])["first"] is None
