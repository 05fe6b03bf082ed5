"""The version of the code that decides, recorded in every decision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

DECIDING = ("domain", "stores", "features", "scoring", "serving")
"""Packages whose code can change a decision."""


def code_version(root: Path, packages: Iterable[str] = DECIDING) -> str:
    """SHA-256 over the sources of the deciding packages below ``root``, names and bytes.

    Examples
    --------
    >>> root = Path(__file__).parents[1]
    >>> len(code_version(root)), code_version(root) == code_version(root)
    (64, True)
    """
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
            digest.update(b"%d %s %d " % (len(name), name, len(content)) + content)
    return digest.hexdigest()
