"""The vault's key rotated at the prompt, and the chain of acts checked with that of the decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from stores.acts import Act, Acts
from stores.database import Database
from stores.keyring import keyring_of
from stores.keys import secret_key
from stores.sealing import Sealer
from stores.vault import Vault


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Path:
    database = Database(tmp_path / "assay.db")
    keyring = keyring_of(database, tmp_path / "keys", {})
    Vault(database, keyring).tokens("card_id", ["a", "b", "c"])
    Sealer(database, keyring).seal_within("words")
    acts = Acts(database, secret_key(tmp_path / "keys", "chain", {}))
    for number in range(3):
        acts.append_within(Act(f"a{number}", "review_asked", "d", number, "ann", {}))
    database.close()
    return tmp_path


def run(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = main(["--home", str(home), *arguments, "--json"])
    out = capsys.readouterr()
    return code, json.loads(out.out) if out.out else out.err


def test_a_rotation_says_what_it_did(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (home / "keys" / "vault.key").read_bytes()
    assert run(home, capsys, "keys", "rotate") == (0, {"resumed": False, "n_subjects": 3, "n_texts": 1})
    assert (home / "keys" / "vault.key").read_bytes() != before
    (home / "keys" / "vault.key").write_bytes(before)
    code, told = run(home, capsys, "keys", "rotate")
    assert code == 2
    assert "vault key" in told


def test_an_act_that_was_altered_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(home, capsys, "ledger", "verify")
    assert (code, told["ok"], told["n_acts"]) == (0, True, 3)
    database = Database(home / "assay.db")
    database.execute("UPDATE act SET actor = 'bob' WHERE n_link = 2")
    database.close()
    code, told = run(home, capsys, "ledger", "verify")
    assert (code, told["ok"]) == (1, False)
    assert "act 2" in told["faults"][0]
