"""Backup and restore: one moment while others write, whatever byte is damaged is told, and nothing half restored."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from domain.errors import DataError, InputError
from domain.time import DAY
from stores.acts import Act, Acts
from stores.backup import MANIFEST, Backup, back_up, damage, read_backup
from stores.bundles import install, point, write_manifest
from stores.database import Database
from stores.home import Home
from stores.journal import Journal
from stores.keys import secret_key
from stores.ledger import Ledger
from stores.restore import restore
from tests.stores.decisions import NOW, decision, payment


def made_home(root: Path) -> Home:
    home = Home(root)
    database = Database(home.database)
    key = secret_key(home.keys, "chain", {})
    secret_key(home.keys, "vault", {})
    journal, ledger = Journal(database, home.segments), Ledger(database, key)
    for number in range(12):
        decision(journal, ledger, payment(f"p{number}", amount=100 + number))
        if number == 7:
            journal.flush()
    with database.transaction():
        Acts(database, key).append_within(Act("a1", "review_asked", "d-p1", NOW, "flow", {}))
    database.close()
    staged = root / "staged"
    staged.mkdir()
    (staged / "model.txt").write_text("a tree")
    digest = write_manifest(staged, {"name": "fraud"})
    install(staged, home.bundles)
    point(home.pointers, "payment", digest, NOW)
    shutil.rmtree(staged)
    home.reviews.write_text("signed\n")
    (root / "states.db").write_bytes(b"a cache")
    (root / "reports").mkdir()
    (root / "reports" / "page.html").write_text("can be made again")
    return home


def rows(home: Home) -> list[tuple[object, ...]]:
    database = Database(home.database)
    try:
        return database.execute("SELECT * FROM decision ORDER BY n_link") + database.execute(
            "SELECT seq, event_id FROM event"
        )
    finally:
        database.close()


class Kept:
    """A home, its backup and its keys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = made_home(root / "home")
        self.key = secret_key(self.home.keys, "chain", {})
        self.folder, self.keys = root / "backup", root / "keys"
        self.backup: Backup = back_up(self.home, self.folder, chain_key=self.key, at=NOW, keys_folder=self.keys)

    def refused(self, message: str, error: type[Exception] = DataError, keys: Path | None = None) -> None:
        """A restore fails and leaves nothing at all."""
        target = self.root / "again"
        with pytest.raises(error, match=message):
            restore(self.folder, target, keys_folder=keys or self.keys, environment={})
        assert not target.exists()
        assert not list(self.root.glob(".again-*"))


@pytest.fixture(name="kept")
def _kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_home_comes_back_as_it_was(kept: Kept) -> None:
    made = restore(kept.folder, kept.root / "again", keys_folder=kept.keys, environment={})
    assert (made.n_decisions, made.n_bundles) == (12, 1)
    assert rows(made.home) == rows(kept.home)
    database = Database(made.home.database)
    assert Journal(database, made.home.segments).read("transaction").num_rows == 12
    database.close()
    assert made.home.reviews.read_text() == "signed\n"
    assert {path.name for path in made.home.keys.iterdir()} == {"chain.key", "vault.key"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (made.home.keys, *made.home.keys.iterdir()))
    # Caches and pages can be made again.
    assert not (made.home.root / "states.db").exists()
    assert not (made.home.root / "reports").exists()


def test_what_is_being_written_or_a_crash_left_half_written_stays_out(tmp_path: Path) -> None:
    """Half a bundle under its hidden name had every later restore refused."""
    home = made_home(tmp_path / "home")
    (digest,) = [path.name for path in home.bundles.iterdir()]
    half = home.bundles / ".staged-x"
    half.mkdir()
    shutil.copyfile(home.bundles / digest / "model.txt", half / "model.txt")
    (home.pointers / ".payment.json.lock").touch()
    (home.keys / ".clients.json.0123456789abcdef").write_text("{")
    key = secret_key(home.keys, "chain", {})
    backup = back_up(home, tmp_path / "backup", chain_key=key, at=NOW, keys_folder=tmp_path / "keys")
    assert not [name for name in backup.files if "/." in name]
    made = restore(tmp_path / "backup", tmp_path / "again", keys_folder=tmp_path / "keys", environment={})
    assert made.n_bundles == 1
    assert {path.name for path in made.home.keys.iterdir()} == {"chain.key", "vault.key"}


def test_the_backup_alone_holds_no_key(kept: Kept) -> None:
    secrets = [path.read_bytes() for path in kept.home.keys.glob("*.key")]
    assert len(secrets) == 2
    for path in kept.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret in content or secret.hex().encode() in content for secret in secrets), path


def everything(kept: Kept) -> list[str]:
    return sorted(kept.backup.files)


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_bit_anywhere_is_told_and_nothing_is_restored(kept: Kept, place: float) -> None:
    assert len(everything(kept)) >= 5
    for name in everything(kept):
        path = kept.folder / name
        content = bytearray(path.read_bytes())
        content[int(place * len(content))] ^= 1
        path.write_bytes(content)
        assert damage(kept.backup) == [
            f"{name}: expected sha256 {kept.backup.files[name][:12]}…, got another: altered or cut off"
        ]
        kept.refused(f"expected a sound backup, got 1 fault.*{name}")
        content[int(place * len(content))] ^= 1
        path.write_bytes(content)
    assert damage(kept.backup) == []


