"""The drill with a real service, and backup, restore and impact at the prompt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from domain.decision import Product
from domain.time import system_clock
from stores.bundles import install, point, pointed, write_manifest
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from tests.serving import world
from tests.stores.decisions import decision, payment


def _said(folder: Path, about: dict[str, Any]) -> Path:
    """The same model under another manifest: another bundle."""
    write_manifest(folder, about)
    return folder


Assay = Callable[..., tuple[int, Any]]


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two bundles deployed one after the other, and a few decisions by the second."""
    home = Home(tmp_path_factory.mktemp("drilled") / "home")
    digest = world.deploy(home, Product.PAYMENT)
    staged = home.root / "staged" / "former"
    shutil.copytree(home.bundles / digest, staged)
    about = json.loads((staged / "manifest.json").read_text())["about"]
    point(home.pointers, "payment", install(_said(staged, {**about, "operator": "former"}), home.bundles).name, 0)
    point(home.pointers, "payment", digest, 1)
    shutil.rmtree(home.root / "staged")
    database = Database(home.database)
    journal, ledger = Journal(database, home.segments), Ledger(database, secret_key(home.keys, "chain", {}))
    secret_key(home.keys, "vault", {})
    for number in range(5):
        decision(journal, ledger, payment(f"p{number}", at=system_clock() - 10_000_000), model=digest)
    journal.flush()
    database.close()
    return home


@pytest.fixture(name="assay")
def _assay(home: Home, capsys: pytest.CaptureFixture[str]) -> Assay:
    def run(*arguments: str, root: Path | None = None) -> tuple[int, Any]:
        capsys.readouterr()
        code = main(["--home", str(root or home.root), "--actor", "lin", *arguments, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    return run


@pytest.fixture(name="patient")
def _patient(tmp_path: Path) -> Path:
    """The shipped settings, with targets that a busy machine keeps as well."""
    shutil.copytree(world.CONFIGS, tmp_path / "configs")
    path = tmp_path / "configs" / "drills.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["targets"] = {name: {**target, "within": "1h"} for name, target in settings["targets"].items()}
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return tmp_path / "configs"


def test_a_drill_on_a_copy_of_a_real_service(assay: Assay, home: Home, patient: Path) -> None:
    before = pointed(home.pointers, "payment"), sorted(path.name for path in home.pointers.iterdir())
    code, record = assay("drill", "--configs", str(patient))
    steps = {step["key"]: step for step in record["steps"]}
    assert code == 0, steps
    assert list(steps) == [
        "backup", "damaged", "restore", "loss", "start", "decide", "kill", "release", "rollback", "forward", "recovery",
    ]  # fmt: skip
    assert {step["came"] for step in steps.values()} == {"kept"}
    assert all(step["seconds"] >= 0 for step in steps.values())
    assert "assay.db: expected sha256" in steps["damaged"]["note"]
    assert steps["loss"]["note"] == "0 of 5 decisions lost"
    assert steps["kill"]["note"] == "rules decide alone"
    assert steps["recovery"]["seconds"] == pytest.approx(
        sum(steps[key]["seconds"] for key in ("restore", "start", "decide"))
    )
    # Nothing of it happened to the home itself but the signed line.
    assert (pointed(home.pointers, "payment"), sorted(path.name for path in home.pointers.iterdir())) == before
    code, told = assay("drill", "--log")
    assert (code, [each["passed"] for each in told]) == (0, [True])


def test_a_backup_a_restore_and_a_damaged_one_at_the_prompt(assay: Assay, home: Home, tmp_path: Path) -> None:
    code, made = assay("backup", str(tmp_path / "b"), "--keys", str(tmp_path / "k"))
    assert (code, made["n_decisions"]) == (0, 5)
    again = tmp_path / "again"
    assert assay("restore", str(tmp_path / "b"), "--keys", str(tmp_path / "k"), root=again)[1]["n_bundles"] == 2
    assert assay("ledger", "verify", root=again)[0] == 0
    assert assay("journal", "--verify", root=again)[0] == 0
    path = tmp_path / "b" / "assay.db"
    path.write_bytes(path.read_bytes()[:-1])
    code, said = assay("restore", str(tmp_path / "b"), "--keys", str(tmp_path / "k"), root=tmp_path / "third")
    assert code == 3
    assert "nothing was restored" in said
    assert not (tmp_path / "third").exists()
    assert assay("backup", str(home.root / "b"))[0] == 2


def test_the_impact_of_a_bundle_and_its_ids(assay: Assay, home: Home, tmp_path: Path) -> None:
    digest = str(pointed(home.pointers, "payment"))
    code, told = assay("impact", digest[:10], "--ids", str(tmp_path / "ids.txt"))
    assert code == 0, told
    (one,) = told["impact"]
    assert (code, one["n"], one["by_action"], one["amounts"]) == (0, 5, {"decline": 5}, {"decline": 25_000})
    assert (tmp_path / "ids.txt").read_text().split() == [f"d-p{number}" for number in range(5)]
    assert assay("impact", "0" * 12) == (1, {"bundle": "0" * 12, "impact": []})
    assert assay("impact", digest, "--since", "2026-03-01", "--until", "2026-02-01")[0] == 2
    code, said = assay("drill", "--url", "http://127.0.0.1:9")
    assert (code, "beside --url" in said) == (2, True)


def test_an_edit_changes_what_the_ledger_says_and_an_untouched_copy_does_not(
    assay: Assay, home: Home, tmp_path: Path
) -> None:
    for name in ("edited", "untouched"):
        shutil.copytree(home.root, tmp_path / name)
    database = Database(tmp_path / "edited" / "assay.db")
    database.execute("UPDATE decision SET action = 'approve' WHERE n_link = 3")
    database.close()
    code, told = assay("ledger", "verify", root=tmp_path / "edited")
    assert code == 1
    assert any(fault.startswith("link 3: expected the hash of decision") for fault in told["faults"])
    code, told = assay("ledger", "verify", root=tmp_path / "untouched")
    assert (code, told["faults"]) == (0, [])
