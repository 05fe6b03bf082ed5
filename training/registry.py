"""The registry: which versions there are, what was said of them, and what serves.

champion --deploy--> home, pointer
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import DataError, ModelError
from domain.time import Clock, format_instant
from scoring.bundle import load_bundle
from stores.bundles import install, point, verify_files
from stores.home import Home
from training.gates.people import reviewed
from training.review import Subject
from training.review_log import ReviewLog
from training.tracking import CHALLENGER, CHAMPION, Tracker, registered_name

CANARY = "canary"


@dataclass(frozen=True)
class ModelVersion:
    """One registered version.

    Parameters
    ----------
    gates : how the newest attempt at promotion came out. review : the verdict and whether it still counts.
    """

    name: str
    version: int
    aliases: tuple[str, ...]
    bundle: str
    metric: str
    value: float
    low: float
    high: float
    operator: str
    approver: str
    created_at: str
    run_id: str
    warning: str
    gates: str = ""
    intake: str = "not assessed"
    rolled_back_at: str = ""
    review: str = ""
    review_expires_at: str = ""

    @classmethod
    def of(cls, name: str, record: Any) -> ModelVersion:
        """From MLflow's record."""
        tags = record.tags
        return cls(
            name=name,
            version=int(record.version),
            aliases=tuple(sorted(record.aliases)),
            bundle=tags.get("bundle", ""),
            metric=tags.get("metric", ""),
            value=float(tags.get("value", "nan")),
            low=float(tags.get("low", "nan")),
            high=float(tags.get("high", "nan")),
            operator=tags.get("operator", ""),
            approver=tags.get("approver", ""),
            created_at=format_instant(int(record.creation_timestamp) * 1_000),
            run_id=str(record.run_id),
            warning=tags.get("warning", ""),
            gates=_gates_in_short(tags),
            intake=tags.get("intake", "not assessed"),
            rolled_back_at=tags.get("rolled_back_at", ""),
        )


@dataclass(frozen=True)
class Models:
    """Versions of one model, newest first."""

    versions: tuple[ModelVersion, ...]

    def table(self) -> pd.DataFrame:
        """One row a version."""
        names = list(ModelVersion.__dataclass_fields__)
        return pd.DataFrame([asdict(version) for version in self.versions], columns=names).set_index("version")


@dataclass(frozen=True)
class Deployed:
    """A bundle that the service of a home will load next."""

    name: str
    version: int
    product: str
    bundle: str
    folder: Path
    bento_tag: str | None
    role: str = CHAMPION


def models(tracker: Tracker, name: str, reviews: ReviewLog | None = None) -> Models:
    """All versions of a model.

    Parameters
    ----------
    reviews : to say what the verdict on each is; without them that is left out.
    """
    return Models(tuple(_with_verdict(ModelVersion.of(name, each), reviews) for each in tracker.versions(name)))


def _with_verdict(version: ModelVersion, reviews: ReviewLog | None) -> ModelVersion:
    if reviews is None or not version.bundle:
        return version
    subject = Subject(version.name, version.version, version.bundle, version.operator)
    try:
        review = reviews.of(subject)
    except DataError:
        return replace(version, review="does not verify")
    expires = "" if review.verdict is None else review.verdict.expires_at
    return replace(version, review=review.standing(reviews.now()), review_expires_at=expires)


def deploy(
    tracker: Tracker,
    name: str,
    home: Home,
    *,
    clock: Clock,
    bento: bool = False,
    role: str = CHAMPION,
    version: str | int | None = None,
    reviews: ReviewLog | None = None,
) -> Deployed:
    """Copy a bundle to a home, verify it there, and only then point serving at it.

    Parameters
    ----------
    bento : also put the bundle into BentoML's model store, for ``bentoml build``.
    role : ``champion`` decides; ``canary`` decides on a share of customers; ``shadow`` only scores.
    version : number or alias; the champion's, or the challenger's for the other roles. Only the champion may decide on
        everybody.
    reviews : must hold a valid approval of what a canary is to decide with.

    Raises
    ------
    ModelError
        When there is no such version, its bundle is not the one that was registered or does not verify, or a canary
        has no approval; what served before goes on serving.
    """
    record = tracker.version(name, version or (CHAMPION if role == CHAMPION else CHALLENGER))
    if role == CHAMPION and CHAMPION not in record.aliases:
        raise ModelError(
            f"{registered_name(name)}: expected the champion to decide on everybody, got version {record.version}; "
            "promote it, or deploy it --as shadow or canary"
        )
    if role == CANARY:
        _refuse_unreviewed(name, record, reviews)
    registered = record.tags.get("bundle", "none")
    with tempfile.TemporaryDirectory(prefix="assay-deploy-") as scratch:
        fetched = tracker.fetch(record.source, Path(scratch))
        found = verify_files(fetched).hash
        if found != registered:
            raise ModelError(
                f"{registered_name(name)}: expected the bundle {registered[:12]}… that was registered as version "
                f"{record.version}, got {found[:12]}…; train and register it again"
            )
        folder = install(fetched, home.bundles)
    bundle = load_bundle(folder)
    pointer = bundle.product.value if role == CHAMPION else f"{bundle.product.value}.{role}"
    point(home.pointers, pointer, bundle.hash, clock())
    tag = _import_into_bento(name, bundle.hash, folder, record) if bento else None
    return Deployed(name, int(record.version), bundle.product.value, bundle.hash, folder, tag, role)


def _refuse_unreviewed(name: str, record: Any, reviews: ReviewLog | None) -> None:
    """A canary decides on people: its bundle needs the verdict that a promotion needs."""
    subject = Subject(name, int(record.version), record.tags.get("bundle", ""), record.tags.get("operator", ""))
    if CHAMPION in record.aliases:
        return
    gate = reviewed("expected a review, got none" if reviews is None else reviews.of(subject), _now(reviews))
    if not gate.passed:
        raise ModelError(f"{registered_name(name)}: version {record.version} may not decide as a canary: {gate}")


def _now(reviews: ReviewLog | None) -> int:
    return 0 if reviews is None else reviews.now()


def _gates_in_short(tags: Mapping[str, str]) -> str:
    """How many gates passed, and the names of those that did not.

    Examples
    --------
    >>> _gates_in_short({"gate.latency": "passed: 60 µs", "gate.intake": "not assessed: none", "other": "x"})
    '1 of 2 passed; not assessed: intake'
    """
    found = {name.removeprefix("gate."): said for name, said in tags.items() if name.startswith("gate.")}
    if not found:
        return ""
    parts = [f"{sum(said.startswith('passed') for said in found.values())} of {len(found)} passed"]
    for verdict in ("failed", "not assessed"):
        names = sorted(name for name, said in found.items() if said.startswith(verdict))
        parts += [f"{verdict}: {', '.join(names)}"] if names else []
    return "; ".join(parts)


def _import_into_bento(name: str, digest: str, folder: Path, record: Any) -> str:
    import bentoml

    tag = f"{registered_name(name)}:{digest[:16]}"
    try:
        return str(bentoml.models.get(tag).tag)
    except bentoml.exceptions.NotFound:
        pass
    labels = {"mlflow_version": str(record.version), "product": record.tags.get("product", "")}
    with bentoml.models.create(tag, labels=labels, metadata={"bundle": digest}) as model:
        for path in sorted(folder.iterdir()):
            (Path(model.path) / path.name).write_bytes(path.read_bytes())
    return str(model.tag)
