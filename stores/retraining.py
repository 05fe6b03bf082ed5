"""Requests to train a model again: signed lines, each with its evidence, and what became of it.

asked      which model, by whom, why, and the evidence as it was then
trained    the challenger that came of it; its promotion is another matter and another person's
closed     turned down, with a reason
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.errors import DataError, InputError, expected_got
from domain.time import Clock, format_instant
from stores.home import Home
from stores.keys import secret_key
from stores.signed_lines import SignedLines

KEY = "retraining"
OPEN, TRAINED, CLOSED = "open", "trained", "closed"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it stands.

    Parameters
    ----------
    id : of ten hexadecimal digits. model : name of the training config. evidence : as it was when it was asked.
    state : open, trained or closed. outcome : the challenger, or why it was closed.
    """

    id: str
    model: str
    by: str
    why: str
    at: str
    evidence: Mapping[str, Any]
    state: str = OPEN
    outcome: Mapping[str, Any] | None = None


class Retraining:
    """Append to and read the requests of a home.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> requests = Retraining(SignedLines(Path(tempfile.mkdtemp()) / "retraining.jsonl", bytes(32)), lambda: 0)
    >>> asked = requests.ask("fraud", "lin", "the score drifts", {"psi": 0.3})
    >>> requests.settle(asked.id, TRAINED, {"version": 2}).state, [each.state for each in requests.all()]
    ('trained', ['trained'])
    """

    def __init__(self, lines: SignedLines, clock: Clock) -> None:
        self._lines = lines
        self._clock = clock

    @classmethod
    def open(cls, home: Home, environment: Mapping[str, str], clock: Clock) -> Retraining:
        """The requests of a home, under the key ``ASSAY_RETRAINING_KEY`` or ``keys/retraining.key``.

        Raises
        ------
        DataError
            When there is no such home, or there are requests but their key is gone: a fresh one would condemn them all.
        """
        home.expect("requests to train again (retraining.jsonl)")
        path = home.keys / f"{KEY}.key"
        if home.retraining.is_file() and not path.is_file() and f"ASSAY_{KEY.upper()}_KEY" not in environment:
            raise DataError(f"{path}: expected the key that signed the requests, found none; restore it from a backup")
        return cls(SignedLines(home.retraining, secret_key(home.keys, KEY, environment)), clock)

    def ask(self, model: str, by: str, why: str, evidence: Mapping[str, Any]) -> Request:
        """Write a request down.

        Raises
        ------
        InputError
            When nobody asks or no reason is given, or the model has an open request already.
        """
        if not by.strip() or not why.strip():
            raise InputError(expected_got("who asks, and why", f"by {by!r}, why {why!r}", "retraining request"))
        waiting = [each for each in self.all() if each.model == model and each.state == OPEN]
        if waiting:
            raise InputError(
                f"retraining request: expected none open for {model}, got {waiting[0].id}; train or close it first"
            )
        said = {
            "said": "asked", "model": model, "by": by.strip(), "why": why.strip(),
            "at": format_instant(self._clock()), "evidence": dict(evidence),
        }  # fmt: skip
        number = len(self._lines.read())
        identity = hashlib.sha256(json.dumps([number, said], sort_keys=True).encode()).hexdigest()[:10]
        self._lines.append({**said, "id": identity})
        return self.find(identity)

    def settle(self, identity: str, state: str, outcome: Mapping[str, Any]) -> Request:
        """Write down what became of an open request.

        Raises
        ------
        DataError
            When it is not open.
        """
        found = self.find(identity)
        if found.state != OPEN:
            raise DataError(expected_got("an open request", f"{found.id}, {found.state}", "retraining request"))
        self._lines.append(
            {"said": state, "id": found.id, "outcome": dict(outcome), "at": format_instant(self._clock())}
        )
        return self.find(found.id)

    def all(self) -> list[Request]:
        """Every request as it stands, the oldest first.

        Raises
        ------
        DataError
            When a line does not verify.
        """
        found: dict[str, Request] = {}
        for line in self._lines.read():
            body = line.body
            if body["said"] == "asked":
                found[body["id"]] = Request(
                    body["id"], body["model"], body["by"], body["why"], body["at"], body["evidence"]
                )
            else:
                found[body["id"]] = replace(found[body["id"]], state=body["said"], outcome=body["outcome"])
        return list(found.values())

    def find(self, identity: str) -> Request:
        """The request of an id, or of how it begins.

        Raises
        ------
        DataError
            When none, or several, begin like this.
        """
        found = [each for each in self.all() if each.id.startswith(identity.strip() or "?")]
        if len(found) != 1:
            raise DataError(expected_got("the id of one request", f"{identity} ({len(found)} found)", "retraining"))
        return found[0]
