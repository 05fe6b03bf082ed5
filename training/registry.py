"""The registry: which versions there are, who may become champion, what serves.

challenger --gates, approver--> champion (the former one becomes previous) --deploy--> home, pointer
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import ModelError, Unavailable
from domain.time import Clock, format_instant
from scoring.bundle import load_bundle
from stores.bundles import install, point, verify_files
from stores.home import Home
from training.champion import TEST_SCORES
from training.gates import Gate, four_eyes, intact, not_worse
from training.tracking import CHALLENGER, CHAMPION, PREVIOUS, Tracker, registered_name


@dataclass(frozen=True)
class ModelVersion:
    """One registered version."""

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
class Promotion:
    """A version that became champion, with what every gate found."""

    name: str
    version: int
    former: int | None
    approver: str
    gates: tuple[Gate, ...]
    force_reason: str | None

    def table(self) -> pd.DataFrame:
        """One row a gate."""
        return pd.DataFrame([asdict(gate) for gate in self.gates]).set_index("name")


@dataclass(frozen=True)
class Deployed:
    """A bundle that the service of a home will load next."""

    name: str
    version: int
    product: str
    bundle: str
    folder: Path
    bento_tag: str | None


def models(tracker: Tracker, name: str) -> Models:
    """All versions of a model."""
    return Models(tuple(ModelVersion.of(name, record) for record in tracker.versions(name)))


def promote(
    tracker: Tracker,
    name: str,
    *,
    approver: str,
    clock: Clock,
    version: str | int = CHALLENGER,
    force_reason: str | None = None,
) -> Promotion:
    """Make a version the champion, if every gate holds.

    Parameters
    ----------
    approver : a person other than the one who trained.
    force_reason : recorded; overrides a gate that is not firm, such as a worse figure. Nothing overrides a
        damaged bundle or a missing second person.

    Raises
    ------
    ModelError
        Naming every gate that failed; the champion stays.
    """
    record = tracker.version(name, version)
    if CHAMPION in record.aliases:
        raise ModelError(f"{registered_name(name)}: version {record.version} is the champion already")
    champion = tracker.find(name, CHAMPION)
    with tempfile.TemporaryDirectory(prefix="assay-promote-") as scratch:
        gates = _gates(tracker, record, champion, approver, Path(scratch))
    failed = [gate for gate in gates if not gate.passed]
    reason = (force_reason or "").strip()
    blocking = [gate for gate in failed if gate.firm or not reason]
    full = registered_name(name)
    at = format_instant(clock())
    if blocking:
        _note(tracker, full, record, {"refused_at": at, "refused_because": "; ".join(map(str, blocking))})
        hint = "" if any(gate.firm for gate in blocking) else "; give force_reason to overrule, it is recorded"
        raise ModelError(
            f"{full}: version {record.version} may not become champion: {'; '.join(map(str, blocking))}{hint}"
        )
    facts = {"approver": approver.strip(), "promoted_at": at, "gates": "; ".join(map(str, gates))}
    _note(tracker, full, record, {**facts, **({"force_reason": reason} if failed else {})})
    _move_aliases(tracker, full, record, champion)
    return Promotion(
        name, int(record.version), None if champion is None else int(champion.version), approver.strip(), gates,
        reason if failed else None,
    )  # fmt: skip


def deploy(tracker: Tracker, name: str, home: Home, *, clock: Clock, bento: bool = False) -> Deployed:
    """Copy the champion's bundle to a home, verify it there, and only then point serving at it.

    Parameters
    ----------
    bento : also put the bundle into BentoML's model store, for ``bentoml build``.

    Raises
    ------
    ModelError
        When there is no champion, or its bundle is not the one that was registered or does not verify; what
        served before goes on serving.
    """
    record = tracker.version(name, CHAMPION)
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
    point(home.pointers, bundle.product.value, bundle.hash, clock())
    tag = _import_into_bento(name, bundle.hash, folder, record) if bento else None
    return Deployed(name, int(record.version), bundle.product.value, bundle.hash, folder, tag)


def _gates(tracker: Tracker, record: Any, champion: Any | None, approver: str, scratch: Path) -> tuple[Gate, ...]:
    gates = [four_eyes(approver, record.tags.get("operator", ""))]
    try:
        folder = tracker.fetch(record.source, scratch / "bundle")
    except Unavailable as error:
        return (*gates, Gate("bundle", False, True, str(error)))
    gates.append(intact(folder, record.tags.get("bundle", "")))
    run = record.source.rsplit("/", 1)[0]
    scores = Path()
    if champion is not None and record.tags.get("paired_with") == str(champion.version):
        scores = tracker.fetch(f"{run}/{TEST_SCORES}", scratch / "scores")
    gates.append(not_worse(record, champion, scores))
    return tuple(gates)


def _note(tracker: Tracker, full: str, record: Any, facts: Mapping[str, str]) -> None:
    for name, value in facts.items():
        tracker.client.set_model_version_tag(full, record.version, name, value[:5_000])


def _move_aliases(tracker: Tracker, full: str, record: Any, champion: Any | None) -> None:
    # Champion first: between two calls there is always one to deploy.
    tracker.client.set_registered_model_alias(full, CHAMPION, record.version)
    if champion is not None:
        tracker.client.set_registered_model_alias(full, PREVIOUS, champion.version)
    if CHALLENGER in record.aliases:
        tracker.client.delete_registered_model_alias(full, CHALLENGER)


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
