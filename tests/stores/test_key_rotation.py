"""Rotation: tokens and texts stay, the old key opens nothing, and a cut at any step loses nothing and goes on."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from domain.errors import AssayError, DataError, DefinitionError
from stores import key_rotation
from stores.database import Database
from stores.key_rotation import rotate
from stores.keyring import keyring_of
from stores.keys import secret_key
from stores.sealing import Sealer
from stores.vault import Vault

PEOPLE = [f"person-{number}" for number in range(10)]
NONE: Mapping[str, str] = {}


class Desk:
    """A home with identifiers and texts in it."""

    def __init__(self, root: Path) -> None:
        self.keys = root / "keys"
        self.database = Database(root / "assay.db")

    def vault(self, environment: Mapping[str, str] = NONE) -> Vault:
        return Vault(self.database, keyring_of(self.database, self.keys, environment))

    def sealer(self, environment: Mapping[str, str] = NONE) -> Sealer:
        return Sealer(self.database, keyring_of(self.database, self.keys, environment))

    def rotate(self, environment: Mapping[str, str] = NONE) -> key_rotation.Rotated:
        return rotate(self.database, self.keys, environment)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, str]]:
    root = tmp_path_factory.mktemp("filled")
    desk = Desk(root)
    tokens = desk.vault().tokens("customer_id", PEOPLE)
    texts = {desk.sealer().seal_within(f"text {number}"): f"text {number}" for number in range(7)}
    desk.database.close()
    return root, tokens, texts


@pytest.fixture
def desk(filled: tuple[Path, Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(key_rotation, "BATCH", 3)
    shutil.copytree(filled[0], tmp_path / "home")
    made = Desk(tmp_path / "home")
    yield made
    made.database.close()


def holds(
    desk: Desk, filled: tuple[Path, dict[str, str], dict[str, str]], environment: Mapping[str, str] = NONE
) -> None:
    """Everything is found again, under the tokens and words it had, and nobody twice."""
    _, tokens, texts = filled
    vault, sealer = desk.vault(environment), desk.sealer(environment)
    for person, token in tokens.items():
        assert vault.known("customer_id", person) == token
        assert vault.token("customer_id", person) == token
    assert vault.known("customer_id", "stranger") is None
    assert desk.database.one("SELECT count(*) FROM subject") == (len(PEOPLE),)
    for sealed_id, text in texts.items():
        assert sealer.opened(sealed_id) == text


def test_tokens_and_texts_stay_while_everything_stored_changes(desk: Desk, filled: Any) -> None:
    def stored() -> tuple[set[bytes], set[bytes]]:
        rows = desk.database.execute
        return {row for (row,) in rows("SELECT lookup FROM subject")}, {
            r for (r,) in rows("SELECT content FROM sealed")
        }

    seen = [stored()]
    old = secret_key(desk.keys, "vault", {})
    for number in range(1, 4):
        done = desk.rotate()
        assert (done.resumed, done.n_subjects, done.n_texts) == (False, 10, 7)
        holds(desk, filled)
        now = stored()
        assert all(not now[0] & before[0] and not now[1] & before[1] for before in seen)
        seen.append(now)
        assert desk.database.one("SELECT count(*), sum(retiring) FROM seal_key") == (1, 0)
        assert desk.database.one("SELECT count(*) FROM lookup_key") == (number + 1,)
    assert secret_key(desk.keys, "vault", {}) != old
    assert sorted(path.name for path in desk.keys.iterdir()) == ["vault.key"]
    assert (desk.keys / "vault.key").stat().st_mode & 0o77 == 0


def test_the_old_key_opens_nothing_more(desk: Desk, filled: Any) -> None:
    old = secret_key(desk.keys, "vault", {})
    desk.rotate()
    for kind in (Vault, Sealer):
        with pytest.raises(DefinitionError, match="rotated"):
            kind(desk.database, old)
    # Nor does it where somebody takes the mark away: no stored hash can be made with it, and no text opened.
    desk.database.execute("DELETE FROM vault_mark")
    desk.database.execute("DELETE FROM lookup_key")
    assert [Vault(desk.database, old).known("customer_id", person) for person in PEOPLE] == [None] * 10
    with pytest.raises(DataError):
        Sealer(desk.database, old).opened(next(iter(filled[2])))
    for path in desk.database.path.parent.rglob("*"):
        if path.is_file():
            assert old not in path.read_bytes(), path


def test_erasing_works_before_amid_and_after(desk: Desk) -> None:
    desk.rotate()
    assert desk.vault().erase("customer_id", PEOPLE[0])
    assert desk.vault().known("customer_id", PEOPLE[0]) is None
    assert not desk.vault().erase("customer_id", PEOPLE[0])


def test_who_is_known_by_the_token_alone_can_be_erased_after_rotations(desk: Desk, filled: Any) -> None:
    desk.rotate()
    fresh = desk.vault().token("customer_id", "fresh")
    desk.rotate()
    for person, token in {PEOPLE[1]: filled[1][PEOPLE[1]], "fresh": fresh}.items():
        assert not desk.vault().erase_token("card_id", token)
        assert desk.vault().erase_token("customer_id", token)
        assert desk.vault().known("customer_id", person) is None
    assert desk.database.one("SELECT count(*) FROM subject") == (len(PEOPLE) - 1,)


class Cut(BaseException):
    """The process ends here."""


def points(desk: Desk, monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Cut a rotation before its n-th statement or step on files; returns how many there were so far."""
    n = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            nonlocal n
            n += 1
            if n == at:
                raise Cut
            return real(*arguments, **options)

        return wrapped

    monkeypatch.setattr(desk.database, "execute", counted(desk.database.execute))
    for name in ("write_whole", "_settle_files", "sync_folder"):
        monkeypatch.setattr(key_rotation, name, counted(getattr(key_rotation, name)))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    return lambda: n


