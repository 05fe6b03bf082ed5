"""What may hang is done by the thread at work itself, and where it hangs another thread takes over the work.

    thread at work   ── within: note what is begun, and by when ──▶ act ──▶ still at work? ──▶ goes on
    watch            ── looks when something is due; too late, also for who waits: the thread is left behind,
                        `take_over` starts another
    left behind      ── comes back some day, finds that, and ends (`LeftBehind`); what it did rests for a while

Handing each act to another thread would be simpler: under load that cost 3 ms a request, two waits for the
interpreter's lock; this costs a microsecond (docs/adr/0009).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

T = TypeVar("T")

_LOOK_NS = 5_000_000
"""Between two looks at what has had a fair time: somebody who must have his answer earlier may have come."""

_IDLE_LOOKS = 20
_WHEN_CALLED = 2**63


_REST, _LONGEST_REST_NS = 10, 60_000_000_000
"""What was too late is let alone for ten times as long as it took, a minute at most: trying it costs everybody time."""


FAIR_NS = 100_000_000
"""What has not taken longer is not cut short for those who wait: no reason takes a fifth of it."""


_NEVER = -(2**63)


class TooLate(Exception):  # noqa: N818 - it reads as what happened
    """It was begun some time ago and is not done, or rests.

    Parameters
    ----------
    begun : when (monotonic ns); None while it rests. note : as it was given.
    """

    def __init__(self, begun: int | None = None, note: Mapping[str, int] | None = None) -> None:
        super().__init__("rests" if begun is None else "not done yet")
        self.begun = begun
        self.note = note or {}


class LeftBehind(BaseException):
    """Another thread has taken over: whoever is told this touches nothing any more, and ends."""


class _Act:
    """One act: under a name, begun and due at (monotonic ns), and what it notes on its way."""

    __slots__ = ("begun", "due", "name", "note")

    def __init__(self, name: Hashable, begun: int, due: int, note: Mapping[str, int]) -> None:
        self.name, self.begun, self.due, self.note = name, begun, due, note


class Rescue:
    """Do things under names, one at a time, in the thread at work; use `start` before.

    Parameters
    ----------
    ticks : monotonic clock in ns.
    waited_for : by when the first of those who wait must have an answer (ns of the same clock); None where nobody must.

    Examples
    --------
    >>> rescue = Rescue()
    >>> rescue.within("model", 5_000_000_000, lambda: 6 * 7, {})
    42
    """

    def __init__(
        self, ticks: Callable[[], int] = time.perf_counter_ns, waited_for: Callable[[], int | None] = lambda: None
    ) -> None:
        self._ticks = ticks
        self._waited_for = waited_for
        self._lock = threading.Lock()
        self._act: _Act | None = None
        self._hanging: dict[Hashable, _Act] = {}
        self._rests: dict[Hashable, int] = {}
        self._called = threading.Event()
        self._looks_at = _WHEN_CALLED
        self._take_over: Callable[[], None] = lambda: None
        self._stopped = False

    def start(self, take_over: Callable[[], None]) -> None:
        """Watch from now on; ``take_over`` has another thread go on with the work of the one that is left behind."""
        self._take_over = take_over
        threading.Thread(target=self._watch, name="rescue", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped = True
        self._called.set()

    def within(self, name: Hashable, nanoseconds: int, act: Callable[[], T], note: Mapping[str, int]) -> T:
        """What ``act`` gives, or raises.

        Parameters
        ----------
        note : what the act tells of its way, for who is told that it is too late.

        Raises
        ------
        TooLate
            When something of this name is still being done by a thread that was left behind, or rests after it.
        LeftBehind
            To the thread itself, once it was.
        """
        begun = self._ticks()
        hanging = self._hanging.get(name)
        if hanging is not None:
            raise TooLate(hanging.begun, hanging.note)
        if self._rests and begun < self._rests.get(name, begun):
            raise TooLate
        mine = self._act = _Act(name, begun, begun + nanoseconds, note)
        if mine.due < self._looks_at:
            self._looks_at = mine.due
            self._called.set()
        try:
            return act()
        finally:
            with self._lock:
                if self._act is not mine:
                    now = self._ticks()
                    self._rests[name] = now + min(_REST * (now - begun), _LONGEST_REST_NS)
                    del self._hanging[name]
                    raise LeftBehind
                self._act = None

    def hangs(self, name: Hashable) -> bool:
        """Whether a thread that was left behind has not come back from what has this name."""
        return name in self._hanging

    def rests(self, name: Hashable) -> bool:
        """Whether what has this name was too late a while ago, and is let alone."""
        return self._ticks() < self._rests.get(name, _NEVER)

    def _watch(self) -> None:
        """Look no oftener than needed: each look takes the interpreter's lock from the thread at work."""
        idle = 0
        while not self._stopped:
            self._called.clear()
            act = self._act
            idle = idle + 1 if act is None else 0
            now = self._ticks()
            self._looks_at = look = _WHEN_CALLED if idle > _IDLE_LOOKS else self._next_look(act, now)
            # Noted before it is looked at again: what began meanwhile has not seen by when the next look is.
            if self._act is not act:
                continue
            if act is not None and look <= now:
                if self._left(act):
                    self._take_over()
            else:
                self._called.wait(None if look == _WHEN_CALLED else (look - now) / 1e9)

    def _next_look(self, act: _Act | None, now: int) -> int:
        """When to look next; what begins until then and is due earlier calls."""
        if act is None:
            return now + FAIR_NS
        fair = act.begun + FAIR_NS
        return min(self._due(act), fair if now < fair else now + _LOOK_NS)

    def _due(self, act: _Act) -> int:
        """By when an act must be done, also for those behind it, who let everybody have a fair time."""
        if self._ticks() < act.begun + FAIR_NS:
            return act.due
        first = self._waited_for()
        return act.due if first is None else min(act.due, first)

    def _left(self, act: _Act) -> bool:
        """Leave the thread behind that does an act, once it is too late."""
        with self._lock:
            if self._act is not act:
                return False
            self._act = None
            self._hanging[act.name] = act
            return True