def test_a_file_cut_off_gone_or_added_is_told(kept: Kept) -> None:
    database = kept.folder / "assay.db"
    content = database.read_bytes()
    database.write_bytes(content[:-1])
    kept.refused("assay.db: expected sha256")
    database.unlink()
    kept.refused("assay.db: expected a file of the backup, found none")
    database.write_bytes(content)
    (kept.folder / "extra").write_text("x")
    assert damage(kept.backup) == ["extra: expected no such file in the backup"]


def test_a_manifest_made_to_fit_is_not_believed(kept: Kept) -> None:
    path = kept.folder / MANIFEST
    whole = path.read_text()
    line = json.loads(whole)
    line["body"] = line["body"].replace('"n_decisions": 12', '"n_decisions": 11')
    path.write_text(json.dumps(line))
    kept.refused("got another signature")
    path.write_text(whole[:-20])
    kept.refused("expected the manifest of a backup")
    path.unlink()
    kept.refused("found none")


def test_other_keys_are_refused(kept: Kept, tmp_path: Path) -> None:
    other = tmp_path / "others"
    shutil.copytree(kept.keys, other)
    (other / "vault.key").write_bytes(bytes(32))
    kept.refused("vault.key: expected the key the backup was made with, got another", keys=other)
    (other / "vault.key").unlink()
    kept.refused("got none", keys=other)
    (other / "chain.key").write_bytes(bytes(32))
    kept.refused("got another signature", keys=other)
    (other / "chain.key").unlink()
    kept.refused("expected a folder with chain.key", InputError, keys=other)
    with pytest.raises(InputError, match="got neither"):
        restore(kept.folder, tmp_path / "again", keys_folder=None, environment={})


def test_a_home_that_is_there_is_never_written_over(kept: Kept) -> None:
    before = rows(kept.home)
    with pytest.raises(InputError, match="expected a home that does not exist yet or is empty"):
        restore(kept.folder, kept.home.root, keys_folder=kept.keys, environment={})
    assert rows(kept.home) == before
    (kept.root / "empty").mkdir()
    assert restore(kept.folder, kept.root / "empty", keys_folder=kept.keys, environment={}).n_decisions == 12


def test_a_backup_goes_where_nothing_is_and_its_keys_elsewhere(kept: Kept) -> None:
    for folder, keys, message in (
        (kept.folder, None, "a folder that does not exist yet"),
        (kept.home.root / "b", None, "a folder outside the home"),
        (kept.root / "b", kept.root / "b" / "keys", "keys kept apart from the backup"),
        (kept.root / "k" / "b", kept.root / "k", "keys kept apart from the backup"),
    ):
        with pytest.raises(InputError, match=message):
            back_up(kept.home, folder, chain_key=kept.key, at=NOW, keys_folder=keys)
    assert not (kept.root / "b").exists()
    with pytest.raises(DataError, match="expected a home with a database"):
        back_up(Home(kept.root / "nowhere"), kept.root / "b", chain_key=kept.key, at=NOW)


def test_a_damaged_home_is_told_when_it_is_backed_up(kept: Kept) -> None:
    (segment,) = kept.home.segments.glob("*.parquet")
    content = segment.read_bytes()
    segment.write_bytes(content[:-1])
    with pytest.raises(DataError, match="expected sha256"):
        back_up(kept.home, kept.root / "b", chain_key=kept.key, at=NOW)
    segment.unlink()
    with pytest.raises(DataError, match="expected a segment of the journal, found none"):
        back_up(kept.home, kept.root / "b", chain_key=kept.key, at=NOW)
    assert not (kept.root / "b").exists()
    assert not list(kept.root.glob(".b-*"))


def test_a_forged_decision_is_found_even_when_the_backup_was_made_of_it(kept: Kept) -> None:
    database = Database(kept.home.database)
    database.execute("UPDATE decision SET action = 'approve' WHERE n_link = 3")
    database.close()
    back_up(kept.home, kept.root / "forged", chain_key=kept.key, at=NOW + DAY)
    kept.folder = kept.root / "forged"
    kept.refused("link 3: expected the hash of decision d-p2")


def test_a_backup_while_others_write_is_of_one_moment(kept: Kept) -> None:
    stop = threading.Event()

    def write() -> None:
        database = Database(kept.home.database)
        journal, ledger = Journal(database, kept.home.segments), Ledger(database, kept.key)
        number = 0
        while not stop.is_set():
            decision(journal, ledger, payment(f"w{number}"))
            number += 1
            if number % 20 == 0:
                journal.flush()
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [
            back_up(
                kept.home, kept.root / f"b{number}", chain_key=kept.key, at=NOW, keys_folder=kept.root / f"k{number}"
            )
            for number in range(4)
        ]
    finally:
        stop.set()
        writer.join()
    counts = [backup.n_decisions for backup in made]
    assert counts == sorted(counts)
    assert counts[-1] > 12
    for number, backup in enumerate(made):
        restored = restore(
            backup.folder, kept.root / f"r{number}", keys_folder=kept.root / f"k{number}", environment={}
        )
        assert restored.n_decisions == backup.n_decisions
        database = Database(restored.home.database)
        journal = Journal(database, restored.home.segments)
        # The writer journals an event, then decides on it: the moment may lie between the two.
        assert journal.read("transaction").num_rows == backup.last_seq
        assert backup.last_seq - backup.n_decisions in (0, 1)
        database.close()


def test_what_a_backup_says_can_be_read_without_its_files(kept: Kept) -> None:
    assert read_backup(kept.folder, kept.key) == kept.backup
    assert kept.backup.n_decisions == 12
    assert kept.backup.last_seq == 12
