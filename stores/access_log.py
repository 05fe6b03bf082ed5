"""Signed lines of every access to the restricted class, beside its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from stores.keys import secret_key
from stores.signed_lines import SignedLine, SignedLines

NAME: Final = "access.jsonl"


def access_log(folder: Path, keys: Path, environment: Mapping[str, str]) -> SignedLines:
    """The lines of a restricted folder, under the key ``ASSAY_ACCESS_KEY`` or ``keys/access.key``."""
    return SignedLines(folder / NAME, secret_key(keys, "access", environment))


def most_records(lines: Iterable[SignedLine]) -> int:
    """How many records an access ever found.

    Examples
    --------
    >>> most_records([SignedLine({"n_records": 3}, ""), SignedLine({"granted": False}, "")])
    3
    """
    return max((int(line.body.get("n_records", 0)) for line in lines), default=0)
