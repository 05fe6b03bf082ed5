"""The heartbeat of the watch: a small file that says when it last ran, for whoever watches the watcher.

A file of its own, so that it can be looked at (a probe, a cron job) without the store, and when the store is down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from domain.errors import DataError
from stores.whole_files import write_whole


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When the watch last ran, µs UTC: ``as_of`` is what it looked at, ``ran_at`` what the clock said."""

    as_of: int
    ran_at: int

    def write(self, path: Path) -> None:
        """Replace the file; a reader sees the old one or the new one.

        Examples
        --------
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "watch.json"
        >>> Heartbeat(5, 6).write(path)
        >>> read_heartbeat(path)
        Heartbeat(as_of=5, ran_at=6)
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps({"as_of": self.as_of, "ran_at": self.ran_at}) + "\n").encode())


def read_heartbeat(path: Path) -> Heartbeat | None:
    """What the file says; None where the watch never ran.

    Raises
    ------
    DataError
        When the file is not one of ours.
    """
    if not path.is_file():
        return None
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Heartbeat(int(said["as_of"]), int(said["ran_at"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: expected a heartbeat (as_of, ran_at), got {error!r}; remove it") from error
