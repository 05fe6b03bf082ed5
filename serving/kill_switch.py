"""The kill switch: while its file lies beside the pointers, rules decide alone."""

from __future__ import annotations

from stores.home import Home
from stores.whole_files import sync_folder

KILL_FILE = "kill"
"""Its name."""


def killed(home: Home) -> bool:
    """Whether the kill switch is set."""
    return (home.pointers / KILL_FILE).exists()


def turn_kill_switch(home: Home, *, on: bool) -> None:
    """Set or lift the kill switch, durably; doing it again is harmless."""
    path = home.pointers / KILL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    if on:
        path.touch()
    else:
        path.unlink(missing_ok=True)
    sync_folder(path.parent)
