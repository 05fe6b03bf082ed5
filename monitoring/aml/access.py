"""Who looked at the restricted class: officers named in the settings alone, and every try is a signed line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import InputError, expected_got
from monitoring.aml.settings import AmlSettings
from stores.access_log import access_log
from stores.keys import secret_key
from stores.restricted import RestrictedStore

_LEAST_SAID = 10


@dataclass(frozen=True)
class Office:
    """The restricted store in the hands of one officer, for one purpose.

    Parameters
    ----------
    actor : as he named himself; on a workstation nobody has proved it.
    at : µs UTC, the time of this access.
    """

    store: RestrictedStore
    actor: str
    at: int

    def note(self, kind: str, subject: str, body: Mapping[str, Any]) -> str:
        """Append a record in the officer's name."""
        return self.store.append(kind, subject, body, made_by=self.actor, made_at=self.at)

    def note_within(self, kind: str, subject: str, body: Mapping[str, Any]) -> str:
        """As `note`, inside the caller's transaction."""
        return self.store.append_within(kind, subject, body, made_by=self.actor, made_at=self.at)


def said(text: str, where: str, expected: str = "a reason of at least ten characters") -> str:
    """What an officer gives as his reason, without the space around it.

    Parameters
    ----------
    where : the option it was given by. expected : as the error says it.

    Raises
    ------
    InputError
        When it is shorter than ten characters.

    Examples
    --------
    >>> said(" asked by the court ", "--reason")
    'asked by the court'
    """
    if len(text.strip()) < _LEAST_SAID:
        raise InputError(expected_got(expected, text, where))
    return text.strip()


def enter(
    folder: Path,
    keys: Path,
    settings: AmlSettings,
    environment: Mapping[str, str],
    *,
    actor: str,
    purpose: str,
    at: int,
) -> Office:
    """Open the restricted store for an officer and write down that he came; the caller closes the store.

    Raises
    ------
    InputError
        When the actor is no officer. That, too, is written down.
    """
    lines = access_log(folder, keys, environment)
    granted = actor in settings.officers
    told: dict[str, Any] = {"actor": actor, "verified": False, "purpose": purpose, "at": at, "granted": granted}
    if not granted:
        lines.append(told)
        raise InputError(expected_got("an officer named in configs/aml.yaml (--actor NAME)", actor, "access"))
    store = RestrictedStore(folder, secret_key(keys, "restricted", environment))
    # The head as it was found: a chain cut off later is seen against it.
    lines.append({**told, "n_records": store.head()[0]})
    return Office(store, actor, at)
