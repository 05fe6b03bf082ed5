"""Training for people in notebooks: a config, a home, and nothing to wire.

from training import train, compare, evaluate

made = train("fraud", home=".assay", actor="lin")      # a registered challenger: made.table(), made.plot()
evaluate("fraud@champion", since="2026-05-01")         # the champion on later rows of the same journal
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml
from pydantic import ValidationError

from domain.errors import DataError, InputError, ModelError, expected_got
from domain.time import DAY, Clock, format_instant, parse_instant, system_clock
from features.replay import build_snapshot
from features.snapshot import Snapshot
from scoring.bundle import Bundle, load_bundle
from scoring.released import read_outcomes
from stores.home import Home
from training.calendar import start_of_day
from training.cards import card
from training.challenger import Trained
from training.challenger import train as train_challenger
from training.comparison import compare as compare_families
from training.comparison_table import Comparison
from training.dataset import Dataset, label
from training.evaluation import Evaluation, Scored
from training.families.catalogue import FAMILIES
from training.fitting import as_scored
from training.groups import by_group
from training.measure import evaluate_whole, read_attributes, with_propensity
from training.periods import Period
from training.plots import panel
from training.progress import Progress, silent
from training.settings import TrainingSettings
from training.splits import Part, has_time, measured_part
from training.tracking import CHAMPION, Tracker
from training.tuning_record import log_comparison
from training.workspace import PROJECT, Workspace

Folder = str | Path | Home
"""A home, or its folder."""


@dataclass(frozen=True)
class Evaluated:
    """A model measured on rows of a journal.

    Parameters
    ----------
    model : as it was asked for. bundle_hash : what was measured. part : the rows, and how many were left out.
    groups : figures in each group of the protected attributes; empty where the settings name none.
    """

    model: str
    bundle_hash: str
    part: Part
    scored: Scored
    evaluation: Evaluation
    groups: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """The figures."""
        return self.evaluation.table()

    def plot(self) -> Any:
        """Ranking, reliability and raw scores, as one matplotlib figure."""
        scored = self.scored
        return panel(scored.y, scored.raw, scored.probability, self.evaluation.rows, self.evaluation.warning)

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        left_out = ", ".join(f"{count:,} {name}" for name, count in self.part.left_out().items()) or "nothing"
        facts = {"bundle": self.bundle_hash[:12], "left out": left_out}
        return card(self.evaluation.rows, self.evaluation.brief(), facts=facts, warning=self.evaluation.warning)

    def __repr__(self) -> str:
        return f"Evaluated({self.evaluation.rows}, bundle {self.bundle_hash[:12]})"


def train(
    config: str | Path | TrainingSettings,
    home: Folder = ".assay",
    *,
    actor: str | None = None,
    configs: str | Path | None = None,
    overrides: str | Path | None = None,
    snapshot: Snapshot | str | Path | None = None,
    as_of: str | int | None = None,
    tracker: Tracker | None = None,
    progress: Progress = silent,
    clock: Clock = system_clock,
) -> Trained:
    """Train a challenger on a home's journal and register it, as ``assay train`` does.

    Parameters
    ----------
    config : ``fraud``, ``credit``, another name within the configs, a path, or settings that are read already.
    actor : who trains; the user of this machine by default. Nobody may promote their own model.
    configs : folder of the platform, the reasons and named configs; ``./configs`` or the project's own by default.
    overrides : a second YAML whose fields replace the config's, such as ``configs/quick.yaml``.
    snapshot : features built before, or their folder. as_of : use no label known after this time.

    Raises
    ------
    InputError
        When there is no such config.
    DataError
        When the home has no journal, or its labels or periods do not suffice.

    Examples
    --------
    >>> train("fraud", home="nowhere", actor="lin")
    Traceback (most recent call last):
    ...
    domain.errors.DataError: nowhere: expected a home with a journal (assay.db), got 'no such folder'; ...
    """
    place = Workspace.of(home, configs=configs, actor=actor)
    settings, platform = place.audited(place.settings(config, overrides)), place.platform()
    rows = snapshot if isinstance(snapshot, Snapshot) or snapshot is None else Snapshot.load(Path(snapshot))
    with place.journal() as journal:
        return train_challenger(
            settings, platform, journal, place.book(settings.product), tracker or place.tracker(), actor=place.actor,
            clock=clock, root=PROJECT, snapshot=rows, as_of=_instant(as_of, platform.time_zone),
            studies=place.home.studies, report=place.report(settings), label_rules=place.label_rules(),
            progress=progress,
        )  # fmt: skip


def compare(
    config: str | Path | TrainingSettings,
    home: Folder = ".assay",
    *,
    families: Sequence[str] | None = None,
    actor: str | None = None,
    configs: str | Path | None = None,
    overrides: str | Path | None = None,
    snapshot: Snapshot | str | Path | None = None,
    as_of: str | int | None = None,
    tracker: Tracker | None = None,
    progress: Progress = silent,
    clock: Clock = system_clock,
) -> Comparison:
    """Tune and fit every family on the same folds with the same budget, as ``assay compare`` does.

    Parameters
    ----------
    config, actor, configs, overrides, snapshot, as_of : as of `train`.
    families : names of the contenders; all of them by default.

    Raises
    ------
    InputError
        When there is no such config or family.
    DataError
        When the home has no journal, or its labels or periods do not suffice.
    """
    place = Workspace.of(home, configs=configs, actor=actor)
    settings, platform = place.settings(config, overrides), place.platform()
    chosen = FAMILIES if families is None else tuple(families)
    unknown = [name for name in chosen if name not in FAMILIES]
    if unknown:
        raise InputError(expected_got(f"families out of {', '.join(FAMILIES)}", ", ".join(unknown), "families"))
    rows = snapshot if isinstance(snapshot, Snapshot) or snapshot is None else Snapshot.load(Path(snapshot))
    began = clock()
    with place.journal() as journal:
        found = compare_families(
            settings, platform, journal, families=chosen, studies=place.home.studies, snapshot=rows,
            as_of=_instant(as_of, platform.time_zone), progress=progress,
        )  # fmt: skip
    log_comparison(tracker or place.tracker(), settings, found, actor=place.actor, at=began)
    return found


def evaluate(
    model: str | Path | Trained,
    home: Folder = ".assay",
    *,
    since: str | int | None = None,
    until: str | int | None = None,
    as_of: str | int | None = None,
    data: Folder | None = None,
    tracker: Tracker | None = None,
    progress: Progress = silent,
) -> Evaluated:
    """Measure a registered version or a bundle on mature rows of a journal.

    Parameters
    ----------
    model : ``fraud@champion``, ``fraud@3``, ``fraud`` (its champion), the folder of a bundle, or what `train` gave.
    since, until : the period, ISO 8601; by default from the model's own test up to the newest mature day. Rows from
        before the end of what the model learnt from are measured when asked for, under a warning.
    as_of : use no label known after this time.
    data : another home whose journal holds the rows; the one with the registry by default.

    Raises
    ------
    ModelError
        When there is no such version, or its bundle is damaged.
    DataError
        When the period has no mature rows of both classes.
    """
    place = Workspace.of(home)
    bundle, name = _bundle(model, place, tracker)
    settings, zone = _settings(bundle), bundle.platform.time_zone
    source = place if data is None else Workspace.of(data)
    with source.journal() as journal:

        def tell(done: int, total: int, what: str) -> None:
            progress("features", done, total, what)

        rows = build_snapshot(
            bundle.feature_set, journal, bundle.platform, threads=settings.threads, progress=tell
        ).table  # fmt: skip
        cut = _instant(as_of, zone)
        outcomes = read_outcomes(journal, settings.policy, place.label_rules(), as_of=cut)
        dataset = label(rows, outcomes.table, settings.policy, settings.maturity.clock, cut)
        periods: Mapping[str, str] = bundle.manifest.about.get("periods", {})
        period = _period(dataset, periods, _instant(since, zone), _instant(until, zone), zone)
        part = measured_part(dataset, period)
        progress("evaluate", 0, 1, f"{len(part.rows):,} rows, {part.n_events} events")
        raw = bundle.scorer.raw_many(bundle.encoder.matrix(rows.take(pa.array(part.rows))), threads=settings.threads)
        attributes = read_attributes(settings, journal, rows["seq"].to_numpy()[part.rows])
    scored = as_scored(settings, bundle.platform, dataset, part, raw, bundle.calibrator)
    scored = with_propensity(scored, settings, attributes)
    evaluation, _, _ = evaluate_whole(
        settings, bundle.platform, dataset, part, scored, bundle.cutoffs,
        rows=f"{name}, {'all rows' if period is None else period}", warning=_warning(bundle, periods, period),
    )  # fmt: skip
    return Evaluated(name, bundle.hash, part, scored, evaluation, by_group(scored, attributes, settings.protected))


def _instant(time: str | int | None, zone: str) -> int | None:
    return parse_instant(time, zone) if isinstance(time, str) else time


def _bundle(model: str | Path | Trained, place: Workspace, tracker: Tracker | None) -> tuple[Bundle, str]:
    if isinstance(model, Trained):
        return load_bundle(model.bundle), f"{model.name} version {model.version}"
    folder = Path(model)
    if folder.is_dir():
        bundle = load_bundle(folder)
        return bundle, f"bundle {bundle.hash[:12]}"
    name, _, which = str(model).partition("@")
    if not name or "/" in name:
        wanted = "a model such as fraud@champion or fraud@3, or the folder of a bundle"
        raise InputError(expected_got(wanted, str(model), "model"))
    store = tracker or place.tracker()
    record = store.version(name, which or CHAMPION)
    return load_bundle(store.fetch(record.source)), f"{name} version {record.version}"


def _settings(bundle: Bundle) -> TrainingSettings:
    """What the model was trained with, from its manifest."""
    try:
        return TrainingSettings.model_validate(yaml.safe_load(str(bundle.manifest.about["settings"])))
    except (KeyError, ValidationError, yaml.YAMLError) as error:
        wanted = "a manifest with the settings the model was trained with"
        raise ModelError(expected_got(wanted, str(error), str(bundle.folder))) from error


def _period(
    dataset: Dataset, periods: Mapping[str, str], since: int | None, until: int | None, zone: str
) -> Period | None:
    """The rows to measure; None for a table without time."""
    if not has_time(dataset, zone):
        if since is not None or until is not None:
            raise InputError("since, until: expected none for rows without time; all of them are measured")
        return None
    last = start_of_day(int(dataset.event_time.max()), zone) + DAY
    newest = min(start_of_day(dataset.as_of - dataset.maturity, zone), last)
    start = _instant(periods["test"].split("…")[0], zone) if "test" in periods else int(dataset.event_time.min())
    start, end = (start if since is None else since), (newest if until is None else until)
    if start is None or start >= end:
        raise DataError(
            f"period: expected mature rows from {'' if start is None else format_instant(start)}, got labels that are "
            f"final up to {format_instant(newest)} only; give an earlier since, or wait"
        )
    return Period(start, end)


def _warning(bundle: Bundle, periods: Mapping[str, str], period: Period | None) -> str | None:
    """What keeps the figures from being evidence of the future."""
    said = str(bundle.manifest.about.get("split_warning", ""))
    if said:
        return said
    if period is None or "calibration" not in periods:
        return "the model learnt from rows of this kind without time; rows it learnt from may be among these"
    learnt = periods["calibration"].split("…")[1]
    if period.start < parse_instant(learnt):
        return f"rows before {learnt} are from the time the model learnt from: no evidence of future performance"
    return None
