"""One decision at a desk: features, rules, score, reasons, policy, and what is dropped when a part fails.

deadline near      → reasons first, then the model
kill switch        → the model
no, broken model   → the model
broken state       → the features, and with them the model
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError
from domain.events import Event
from scoring.decide import Decided, Degraded, Part, decide, vector_flags
from serving.canary import CANARY
from serving.desk import Desk, Role

_MICRO = 1_000
_MILLI = 1_000_000
_COMMIT_NS = 2 * _MILLI
"""Kept free before a deadline for the transaction that follows."""

_FIRST_GUESS_NS = {"score": 1 * _MILLI, "reasons": 20 * _MILLI}
_STAGES = ("features", "rules", "score", "reasons", "policy")


@dataclass(frozen=True, slots=True)
class Made:
    """A decision, the row it was made on and the moment each stage ended (monotonic ns)."""

    decided: Decided
    row: NDArray[np.float64] | None
    ends: dict[str, int]


class Decider:
    """Make decisions; for one thread, as the scorers are.

    Parameters
    ----------
    code : version of the code, recorded in every decision.
    killed : whether the kill switch is set; asked at every decision.
    ticks : monotonic clock in ns.
    log : told what broke, by name only.
    """

    def __init__(self, code: str, killed: Callable[[], bool], ticks: Callable[[], int], log: Any) -> None:
        self._code = code
        self._killed = killed
        self._ticks = ticks
        self._log = log
        self._cost = dict(_FIRST_GUESS_NS)

    def make(
        self, desk: Desk, event: Event, decision_id: str, decided_at: int, deadline: tuple[int, int] | None
    ) -> Made:
        """Decide on a numbered event that the desk's state has not learnt yet.

        Parameters
        ----------
        deadline : (ms as asked for, monotonic ns by which the answer should be out).

        Raises
        ------
        InputError
            When the event itself cannot be decided on.
        """
        row, flags, degraded = self._features(desk, event)
        if desk.role is Role.CANARY:
            flags = (*flags, CANARY)
        read = self._ticks()
        degraded = degraded or self._dropped(desk, deadline)
        while True:
            ends = {"features": read}
            try:
                decided = self._attempt(desk, event, row, decision_id, decided_at, flags, degraded, ends)
            except InputError:
                raise
            except Exception as error:
                degraded = _less(degraded, ends)
                if degraded is None:
                    raise
                self._log.error("model_failed", product=desk.product.value, error=type(error).__name__)
            else:
                self._learn_costs(ends, bool(decided.decision.reasons))
                return Made(decided, row, ends)

    def _attempt(
        self,
        desk: Desk,
        event: Event,
        row: NDArray[np.float64] | None,
        decision_id: str,
        decided_at: int,
        flags: tuple[str, ...],
        degraded: Degraded | None,
        ends: dict[str, int],
    ) -> Decided:
        def mark(stage: str) -> None:
            ends[stage] = self._ticks()

        return decide(
            desk.product, event, row, desk.bundle, desk.policy, desk.lists,
            decision_id=decision_id, decided_at=decided_at, code=self._code,
            flags=flags, degraded=degraded, mark=mark,
        )  # fmt: skip

    def _features(
        self, desk: Desk, event: Event
    ) -> tuple[NDArray[np.float64] | None, tuple[str, ...], Degraded | None]:
        if desk.bundle is None or desk.state is None:
            return None, (), None if desk.missing is None else Degraded(Part.MODEL, desk.missing)
        try:
            vector = desk.state.vector(event)
            return desk.bundle.encoder.row(vector), vector_flags(vector), None
        except Exception as error:  # noqa: BLE001 - whatever breaks in a state, the payment is answered
            self._log.error("features_failed", product=desk.product.value, error=type(error).__name__)
            return None, (), Degraded(Part.FEATURES, "the state failed")

    def _dropped(self, desk: Desk, deadline: tuple[int, int] | None) -> Degraded | None:
        if desk.bundle is not None and self._killed():
            return Degraded(Part.MODEL, "kill switch")
        if deadline is None or desk.bundle is None:
            return None
        asked_ms, by = deadline
        left = by - self._ticks() - _COMMIT_NS
        if left < self._cost["score"]:
            return Degraded(Part.MODEL, f"deadline of {asked_ms} ms")
        if left < self._cost["score"] + self._cost["reasons"]:
            return Degraded(Part.REASONS, f"deadline of {asked_ms} ms")
        return None

    def _learn_costs(self, ends: dict[str, int], explained: bool) -> None:
        """Follow what the model and the reasons cost here, quickly up and slowly down."""
        for stage, before in (("score", "rules"), ("reasons", "score")):
            if stage == "reasons" and not explained:
                continue
            took, known = ends[stage] - ends[before], self._cost[stage]
            self._cost[stage] = max(took, known - (known - took) // 16)


def stage_micros(started: int, picked: int, admitted: int, ends: dict[str, int]) -> dict[str, int]:
    """Stage → µs, from the head of the request up to the commit.

    Examples
    --------
    >>> stage_micros(0, 2_000, 3_000, {"features": 9_000, "policy": 12_000})
    {'wait': 2, 'admit': 1, 'features': 6, 'policy': 3, 'total': 12}
    """
    times = {"wait": (picked - started) // _MICRO, "admit": (admitted - picked) // _MICRO}
    before = admitted
    for stage in _STAGES:
        if stage in ends:
            times[stage] = (ends[stage] - before) // _MICRO
            before = ends[stage]
    times["total"] = (before - started) // _MICRO
    return times


def _less(degraded: Degraded | None, ends: dict[str, int]) -> Degraded | None:
    """What to drop next after a failure; None when nothing is left to drop."""
    if degraded is not None and degraded.part is not Part.REASONS:
        return None
    if "rules" not in ends:
        return None
    if degraded is None and "score" in ends:
        return Degraded(Part.REASONS, "the explainer failed")
    return Degraded(Part.MODEL, "the model failed")
