"""Keys are shown once, kept as hashes, and a damaged file is told."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataError, InputError
from serving.auth import Clients, Role, add_key, key_file, list_keys, presented_key, read_clients, revoke_key
from stores.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_only_the_hash_is_kept_and_only_the_owner_reads_it(home: Home) -> None:
    key = add_key(home, "checkout", ["payments-scorer", "outcome-writer"])
    content = key_file(home).read_text()
    assert key not in content
    assert len(json.loads(content)["checkout"]["sha256"]) == 64
    assert key_file(home).stat().st_mode & 0o077 == 0
    found = read_clients(home).find(key)
    assert found is not None
    assert (found.name, found.roles) == ("checkout", {Role.PAYMENTS_SCORER, Role.OUTCOME_WRITER})
    assert list_keys(home) == {"checkout": ["outcome-writer", "payments-scorer"]}


def test_a_new_key_replaces_the_old_one_and_a_revoked_one_is_gone(home: Home) -> None:
    old, new = add_key(home, "a", ["admin"]), add_key(home, "a", ["analyst"])
    other = add_key(home, "b", ["admin"])
    clients = read_clients(home)
    assert clients.find(old) is None
    assert clients.find(new) is not None
    assert revoke_key(home, "a")
    assert not revoke_key(home, "a")
    clients = read_clients(home)
    assert clients.find(new) is None
    assert clients.find(other) is not None


def test_keys_added_and_revoked_at_once_are_all_kept(home: Home) -> None:
    for number in range(8):
        add_key(home, f"gone-{number}", ["admin"])

    def change(number: int) -> tuple[str, str]:
        assert revoke_key(home, f"gone-{number}")
        return f"c-{number}", add_key(home, f"c-{number}", ["analyst"])

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(change, range(8)))
    assert list_keys(home) == {name: ["analyst"] for name, _ in made}
    clients = read_clients(home)
    assert all(clients.find(key) is not None for _, key in made)


@pytest.mark.parametrize(
    ("client", "roles"), [("", ["admin"]), ("A b", ["admin"]), ("a", ["god"]), ("a", []), ("../a", ["admin"])]
)
def test_wrong_names_and_roles_are_refused(home: Home, client: str, roles: list[str]) -> None:
    with pytest.raises(InputError, match="expected"):
        add_key(home, client, roles)
    assert not key_file(home).exists()


@pytest.mark.parametrize(
    "content", ["", "[]", '{"a": 1}', '{"a": {"sha256": 1, "roles": []}}', '{"a": {"sha256": "x", "roles": ["god"]}}']
)
def test_a_damaged_file_lets_nobody_in(home: Home, content: str) -> None:
    key_file(home).parent.mkdir(parents=True)
    key_file(home).write_text(content)
    with pytest.raises(DataError, match=r"clients\.json"):
        read_clients(home)


@given(st.binary(max_size=60))
def test_no_header_breaks_the_look_up(value: bytes) -> None:
    for name in (b"authorization", b"x-api-key"):
        key = presented_key({name: value})
        assert key is None or Clients({}).find(key) is None
