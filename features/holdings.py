"""What is kept of every entity: its rows in memory, which slots are its own, and what changed since it was written.

An entity has one slot for each view of its kind, next to each other. An entity that no request within the declared
lateness can see is let go, and its slots and rows are used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from features.catalogue import FeatureSet
from features.kernel.layout import CAPACITY, END, HOP, LATENESS, LONGEST, MAX_TIME, NEVER, OFFSET, START, TOP, WIDTH
from features.memory import Memory
from features.room import Room
from features.state_packing import CARRIED, Form, Records, forms_of, sealed, unsealed

Words = npt.NDArray[np.int64]

_CARRIED = np.array(CARRIED)
_MORE_SLOTS = 2**12
"""Slots added at once at most (0.3 MB, which are written), between two requests."""

_LARGE = 2**15
"""Words of an entity above which it is packed last of those that are packed together: a quarter of a megabyte."""


class Holdings:
    """Entities, their slots and their rows; the caller inserts into ``memory`` with the kernel.

    Parameters
    ----------
    feature_set : whose views are kept.
    n_slots, n_words : size of the memory to begin with.
    """

    def __init__(self, feature_set: FeatureSet, n_slots: int = 256, n_words: int = 2**16) -> None:
        plan = feature_set.plan
        self.forms: dict[str, Form] = forms_of(feature_set)
        self.memory = Memory(n_slots, n_words, max((int(view.program[WIDTH]) for view in plan.views), default=0))
        self.first: dict[str, dict[str, int]] = {entity: {} for entity in plan.entities}
        self._changed: dict[str, list[str]] = {entity: [] for entity in plan.entities}
        # Of a first slot: whether its key stands there already. A set of them would be copied whenever it is full.
        self._noted = bytearray()
        self.answers_after = NEVER
        """A request at or before this time might have seen what was let go: it is answered as stale."""
        self._views = {
            entity: np.array([place for place, view in enumerate(plan.views) if view.entity == entity], dtype=np.int64)
            for entity in plan.entities
        }
        # The lower edge of a tiled view's window reaches back by up to a hop more.
        self._longest = np.array([view.program[LONGEST] + view.program[HOP] for view in plan.views], dtype=np.int64)
        self._lateness = np.array([view.program[LATENESS] for view in plan.views], dtype=np.int64)
        self._widths = np.array([view.program[WIDTH] for view in plan.views], dtype=np.int64)
        self._vacant: dict[str, list[int]] = {entity: [] for entity in plan.entities}
        self._n_slots = 0
        self.cursor = 0
        # Of a first slot; what kind of entity it is, its view says (a pair would take 72 bytes more each).
        self._key_at: list[str | None] = []
        self._entity_of = [view.entity for view in plan.views]
        self._of_slots = Room(len(self.memory.meta), 2)
        self._view_of, self._first_of = self._of_slots.lines.T

    # ------------------------------------------------------------------- slots

    def made(self, entity: str, key: str) -> int:
        """The first slot of an entity; given to it at first sight. It counts as changed."""
        known = self.first[entity]
        first = known.get(key)
        if first is None:
            first = known[key] = self._vacant[entity].pop() if self._vacant[entity] else self._fresh(entity)
            self._key_at[first] = key
        if not self._noted[first]:
            self._noted[first] = 1
            self._changed[entity].append(key)
        return first

    def _fresh(self, entity: str) -> int:
        views = self._views[entity]
        first = self._room(len(views))
        self._view_of[first : self._n_slots] = views
        self._first_of[first : self._n_slots] = first
        return first

    def _room(self, n_slots: int) -> int:
        """The first of so many slots that have never been used."""
        first, self._n_slots = self._n_slots, self._n_slots + n_slots
        while self._n_slots > len(self.memory.meta):
            more = min(len(self.memory.meta), _MORE_SLOTS)
            self.memory.add_slots(more)
            self._of_slots.grow(more)
            self._view_of, self._first_of = self._of_slots.lines.T
        self._key_at += [None] * n_slots
        self._noted += bytes(n_slots)
        return first

    def _made_at_once(self, entity: str, keys: Sequence[str]) -> Words:
        """The first slots of entities that are not kept yet, none of which can take a vacant place."""
        views = self._views[entity]
        first = self._room(len(keys) * len(views))
        firsts = np.arange(first, self._n_slots, len(views))
        self._view_of[first : self._n_slots].reshape(-1, len(views))[:] = views
        self._first_of[first : self._n_slots].reshape(-1, len(views))[:] = firsts[:, None]
        self._key_at[first :: len(views)] = keys
        self.first[entity].update(zip(keys, firsts.tolist(), strict=True))
        self._changed[entity] += keys
        return firsts

    @property
    def n_slots(self) -> int:
        """Slots that are or have been used."""
        return self._n_slots

    @property
    def n_entities(self) -> int:
        """Entities that are kept."""
        return sum(len(known) for known in self.first.values())

    @property
    def n_changed(self) -> int:
        """Entities that the next checkpoint writes."""
        return sum(len(keys) for keys in self._changed.values())

    def take_changed(self) -> dict[str, list[str]]:
        """What was changed or let go since it was last asked, in order; one that was let go may stand there twice."""
        taken = {entity: keys for entity, keys in self._changed.items() if keys}
        self._changed = {entity: [] for entity in self._changed}
        self._noted = bytearray(len(self._noted))
        return taken

    def note_changed(self, taken: Mapping[str, Iterable[str]]) -> None:
        """Have the next who asks be told of these as well."""
        for entity, keys in taken.items():
            self._changed[entity] += keys

    @property
    def n_rows(self) -> int:
        """Rows that are kept."""
        meta = self.memory.meta
        return int((meta[:, END] - meta[:, START]).sum())

    # ----------------------------------------------------------------- records

    def packed(self, entity: str, key: str, seq: int) -> bytes | None:
        """The record of an entity; None when nothing is kept of it."""
        (body,) = self.unsealed(entity, [key], seq)
        return self.sealed(entity, key, body)

    def unsealed(self, entity: str, keys: Sequence[str], seq: int) -> list[bytes | None]:
        """States of the first of some entities as bytes that `sealed` makes records of; None where nothing is kept.

        One that is large is the last that is given.
        """
        known, form, memory = self.first[entity], self.forms[entity], self.memory
        firsts = [known.get(key) for key in keys]
        there = [first for first in firsts if first is not None]
        if not there:
            return [None] * len(keys)
        lines = memory.meta[np.array(there, dtype=np.int64)[:, None] + np.arange(len(form.widths))]
        widths = np.array(form.widths, dtype=np.int64)
        n_rows = lines[:, :, END] - lines[:, :, START]
        large = np.flatnonzero(n_rows @ widths > _LARGE)
        if len(large):
            n = int(large[0]) + 1
            firsts = firsts[: firsts.index(there[n - 1]) + 1]
            lines, n_rows = lines[:n], n_rows[:n]
        starts = lines[:, :, OFFSET] + lines[:, :, START] * widths
        ends = starts + n_rows * widths
        pool = memory.pool
        rows = [
            pool[start:end]
            for start, end in zip(starts.ravel().tolist(), ends.ravel().tolist(), strict=True)
            if start < end
        ]
        bodies = iter(unsealed(form, seq, lines[:, :, _CARRIED], n_rows, rows))
        return [None if first is None else next(bodies) for first in firsts]

    def sealed(self, entity: str, key: str, body: bytes | None) -> bytes | None:
        """What `unsealed` gave as a record; for any thread."""
        return None if body is None else sealed(self.forms[entity], key, body)

    def put(self, entity: str, records: Records) -> Words:
        """Take in the records of entities that are not kept yet; returns their first slots."""
        if self._vacant[entity]:
            firsts = np.array([self.made(entity, key) for key in records.keys], dtype=np.int64)
        else:
            firsts = self._made_at_once(entity, records.keys)
        widths = np.array(self.forms[entity].widths, dtype=np.int64)
        slots = firsts[:, None] + np.arange(len(widths))
        n_rows, memory = records.n_rows, self.memory
        memory.lay(slots.ravel(), np.tile(widths, len(firsts)), n_rows.ravel())
        memory.meta[slots[:, :, None], _CARRIED] = records.carried
        n_words = n_rows * widths
        places = records.starts[:, None] + np.cumsum(n_words, axis=1) - n_words
        held = n_words > 0
        pool, words = memory.pool, records.words
        for offset, place, n in zip(
            memory.meta[slots[held], OFFSET].tolist(), places[held].tolist(), n_words[held].tolist(), strict=True
        ):
            pool[offset : offset + n] = words[place : place + n]
        return firsts

    # ---------------------------------------------------------------- let go

    def forget(self, entity: str, key: str) -> bool:
        """Let an entity go; True when there was one. What its rows held is overwritten."""
        first = self.first[entity].pop(key, None)
        self._changed[entity].append(key)
        if first is None:
            return False
        for slot, width in enumerate(self.forms[entity].widths, first):
            self.memory.forget(slot, width)
        self._key_at[first] = None
        self._noted[first] = 0
        self._vacant[entity].append(first)
        return True

    def clear(self) -> None:
        """Let everything go at once."""
        for entity in self.first:
            self.first[entity].clear()
            self._changed[entity].clear()
            self._vacant[entity].clear()
        self.memory.clear(self._n_slots)
        self._key_at.clear()
        self._noted.clear()
        self._n_slots = self.cursor = 0

    def evict(self, clock: int, n_slots: int, limit: int) -> int:
        """Let go of entities that no request within the declared lateness of ``clock`` can see.

        Looks at about ``n_slots`` slots, going on where it stopped (`cursor`, 0 when all have been looked at), and lets
        go of ``limit`` entities at most; returns how many. With T the
        newest request's time, w the longest window of a view and l the lateness, a request that is not late has
        t ≥ T − l and sees rows with event_time ≥ t − w. Where the newest row of an entity is older than T − w − l
        there are none, and neither of its flags can be raised.
        """
        start = self.cursor
        stop = min(start + n_slots, self._n_slots)
        while stop < self._n_slots and self._first_of[stop] != stop:
            stop += 1
        self.cursor = 0 if stop == self._n_slots else stop
        views, firsts = self._view_of[start:stop], self._first_of[start:stop]
        newest = self.memory.meta[start:stop, MAX_TIME]
        seen = newest >= clock - (self._longest + self._lateness)[views]
        alive = np.zeros(stop - start, dtype=np.bool_)
        alive[firsts[seen] - start] = True
        gone = 0
        for place in np.flatnonzero((firsts == np.arange(start, stop)) & ~alive).tolist():
            key = self._key_at[start + place]
            if key is None:
                continue
            if gone == limit:
                self.cursor = start + place
                break
            entity = self._entity_of[views[place]]
            own = slice(place, place + len(self._views[entity]))
            reach = np.where(newest[own] == NEVER, NEVER, newest[own] + self._longest[views[own]])
            self.answers_after = max(self.answers_after, int(reach.max()))
            self.forget(entity, key)
            gone += 1
        return gone

    def compact(self) -> None:
        """Move all rows together when more than a quarter of the pool's used words hold none."""
        widths = self._widths[self._view_of[: self._n_slots]]
        kept = int((self.memory.meta[: self._n_slots, CAPACITY] * widths).sum())
        if 4 * kept < 3 * int(self.memory.pool[TOP]):
            self.memory.compact(widths)
