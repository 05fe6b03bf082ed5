"""Training: from events to a registered challenger.

journal  --features-->  snapshot  --label clock-->  dataset  --forward periods-->  split
all parts --intake-->   findings      (a red one stops here unless it is waived by name)
folds    --search-->    parameters, rounds
train    --fit-->       model text            (the model sees nothing after this line)
calibration  -->        calibrator, cut-offs, reference, reason baseline      (frozen)
test     -->            evaluation with intervals, beside the champion
all of it --> bundle, report --> MLflow run --> registered version, alias challenger
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from domain.errors import DataError, DefinitionError
from domain.settings import PlatformSettings
from domain.time import Clock, format_instant
from features.catalogue import FeatureSet
from features.catalogue import load as load_features
from features.replay import build_snapshot
from features.snapshot import Snapshot
from scoring.bundle import write_bundle
from scoring.label_intake import LabelIntake
from scoring.reasons import ReasonBook
from scoring.released import read_outcomes
from stores.journal import Journal
from training import record
from training.cards import card
from training.dataset import label
from training.fitting import fit
from training.intake import IntakeReport, for_training
from training.measure import Measured, measure
from training.packing import bundle_parts
from training.plots import panel
from training.progress import Progress, silent
from training.provenance import Provenance
from training.refused import for_training as infer_refused
from training.reject_inference import Sensitivity
from training.report.evidence import ROWS as EVIDENCE
from training.report.evidence import write_evidence
from training.report.files import report_of_training
from training.report.settings import ReportSettings
from training.search import Searched, StudyPlace
from training.settings import TrainingSettings
from training.splits import Split, make_split
from training.tracking import Tracker
from training.tuning_record import log_search, write_search
from training.warm_start import warm_start

BUNDLE = "bundle"
"""Artifact folder of the bundle within its run."""


@dataclass(frozen=True)
class Trained:
    """A challenger and where it lies.

    Parameters
    ----------
    version : in the registry. bundle : local folder of the bundle. bundle_hash : what decisions will cite.
    statuses : rows of each label status. split : what it learnt from and was measured on.
    model_text : what LightGBM wrote. intake : what the audit found in its data.
    reject_inference : what guesses about refused applicants would change, where settings ask for it.
    """

    name: str
    version: int
    run_id: str
    bundle: Path
    bundle_hash: str
    statuses: Mapping[str, int]
    split: Split
    searched: Searched
    measured: Measured
    model_text: str
    intake: IntakeReport
    reject_inference: Sensitivity | None = None

    def table(self) -> pd.DataFrame:
        """The test's figures."""
        return self.measured.evaluation.table()

    def plot(self) -> Any:
        """Ranking, reliability and raw scores on the test, as one matplotlib figure."""
        scored, evaluation = self.measured.scored, self.measured.evaluation
        title = f"{self.name} version {self.version}: {evaluation.rows}"
        return panel(scored.y, scored.raw, scored.probability, title, evaluation.warning)

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        title = f"{self.name} version {self.version}, challenger"
        facts = {"bundle": self.bundle_hash[:12], "MLflow run": self.run_id}
        table, warning = self.measured.evaluation.brief(), self.measured.evaluation.warning
        return card(title, table, facts={**facts, "measured on": self.measured.evaluation.rows}, warning=warning)

    def __repr__(self) -> str:
        mark = f", {self.split.warning}" if self.split.warning else ""
        return f"Trained({self.name} version {self.version}, bundle {self.bundle_hash[:12]}{mark})"


