"""Parity audit: what the service saw, computed again from the journal and compared bit for bit.

1. decisions of the period; each needs a vector and its request in the journal, else it is *missing*
2. the rest (or a sample), by bundle: a snapshot of exactly those requests, encoded as the model reads them
3. logged against computed: equal bits, or both NaN; anything else is a mismatch
4. requests of the period that a client of the service sent and nobody decided on are *extra*
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import DataError, ModelError, expected_got
from features.catalogue import SUBJECTS
from features.conditions import SUBJECT_CONDITIONS
from features.replay import build_snapshot
from monitoring.parity_report import Difference, Extra, FeatureParity, Missing, ParityReport
from scoring.bundle import Bundle
from scoring.decide import NO_MODEL
from stores.journal import Journal
from stores.ledger import Ledger

_FLAGS = {"truncated": "features_truncated", "stale": "features_stale"}
"""Column of a snapshot → what a decision says about its vector."""

BundleOf = Callable[[str], Bundle]
"""Loads the bundle of a hash."""


def audit(
    product: str,
    ledger: Ledger,
    journal: Journal,
    bundle_of: BundleOf,
    *,
    since: int | None = None,
    until: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    clients: Collection[str] = (),
    threads: int = 2,
) -> ParityReport:
    """Compare the logged vectors of decisions with ``since <= decided_at < until`` (µs UTC).

    Parameters
    ----------
    sample : compare at most this many, drawn with ``seed``; missing and extra are always counted in full.
    clients : names of clients that ask for decisions, besides those that the ledger knows.

    Raises
    ------
    ModelError
        When a bundle that decided is gone, or its features cannot be computed any more.
    """
    with journal.database.reading():
        decided = ledger.read(product, since=since, until=until)
        requests = _requests(product, journal)
        missing, kept = _missing(decided, requests)
        kept = _sampled(kept, sample, seed)
        bundles = _bundles(decided.take(pa.array(kept)), bundle_of)
        found = _Found()
        for digest, bundle in bundles.items():
            rows = kept[pc.equal(decided["model"], digest).to_numpy()[kept]]
            _compare(decided.take(pa.array(rows)), bundle, journal, found, threads)
        extra = _extra(product, ledger, requests, since, until, clients)
    return ParityReport(
        product=product,
        n_decisions=decided.num_rows,
        n_compared=len(kept),
        n_matches=len(kept) - found.n_unequal,
        n_values=found.n_values,
        features=tuple(FeatureParity(name, n, found.n_different[name]) for name, n in found.n_compared.items()),
        differences=tuple(found.differences),
        missing=tuple(missing),
        extra=tuple(extra),
    )


@dataclass
class _Found:
    """What the comparison has come to so far."""

    n_unequal: int = 0
    n_values: int = 0
    n_compared: Counter[str] = field(default_factory=Counter)
    n_different: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


def _requests(product: str, journal: Journal) -> pa.Table:
    """seq, client, event_id and known_at of everything in the journal that asks for a decision."""
    kind = SUBJECTS[product]
    names = ["seq", "client", "event_id", "known_at"]
    conditions = SUBJECT_CONDITIONS[kind]
    table = journal.read(kind, columns=[*names, *(condition.column for condition in conditions)])
    mask = np.ones(table.num_rows, dtype=np.bool_)
    for condition in conditions:
        mask &= condition.mask(table)
    return table.select(names).filter(pa.array(mask))


def _missing(decided: pa.Table, requests: pa.Table) -> tuple[list[Missing], NDArray[np.int64]]:
    """Decisions that cannot be compared, and the places of those that can."""
    known = dict(
        zip(
            requests["seq"].to_pylist(),
            zip(requests["client"].to_pylist(), requests["event_id"].to_pylist(), strict=True),
            strict=True,
        )
    )
    missing: list[Missing] = []
    kept: list[int] = []
    columns = ("decision_id", "seq", "client", "event_id", "model", "body")
    rows = zip(*(decided[name].to_pylist() for name in columns), pc.is_null(decided["vector"]).to_pylist(), strict=True)
    for place, (decision_id, seq, client, event_id, model, body, no_vector) in enumerate(rows):
        if known.get(seq) != (client, event_id):
            there = known.get(seq)
            cause = "the journal holds no such request" if there is None else f"the journal holds {there[1]} there"
            missing.append(Missing(decision_id, seq, cause, by_design=False))
        elif no_vector or model == NO_MODEL:
            missing.append(Missing(decision_id, seq, _cause(body), by_design=True))
        else:
            kept.append(place)
    return missing, np.array(kept, dtype=np.int64)


def _cause(body: bytes) -> str:
    """Why a decision has no vector, in the words it recorded."""
    try:
        told = msgspec.json.decode(body)["degraded"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise DataError(expected_got("the canonical body of a decision", error, "ledger")) from error
    return str(told) if told else "no vector was logged, and the decision does not say why"


def _sampled(kept: NDArray[np.int64], sample: int | None, seed: int) -> NDArray[np.int64]:
    if sample is None or sample >= len(kept):
        return kept
    drawn: NDArray[np.int64] = np.sort(np.random.default_rng(seed).choice(kept, sample, replace=False))
    return drawn


def _bundles(decided: pa.Table, bundle_of: BundleOf) -> dict[str, Bundle]:
    """Every bundle that is needed, before anything is computed."""
    counts = Counter(decided["model"].to_pylist())
    bundles = {}
    for digest, n in sorted(counts.items()):
        try:
            bundles[digest] = bundle_of(digest)
        except ModelError as error:
            raise ModelError(
                f"{n:,} decisions were made by bundle {digest[:12]}…, whose features cannot be computed here: {error}; "
                "audit them with the code that made them, or choose another period"
            ) from error
    return bundles


def _compare(decided: pa.Table, bundle: Bundle, journal: Journal, found: _Found, threads: int) -> None:
    names = bundle.encoder.names
    wanted = decided["seq"].combine_chunks()
    snapshot = build_snapshot(
        bundle.feature_set, journal, bundle.platform, upto=pc.max(wanted).as_py(), subjects=wanted, threads=threads
    ).table
    # A snapshot is in the order of seq, decisions in that of the chain.
    snapshot = snapshot.take(pc.index_in(wanted, value_set=snapshot["seq"].combine_chunks()))
    computed = bundle.encoder.matrix(snapshot)
    vectors = decided["vector"].to_pylist()
    well = np.array([len(vector) == 8 * len(names) for vector in vectors], dtype=np.bool_)
    logged = np.full_like(computed, np.nan)
    logged[well] = np.frombuffer(b"".join(v for v, ok in zip(vectors, well, strict=True) if ok), "<f8").reshape(
        -1, len(names)
    )
    different = (logged.view(np.int64) != computed.view(np.int64)) & ~(np.isnan(logged) & np.isnan(computed))
    different[~well] = False
    ids, seqs = decided["decision_id"].to_pylist(), wanted.to_pylist()
    for row in np.flatnonzero(~well).tolist():
        n_found = len(vectors[row]) / 8
        found.differences.append(Difference("vector length", ids[row], seqs[row], n_found, float(len(names))))
    for row, place in np.argwhere(different).tolist():
        at = (ids[row], seqs[row], float(logged[row, place]), float(computed[row, place]))
        found.differences.append(Difference(names[place], *at))
    for place, name in enumerate(names):
        found.n_compared[name] += int(well.sum())
        found.n_different[name] += int(different[:, place].sum())
    told = [set(msgspec.json.decode(body)["flags"]) for body in decided["body"].to_pylist()]
    flagged = ~well
    for column, flag in _FLAGS.items():
        online = np.array([flag in flags for flags in told], dtype=np.bool_)
        offline = snapshot[column].to_numpy()
        found.n_compared[flag] += len(online)
        found.n_different[flag] += int(np.count_nonzero(online != offline))
        for row in np.flatnonzero(online != offline).tolist():
            found.differences.append(Difference(flag, ids[row], seqs[row], float(online[row]), float(offline[row])))
        flagged |= online != offline
    found.n_unequal += int((different.any(axis=1) | flagged).sum())
    found.n_values += int(np.count_nonzero(~np.isnan(logged)))


def _extra(
    product: str, ledger: Ledger, requests: pa.Table, since: int | None, until: int | None, clients: Collection[str]
) -> list[Extra]:
    seqs, known = ledger.decided(product)
    senders = sorted({*known, *clients})
    found = pc.and_(
        pc.is_in(requests["client"], value_set=pa.array(senders, pa.string())),
        pc.invert(pc.is_in(requests["seq"], value_set=pa.array(seqs, pa.int64()))),
    )
    if since is not None:
        found = pc.and_(found, pc.greater_equal(requests["known_at"], since))
    if until is not None:
        found = pc.and_(found, pc.less(requests["known_at"], until))
    rows = requests.filter(found)
    return [
        Extra(seq, client, event_id)
        for seq, client, event_id in zip(
            rows["seq"].to_pylist(), rows["client"].to_pylist(), rows["event_id"].to_pylist(), strict=True
        )
    ]
