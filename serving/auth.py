"""API keys: who may ask for what. Keys are shown once and kept as SHA-256 only.

home/keys/clients.json    {"checkout": {"sha256": "…", "roles": ["payments-scorer"]}}
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypedDict

from domain.errors import DataError, InputError, expected_got
from stores.home import Home
from stores.whole_files import only_writer, write_whole

CLIENT_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
API_KEY_PREFIX = "assay_"


class Role(StrEnum):
    """What a client may do; a route names the roles that may use it."""

    PAYMENTS_SCORER = "payments-scorer"
    LOANS_SCORER = "loans-scorer"
    OUTCOME_WRITER = "outcome-writer"
    ANALYST = "analyst"
    REVIEWER = "reviewer"
    METRICS = "metrics"
    ADMIN = "admin"


class _Entry(TypedDict):
    sha256: str
    roles: list[str]


@dataclass(frozen=True, slots=True)
class Client:
    """A caller that has shown its key."""

    name: str
    roles: frozenset[Role]


class Clients:
    """The clients of one moment, looked up by the hash of the key.

    Examples
    --------
    >>> digest = hashlib.sha256(b"assay_secret").hexdigest()
    >>> clients = Clients({digest: Client("checkout", frozenset({Role.ANALYST}))})
    >>> clients.find("assay_secret").name, clients.find("assay_guess")
    ('checkout', None)
    """

    def __init__(self, by_digest: Mapping[str, Client]) -> None:
        self._by_digest = dict(by_digest)

    def find(self, key: str) -> Client | None:
        """The client of a key, None when it is nobody's."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        # Every stored hash is compared in constant time, so that the time tells nothing about any of them.
        for stored, client in self._by_digest.items():
            if hmac.compare_digest(stored, digest):
                found = client
        return found


def key_file(home: Home) -> Path:
    """Where the hashes lie."""
    return home.keys / "clients.json"


def read_clients(home: Home) -> Clients:
    """All clients of a home; none when no key was ever added.

    Raises
    ------
    DataError
        When the file is damaged.
    """
    try:
        entries = _read(key_file(home)).items()
        return Clients({entry["sha256"]: Client(name, _roles(entry["roles"])) for name, entry in entries})
    except InputError as error:
        raise DataError(f"{key_file(home)}: {error}") from error


def add_key(home: Home, client: str, roles: Iterable[str]) -> str:
    """Make a key for a client, replacing the one it had; the only time the key can be read.

    Raises
    ------
    InputError
        When the name or a role is wrong.

    Examples
    --------
    >>> import tempfile
    >>> home = Home(Path(tempfile.mkdtemp()))
    >>> key = add_key(home, "checkout", ["payments-scorer"])
    >>> list_keys(home)
    {'checkout': ['payments-scorer']}
    >>> read_clients(home).find(key).name, revoke_key(home, "checkout"), list_keys(home)
    ('checkout', True, {})
    """
    if not CLIENT_NAME.fullmatch(client):
        raise InputError(expected_got("a client name of lower-case letters, digits, - _ and .", client, "client"))
    chosen = sorted(_roles(roles))
    if not chosen:
        raise InputError(expected_got(f"one or more roles of {', '.join(Role)}", list(roles), "roles"))
    key = API_KEY_PREFIX + secrets.token_urlsafe(32)
    with _changing(key_file(home)) as entries:
        entries[client] = {"sha256": hashlib.sha256(key.encode()).hexdigest(), "roles": [role.value for role in chosen]}
    return key


def list_keys(home: Home) -> dict[str, list[str]]:
    """Client → roles."""
    return {name: list(entry["roles"]) for name, entry in sorted(_read(key_file(home)).items())}


def revoke_key(home: Home, client: str) -> bool:
    """Take a client's key away; False when it had none."""
    with _changing(key_file(home)) as entries:
        return entries.pop(client, None) is not None


def presented_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key of a request: ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``.

    Examples
    --------
    >>> presented_key({b"authorization": b"Bearer assay_k"}), presented_key({}), presented_key({b"x-api-key": b"k"})
    ('assay_k', None, 'k')
    """
    bearer = headers.get(b"authorization")
    if bearer is not None:
        scheme, _, key = bearer.partition(b" ")
        return key.strip().decode("latin-1") if scheme.lower() == b"bearer" else None
    plain = headers.get(b"x-api-key")
    return None if plain is None else plain.strip().decode("latin-1")


def _roles(names: Iterable[str]) -> frozenset[Role]:
    try:
        return frozenset(Role(name) for name in names)
    except ValueError:
        raise InputError(expected_got(f"roles out of {', '.join(Role)}", list(names), "roles")) from None


def _read(path: Path) -> dict[str, _Entry]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected the JSON of the API keys, got {error}") from error
    well = isinstance(content, dict) and all(
        isinstance(entry, dict) and isinstance(entry.get("sha256"), str) and isinstance(entry.get("roles"), list)
        for entry in content.values()
    )
    if not well:
        raise DataError(f"{path}: expected client → sha256 and roles, got another shape")
    return dict(content)


@contextmanager
def _changing(path: Path) -> Iterator[dict[str, _Entry]]:
    """The entries, written back where the block has changed them; nobody else changes them meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with only_writer(path, wait=True):
        entries = _read(path)
        yield (changed := dict(entries))
        if changed != entries:
            write_whole(path, json.dumps(changed, indent=2, sort_keys=True).encode(), 0o600)
