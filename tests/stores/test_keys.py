"""Secret keys: whole or absent, the owner's alone, the environment first."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from domain.errors import DefinitionError
from stores.keys import KEY_BYTES, secret_key


def test_a_key_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = secret_key(folder, "chain", {})
    assert len(key) == KEY_BYTES
    assert len(set(key)) > 8, "random, not constant"
    assert secret_key(folder, "chain", {}) == key
    assert secret_key(folder, "vault", {}) != key


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    secret_key(tmp_path / "keys", "chain", {})
    assert stat.S_IMODE((tmp_path / "keys" / "chain.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    secret_key(tmp_path, "chain", {})
    assert [path.name for path in tmp_path.iterdir()] == ["chain.key"]


def test_the_environment_wins_and_writes_nothing(tmp_path: Path) -> None:
    environment = {"ASSAY_CHAIN_KEY": "ab" * KEY_BYTES}
    assert secret_key(tmp_path / "keys", "chain", environment) == b"\xab" * KEY_BYTES
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("text", ["", "ab", "zz" * KEY_BYTES, "ab" * (KEY_BYTES + 1)])
def test_a_wrong_key_in_the_environment_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(DefinitionError, match="ASSAY_CHAIN_KEY: expected a key of 32 bytes") as told:
        secret_key(tmp_path, "chain", {"ASSAY_CHAIN_KEY": text})
    assert len(text) < 8 or text not in str(told.value)


def test_half_a_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "chain.key").write_bytes(b"half")
    with pytest.raises(DefinitionError, match=r"chain\.key: expected a key of 32 bytes, got 4"):
        secret_key(tmp_path, "chain", {})


def test_a_key_that_cannot_be_read_or_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "chain.key").mkdir()
    (tmp_path / "file").write_text("")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(DefinitionError, match=r"chain\.key: expected a key file"):
            secret_key(folder, "chain", {})


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    keys: list[bytes] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        keys.append(secret_key(tmp_path, "chain", {}))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1
