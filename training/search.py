"""Search for hyperparameters on forward folds: seeded, pruned by fold and by round, kept where it is asked to be kept.

1. folds        prepared once (binned, more coarsely where rows are few; scaled), newest first; reused by every trial
2. study        in memory, or kept under a name and refused when it was begun with other rows or ranges
3. trials       the champion's parameters, the family's beginnings, then draws; each told by its place in the study
4. a trial      one fit per fold, given up where no earlier trial ever made good from so far behind
5. its figure   the highest of the mean over folds of its calmed curves, and the rounds that gave it
6. the choice   the best that beats the first by more than one standard error over folds
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from training import study as studies
from training.families.coarse import coarse
from training.families.family import Columns, Family, Labelled, Params, Prepared
from training.mean_curve import joint
from training.progress import Progress, silent, time_left
from training.pruning import Course, Hopeless, Watch
from training.sampling import grid_of, ranges_of, sampler, within
from training.search_settings import Search
from training.study import StudyPlace

__all__ = ["Searched", "StudyPlace", "search"]

_POLL = 0.5
_COLUMNS = ("number", "state", "value", "values", "seconds", "rounds", "n_rounds")


@dataclass(frozen=True)
class Searched:
    """What the search found.

    Parameters
    ----------
    params : the chosen trial's hyperparameters.
    rounds : boosting rounds for the final fit: where the chosen trial's mean curve over folds is highest.
    value : the chosen trial's mean over folds; optimistic, since it was chosen among all trials.
    chosen : its number.
    trials : one mapping per trial: number, state, value, values of the folds at its rounds, seconds, its rounds (0
        where it was given up in its first fold), rounds boosted in all, parameters.
    ranges : Optuna's distribution of each hyperparameter. study : where the trials are kept, if they are.
    """

    params: Mapping[str, Any]
    rounds: int
    value: float
    chosen: int
    trials: tuple[Mapping[str, Any], ...]
    ranges: Mapping[str, Any] = field(default_factory=dict, compare=False)
    study: StudyPlace | None = None

    def table(self) -> pd.DataFrame:
        """Trials, best first."""
        return pd.DataFrame(list(self.trials)).sort_values("value", ascending=False, ignore_index=True)

    def course(self) -> pd.DataFrame:
        """Trials in the order they were begun: value, best so far, seconds spent so far."""
        frame = pd.DataFrame(list(self.trials))[["number", "state", "value", "seconds"]]
        return frame.assign(best=frame["value"].astype(float).cummax().ffill(), spent=frame["seconds"].cumsum())

    def count(self, state: str) -> int:
        """Trials in a state: complete, pruned, fail."""
        return sum(trial["state"] == state for trial in self.trials)


def search(
    family: Family,
    columns: Columns,
    folds: Iterable[tuple[Labelled, Labelled]],
    budget: Search,
    *,
    objective: str,
    seed: int,
    progress: Progress = silent,
    start: Params | None = None,
    study: StudyPlace | None = None,
) -> Searched:
    """Maximise the mean over folds of the objective.

    The first trial is a calm beginning; another takes its place only when it is better by more than one standard
    error of the paired differences over folds. Few rare events make a search pick noise otherwise.

    A draw depends on the seed, the trial's place and the trials before it: without ``seconds`` a search that is
    interrupted and resumed by one process finds what an uninterrupted one finds, to the bit. Several processes
    working on one study spend one budget between them and give the same answer as each other, but which trials they
    see before a draw depends on the clock.

    Parameters
    ----------
    folds : rows to learn from and rows to score of each fold, oldest first; taken one by one. The oldest says how
        coarsely all are binned.
    budget : what may be spent, and how.
    objective : ``average_precision`` or ``auc``.
    start : parameters tried before the family's own beginnings, moved into its ranges; left out where they are not
        the family's.
    study : where trials are kept; in memory without one.

    Raises
    ------
    DefinitionError
        When the study was begun with other rows, folds, family, ranges or objective.
    Unavailable
        When the study's database does not answer.
    """
    import optuna

    # Optuna announces every trial on the console by itself; progress is ours to tell.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    prepared: list[Prepared] = []
    sizes: list[int] = []
    taken: list[tuple[Labelled, Labelled]] = []
    tried = family
    for train, valid in folds:
        sizes.append(len(train))
        if budget.coarse and len(sizes) == 1:
            tried = coarse(family, len(train))
        progress("folds", len(sizes), len(sizes), f"{len(train):,} rows to learn, {len(valid):,} to score")
        prepared.append(tried.prepare(columns, train, valid, objective))
        if study is not None:
            taken.append((train, valid))
    n_rows = min(sizes)
    ranges = ranges_of(family, n_rows)
    moved = None if start is None else within(ranges, start)
    starts: list[Params] = [*([] if moved is None else [moved]), *family.starts(n_rows)]
    choices: dict[str, list[Any]] | None = None
    points: list[dict[str, Any]] = []
    if budget.method == "grid":
        choices, points = grid_of(family.grid(n_rows), starts[0], seed)
        starts = []
    told = {name: optuna.distributions.distribution_to_json(each) for name, each in ranges.items()}
    identity = {} if study is None else studies.identity_of(tried, columns, taken, told, budget, objective, seed)
    taken.clear()
    # The newest fold is the most like what comes: it is scored first, so that pruning judges by it.
    prepared.reverse()
    shared = study is not None
    drawing = sampler(budget.method, seed, shared=shared)
    with studies.reachable(study), studies.open_study(study, identity, drawing, starts) as kept:
        if points:
            # A grid grows with its budget.
            studies.queue_starts(kept, points[: budget.trials])
        limit = min(budget.trials, len(points)) if points else budget.trials
        _Search(family, prepared, n_rows, budget, limit, objective, progress, kept, choices, shared=shared).run()
        rows = _rows(kept.get_trials(deepcopy=False), ranges)
    best = _choose(rows)
    params = {name: best[name] for name in best if name not in _COLUMNS}
    return Searched(params, best["rounds"], best["value"], best["number"], rows, ranges, study)


class _Search:
    """One process at work on a study."""

    def __init__(
        self, family: Family, prepared: Sequence[Prepared], n_rows: int, budget: Search, limit: int, objective: str,
        progress: Progress, study: Any, choices: Mapping[str, list[Any]] | None, *, shared: bool,
    ) -> None:  # fmt: skip
        self._family = family
        self._prepared = prepared
        self._n_rows = n_rows
        self._budget = budget
        self._objective = objective
        self._progress = progress
        self._study = study
        self._shared = shared
        self._worker = studies.worker()
        self._limit = limit
        self._choices = choices

    def run(self) -> None:
        """Try until the budget is spent; then wait for the trials of other processes."""
        while True:
            trials = self._study.get_trials(deepcopy=False)
            if self._shared and studies.bury_the_dead(self._study, trials):
                continue
            # Beginnings beyond a small budget stay queued for a larger one.
            waiting = any(
                trial.state.name == "WAITING" and studies.place_of(trial, trials) < self._limit for trial in trials
            )
            spent = studies.seconds_spent(trials)
            in_time = self._budget.seconds is None or spent < self._budget.seconds
            ended = any(trial.state.name == "COMPLETE" for trial in trials)
            if (in_time or not ended) and studies.n_counted(trials) < self._limit:
                self._one_more()
            elif any(trial.state.name == "RUNNING" for trial in trials) or (waiting and in_time):
                time.sleep(_POLL)
            else:
                return

    def _one_more(self) -> None:
        try:
            self._study.optimize(self._try, n_trials=1, catch=(_BeyondBudget,))
        except KeyboardInterrupt:
            # Who stops a kept search means to go on later: the trial that was cut short is queued again.
            if self._shared:
                mine = [each for each in self._study.trials if each.user_attrs.get("worker") == self._worker]
                studies.queue_again(self._study, mine[-1])
            raise
        self._tell()

    def _try(self, trial: Any) -> float:
        import optuna

        trials = self._study.get_trials(deepcopy=False)
        if studies.place_of(trial, trials) >= self._limit:
            trial.set_user_attr("beyond_budget", True)
            raise _BeyondBudget
        if self._shared:
            trial.set_user_attr("worker", self._worker)
        # The first is what all others are measured by: it runs to its end.
        earlier = [] if trial.user_attrs.get("start") == 0 or self._budget.pruning == "none" else _courses(trials)
        patience = self._budget.patience
        watch = Watch(earlier, self._budget.rounds, within=self._budget.pruning == "rounds", patience=patience)
        params = self._draw(trial)
        try:
            for number, fold in enumerate(self._prepared):
                tried = fold.score(params, rounds=self._budget.rounds, patience=patience, report=watch.report)
                watch.end_fold(tried.value, last=number + 1 == len(self._prepared))
        except Hopeless as hopeless:
            # The step is what was spent: Optuna takes a trial that came further for the better one.
            trial.report(hopeless.standing, hopeless.rounds)
            raise optuna.TrialPruned from None
        finally:
            course = watch.course()
            rounds, values = joint(watch.curves, patience) if watch.curves else (0, ())
            trial.set_user_attr("tried", [course.ends, course.rises, values, rounds, watch.n_rounds])
        return math.fsum(values) / len(values)

    def _draw(self, trial: Any) -> dict[str, Any]:
        if self._choices is None:
            return self._family.suggest(trial, self._n_rows)
        return {name: trial.suggest_categorical(name, values) for name, values in self._choices.items()}

    def _tell(self) -> None:
        trials = self._study.get_trials(deepcopy=False)
        done = sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in trials)
        best = max((trial.value for trial in trials if trial.state.name == "COMPLETE"), default=None)
        left = time_left(done, self._limit, studies.seconds_spent(trials), self._budget.seconds)
        notes = ["" if best is None else f"best {self._objective} {best:.4f}", left]
        self._progress("search", done, self._limit, ", ".join(note for note in notes if note))


class _BeyondBudget(Exception):  # noqa: N818 - a signal to Optuna
    """Another process has begun the last trial of the budget at the same instant."""


def _courses(trials: Sequence[Any]) -> list[Course]:
    """What earlier trials were seen to do, in the order of the folds as they are scored."""
    tried = [each.user_attrs["tried"] for each in trials if "tried" in each.user_attrs and each.state.is_finished()]
    return [Course(tuple(ends), tuple(map(tuple, rises))) for ends, rises, *_ in tried if ends]


def _choose(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The best complete trial that beats the first by more than one standard error, or the first.

    Examples
    --------
    >>> calm = {"state": "complete", "value": 0.50, "values": [0.4, 0.6], "number": 0}
    >>> lucky = {"state": "complete", "value": 0.55, "values": [0.6, 0.5], "number": 1}
    >>> better = {"state": "complete", "value": 0.52, "values": [0.43, 0.61], "number": 2}
    >>> _choose([calm, lucky])["number"], _choose([calm, lucky, better])["number"]
    (0, 2)
    """
    complete = [row for row in rows if row["state"] == "complete"]
    first = complete[0]
    for row in sorted(complete[1:], key=lambda row: -row["value"]):
        gain = np.subtract(row["values"], first["values"])
        error = gain.std(ddof=1) / math.sqrt(len(gain)) if len(gain) > 1 else 0.0
        if gain.mean() > error:
            return row
    return first


def _rows(trials: Sequence[Any], ranges: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """One row per trial that ended, numbered by place; of one that was tried again, the last attempt."""
    rows: dict[int, dict[str, Any]] = {}
    for trial in trials:
        if not trial.state.is_finished() or trial.user_attrs.get("beyond_budget"):
            continue
        place = studies.place_of(trial, trials)
        _, _, values, rounds, n_rounds = trial.user_attrs.get("tried", ([], [], [], 0, 0))
        rows[place] = {
            "number": place,
            "state": trial.state.name.lower(),
            "value": trial.value,
            "values": list(values),
            "seconds": trial.duration.total_seconds() if trial.duration is not None else None,
            "rounds": rounds,
            "n_rounds": n_rounds,
            **{name: trial.params[name] for name in ranges if name in trial.params},
        }
    return tuple(rows[place] for place in sorted(rows))