def train(
    settings: TrainingSettings,
    platform: PlatformSettings,
    journal: Journal,
    book: ReasonBook,
    tracker: Tracker,
    *,
    actor: str,
    clock: Clock,
    root: Path,
    snapshot: Snapshot | None = None,
    as_of: int | None = None,
    studies: Path | None = None,
    report: ReportSettings | None = None,
    label_rules: LabelIntake | None = None,
    progress: Progress = silent,
) -> Trained:
    """Train a challenger and register it.

    Parameters
    ----------
    book : reason texts of the product.
    actor : who trains; nobody may promote their own model.
    root : the project's folder, for its revision and lock.
    snapshot : features already built; built from the journal when absent.
    as_of : nothing known later, µs UTC, is used as a label; the newest known instant by default.
    studies : folder of kept studies, where the settings name one.
    label_rules : of the intake of outcomes; what they hold back is not learnt from. Nothing is held without.
    report : what the model's report is held against, in both languages beside the bundle; none is made without.

    Raises
    ------
    DataError
        When the snapshot is of other features, labels or periods do not suffice, or the intake audit is red.
    DefinitionError
        When a protected column would become a feature.
    """
    started = clock()
    feature_set = load_features(settings.features, platform, journal.extensions(settings.subject_kind))
    _refuse_protected(settings, feature_set)
    rows = _rows(snapshot, feature_set, journal, platform, settings, progress)
    progress("labels", 0, 1, f"{rows.table.num_rows:,} requests")
    upto = int(rows.manifest["upto_seq"])
    outcomes = read_outcomes(journal, settings.policy, label_rules, upto=upto, as_of=as_of)
    dataset = label(rows.table, outcomes.table, settings.policy, settings.maturity.clock, as_of)
    split = make_split(dataset, settings, platform.time_zone)
    checked = for_training(settings, dataset, split, feature_set, now=started, progress=progress)
    checked.refuse_red()
    warm = warm_start(settings, feature_set, tracker)
    study = StudyPlace.of(settings.search, studies)
    fitted = fit(settings, feature_set, dataset, split, progress, start=warm.params, study=study)
    measured = measure(settings, platform, feature_set, journal, dataset, split, fitted, tracker, progress)
    inferred = infer_refused(settings, feature_set, dataset, split, fitted, progress)
    facts = record.facts(settings, dataset, split, fitted, Provenance.collect(root, actor), started)
    with (
        tempfile.TemporaryDirectory(prefix="assay-train-") as scratch,
        tracker.run(f"assay-{settings.name}", facts.title(), facts.tags()) as run,
    ):
        progress("bundle", 0, 1, "write and prove on golden rows")
        finished = clock()
        about = {
            **facts.about, "snapshot": record.span(rows), "run_id": run.run_id, "finished_at": format_instant(finished),
            "labels_held": outcomes.held_seqs,
        }  # fmt: skip
        extensions = journal.extensions(settings.subject_kind)
        parts = bundle_parts(settings, platform, feature_set, extensions, book, fitted, about)
        digest = write_bundle(Path(scratch) / BUNDLE, parts)
        record.write_artifacts(Path(scratch), facts, split, fitted, measured)
        write_evidence(Path(scratch) / EVIDENCE, settings, platform, feature_set, dataset, split, fitted)
        if inferred is not None:
            inferred.write(Path(scratch))
        write_search(Path(scratch), fitted.searched, settings.objective, split.warning)
        record.write_intake(Path(scratch), checked)
        record.mark(Path(scratch), split.warning)
        if report is not None:
            report_of_training(Path(scratch), Path(scratch) / BUNDLE, report, progress)
        run.folder(Path(scratch))
        record.log_run(run, facts, fitted, measured, digest, finished)
        log_search(run, settings, split, fitted, measured, warm, finished)
        progress("register", 0, 1, f"bundle {digest[:12]}")
        tags = {**record.version_tags(facts, measured, digest, checked), **outcomes.tag}
        version = tracker.register(settings.name, run, BUNDLE, tags)
        bundle = tracker.fetch(f"{run.artifact_uri}/{BUNDLE}")
    return Trained(
        settings.name, version, run.run_id, bundle, digest, facts.statuses, split, fitted.searched, measured,
        fitted.model_text, checked, inferred,
    )  # fmt: skip


def _refuse_protected(settings: TrainingSettings, feature_set: FeatureSet) -> None:
    found = sorted(set(settings.protected) & set(feature_set.names))
    if found:
        raise DefinitionError(f"protected: {found} are kept for validation only; take them out of the features")


def _rows(
    snapshot: Snapshot | None,
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    settings: TrainingSettings,
    progress: Progress,
) -> Snapshot:
    if snapshot is None:

        def tell(done: int, total: int, what: str) -> None:
            progress("features", done, total, what)

        return build_snapshot(feature_set, journal, platform, threads=settings.threads, progress=tell)
    found = str(snapshot.manifest["definition"])
    if found != feature_set.hash:
        raise DataError(
            f"snapshot: expected features with the definition hash {feature_set.hash[:12]}…, got {found[:12]}…; "
            "build it again with these settings"
        )
    return snapshot
