"""Promotion: every gate is measured and recorded, and only then does the alias champion move.

challenger --gates, review, approver--> champion (the former one becomes previous)
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import DataError, ModelError, Unavailable
from domain.time import Clock, format_instant, parse_instant
from scoring.bundle import Bundle
from training import fairness, stability
from training.champion import TEST_SCORES
from training.gates.bundle import intact, quick
from training.gates.calibrated import calibrated
from training.gates.data import audited, timely
from training.gates.fair import fair
from training.gates.gate import Gate, Verdict
from training.gates.labels import labelled
from training.gates.later_data import not_worse
from training.gates.monotone import monotone
from training.gates.people import four_eyes, reviewed
from training.gates.settings import GateSettings
from training.gates.stable import stable
from training.review import Review
from training.review_log import HEAD, ReviewLog, subject_of
from training.tracking import CHALLENGER, CHAMPION, PREVIOUS, Tracker, registered_name

ARTIFACT = "gates.json"
"""Artifact of the run: what the newest attempt found; every attempt lies in `promotions`."""

REPLACED = "replaced"
"""Version tag: the champion that this one replaced."""

WITHDRAWN = "rolled_back_at"
"""Version tag: when this one was rolled back; empty again once it is promoted anew."""


@dataclass(frozen=True)
class Promotion:
    """A version that became champion, with what every gate found.

    Parameters
    ----------
    force_reason : why gates that do not hold were overruled; None where none was.
    """

    name: str
    version: int
    former: int | None
    approver: str
    gates: tuple[Gate, ...]
    force_reason: str | None

    def table(self) -> pd.DataFrame:
        """One row a gate."""
        return pd.DataFrame([gate.as_dict() for gate in self.gates]).set_index("name")

    def as_dict(self) -> dict[str, Any]:
        """The promotion as JSON."""
        whole = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**whole, "gates": [gate.as_dict() for gate in self.gates]}


def promote(
    tracker: Tracker,
    name: str,
    *,
    approver: str,
    reviews: ReviewLog,
    limits: GateSettings,
    clock: Clock,
    version: str | int = CHALLENGER,
    force_reason: str | None = None,
) -> Promotion:
    """Make a version the champion, if every gate holds.

    Parameters
    ----------
    approver : a person other than the one who trained; the reviewer may approve.
    force_reason : recorded; overrules a gate that is not firm, such as a worse figure. Nothing overrules a damaged
        bundle, a missing, expired or unfavourable verdict, or a missing second person.

    Raises
    ------
    ModelError
        Naming every gate that does not hold; the champion stays.
    """
    record = tracker.version(name, version)
    if CHAMPION in record.aliases:
        raise ModelError(f"{registered_name(name)}: version {record.version} is the champion already")
    champion = tracker.find(name, CHAMPION)
    at = clock()
    with tempfile.TemporaryDirectory(prefix="assay-promote-") as scratch:
        gates = tuple(_gates(tracker, name, record, champion, approver, reviews, limits, at, Path(scratch)))
    failed = [gate for gate in gates if not gate.holds]
    reason = (force_reason or "").strip()
    blocking = [gate for gate in failed if gate.firm or not reason]
    _record(tracker, name, record, gates, approver.strip(), reason if failed else "", not blocking, at)
    if blocking:
        hint = "" if any(gate.firm for gate in blocking) else "; --force REASON overrules, and is recorded"
        raise ModelError(
            f"{registered_name(name)}: version {record.version} may not become champion: "
            f"{'; '.join(map(str, blocking))}{hint}"
        )
    _move_aliases(tracker, name, record, champion)
    return Promotion(
        name, int(record.version), None if champion is None else int(champion.version), approver.strip(), gates,
        reason if failed else None,
    )  # fmt: skip


def _gates(
    tracker: Tracker,
    name: str,
    record: Any,
    champion: Any | None,
    approver: str,
    reviews: ReviewLog,
    limits: GateSettings,
    now: int,
    scratch: Path,
) -> Iterator[Gate]:
    yield four_eyes(approver, record.tags.get("operator", ""))
    withdrawn = record.tags.get(WITHDRAWN, "")
    review = _review(tracker, name, record, reviews)
    yield reviewed(review, now, not_before=parse_instant(withdrawn) if withdrawn else 0)
    bundle = None
    try:
        folder = tracker.fetch(record.source, scratch / "bundle")
    except Unavailable as error:
        yield Gate("bundle", Verdict.FAILED, True, str(error), "a bundle that can be read", "the registry")
    else:
        gate, bundle = intact(folder, record.tags.get("bundle", ""))
        yield gate
    evidence = _Evidence(tracker, record.source.rsplit("/", 1)[0], scratch)
    by_day = record.tags.get("clustered") == "day"
    scores = evidence.find(TEST_SCORES)
    if scores is None:
        yield from (_missing(gate, TEST_SCORES) for gate in ("not_worse", "calibration"))
    else:
        yield not_worse(record, champion, scores)
        yield calibrated(scores, by_day, limits.calibration)
    yield timely(record.tags)
    moved, groups = evidence.find(stability.ARTIFACT), evidence.find(fairness.ARTIFACT)
    yield _missing("stability", stability.ARTIFACT) if moved is None else stable(moved, limits.stability)
    yield from [_missing("fairness", fairness.ARTIFACT)] if groups is None else fair(groups, limits.fairness)
    yield from _on_model(bundle, limits)
    yield audited(record.tags, limits.intake)
    yield labelled(record.tags, limits.labels)


def _on_model(bundle: Bundle | None, limits: GateSettings) -> Iterator[Gate]:
    if bundle is None:
        yield from (_missing(gate, "an intact bundle") for gate in ("monotonicity", "latency"))
        return
    yield monotone(bundle, limits.monotonicity)
    yield quick(bundle.scorer.raw, bundle.encoder.matrix(bundle.reference().slice(0, 64)), limits.latency)


def _missing(gate: str, what: str) -> Gate:
    said = f"expected {what} of the training run, found none; train again"
    return Gate(gate, Verdict.NOT_ASSESSED, False, said, what, "the training run")


@dataclass(frozen=True)
class _Evidence:
    """What the training run logged for the gates."""

    tracker: Tracker
    run: str
    scratch: Path

    def find(self, name: str) -> Path | None:
        try:
            return self.tracker.fetch(f"{self.run}/{name}", self.scratch / "evidence")
        except Unavailable:
            return None


def _review(tracker: Tracker, name: str, record: Any, reviews: ReviewLog) -> Review | str:
    """What was said of the bundle, or why it cannot be relied on."""
    subject = subject_of(tracker, name, int(record.version))
    try:
        review, head = reviews.of(subject), reviews.head(subject)
    except DataError as error:
        return str(error)
    published = record.tags.get(HEAD, "")
    if published and published not in reviews.signatures(subject):
        return (
            f"expected the entry {published[:12]}… that was published with the version, the log of reviews ends "
            f"at {head[:12] or 'nothing'}…: it was cut off, or the review lies in another home"
        )
    return review


def _record(
    tracker: Tracker,
    name: str,
    record: Any,
    gates: tuple[Gate, ...],
    approver: str,
    force_reason: str,
    promoted: bool,
    now: int,
) -> None:
    """Write what every gate found on the version and beside its bundle, before anything moves."""
    at = format_instant(now)
    said = {f"gate.{gate.name}": f"{gate.verdict.value}: {gate.value} | limit: {gate.limit}" for gate in gates}
    blocking = "; ".join(str(gate) for gate in gates if not gate.holds)
    if promoted:
        said |= {"approver": approver, "promoted_at": at, **({WITHDRAWN: ""} if WITHDRAWN in record.tags else {})}
    else:
        said |= {"refused_at": at, "refused_because": blocking}
    if promoted and force_reason:
        said |= {"force_reason": force_reason, "overruled": blocking}
    tracker.note(name, record.version, said)
    whole = {
        "model": name, "version": int(record.version), "bundle": record.tags.get("bundle", ""), "at": at,
        "promoted": promoted, "approver": approver, "force_reason": force_reason,
        "gates": [gate.as_dict() for gate in gates],
    }  # fmt: skip
    text = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
    with tempfile.TemporaryDirectory(prefix="assay-gates-") as scratch:
        newest, attempt = Path(scratch) / ARTIFACT, Path(scratch) / f"{now}.json"
        for path, folder in ((newest, None), (attempt, "promotions")):
            path.write_text(text, encoding="utf-8")
            tracker.keep(record.run_id, path, folder)


def _move_aliases(tracker: Tracker, name: str, record: Any, champion: Any | None) -> None:
    full = registered_name(name)
    if champion is not None:
        tracker.note(name, record.version, {REPLACED: str(champion.version)})
    # Champion first: between two calls there is always one to deploy.
    tracker.client.set_registered_model_alias(full, CHAMPION, record.version)
    if champion is not None:
        tracker.client.set_registered_model_alias(full, PREVIOUS, champion.version)
    if CHALLENGER in record.aliases:
        tracker.client.delete_registered_model_alias(full, CHALLENGER)
