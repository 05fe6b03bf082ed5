"""Replay: a recorded decision computed again, bit for bit, from the ledger, the journal and the bundle alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from domain.decision import Action, Product
from domain.errors import DataError, expected_got
from domain.events import Event
from scoring.bundle import Bundle, load_bundle
from scoring.canonical import canonical_bytes
from scoring.decide import NO_MODEL, OWN_FLAGS, Degraded, decide
from scoring.lists import Lists
from scoring.policy import Policy
from stores.journal import Journal
from stores.ledger import Entry, Ledger


@dataclass(frozen=True)
class Cited:
    """A recorded decision and everything it was made with.

    Parameters
    ----------
    body : the canonical body. bundle : None where no model was used. row : float64[m], None where no vector was kept.
    """

    entry: Entry
    body: Mapping[str, Any]
    event: Event
    bundle: Bundle | None
    row: NDArray[np.float64] | None
    policy: Policy
    lists: Lists


class Replayer:
    """Replay many decisions; bundles, policies and lists are loaded once.

    Parameters
    ----------
    bundles_dir : installed bundles, one folder per hash.
    """

    def __init__(self, ledger: Ledger, journal: Journal, bundles_dir: Path) -> None:
        self._ledger = ledger
        self._journal = journal
        self._bundles_dir = bundles_dir
        self._bundles: dict[str, Bundle | None] = {NO_MODEL: None}
        self._policies: dict[tuple[str, str], Policy] = {}
        self._lists: dict[str, Lists] = {}

    def replay(self, decision_id: str) -> tuple[bool, bytes, bytes]:
        """Compute one decision again: (same, expected bytes, got bytes).

        Raises
        ------
        DataError
            When the ledger does not know the decision, or the journal holds another event in its place.
        ModelError
            When the bundle, policy or lists it cites are gone or altered.
        """
        return self.again(self.cited(decision_id))

    def cited(self, decision_id: str) -> Cited:
        """A decision and what it was made with; errors as `replay`."""
        entry = self._ledger.get(decision_id)
        if entry is None:
            raise DataError(expected_got("a decision of the ledger", decision_id, "replay"))
        event = self._journal.get(entry.seq)
        if (event.client, event.event_id) != (entry.client, entry.event_id):
            raise DataError(
                expected_got(f"event {entry.event_id} of {entry.client}", event.event_id, f"seq {entry.seq}")
            )
        body = _body(entry)
        versions = body["versions"]
        bundle = self._bundle(versions["model"])
        return Cited(
            entry=entry,
            body=body,
            event=event,
            bundle=bundle,
            row=None if entry.vector is None or bundle is None else np.frombuffer(entry.vector, dtype="<f8"),
            policy=self._policy(versions["policy"], versions["model"], bundle),
            lists=self._list(versions["lists"]),
        )

    def again(self, cited: Cited) -> tuple[bool, bytes, bytes]:
        """The decision once more: (same, expected bytes, got bytes)."""
        entry, body = cited.entry, cited.body
        decided = decide(
            Product(entry.product),
            cited.event,
            cited.row,
            cited.bundle,
            cited.policy,
            cited.lists,
            decision_id=entry.decision_id,
            decided_at=entry.decided_at,
            code=body["versions"]["code"],
            flags=[flag for flag in body["flags"] if flag not in OWN_FLAGS],
            degraded=Degraded.parse(body["degraded"]) if body["degraded"] else None,
            want_reasons=body["action"] == Action.APPROVE and bool(body["reasons"]),
        )
        got = canonical_bytes(decided.decision)
        return got == entry.body, entry.body, got

    def _bundle(self, digest: str) -> Bundle | None:
        if digest not in self._bundles:
            # The process replays and does nothing else: a damaged model may end it.
            self._bundles[digest] = load_bundle(self._bundles_dir / digest, score_golden_in_child=False)
        return self._bundles[digest]

    def _policy(self, digest: str, model: str, bundle: Bundle | None) -> Policy:
        key = (digest, model)
        if key not in self._policies:
            names = None if bundle is None else bundle.encoder.names
            self._policies[key] = Policy.from_content(self._ledger.artifact(digest), names)
        return self._policies[key]

    def _list(self, digest: str) -> Lists:
        if digest not in self._lists:
            self._lists[digest] = Lists.from_content(self._ledger.artifact(digest))
        return self._lists[digest]


def replay(decision_id: str, ledger: Ledger, journal: Journal, bundles_dir: Path) -> tuple[bool, bytes, bytes]:
    """Replay one decision: (same, expected bytes, got bytes); see `Replayer`."""
    return Replayer(ledger, journal, bundles_dir).replay(decision_id)


def _body(entry: Entry) -> Mapping[str, Any]:
    try:
        body: Mapping[str, Any] = msgspec.json.decode(entry.body)
    except msgspec.DecodeError as error:
        raise DataError(expected_got("the canonical body of a decision", error, entry.decision_id)) from error
    return body
