"""Studies: trials kept outside the process that runs them, so that a search goes on after a crash and on many machines.

create or load  --identity-->  refused where its trials were made of other rows, folds, family, ranges or objective
trials          --liveness-->  those of dead processes are failed and queued again with the same parameters
number          --retries--->  place: the trial's position in a run that was never interrupted
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

from domain.errors import DefinitionError, Unavailable, expected_got
from training.families.family import Columns, Labelled, Params
from training.search_settings import SQLITE, Search

HEARTBEAT, GRACE = 15, 60
"""Seconds between signs of life of a trial, and after which it is taken for dead on another machine."""

_ATTEMPTS = 3
_PATIENCE = 10.0
_NOT_OURS = ("threads", "fits")
_FIGURE = "mean over folds of calmed curves, where it is highest"


@dataclass(frozen=True)
class StudyPlace:
    """Where a study is kept, and by which name.

    Examples
    --------
    >>> StudyPlace("autumn", "postgresql://lin@db/studies").driver_url
    'postgresql+psycopg://lin@db/studies'
    """

    name: str
    url: str

    @classmethod
    def of(cls, settings: Search, folder: Path | None) -> StudyPlace | None:
        """The place that the settings name; files lie in ``folder``. None where no study is asked for.

        Raises
        ------
        DefinitionError
            When a file is asked for and there is no folder for it.
        """
        if settings.study is None:
            return None
        if settings.storage != SQLITE:
            return cls(settings.study, settings.storage)
        if folder is None:
            raise DefinitionError(expected_got("a folder of studies", "none", "search.study") + "; give a storage URL")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(settings.study, f"sqlite:///{(folder / f'{settings.study}.db').resolve().as_posix()}")

    @property
    def driver_url(self) -> str:
        """The URL with the driver that the project brings."""
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def reachable(place: StudyPlace | None) -> Iterator[None]:
    """Say what to do when the storage does not answer.

    Raises
    ------
    Unavailable
        In place of what the storage raised.
    """
    if place is None:
        yield
        return
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise Unavailable(
            f"search.storage {place.url}: expected a database that answers, got {error}; trials that had ended are "
            "kept: run the same command again"
        ) from error
    except ModuleNotFoundError as error:
        raise DefinitionError(
            f"search.storage {place.url}: expected its driver, got {error}; pip install 'assay[postgres]'"
        ) from error


@contextmanager
def open_study(
    place: StudyPlace | None, identity: Mapping[str, Any], sampler: Any, starts: Sequence[Params] = ()
) -> Iterator[Any]:
    """A study in memory, or the kept one if it was made of the same things.

    Parameters
    ----------
    identity : what its trials are made of. starts : queued by whoever makes the study.

    Raises
    ------
    DefinitionError
        When the kept study's trials were made of other things; names which.
    """
    import optuna

    made: dict[str, Any] = {"sampler": sampler, "pruner": optuna.pruners.NopPruner()}
    if place is None:
        study = optuna.create_study(direction="maximize", **made)
        queue_starts(study, starts)
        yield study
        return
    storage = _storage(place)
    try:
        yield _begun(storage, place, identity, starts, made)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _begun(
    storage: Any, place: StudyPlace, identity: Mapping[str, Any], starts: Sequence[Params], made: Mapping[str, Any]
) -> Any:
    import optuna

    try:
        study = optuna.create_study(storage=storage, study_name=place.name, direction="maximize", **made)
        ours = True
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=place.name, **made)
        # Whoever made it may be at it this very instant; a study without trials was left half made.
        ours = not _comes(lambda: "identity" in study.user_attrs) and not study.get_trials(deepcopy=False)
    if ours:
        queue_starts(study, starts)
        study.set_user_attr("identity", dict(identity))
    kept = study.user_attrs.get("identity", {})
    other = [name for name, value in identity.items() if kept.get(name) != value]
    if other:
        told = "; ".join(f"{name}: expected {_short(kept.get(name))}, got {_short(identity[name])}" for name in other)
        raise DefinitionError(
            f"search.study {place.name!r} in {place.url} was begun with other {', '.join(other)} ({told}). "
            "Its trials cannot be compared with new ones: give search.study another name"
        )
    return study


def queue_starts(study: Any, starts: Sequence[Params]) -> None:
    """Queue what is tried before anything is drawn; what is queued already is not queued again."""
    for number, params in enumerate(starts):
        study.enqueue_trial(dict(params), user_attrs={"start": number}, skip_if_exists=True)


def identity_of(
    family: Any,
    columns: Columns,
    folds: Sequence[tuple[Labelled, Labelled]],
    ranges: Mapping[str, Any],
    budget: Search,
    objective: str,
    seed: int,
) -> dict[str, Any]:
    """What trials of one study must have in common, as JSON values.

    Budgets may grow and threads may differ between machines; everything else that moves a figure is named here.
    """
    digest = hashlib.sha256(json.dumps([columns.names, columns.categorical]).encode())
    for part in (part for fold in folds for part in fold):
        digest.update(part.X.tobytes())
        digest.update(part.y.tobytes())
        if part.weight is not None:
            digest.update(part.weight.tobytes())
    made = asdict(family) if is_dataclass(family) and not isinstance(family, type) else {"repr": repr(family)}
    kept = {name: value for name, value in made.items() if name not in _NOT_OURS}
    return {
        "data": digest.hexdigest(),
        "folds": [[len(train), int(train.y.sum()), len(valid), int(valid.y.sum())] for train, valid in folds],
        "family": f"{family.name} {json.dumps(kept, sort_keys=True, default=str)}",
        "ranges": dict(ranges),
        "objective": objective,
        "fits": [budget.method, budget.rounds, budget.patience],
        # Trials that were measured another way by an earlier version cannot be compared with new ones.
        "figure": _FIGURE,
        "seed": seed,
    }


def place_of(trial: Any, trials: Sequence[Any]) -> int:
    """A trial's position in a run in which none was tried again."""
    if "place" in trial.user_attrs:
        return int(trial.user_attrs["place"])
    again = sum("place" in each.user_attrs for each in trials if each.number < trial.number)
    return int(trial.number) - again


