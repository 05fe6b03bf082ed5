"""A search that several processes can run: ``python -m tests.training.study_worker URL TRIALS [NAME=PATH]``.

Prints the result as JSON. The names are those of `Valley`: ``hang=FILE``, ``meet=FOLDER``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training.families.family import Columns, Labelled, Params, Prepared, Report, Suggest, Tried
from training.search import Searched, StudyPlace, search
from training.settings import Search

COLUMNS = Columns(("a", "b"))


@dataclass(frozen=True)
class Valley:
    """A family without data: its figure is a smooth function of two parameters and of the fold."""

    high: float = 4.0
    hang: str = ""
    """File that the first to fit anything but the start writes, and hangs."""
    meet: str = ""
    """Folder in which two processes meet, each in its first fit, before either goes on."""
    threads: int = 1
    name: str = "valley"

    def suggest(self, trial: Suggest, n_rows: int) -> dict[str, Any]:
        return {
            "x": trial.suggest_float("x", 0.0, self.high),
            "depth": trial.suggest_int("depth", 1, 8),
        }

    def starts(self, n_rows: int) -> list[dict[str, Any]]:
        return [{"x": 0.5, "depth": 2}]

    def grid(self, n_rows: int) -> dict[str, list[Any]]:
        return {"x": [0.5, 1.0, 3.0], "depth": [2, 5]}

    def prepare(self, columns: Columns, train: Labelled, valid: Labelled, objective: str) -> Prepared:
        return _Fold(self, float(train.y.mean()))

    def fit(self, columns: Columns, rows: Labelled, params: Params, rounds: int) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class _Fold:
    family: Valley
    shift: float

    def score(self, params: Params, *, rounds: int, patience: int, report: Report | None = None) -> Tried:
        end = 0.9 - 0.1 * abs(params["x"] - 3.0 + self.shift) - 0.02 * abs(params["depth"] - 5)
        for number in range(rounds):
            if report is not None:
                report(number, end * (1 - 0.5 ** (number + 1)))
        if self.family.hang and not Path(self.family.hang).exists() and params != self.family.starts(1)[0]:
            Path(self.family.hang).write_text(json.dumps(dict(params)))
            time.sleep(600)
        if self.family.meet:
            self._met(Path(self.family.meet))
        return Tried(end, rounds)

    def _met(self, folder: Path) -> None:
        (folder / str(os.getpid())).touch()
        until = time.monotonic() + 60
        while len(list(folder.iterdir())) < 2:
            if time.monotonic() > until:
                raise TimeoutError(f"{folder}: expected two processes within a minute")
            time.sleep(0.005)


def folds(seed: int = 0) -> list[tuple[Labelled, Labelled]]:
    rng = np.random.default_rng(seed)
    made = []
    for n in (40, 60):
        rows = [Labelled(rng.normal(size=(n, 2)), (np.arange(n) % 3 == 0).astype(np.int8)) for _ in range(2)]
        made.append((rows[0], rows[1]))
    return made


def run(place: StudyPlace | None, trials: int, family: Valley = Valley(), **changes: Any) -> Searched:
    budget = Search(**{"trials": trials, "rounds": 8, "patience": 8, **changes.pop("budget", {})})
    given: dict[str, Any] = {"objective": "auc", "seed": 3, "folds": folds(), **changes}
    return search(family, COLUMNS, given.pop("folds"), budget, study=place, **given)


def result(found: Searched) -> Mapping[str, Any]:
    """What must be the same whenever and wherever the trials were made."""
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in found.trials]
    return {"params": dict(found.params), "value": found.value, "chosen": found.chosen, "trials": rows}


if __name__ == "__main__":
    url, trials, *how = sys.argv[1:]
    valley = replace(Valley(), **dict(told.split("=", 1) for told in how))
    print(json.dumps(result(run(StudyPlace("valley", url), int(trials), valley))))  # noqa: T201
