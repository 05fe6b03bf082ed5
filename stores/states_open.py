"""Open the store of states that an address names."""

from __future__ import annotations

from domain.errors import InputError, expected_got
from stores.home import Home
from stores.states import StateStore
from stores.states_sqlite import SqliteStates
from stores.states_valkey import ValkeyStates

SCHEMES = ("redis://", "rediss://", "valkey://", "valkeys://", "unix://")


def open_states(home: Home, address: str | None = None) -> StateStore:
    """The home's own file where no address is given, else a server.

    Raises
    ------
    InputError
        When the address is none of a server.
    Unavailable
        When the store does not answer.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> open_states(Home(Path(tempfile.mkdtemp()))).namespaces()
    {}
    """
    if address is None:
        return SqliteStates(home.states)
    if not address.startswith(SCHEMES):
        raise InputError(expected_got("an address such as redis://127.0.0.1:6379/0", address, "store of states"))
    return ValkeyStates(address)
