"""A command of the restricted class that is killed at any commit leaves no record that somebody else may end."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stores.database import Database
from stores.holds import Holds
from stores.home import Home
from stores.keys import secret_key
from stores.restricted import RestrictedStore
from tests.monitoring.aml.world import OFFICER, configs, home_of, payments

# The process ends where SQLite is about to commit for the n-th time, in whichever file.
KILLED_AT = """
import apsw, os, signal, sys
left = int(sys.argv[1])
def commit():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return False
apsw.connection_hooks.append(lambda connection: connection.set_commit_hook(commit))
from cli.main import main
sys.exit(main(sys.argv[2:]))
"""

RECORD = {"customer_id": "c1", "party": "person", "grade": "low", "reasons": ["a test"], "evidence": []}


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cut")
    home_of(folder / "home", payments()[:50])
    configs(folder / "configs")
    (folder / "c1.yaml").write_text(yaml.safe_dump(RECORD), encoding="utf-8")
    return folder


def killed_at(n: int, home: Path, world: Path, command: list[str]) -> int:
    where = ["--home", str(home), "--configs", str(world / "configs"), "--actor", OFFICER]
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(n), *command, *where], capture_output=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode


def kept_and_held(home: Home) -> tuple[set[str], set[str]]:
    """Subjects with a due-diligence record or a case, and those that are held."""
    database = Database(home.database)
    store = RestrictedStore(home.restricted, secret_key(home.keys, "restricted", {}))
    try:
        assert store.verify() == []
        kept = {record.subject for kind in ("diligence", "case") for record in store.read(kind)}
        return kept, {each.token for each in Holds(database).all() if each.released_at is None}
    finally:
        store.close()
        database.close()


@pytest.mark.parametrize("which", ["diligence", "case"])
def test_no_record_without_its_hold_wherever_it_is_cut(which: str, world: Path, tmp_path: Path) -> None:
    commands = {
        "diligence": ["aml", "diligence", "add", str(world / "c1.yaml")],
        "case": ["aml", "case", "open", "c1", "--reason", "money passes through"],
    }
    seen = []
    for n in range(1, 20):
        home = tmp_path / f"home-{n}"
        shutil.copytree(world / "home", home)
        code = killed_at(n, home, world, commands[which])
        kept, held = kept_and_held(Home(home))
        assert kept <= held
        seen.append((bool(kept), bool(held)))
        if code == 0:
            break
    # It was cut before both, between the two, and not at all.
    assert (False, False) in seen
    assert (False, True) in seen
    assert seen[-1] == (True, True)
    # What was cut between the two is done again as if nothing had been.
    again = Home(tmp_path / f"home-{1 + seen.index((False, True))}")
    assert killed_at(1000, again.root, world, commands[which]) == 0
    assert all(kept_and_held(again))
