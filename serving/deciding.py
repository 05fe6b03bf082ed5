"""One decision at a desk: features, rules, score, reasons, policy, and what is dropped when a part fails.

deadline near      → reasons first, then the model
kill switch        → the model
no, broken model   → the model
hanging model      → the model, at the deadline: another thread goes on, and the request is decided again without it
broken, slow state → the features, and with them the model
hanging state      → the features, at the deadline; nobody touches it until it is back or made anew (`LostStates`)
hanging rules      → everything, at the deadline: a person decides
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from domain.errors import InputError
from domain.events import Event
from scoring.canary import CANARY
from scoring.decide import Decided, Degraded, Part, decide, vector_flags
from serving.desk import STATE_LOST, Desk, Role
from serving.rescue import FAIR_NS, Rescue, TooLate
from serving.work import COMMIT_NS

_MICRO = 1_000
_MILLI = 1_000_000
_FIRST_GUESS_NS = {"features": 0, "score": 1 * _MILLI, "reasons": 20 * _MILLI}
_SLOW_STATE_NS = 50 * _MILLI
"""Features that cost less are read even for a request that is late: rules need them."""


_STAGES = ("features", "rules", "score", "reasons", "policy")


class Deadline(NamedTuple):
    """By when an answer should be out: ms as asked for, and the monotonic ns.

    Examples
    --------
    >>> Deadline(200, by=1_200_000_000).told
    'deadline of 200 ms'
    """

    asked_ms: int
    by: int

    @property
    def told(self) -> str:
        """As a degraded answer names it."""
        return f"deadline of {self.asked_ms} ms"


class Made(NamedTuple):
    """A decision, the row it was made on and the moment each stage ended (monotonic ns)."""

    decided: Decided
    row: NDArray[np.float64] | None
    ends: dict[str, int]


class Decider:
    """Make decisions; for one thread, as the scorers are.

    Parameters
    ----------
    code : version of the code, recorded in every decision.
    killed : whether the kill switch is set; asked when a transaction begins.
    ticks : monotonic clock in ns.
    log : told what broke, by name only.
    patience : µs that a model is waited for at most, and by when who names no deadline is answered.
    rescue : has another thread go on where a model, a state or rules hang.
    lose : told of a desk whose state hangs.
    """

    def __init__(
        self,
        code: str,
        killed: Callable[[], bool],
        ticks: Callable[[], int],
        log: Any,
        *,
        patience: int,
        rescue: Rescue,
        lose: Callable[[Desk], None],
    ) -> None:
        self._code = code
        self._killed = killed
        self._ticks = ticks
        self._log = log
        self._patience_ns = patience * _MICRO
        self._cost = dict(_FIRST_GUESS_NS)
        self._rescue = rescue
        self._lose = lose
        self._is_killed = False

    def begin(self) -> None:
        """A transaction begins: look at the kill switch, which holds for all that are decided in it."""
        self._is_killed = self._killed()

    def make(
        self, desk: Desk, event: Event, decision_id: str, decided_at: int, *, started: int, deadline_ms: int | None
    ) -> Made:
        """Decide on a numbered event that the desk's state has not learnt yet.

        Parameters
        ----------
        started : when the request came in (monotonic ns).
        deadline_ms : by when, from then, the answer should be out; None where the request does not say.

        Raises
        ------
        InputError
            When the event itself cannot be decided on.
        """
        wanted = self._patience_ns if deadline_ms is None else deadline_ms * _MILLI
        deadline = Deadline(wanted // _MILLI, started + wanted)
        row, flags, degraded = self._features(desk, event, deadline)
        if desk.role is Role.CANARY:
            flags = (*flags, CANARY)
        read = self._ticks()
        degraded = degraded or self._dropped(desk, deadline)
        while True:
            ends = {"features": read}
            attempt = partial(self._attempt, desk, event, row, decision_id, decided_at, flags, degraded, ends)
            try:
                decided = self._in_time(desk, degraded, deadline, attempt, ends)
            except InputError:
                raise
            except TooLate as late:
                degraded = self._overrun(desk, degraded, deadline, late)
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

    def _in_time(
        self,
        desk: Desk,
        degraded: Degraded | None,
        deadline: Deadline,
        attempt: Callable[[], Decided],
        ends: dict[str, int],
    ) -> Decided:
        """An attempt that a model or rules which hang cannot hold up beyond the deadline."""
        left = min(deadline.by - self._ticks() - COMMIT_NS, self._patience_ns)
        if degraded is None or degraded.part is Part.REASONS:
            if desk.bundle is not None:
                return self._rescue.within(desk.bundle.hash, left, attempt, ends)
        elif degraded.part is Part.RULES:
            return attempt()
        # Rules are asked of a request that is late, too.
        return self._rescue.within(desk.policy.hash, max(left, FAIR_NS), attempt, ends)

    def _overrun(self, desk: Desk, degraded: Degraded | None, deadline: Deadline, late: TooLate) -> Degraded:
        """The model or rules were not done in time, are not done yet with an earlier request, or rest after that."""
        now = self._ticks()
        told = deadline.told if now >= deadline.by - COMMIT_NS else None
        stages = dict(late.note)
        alone = desk.bundle is None or (degraded is not None and degraded.part is not Part.REASONS)
        if alone or (late.begun is not None and "rules" not in stages and now - late.begun >= FAIR_NS):
            self._log.error("rules_too_slow", product=desk.product.value)
            return Degraded(Part.RULES, told or "the rules are too slow")
        if late.begun is not None:
            part, before = ("reasons", "score") if "score" in stages else ("score", "rules")
            took = now - stages.get(before, late.begun)
            self._cost[part] = max(self._cost[part], took)
            self._log.error("model_too_slow", product=desk.product.value, stage=part, milliseconds=took // _MILLI)
        return Degraded(Part.MODEL, told or "the model is too slow")

    def _features(
        self, desk: Desk, event: Event, deadline: Deadline
    ) -> tuple[NDArray[np.float64] | None, tuple[str, ...], Degraded | None]:
        if desk.bundle is None:
            return None, (), None if desk.missing is None else Degraded(Part.MODEL, desk.missing)
        if desk.state is None:
            return None, (), Degraded(Part.FEATURES, desk.aside)
        # Named by a weak reference: the state that takes its place is another, and may lie where it lay.
        started, name = self._ticks(), ref(desk.state)
        left = deadline.by - started - COMMIT_NS
        # One that hangs is laid aside first of all: nothing may be learnt by what a thread left behind still reads.
        if not self._rescue.hangs(name) and self._cost["features"] > max(left, _SLOW_STATE_NS):
            self._cost["features"] -= self._cost["features"] // 16
            return None, (), Degraded(Part.FEATURES, deadline.told)
        due = max(min(left, self._patience_ns), FAIR_NS)
        try:
            vector = self._rescue.within(name, due, partial(desk.state.vector, event), {})
            self._learn("features", self._ticks() - started)
            return desk.bundle.encoder.row(vector), vector_flags(vector), None
        except TooLate:
            self._lose(desk)
            late = self._ticks() >= deadline.by - COMMIT_NS
            return None, (), Degraded(Part.FEATURES, deadline.told if late else STATE_LOST)
        except Exception as error:  # noqa: BLE001 - whatever breaks in a state, the payment is answered
            self._learn("features", self._ticks() - started)
            self._log.error("features_failed", product=desk.product.value, error=type(error).__name__)
            return None, (), Degraded(Part.FEATURES, "the state failed")

    def _dropped(self, desk: Desk, deadline: Deadline) -> Degraded | None:
        if desk.bundle is not None and self._is_killed:
            return Degraded(Part.MODEL, "kill switch")
        if desk.bundle is None:
            return None
        left = deadline.by - self._ticks() - COMMIT_NS
        # What is dropped is not measured: what is known of its cost fades, so that it is tried again some day.
        if left < self._cost["score"]:
            self._cost["score"] -= self._cost["score"] // 16
            return Degraded(Part.MODEL, deadline.told)
        if left < self._cost["score"] + self._cost["reasons"]:
            self._cost["reasons"] -= self._cost["reasons"] // 16
            return Degraded(Part.REASONS, deadline.told)
        return None

    def _learn_costs(self, ends: dict[str, int], explained: bool) -> None:
        """Follow what the model and the reasons cost here."""
        for stage, before in (("score", "rules"), ("reasons", "score")):
            if stage == "reasons" and not explained:
                continue
            self._learn(stage, ends[stage] - ends[before])

    def _learn(self, stage: str, took: int) -> None:
        """Quickly up and slowly down."""
        known = self._cost[stage]
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
