"""Which model this is, what made it, and whether it still gives the scores it gave."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import ModelError
from scoring.golden import check_golden_of
from scoring.model import GOLDEN
from scoring.pages.page import Block, Cell, Facts, Finding, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic, Status
from scoring.pages.words import Words, say
from stores.bundles import verify_files
from training.report.evidence import CALIBRATION, TEST, TRAIN, Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.rescoring import greatest_difference

_CHANGES = "+changes"
_UNKNOWN = "unknown"


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Facts of the manifest, and the scores of evidence and golden rows given again."""
    parts = (TEST,) if settings.light else (TRAIN, CALIBRATION, TEST)
    blocks: list[Block] = [
        Facts("identity", _facts(evidence), say("identity.facts")),
        Statistics(_statistics(evidence, settings, parts), say("identity.again")),
        Prose(say("identity.how"), quiet=True),
        *_findings(evidence),
        table_of(
            "files", say("identity.files"), (say("identity.file"), "SHA-256"), evidence.bundle.manifest.files.items(),
            folded=True,
        ),
    ]  # fmt: skip
    left_out = (say("identity.only_test"),) if settings.light else ()
    return Section("identity", say("identity.title"), tuple(blocks), left_out)


def _facts(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    about, settings = evidence.about, evidence.settings
    span = about.get("snapshot") or {}
    told: dict[str, object] = {
        "model": settings.name,
        "version": evidence.version,
        "bundle": evidence.bundle.hash,
        "features": about.get("features"),
        "data": about.get("data_hash"),
        "journal": span.get("data"),
        "code": about.get("code_revision"),
        "lock": about.get("lock_hash"),
        "run": about.get("run_id"),
        "seed": str(about.get("seed", "")),
        "threads": str(about.get("threads", "")),
        "hardware": about.get("hardware"),
        "python": about.get("python"),
        "libraries": about.get("libraries"),
        "operator": about.get("operator"),
        "started": about.get("started_at"),
        "finished": about.get("finished_at"),
    }
    return tuple(
        (say(f"identity.{name}"), value if isinstance(value, int) else str(value))
        for name, value in told.items()
        if value not in (None, "")
    )


def _statistics(evidence: Evidence, settings: ReportSettings, parts: tuple[str, ...]) -> tuple[Statistic, ...]:
    bundle, threads = evidence.bundle, evidence.settings.threads
    rows = [getattr(evidence, part) for part in parts]
    X, kept = np.vstack([each.X for each in rows]), np.concatenate([each.raw for each in rows])
    raw = bundle.scorer.raw_many(X, threads=threads)
    told = np.concatenate([each.probability for each in rows])
    golden = pq.read_table(pa.BufferReader(bundle.manifest.read(GOLDEN)))
    shown = np.column_stack([golden[name].cast(pa.float64()).to_numpy() for name in bundle.scorer.names])
    one_by_one = np.array([bundle.scorer.raw(row) for row in np.ascontiguousarray(shown)])
    found = {
        "rescored": (greatest_difference(raw, kept), len(X)),
        "recalibrated": (greatest_difference(bundle.calibrator.probability(raw), told), len(X)),
        "golden": (greatest_difference(one_by_one, golden["raw_score"].to_numpy()), golden.num_rows),
    }
    return tuple(
        Statistic(name, say(f"identity.{name}"), value, n=n, form=".3g").held(
            settings.limit(evidence.product, f"identity.{name}")
        )
        for name, (value, n) in found.items()
    )


def _findings(evidence: Evidence) -> list[Finding]:
    bundle, about = evidence.bundle, evidence.about
    found = []
    try:
        verify_files(bundle.folder)
        check_golden_of(bundle.manifest, bundle)
    except ModelError as error:
        found.append(Finding("not_intact", Status.RED, say("identity.not_intact", error=str(error))))
    else:
        n = len(bundle.manifest.files)
        found.append(Finding("intact", Status.PASS, say("identity.intact", n=n)))
    registered = (evidence.tags or {}).get("bundle")
    if registered is not None and registered != bundle.hash:
        words = say("identity.not_registered", registered=registered[:12], bundle=bundle.hash[:12])
        found.append(Finding("not_registered", Status.RED, words))
    code = str(about.get("code_revision", _UNKNOWN))
    if code.endswith(_CHANGES):
        found.append(Finding("uncommitted", Status.AMBER, say("identity.uncommitted")))
    unknown = [
        name for name, value in (("code", code), ("lock", about.get("lock_hash", _UNKNOWN))) if value == _UNKNOWN
    ]
    found += [
        Finding(f"unknown_{name}", Status.AMBER, say("identity.unknown", what=say(f"identity.{name}")))
        for name in unknown
    ]
    return found


SECTION = Plan(20, "identity", build)
