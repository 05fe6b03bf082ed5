"""Signed lines: a small append-only file of JSON whose every line answers for itself and for all before it.

    mac(n) = HMAC-SHA256(key, mac(n - 1) || the bytes of body n)

An edit, a swap or a deletion inside the file breaks a line. What is cut off its end is only seen against a head
that was written down elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import DataError

_GENESIS = "assay signed lines 1"


@dataclass(frozen=True, slots=True)
class SignedLine:
    """One line: what it says and the signature over it and its past."""

    body: Mapping[str, Any]
    mac: str


class SignedLines:
    """Append to and read one file.

    Parameters
    ----------
    path : made with the first line.
    key : 32 bytes kept outside the file.

    Examples
    --------
    >>> import tempfile
    >>> lines = SignedLines(Path(tempfile.mkdtemp()) / "said.jsonl", bytes(32))
    >>> head = lines.append({"said": "yes"})
    >>> [line.body["said"] for line in lines.read()], lines.read()[-1].mac == head
    (['yes'], True)
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def append(self, body: Mapping[str, Any]) -> str:
        """Write one line and force it to the disk; returns its signature.

        Raises
        ------
        DataError
            When what is there does not verify: nothing is written on top of a broken past.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            content = file.read()
            whole = self._whole(content)
            lines = self._verified(whole)
            file.truncate(min(len(whole), len(content)))
            file.write(whole[len(content) :])
            text = json.dumps(dict(body), ensure_ascii=False, sort_keys=True, allow_nan=False)
            mac = self._mac(lines[-1].mac if lines else _GENESIS, text)
            file.write((json.dumps({"body": text, "mac": mac}, ensure_ascii=False) + "\n").encode())
            file.flush()
            os.fsync(file.fileno())
        return mac

    def read(self) -> list[SignedLine]:
        """All lines, oldest first; none where there is no file.

        Raises
        ------
        DataError
            Naming the first line whose signature does not verify.
        """
        return self._verified(self._whole(self.path.read_bytes())) if self.path.is_file() else []

    def _whole(self, content: bytes) -> bytes:
        """The content up to where a line ends: half a line that a crash left behind was never acknowledged."""
        end = content.rfind(b"\n") + 1
        if end == len(content):
            return content
        try:
            self._verified(content)
        except DataError:
            return content[:end]
        return content + b"\n"  # all of it was written but its end

    def _verified(self, content: bytes) -> list[SignedLine]:
        lines: list[SignedLine] = []
        before = _GENESIS
        for number, raw in enumerate(content.splitlines(), start=1):
            try:
                line = json.loads(raw)
                text, mac = str(line["body"]), str(line["mac"])
                genuine = hmac.compare_digest(self._mac(before, text), mac)
                body = json.loads(text) if genuine else {}
            except (ValueError, KeyError, TypeError):
                genuine = False
            if not genuine:
                raise DataError(
                    f"{self.path}: line {number}: expected a signature that verifies, got another: it was altered, "
                    "moved, or signed with another key; restore the file, or its key, from a backup"
                )
            lines.append(SignedLine(body, mac))
            before = mac
        return lines

    def _mac(self, before: str, text: str) -> str:
        return hmac.new(self._key, f"{before}\n{text}".encode(), hashlib.sha256).hexdigest()
