"""``assay train``: from the journal to a registered challenger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.options import AS_JSON, AS_OF, CONFIG, OVERRIDES, SNAPSHOT
from cli.session import Session, session_of

if TYPE_CHECKING:
    from cli.screen import Bar
    from features.snapshot import Snapshot
    from training.challenger import Trained
    from training.settings import TrainingSettings
    from training.tracking import Tracker


def train(
    context: typer.Context,
    config: CONFIG,
    overrides: OVERRIDES = None,
    snapshot: SNAPSHOT = None,
    as_of: AS_OF = None,
    as_json: AS_JSON = False,
) -> None:
    """Tune, fit, calibrate and evaluate a model; register it as challenger.

    Folds go forward in time; labels younger than their maturity are not used. Everything is logged to MLflow.

      assay train fraud
      assay train configs/credit.yaml --with configs/quick.yaml
    """
    import os

    from cli.screen import print_json, progress
    from domain.time import parse_instant
    from features.snapshot import Snapshot
    from training.settings import read_training_settings
    from training.tracking import Tracker

    session = session_of(context)
    settings = read_training_settings(session.config(config), overrides)
    until = None if as_of is None else parse_instant(as_of, session.platform().time_zone)
    rows = None if snapshot is None else Snapshot.load(snapshot)
    tracker = Tracker.open(session.home, os.environ)
    with progress(f"train {settings.name}") as bar:
        trained = train_challenger(session, settings, tracker, bar, snapshot=rows, as_of=until)
    if as_json:
        print_json(trained_record(trained, tracker))
    else:
        show_trained(trained, tracker)


def train_challenger(
    session: Session,
    settings: TrainingSettings,
    tracker: Tracker,
    bar: Bar,
    *,
    snapshot: Snapshot | None = None,
    as_of: int | None = None,
) -> Trained:
    """Train on the home's journal as the session's actor."""
    from training import train as fit

    return fit(
        settings, session.home, actor=session.actor, configs=session.configs, snapshot=snapshot, as_of=as_of,
        tracker=tracker, progress=bar.stages,
    )  # fmt: skip


def trained_record(trained: Trained, tracker: Tracker) -> dict[str, object]:
    """What came out, as JSON."""
    from dataclasses import asdict

    return {
        "name": trained.name,
        "version": trained.version,
        "run_id": trained.run_id,
        "bundle": trained.bundle_hash,
        "folder": str(trained.bundle),
        "tracking_uri": tracker.uri,
        "statuses": dict(trained.statuses),
        "figures": [asdict(figure) for figure in trained.measured.evaluation.figures],
    }


def show_trained(trained: Trained, tracker: Tracker) -> None:
    """What was learnt from, the figures of the test, and what to do next."""
    from cli.screen import between, out, say, table

    parts = trained.split.table().reset_index()
    title = f"{trained.name}, {trained.split.kind} split: what was learnt from"
    numbers = ["days", "rows", "events"]
    out().print(table(title, list(parts.columns), list(parts.itertuples(index=False)), right=numbers))
    evaluation = trained.measured.evaluation
    rows = [[f.name, f.value, between(f.low, f.high), f.n, f.n_events, f.note] for f in evaluation.figures]
    columns = ["figure", "value", "95 % interval", "rows", "events", "note"]
    out().print(table(evaluation.rows, columns, rows, right=["value", "rows", "events"]))
    if evaluation.warning:
        say(evaluation.warning, style="yellow")
    say(trained.intake.headline())
    say(f"{trained.name} version {trained.version}, challenger, bundle {trained.bundle_hash}")
    say(f"MLflow run {trained.run_id} in {tracker.uri}")
    say(f"next: assay review {trained.name}, then assay promote {trained.name} --approver NAME")
