"""`assay funds` from the statement to the page: a clean one passes, planted faults show in command, page, exit code."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from domain.events import Event
from domain.time import DAY, HOUR, parse_instant
from tests.monitoring.aml.world import CONFIGS, START, home_of
from tests.shared import RunAssay

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
def run(tmp_path: Path, run_assay: RunAssay) -> RunAssay:
    home_of(tmp_path / "home", events())
    # What a test names after these counts.
    return partial(run_assay, "--home", str(tmp_path / "home"), "--configs", str(CONFIGS), "--actor", "lin")


def page(tmp_path: Path, run: RunAssay) -> dict:
    said = run("oversight", "--since", "2026-03-01", "--until", UNTIL, "--out", str(tmp_path / "site"), "--lang", "en")
    assert said[0] in (0, 1), said
    return json.loads((tmp_path / "site" / "funds.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(3))
def test_every_fault_is_named_as_what_it_is_and_a_clean_statement_has_none(
    seed: int, tmp_path: Path, run: RunAssay
) -> None:
    told = {}
    for name, more in (("clean", []), ("faulty", ["--faults"])):
        home_of(tmp_path / name, events())
        where = ("--home", str(tmp_path / name))
        file = tmp_path / f"{name}.csv"
        made = run(
            "funds", "simulate", "--to", str(file), "--until", UNTIL, "--seed", str(seed), "--json", *more, *where
        )
        assert run("funds", "read", str(file), *where)[0] == 0
        code, out, _ = run("funds", "reconcile", "--until", UNTIL, "--json", *where)
        told[name] = (code, json.loads(made[1])["faults"], json.loads(out))
    code, planted, found = told["clean"]
    assert (code, planted, found["breaks"], found["flags"]) == (0, {}, [], [])
    code, planted, found = told["faulty"]
    assert code == 1
    here = {each["kind"]: each["event_id"] for each in found["breaks"] if each["kind"] != "missing_here"}
    assert here == {what: planted[what][0] for what in ("missing_at_bank", "amount", "date", "twice")}
    strangers = {each["bank_ref"] for each in found["breaks"] if each["kind"] == "missing_here"}
    assert strangers == {*planted["missing_here"], *planted["commingling"]}
    (financed,) = planted["self_financing"]
    kind = "self_financed_loan" if financed.startswith("loan") else "self_financed_repayment"
    assert {(each["what"], each["event_id"]) for each in found["flags"]} == {("commingling", None), (kind, financed)}


@pytest.mark.parametrize("faults", [False, True])
def test_from_statement_to_page(faults: bool, tmp_path: Path, run: RunAssay) -> None:
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


def test_a_bad_statement_is_refused_by_name_of_row_and_changes_nothing(tmp_path: Path, run: RunAssay) -> None:
    file = tmp_path / "statement.csv"
    run("funds", "simulate", "--to", str(file), "--until", UNTIL)
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join([*lines[:3], lines[2], *lines[3:]]), encoding="utf-8")
    code, _, err = run("funds", "read", str(file))
    assert code == 3
    assert "row 4: expected each bank reference once" in err
    assert run("funds", "reconcile", "--until", UNTIL)[0] == 0
    assert json.loads(run("funds", "reconcile", "--until", UNTIL, "--json")[1])["first"] is None


def run_on_the_money() -> list[Event]:
    """Ten large loans paid out in the last days: what is left does not cover another such week."""
    last = parse_instant(UNTIL) - 8 * DAY
    return [
        Event("loan", f"loan-run-{k}", last + k * HOUR, last + k * HOUR,
              {"borrower_id": f"b{k}", "amount": 7_000_000, "currency": "CNY", "loan_id": f"loan-run-{k}"})
        for k in range(10)
    ]  # fmt: skip


def test_a_run_of_withdrawals_moves_its_risk_and_a_usual_month_does_not(tmp_path: Path, run: RunAssay) -> None:
    told = {}
    for name, more in (("usual", []), ("run", run_on_the_money())):
        home_of(tmp_path / name, [*events(), *more])
        where = ("--home", str(tmp_path / name))
        file = tmp_path / f"{name}.csv"
        assert run("funds", "simulate", "--to", str(file), "--until", UNTIL, *where)[0] == 0
        assert run("funds", "read", str(file), *where)[0] == 0
        covered = json.loads(run("funds", "coverage", "--until", UNTIL, "--json", *where)[1])["ratio"]
        raised = json.loads(run("watch", "run", "--as-of", UNTIL, "--json", *where)[1])["open"]
        risks = json.loads(run("risks", "--until", UNTIL, "--json", *where)[1])["risks"]
        told[name] = (covered, {each["limit"] for each in raised}, {each["key"]: each for each in risks})
    (calm, calm_limits, before), (low, low_limits, after) = told["usual"], told["run"]
    assert low < 1.0 < 1.6 < calm
    assert low_limits - calm_limits == {"withdrawals-covered"}
    moved = {key for key in before if before[key]["residual_score"] != after[key]["residual_score"]}
    assert moved == {"withdrawals"}
    assert (before["withdrawals"]["residual"], after["withdrawals"]["residual"]) == ("low", "high")
    assert after["withdrawals"]["kind"] == before["reserve"]["kind"] == "liquidity"