def test_a_cut_at_any_step_loses_nothing_and_goes_on(
    filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 4)
    resumed = set()
    for at in range(1, 1_000):
        root = tmp_path / str(at)
        shutil.copytree(filled[0], root)
        desk = Desk(root)
        with pytest.MonkeyPatch.context() as patch:
            seen = points(desk, patch, at)
            try:
                desk.rotate()
            except Cut:
                pass
            else:
                assert seen() < at
                break
        desk.database.close()
        desk = Desk(root)
        holds(desk, filled)
        done = desk.rotate()
        resumed.add(done.resumed)
        holds(desk, filled)
        assert desk.database.one("SELECT count(*) FROM lookup_key WHERE NOT everywhere") == (0,)
        assert desk.database.one("SELECT count(*), sum(retiring) FROM seal_key") == (1, 0)
        assert desk.database.one("SELECT count(*) FROM sqlite_master WHERE name = 'subject_rotating'") == (0,)
        assert sorted(path.name for path in root.joinpath("keys").iterdir() if not path.name.startswith(".")) == [
            "vault.key"
        ]
        desk.database.close()
        shutil.rmtree(root)
    else:
        pytest.fail("the rotation never ended")
    assert resumed == {True, False}
    assert at > 40, "too few steps were cut"


def test_who_writes_meanwhile_finds_everybody_and_doubles_nobody(
    desk: Desk, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was open before follows every rotation, and new people come in between."""
    monkeypatch.setattr(key_rotation, "BATCH", 20)
    stop = threading.Event()
    faults: list[str] = []
    more: dict[str, str] = {}

    def work() -> None:
        own = Desk(desk.database.path.parent)
        vault, sealer = own.vault(), own.sealer()
        number = 0
        while not stop.is_set():
            person = PEOPLE[number % 10]
            if vault.token("customer_id", person) != filled[1][person]:
                faults.append(person)
            name = f"new-{number}"
            more[name] = vault.token("customer_id", name)
            with own.database.transaction():
                sealed = sealer.seal_within(name)
            if sealer.opened(sealed) != name:
                faults.append(name)
            number += 1
        own.database.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(3):
            desk.rotate()
    finally:
        stop.set()
        thread.join()
    assert faults == []
    assert more
    vault = desk.vault()
    for person, token in {**more, **filled[1]}.items():
        assert vault.known("customer_id", person) == token
    assert desk.database.one("SELECT count(*) FROM subject") == (len(more) + len(PEOPLE),)
    desk.rotate()
    assert desk.database.one("SELECT count(DISTINCT layer), max(layer) FROM subject") == (1, 5)


def test_keys_of_the_environment_are_rotated_from_the_old_to_the_new(tmp_path: Path, filled: Any) -> None:
    shutil.copytree(filled[0], tmp_path / "home")
    desk = Desk(tmp_path / "home")
    old = secret_key(desk.keys, "vault", {}).hex()
    new = secrets.token_hex(32)
    with pytest.raises(DefinitionError, match="ASSAY_VAULT_KEY_OLD"):
        desk.rotate({"ASSAY_VAULT_KEY": old})
    holds(desk, filled, {"ASSAY_VAULT_KEY": old})
    with pytest.raises(DefinitionError, match="hex"):
        desk.rotate({"ASSAY_VAULT_KEY": new, "ASSAY_VAULT_KEY_OLD": "zz"})
    environment = {"ASSAY_VAULT_KEY": new, "ASSAY_VAULT_KEY_OLD": old}
    assert desk.rotate(environment).n_subjects == 10
    holds(desk, filled, {"ASSAY_VAULT_KEY": new})
    with pytest.raises(DefinitionError):
        desk.vault({"ASSAY_VAULT_KEY": old})
    with pytest.raises(DefinitionError, match="new key"):
        desk.rotate(environment)
    third = secrets.token_hex(32)
    with pytest.raises(AssayError):
        desk.rotate({"ASSAY_VAULT_KEY": third, "ASSAY_VAULT_KEY_OLD": old})
    assert desk.rotate({"ASSAY_VAULT_KEY": third, "ASSAY_VAULT_KEY_OLD": new}).n_texts == 7
    holds(desk, filled, {"ASSAY_VAULT_KEY": third})
    desk.database.close()


def test_an_empty_home_can_be_rotated(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.rotate().n_subjects == 0
    token = desk.vault().token("card_id", "4000")
    assert desk.rotate().n_subjects == 1
    assert desk.vault().token("card_id", "4000") == token
    desk.database.close()
