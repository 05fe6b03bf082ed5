"""The parts of a table that is audited on its own: which rows train and which test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.errors import InputError, expected_got
from training.intake.auc import stratified_places

LATEST = 0.25
"""Share of the rows that test, where nobody says where the test begins."""


@dataclass(frozen=True)
class Parts:
    """Positions of both parts; how they were chosen; whether the test is later than training."""

    train: np.ndarray
    test: np.ndarray
    how: str
    forward: bool
    given: bool = False


def choose_parts(
    y: np.ndarray,
    *,
    time: np.ndarray | None = None,
    at: float | None = None,
    at_text: str = "",
    group: np.ndarray | None = None,
    group_name: str = "",
    given: np.ndarray | None = None,
    seed: int = 0,
) -> Parts:
    """Parts as files give them (``given`` bool[n], True tests), else forward in time, else random by group or class.

    Raises
    ------
    InputError
        When a part would be empty or lacks a class.

    Examples
    --------
    >>> choose_parts(np.tile([0, 1], 10), time=np.arange(20.0)).test.tolist()
    [15, 16, 17, 18, 19]
    """
    if given is not None:
        made = Parts(np.flatnonzero(~given), np.flatnonzero(given), "the files' own train and test", False, given=True)
    elif time is not None and at is not None:
        made = Parts(np.flatnonzero(time < at), np.flatnonzero(time >= at), f"test from {at_text} on", True)
    elif time is not None:
        start = float(np.quantile(time, 1 - LATEST))
        made = Parts(np.flatnonzero(time < start), np.flatnonzero(time >= start), "test: the latest quarter", True)
    elif group is not None:
        _, code = np.unique(group, return_inverse=True)
        place = np.random.default_rng(seed).permutation(int(code.max()) + 1) / (code.max() + 1)
        tests = place[code] < LATEST
        how = f"test: a quarter of {group_name}, drawn at random, seed {seed}"
        made = Parts(np.flatnonzero(~tests), np.flatnonzero(tests), how, False)
    else:
        tests = stratified_places(y, seed) < LATEST
        how = f"no time was named; test: a quarter of the rows, drawn at random, seed {seed}"
        made = Parts(np.flatnonzero(~tests), np.flatnonzero(tests), how, False)
    for name, rows in (("training", made.train), ("test", made.test)):
        n_events = int(y[rows].sum())
        if n_events in (0, len(rows)):
            raise InputError(
                expected_got(
                    "both classes in each part", f"{n_events} events in {len(rows)} rows", f"{name} ({made.how})"
                )
                + "; choose another --split-at"
            )
    return made
