"""Where breaches are told: a file of JSON lines, and webhooks with a signature.

A note is delivered at least once and carries its ``note_id``, so that whoever receives it can tell a repetition. What a
sink did not take is offered again by the next run.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import httpx

from domain.bilingual import in_english
from domain.decision import GRADE_ZH, RiskGrade
from domain.errors import DefinitionError, Unavailable
from domain.time import SECOND, format_instant
from monitoring.limits import LEVELS, Level, LimitSettings, WebhookSink
from stores.breaches import Note

SIGNATURE = "X-Assay-Signature"
"""Header of a post: ``sha256=`` and the HMAC of timestamp, a dot, and the body, in hex."""

TIMESTAMP = "X-Assay-Timestamp"
DELIVERY = "X-Assay-Delivery"

_FIRST_WAIT = 0.5


class Sink(Protocol):
    """Takes notes, or says why not."""

    @property
    def name(self) -> str:
        """As it stands in the record of what was delivered."""

    @property
    def least(self) -> Level:
        """The mildest level it is told of."""

    def tell(self, body: Mapping[str, Any]) -> None:
        """Deliver one note.

        Raises
        ------
        Unavailable
            When it was not taken.
        """


@dataclass(frozen=True)
class LinesSink:
    """Adds a line to a file and forces it to the disk."""

    path: Path
    least: Level
    name: str = "file"

    def tell(self, body: Mapping[str, Any]) -> None:
        r"""One line of JSON.

        Examples
        --------
        >>> import tempfile
        >>> sink = LinesSink(Path(tempfile.mkdtemp()) / "told.jsonl", "attention")
        >>> sink.tell({"note_id": 1})
        >>> sink.path.read_text()
        '{"note_id": 1}\n'
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(body, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Unavailable(f"{self.path}: expected a file that takes lines, got {error}") from error


@dataclass(frozen=True)
class Webhook:
    """Posts a note, signed, and tries again where the other side is busy or does not answer.

    Parameters
    ----------
    secret : key of the signature. wait : sleeps so many seconds between attempts. clock : seconds since 1970.
    """

    settings: WebhookSink
    address: str
    secret: bytes
    wait: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """As configured."""
        return self.settings.name

    @property
    def least(self) -> Level:
        """As configured."""
        return self.settings.least

    def tell(self, body: Mapping[str, Any]) -> None:
        """Post it; any 2xx answer is a delivery. A 4xx other than 408 and 429 is not tried again in this run."""
        content = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
        said = ""
        for attempt in range(self.settings.attempts):
            if attempt:
                self.wait(_FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
            stamp = str(int(self.clock()))
            headers = {
                "Content-Type": "application/json",
                DELIVERY: str(body["note_id"]),
                TIMESTAMP: stamp,
                SIGNATURE: "sha256=" + sign(self.secret, stamp, content),
            }
            try:
                answer = httpx.post(
                    self.address, content=content, headers=headers, timeout=self.settings.timeout / SECOND
                )
            except httpx.HTTPError as error:
                said = type(error).__name__
                continue
            if answer.is_success:
                return
            said = f"status {answer.status_code}"
            if answer.is_client_error and answer.status_code not in (408, 429):
                break
        # The address may hold a secret of the other side: the sink is named instead.
        raise Unavailable(f"webhook {self.name}: expected an answer of 2xx, got {said}; offered again by the next run")


def sign(secret: bytes, stamp: str, content: bytes) -> str:
    """The signature of a post, in hex; who receives it computes the same and compares.

    Examples
    --------
    >>> sign(b"key", "1700000000", b"{}")[:16]
    '9d713ed406bb7076'
    """
    return hmac.new(secret, stamp.encode() + b"." + content, hashlib.sha256).hexdigest()


def configured(settings: LimitSettings, root: Path, environment: Mapping[str, str]) -> tuple[Sink, ...]:
    """The sinks that are on.

    Parameters
    ----------
    root : of the home; the file lies below it. environment : holds addresses and secrets of webhooks.

    Raises
    ------
    DefinitionError
        When a webhook has an address but no secret, or the address is not one of HTTP.
    """
    found: list[Sink] = []
    if settings.file is not None:
        found.append(LinesSink(root / settings.file.path, settings.file.least))
    for webhook in settings.webhooks:
        address = environment.get(webhook.address, "")
        secret = environment.get(webhook.secret, "")
        if not address:
            continue
        if not address.startswith(("https://", "http://")):
            raise DefinitionError(f"{webhook.address}: expected an address of http or https for {webhook.name}")
        if not secret:
            raise DefinitionError(f"{webhook.secret}: expected the secret that signs webhook {webhook.name}, got none")
        found.append(Webhook(webhook, address, secret.encode()))
    return tuple(found)


def body_of(note: Note, settings: LimitSettings) -> dict[str, Any]:
    """A note as sinks are told it: who must act, and what to do. It names no person but the one who acknowledged."""
    limit = settings.limits.get(note.limit)
    return {
        "note_id": note.note_id,
        "breach": note.breach,
        "turn": note.turn,
        "level": note.level,
        "level_zh": GRADE_ZH[RiskGrade(note.level)],
        "limit": note.limit,
        "indicator": note.indicator,
        "where": note.place,
        "value": note.value,
        "at": format_instant(note.at),
        "by": note.by,
        "owner": None if limit is None else in_english(limit.owner),
        "action": None if limit is None else {"zh": limit.action.zh, "en": limit.action.en},
    }


def levels_from(least: Level) -> tuple[Level, ...]:
    """A level and the worse ones.

    Examples
    --------
    >>> levels_from("warning")
    ('warning', 'high')
    """
    return LEVELS[LEVELS.index(least) :]