def n_counted(trials: Sequence[Any]) -> int:
    """Trials that count against a budget: those waiting, tried again or begun beyond the budget do not."""
    places = {
        place_of(trial, trials)
        for trial in trials
        if trial.state.name != "WAITING" and not trial.user_attrs.get("beyond_budget")
    }
    waiting = {place_of(trial, trials) for trial in trials if trial.state.name == "WAITING"}
    return len(places - waiting)


def seconds_spent(trials: Sequence[Any]) -> float:
    """Seconds that ended trials took, of all processes; of a killed one nobody knows, it counts nothing."""
    ended = [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")]
    return float(sum(trial.duration.total_seconds() for trial in ended if trial.duration is not None))


def worker() -> str:
    """Names this process; a later one with the same number has another name."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def bury_the_dead(study: Any, trials: Sequence[Any]) -> bool:
    """Fail trials whose process on this machine is gone, and queue them again; whether there were any."""
    import optuna

    found = False
    for trial in trials:
        if trial.state != optuna.trial.TrialState.RUNNING:
            continue
        host, _, process = str(trial.user_attrs.get("worker", "")).partition(" ")
        number, _, started = process.partition(" ")
        if host == socket.gethostname() and _started(int(number)) != started:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # the heartbeat wants to see `optimize` here
                    study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
            except (ValueError, RuntimeError):  # another process was faster
                continue
            queue_again(study, trial)
            found = True
    return found


def queue_again(study: Any, trial: Any) -> None:
    """Queue a trial that did not end with the parameters it had; given up after three attempts."""
    attempt = int(trial.user_attrs.get("attempt", 1))
    if attempt < _ATTEMPTS:
        place = place_of(trial, study.get_trials(deepcopy=False))
        kept = {name: trial.user_attrs[name] for name in ("start",) if name in trial.user_attrs}
        params = trial.system_attrs.get("fixed_params") or trial.params
        study.enqueue_trial(dict(params), user_attrs={**kept, "place": place, "attempt": attempt + 1})


def _storage(place: StudyPlace) -> Any:
    import optuna
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    waits = {"timeout": 60} if place.url.startswith("sqlite") else {}
    for attempt in range(_ATTEMPTS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return optuna.storages.RDBStorage(
                    place.driver_url, engine_kwargs={"connect_args": waits}, heartbeat_interval=HEARTBEAT,
                    grace_period=GRACE, heartbeat_stale_trial_callback=queue_again,
                )  # fmt: skip
        except (IntegrityError, OperationalError, ProgrammingError) as error:
            # Two processes that create the tables at the same instant: the later one finds them when it looks again.
            if attempt == _ATTEMPTS - 1 or not any(word in str(error) for word in ("already exists", "duplicate key")):
                raise
    raise AssertionError  # pragma: no cover - the loop returns or raises


def _comes(condition: Callable[[], bool]) -> bool:
    """Wait a little for a condition; whether it came."""
    until = time.monotonic() + _PATIENCE
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.1)
    return met


def _started(number: int) -> str:
    """When a process of this machine began, or nothing when there is none."""
    import psutil  # type: ignore[import-untyped]  # ships no types

    try:
        return f"{psutil.Process(number).create_time():.2f}"
    except psutil.Error:
        return ""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
