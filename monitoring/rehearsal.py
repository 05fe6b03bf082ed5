"""A rehearsal: what the deployed model and policy would have answered to traffic that the journal holds already.

It writes decisions to the ledger as if they had been made when each request arrived. For simulated homes, for
demonstrations and for tests of what looks back; a home that serves has decisions of its own.

1. journal         -> requests that became known in the period and were not decided on
2. features        -> the replay's rows of these requests: what the service would have read
3. decide          -> the same function as the service and the replay of a decision
4. ledger          -> chained, a thousand a transaction
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domain.decision import Product
from domain.errors import InputError
from domain.events import Event
from domain.settings import PlatformSettings
from features.replay import Progress, build_snapshot
from scoring.bundle import Bundle
from scoring.decide import decide
from scoring.lists import Lists
from scoring.policy import Policy
from scoring.record import entry_of
from stores.journal import Journal
from stores.ledger import Entry, Ledger

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How many requests were decided on, by action, and how many could not be."""

    actions: Mapping[str, int]
    n_refused: int

    @property
    def n(self) -> int:
        """Decisions written."""
        return sum(self.actions.values())


def rehearse(
    product: Product,
    bundle: Bundle,
    policy: Policy,
    lists: Lists,
    journal: Journal,
    ledger: Ledger,
    platform: PlatformSettings,
    *,
    client: str,
    since: int,
    until: int,
    code: str = "rehearsal",
    progress: Progress | None = None,
    ticks: Callable[[], int] = time.perf_counter_ns,
) -> Rehearsed:
    """Decide on every request of a product with ``since <= known_at < until`` that has no decision yet.

    ``decided_at`` is the time at which the request became known, and a decision's id follows from its place in the
    journal, so that a rehearsal can be told from what a service answered, and run again without doing anything twice.

    Parameters
    ----------
    client : whose requests; those of a service's clients have decisions of their own, or were never asked about.
    since, until : µs UTC. policy : compiled for the features of the bundle. code : recorded as the version of the code.

    Raises
    ------
    DataError
        When the bundle's features do not fit the journal's events.
    """
    wanted = _undecided(product, bundle, journal, ledger, client, since, until)
    told = progress or (lambda done, total, what: None)
    actions: Counter[str] = Counter()
    n_refused = 0
    if not len(wanted):
        return Rehearsed(actions, 0)
    snapshot = build_snapshot(bundle.feature_set, journal, platform, subjects=pa.array(wanted), progress=progress)
    X = bundle.encoder.matrix(snapshot.table)
    places = {seq: place for place, seq in enumerate(snapshot.table["seq"].to_pylist())}
    with ledger.database.transaction():
        ledger.put_artifact_within("policy", policy.content)
        ledger.put_artifact_within("lists", lists.content)
    entries: list[Entry] = []
    for event in journal.events(after=int(wanted[0]) - 1, upto=int(wanted[-1])):
        place = places.get(event.seq)
        if place is None:
            continue
        try:
            entries.append(_entry(product, event, X[place], bundle, policy, lists, code, ticks))
        except InputError:
            n_refused += 1
            continue
        actions[entries[-1].action] += 1
        if len(entries) == _BATCH:
            _write(ledger, entries)
            told(actions.total(), len(wanted), f"{product.value} decisions")
    _write(ledger, entries)
    return Rehearsed(actions, n_refused)


def _undecided(
    product: Product, bundle: Bundle, journal: Journal, ledger: Ledger, client: str, since: int, until: int
) -> np.ndarray:
    """``seq`` of the requests to decide on, int64[n], rising."""
    kind = bundle.feature_set.subject_kind
    columns = ["seq", "client", "known_at", *(["stage"] if kind == "transaction" else [])]
    table = journal.read(kind, columns=columns)
    keep = pc.and_(pc.greater_equal(table["known_at"], since), pc.less(table["known_at"], until))
    keep = pc.and_(keep, pc.equal(pc.cast(table["client"], pa.string()), client))
    if "stage" in columns:
        stage = pc.cast(table["stage"], pa.string())
        keep = pc.and_(keep, pc.or_kleene(pc.is_null(stage), pc.equal(stage, "authorisation")))
    seqs = np.sort(table.filter(keep)["seq"].to_numpy())
    decided, _ = ledger.decided(product.value)
    return np.setdiff1d(seqs, np.array(decided, dtype=np.int64), assume_unique=True)


def _entry(
    product: Product,
    event: Event,
    row: np.ndarray,
    bundle: Bundle,
    policy: Policy,
    lists: Lists,
    code: str,
    ticks: Callable[[], int],
) -> Entry:
    ends: dict[str, int] = {}
    began = ticks()

    def mark(stage: str) -> None:
        ends[stage] = ticks()

    decision_id = hashlib.sha256(f"rehearsal {product.value} {event.seq}".encode()).hexdigest()[:32]
    made = decide(
        product, event, row, bundle, policy, lists, decision_id=decision_id, decided_at=event.known_at, code=code,
        mark=mark,
    )  # fmt: skip
    return entry_of(made, event, product, row, _micros(began, ends))


def _micros(began: int, ends: Mapping[str, int]) -> dict[str, int]:
    times, before = {}, began
    for stage, end in ends.items():
        times[stage] = (end - before) // 1000
        before = end
    return {**times, "total": (before - began) // 1000}


def _write(ledger: Ledger, entries: list[Entry]) -> None:
    if entries:
        with ledger.database.transaction():
            ledger.append_within(entries)
        entries.clear()
