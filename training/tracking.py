"""The tracking store: MLflow runs, artifacts and the model registry, behind the few calls training needs.

SQLite and local files under the home by default; ``MLFLOW_TRACKING_URI`` names another store.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import ModelError, Unavailable
from stores.bundles import MANIFEST
from stores.home import Home

URI_VARIABLE = "MLFLOW_TRACKING_URI"

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
"""Aliases of registered versions."""


def registered_name(name: str) -> str:
    """The registry's name of a model.

    Examples
    --------
    >>> registered_name("fraud")
    'assay-fraud'
    """
    return f"assay-{name}"


PARENT_TAG = "mlflow.parentRunId"
"""What makes MLflow show a run below another."""


@dataclass(frozen=True)
class Child:
    """A run below another: a trial of a search, a family of a comparison."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, object]


@dataclass(frozen=True)
class Run:
    """One MLflow run being written."""

    client: Any
    run_id: str
    artifact_uri: str

    def log(
        self, params: Mapping[str, object], metrics: Mapping[str, float], tags: Mapping[str, object], at: int
    ) -> None:
        """Log parameters, metrics and tags in one call; ``at`` in µs UTC; long text is cut at what MLflow holds."""
        from mlflow.entities import Metric, Param, RunTag

        self.client.log_batch(
            self.run_id,
            metrics=[Metric(name, float(value), at // 1_000, 0) for name, value in metrics.items()],
            params=[Param(name, str(value)[:6_000]) for name, value in params.items()],
            tags=[RunTag(name, str(value)[:5_000]) for name, value in tags.items()],
        )

    def children(self, children: Sequence[Child]) -> list[str]:
        """Log runs below this one, three calls each; their ids."""
        made = []
        experiment = self.client.get_run(self.run_id).info.experiment_id
        for child in children:
            told = self.client.create_run(experiment, run_name=child.name, tags={PARENT_TAG: self.run_id})
            run_id = told.info.run_id
            tags = {name: value for name, value in child.tags.items() if value != ""}
            Run(self.client, run_id, told.info.artifact_uri).log(
                child.params, child.metrics, tags, told.info.start_time * 1_000
            )
            self.client.set_terminated(run_id, "FINISHED")
            made.append(run_id)
        return made

    def folder(self, folder: Path, path: str | None = None) -> None:
        """Log every file of a folder."""
        self.client.log_artifacts(self.run_id, str(folder), path)


class Tracker:
    """A connection to one MLflow store.

    Parameters
    ----------
    uri : of the tracking store; its registry is used too unless MLflow is told otherwise.
    artifacts : folder of new experiments' artifacts; None leaves the choice to the server.

    Raises
    ------
    Unavailable
        When the store does not answer.
    """

    def __init__(self, uri: str, artifacts: Path | None) -> None:
        self.uri = uri
        self._artifacts = artifacts
        self.client: Any = self._ask(lambda: _quiet_client(uri))
        self._ask(lambda: self.client.search_experiments(max_results=1))

    @classmethod
    def open(cls, home: Home, environment: Mapping[str, str]) -> Tracker:
        """The store that the environment names, or the home's own.

        Raises
        ------
        DataError
            When it is the home's own and there is no such home.
        """
        uri = environment.get(URI_VARIABLE) or home.tracking_uri
        if uri == home.tracking_uri:
            home.expect("models (mlflow.db)")
        return cls(uri, None if uri.startswith(("http://", "https://", "databricks")) else home.artifacts)

    @contextmanager
    def run(self, experiment: str, run_name: str, tags: Mapping[str, str]) -> Iterator[Run]:
        """A run that ends finished, or failed when its body raises."""
        found = self._ask(lambda: self.client.get_experiment_by_name(experiment))
        where = None if self._artifacts is None else (self._artifacts / experiment).resolve().as_uri()
        number = (
            found.experiment_id
            if found is not None
            else self._ask(lambda: self.client.create_experiment(experiment, artifact_location=where))
        )
        made = self._ask(lambda: self.client.create_run(number, run_name=run_name, tags=dict(tags)))
        try:
            yield Run(self.client, made.info.run_id, made.info.artifact_uri)
        except BaseException:
            self.client.set_terminated(made.info.run_id, "FAILED")
            raise
        self.client.set_terminated(made.info.run_id, "FINISHED")

    def register(self, name: str, run: Run, path: str, tags: Mapping[str, str]) -> int:
        """Register a run's artifact folder as the newest version and its challenger; returns the version."""
        from mlflow.exceptions import MlflowException

        full = registered_name(name)
        try:
            self.client.get_registered_model(full)
        except MlflowException:
            self.client.create_registered_model(full)
        version = self.client.create_model_version(
            full, source=f"{run.artifact_uri}/{path}", run_id=run.run_id, tags=dict(tags)
        )
        self.client.set_registered_model_alias(full, CHALLENGER, version.version)
        return int(version.version)

    def version(self, name: str, which: str | int) -> Any:
        """MLflow's record of a version, by number or alias.

        Raises
        ------
        ModelError
            When there is none.
        """
        found = self.find(name, which)
        if found is None:
            raise ModelError(self._absent(name, str(which)))
        return found

    def _absent(self, name: str, which: str) -> str:
        """What there is instead of a version, and the next step."""
        versions = self.versions(name)
        if versions:
            aliases = sorted((alias, each.version) for each in versions for alias in each.aliases)
            held = [*(str(each.version) for each in versions), *(f"{alias} → {number}" for alias, number in aliases)]
            chosen = CHAMPION if CHAMPION in dict(aliases) else versions[0].version
            return (
                f"{name}: expected a version or alias out of {', '.join(held)}, got {which!r}; "
                f"name one of them, as {name}@{chosen} or --version {chosen}, or train another with `assay train`"
            )
        others = self.names()
        if others:
            return (
                f"{name}: expected a model out of {', '.join(others)}, got {name!r}; "
                "name one of them, or train it with `assay train`"
            )
        return f"{name}: expected a version or alias out of none; train one first with `assay train`, got {which!r}"

    def names(self) -> list[str]:
        """Models that have a version, by name; those of others in the same registry are left out."""
        first = registered_name("")
        listed = self._ask(lambda: self.client.search_model_versions(f"name LIKE '{first}%'"))
        return sorted({each.name.removeprefix(first) for each in listed})

    def find(self, name: str, which: str | int) -> Any | None:
        """As `version`, None when there is none."""
        from mlflow.exceptions import MlflowException

        full, text = registered_name(name), str(which)
        try:
            if text.isdigit():
                return self.client.get_model_version(full, text)
            return self.client.get_model_version_by_alias(full, text)
        except MlflowException:
            return None

    def versions(self, name: str) -> list[Any]:
        """All versions of a model, newest first, with their aliases."""
        full = registered_name(name)
        listed = self._ask(lambda: self.client.search_model_versions(f"name = '{full}'"))
        # The listing leaves aliases out; only the single record has them.
        whole = [self.client.get_model_version(full, each.version) for each in listed]
        return sorted(whole, key=lambda each: -int(each.version))

    def newest(self, experiment: str, tags: Mapping[str, str]) -> Run | None:
        """The newest finished run of an experiment with these tags, None where there is none."""
        found = self._ask(lambda: self.client.get_experiment_by_name(experiment))
        if found is None:
            return None
        wanted = [f"tags.{name} = '{value}'" for name, value in tags.items()]
        asked = " and ".join(["attributes.status = 'FINISHED'", *wanted])
        runs = self._ask(
            lambda: self.client.search_runs(
                [found.experiment_id], asked, max_results=1, order_by=["attributes.start_time DESC"]
            )
        )
        return Run(self.client, runs[0].info.run_id, runs[0].info.artifact_uri) if runs else None

    def keep(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Put one file beside what a run logged, finished as it may be; it replaces one of the same name.

        Raises
        ------
        Unavailable
            When the store does not take it.
        """
        self._ask(lambda: self.client.log_artifact(run_id, str(path), folder))

    def note(self, name: str, version: str | int, facts: Mapping[str, str]) -> None:
        """Write tags on a registered version; long text is cut at what MLflow holds."""
        for fact, value in facts.items():
            self.client.set_model_version_tag(registered_name(name), str(version), fact, value[:5_000])

    def fetch(self, uri: str, into: Path | None = None) -> Path:
        """Artifacts as a local path: in place where the store is local and no folder is given.

        Raises
        ------
        Unavailable
            When they cannot be read.
        """
        from mlflow.artifacts import download_artifacts

        if into is not None:
            into.mkdir(parents=True, exist_ok=True)
        target = None if into is None else str(into)
        return Path(self._ask(lambda: download_artifacts(artifact_uri=uri, dst_path=target, tracking_uri=self.uri)))

    def about(self, version: Any) -> dict[str, Any]:
        """What the bundle of a version says about itself.

        Raises
        ------
        Unavailable
            When it cannot be read. An OSError or ValueError where it is no manifest.
        """
        manifest = json.loads(self.fetch(f"{version.source}/{MANIFEST}").read_text(encoding="utf-8"))
        about = manifest.get("about", {})
        return about if isinstance(about, dict) else {}

    def _ask(self, question: Callable[[], Any]) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return question()
        except (MlflowException, OSError) as error:
            raise Unavailable(
                f"{self.uri}: expected an MLflow store that answers, got {error}; check {URI_VARIABLE}"
            ) from error


def _quiet_client(uri: str) -> Any:
    """Import MLflow without its announcements, usage reports and progress bars; it reads these switches once."""
    for name, value in (
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("MLFLOW_LOGGING_LEVEL", "WARNING"),
        ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
    ):
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)
