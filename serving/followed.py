"""A file that somebody may replace while the service runs: read again when it is another, kept when it is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from domain.errors import AssayError

T = TypeVar("T")

_Signature = tuple[int, ...]


class Followed(Generic[T]):
    """What a file says.

    Parameters
    ----------
    read : gives what it says now. refused : told why a new content is not taken; the last good one stays.
    value : what it says, by the last good look; until the first look what it begins with.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "n"
    >>> followed = Followed(path, lambda: len(path.read_text()), 0, refused=print)
    >>> _ = path.write_text("four"), followed.look()
    >>> followed.value
    4
    """

    def __init__(self, path: Path, read: Callable[[], T], first: T, *, refused: Callable[[str], object]) -> None:
        self.value = first
        self._path = path
        self._read = read
        self._refused = refused
        self._seen: _Signature | None = None

    @classmethod
    def begun(cls, path: Path, read: Callable[[], T], *, refused: Callable[[str], object]) -> Followed[T]:
        """Read once, and raise what is wrong."""
        seen = _signature(path)
        made = cls(path, read, read(), refused=refused)
        made._seen = seen
        return made

    def look(self) -> None:
        """Read it again if it is another file, or another content, than at the last look."""
        found = _signature(self._path)
        if found == self._seen:
            return
        try:
            self.value = self._read()
        except AssayError as error:
            self._refused(str(error))
        self._seen = found


def _signature(path: Path) -> _Signature:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
