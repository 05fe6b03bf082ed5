"""Files for their owner's eyes alone, whatever the umask and whatever lay there before."""

from __future__ import annotations

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody but its owner can read, in UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "case.json"
    >>> write_private(path, "{}")
    >>> path.read_text(), oct(path.stat().st_mode & 0o777)
    ('{}', '0o600')
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
