"""States that hang while they are read or learn, or are far behind: apart from the desks until they are back.

    committer's thread   one hangs             ── lose ──▶ no desk has the state: requests are decided without features
                         others have appended much ── behind ──▶ likewise
    watch thread         it came back, and has rested ──▶ taken back between two transactions; it follows the journal
                         it was behind, and has caught up ──▶ likewise
                         it hangs for `REBUILD_AFTER`,
                         or has learnt by half         ──▶ another is made of checkpoint and journal in its place

Until who is in it is back nothing may be learnt by a state: the room that it is read from could move.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from domain.errors import AssayError
from domain.events import Event
from serving.desk import STATE_BEHIND, STATE_LOST, Desk, Desks
from serving.rescue import Rescue, TooLate

if TYPE_CHECKING:
    from features.online import OnlineState
    from scoring.bundle import Bundle

_NEVER = 2**63
"""No state has learnt so far."""

REBUILD_AFTER = 10_000_000_000
"""ns after which one that hangs is not waited for any more; also the least time between two that are made."""


@dataclass(slots=True)
class _Lost:
    """A state, the bundle it was kept for, when it was last seen to (monotonic ns), and how far it must have learnt.

    One that is ``behind`` is in nobody's hands, and is to catch up.
    """

    state: OnlineState
    bundle: Bundle
    at: int
    seq: int
    behind: bool = False


class LostStates:
    """Lay states aside and have them back; `lose` is for the committer's thread, `look` for the watch.

    Parameters
    ----------
    between : has something done in the committer's thread between two transactions.
    start : makes a state that is in step with the journal.
    catch_up : has a state take in what the journal holds beyond it.
    wake : has `look` called soon.
    patience : µs that learning from one event may take, where nobody must have his answer earlier.
    ticks : monotonic ns.
    """

    def __init__(
        self,
        desks: Desks,
        rescue: Rescue,
        between: Callable[[Callable[[], None]], None],
        start: Callable[[Bundle], OnlineState],
        catch_up: Callable[[OnlineState], None],
        wake: Callable[[], None],
        *,
        patience: int,
        ticks: Callable[[], int],
        log: Any,
    ) -> None:
        self._desks = desks
        self._rescue = rescue
        self._between = between
        self._start = start
        self._catch_up = catch_up
        self._wake = wake
        self._patience_ns = patience * 1_000
        self._ticks = ticks
        self._log = log
        self._lock = threading.Lock()
        self._lost: dict[str, _Lost] = {}

    def learn(self, state: OnlineState, event: Event) -> None:
        """Have a state learn from one event; one that hangs in it is laid aside, and learns it when it is back."""
        try:
            self._rescue.within(ref(state), self._patience_ns, partial(state.apply, event), {})
        except TooLate:
            self.lose(self._desk_of(state), event.seq)

    def lose(self, desk: Desk, seq: int = 0) -> None:
        """Have no desk read or teach this desk's state any more; it is learning the event of this ``seq``."""
        self._lay_aside(desk, STATE_LOST, seq)
        self._log.error("state_too_slow", **_named(desk))

    def behind(self, state: OnlineState) -> None:
        """Have a state catch up with what others have appended, apart from who decides."""
        desk = self._desk_of(state)
        self._lay_aside(desk, STATE_BEHIND, behind=True)
        self._log.warning("state_behind", seq=state.seq, **_named(desk))
        self._wake()

    def _desk_of(self, state: OnlineState) -> Desk:
        return next(desk for desk in self._desks.all() if desk.state is state)

    def _lay_aside(self, desk: Desk, why: str, seq: int = 0, *, behind: bool = False) -> None:
        assert desk.state is not None  # noqa: S101 - for the type checker
        assert desk.bundle is not None  # noqa: S101 - likewise
        self._desks.lay_aside(desk.state, why)
        with self._lock:
            self._lost[desk.bundle.feature_set.hash] = _Lost(desk.state, desk.bundle, self._ticks(), seq, behind)

    def look(self) -> None:
        """Have back what is back, and make anew what does not come."""
        with self._lock:
            waiting = list(self._lost.items())
        for features, lost in waiting:
            name = ref(lost.state)
            if lost.behind:
                self._caught_up(features, lost)
            elif not self._rescue.hangs(name) and lost.state.seq >= lost.seq:
                if not self._rescue.rests(name):
                    self._put(features, lost, lost.state)
            elif self._ticks() - lost.at >= REBUILD_AFTER:
                lost.at = self._ticks()
                try:
                    state = self._start(lost.bundle)
                except AssayError as error:
                    self._log.error("state_not_made", features=features, error=str(error))
                else:
                    self._put(features, lost, state)

    def _caught_up(self, features: str, lost: _Lost) -> None:
        lost.behind = False
        try:
            self._catch_up(lost.state)
        except AssayError as error:
            # It may have taken in a part: only another one can take its place.
            lost.at, lost.seq = self._ticks(), _NEVER
            self._log.error("state_not_caught_up", features=features, error=str(error))
        else:
            self._put(features, lost, lost.state)

    def _put(self, features: str, lost: _Lost, state: OnlineState) -> None:
        def put() -> None:
            with self._lock:
                if self._lost.get(features) is not lost:
                    return
                del self._lost[features]
            # After a transaction that failed every desk has a new one: then none is without.
            self._desks.take_back(features, state)
            self._log.info("state_back", features=features, seq=state.seq, made_anew=state is not lost.state)

        self._between(put)


def _named(desk: Desk) -> dict[str, str]:
    assert desk.bundle is not None  # noqa: S101 - for the type checker
    return {"product": desk.product.value, "features": desk.bundle.feature_set.hash}
