"""Features online: the state of every entity in memory, read and updated by the functions that replay uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.errors import DataError, expected_got
from domain.events import Event
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.columns import encode_event
from features.kernel.layout import ABSENT, STALE, TRUNCATED, UNSEEN, WIDTH
from features.kernel.loading import load_kernel
from features.memory import Memory
from features.plan import ViewPlan
from features.sources import Source, read_source
from stores.journal import Journal

Words = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vector:
    """Features of one request.

    ``values`` float64[n] in the order of the set's names, NaN at categories; ``texts`` in the order of its
    ``categorical``.
    """

    values: npt.NDArray[np.float64]
    texts: tuple[str | None, ...]
    truncated: bool
    stale: bool


class OnlineState:
    """What is remembered for a feature set, up to ``seq`` of the journal.

    Not safe for use by several threads at once: it belongs to the thread that assigns ``seq``.

    Parameters
    ----------
    feature_set : what to remember; it was compiled with the platform's settings.
    platform : the same settings; another time zone or lateness is refused.
    cache : folder of the compiled kernel (see `features.kernel.loading.load_kernel`).

    Raises
    ------
    DataError
        When the set was compiled for other platform settings.
    """

    def __init__(self, feature_set: FeatureSet, platform: PlatformSettings, cache: Path | None = None) -> None:
        for name in ("base_currency", "time_zone", "max_lateness", "fx"):
            if feature_set.definition[name] != getattr(platform, name):
                raise DataError(
                    expected_got(f"{name} {feature_set.definition[name]!r}", getattr(platform, name), "state")
                )
        self.feature_set = feature_set
        self.seq = 0
        self._kernel = load_kernel(cache)
        self._plan = plan = feature_set.plan
        self._memory = Memory(256, 2**16)
        self._n_slots = 0
        self._slots: dict[str, dict[str, int]] = {entity: {} for entity in plan.entities}
        self._by_kind: dict[str, tuple[ViewPlan, ...]] = {
            kind: tuple(view for view in plan.views if view.source == kind)
            for kind in {view.source for view in plan.views}
        }
        self._readers = [(view.entity, view.ordinal) for view in plan.views]
        self._request_layout = plan.layouts[feature_set.subject_kind]
        self._texts = tuple(column for _, column in plan.categories if column in feature_set.categorical)
        self._scratch = plan.scratch()
        self._widest = max((int(view.program[WIDTH]) * 4 * view.ring for view in plan.views), default=0)

    # ------------------------------------------------------------------ read

    def vector(self, event: Event) -> Vector:
        """Features of a request at ``event.event_time`` that arrives after everything applied; changes nothing.

        Raises
        ------
        DataError
            When the event is no subject of this set, or a value does not fit (no exchange rate, too large).
        """
        plan = self._plan
        if event.kind != plan.subject_kind:
            raise DataError(expected_got(plan.subject_kind, event.kind, "features of a request"))
        body = event.body
        row = np.full((1, plan.n_row), np.nan)
        for position, number in plan.own:
            row[0, position] = number.one(event)
        slots = np.empty(len(self._readers), dtype=np.int64)
        for index, (entity, ordinal) in enumerate(self._readers):
            key = body.get(entity)
            if key is None:
                slots[index] = ABSENT
            else:
                first = self._slots[entity].get(str(key))
                slots[index] = UNSEEN if first is None else first + ordinal
        flags = self._kernel.answer(
            self._memory.pool, self._memory.meta, plan.programs, plan.starts, slots,
            np.array([event.event_time], dtype=np.int64), encode_event(self._request_layout, event), row, plan.code,
            plan.constants, plan.zone.at, plan.zone.offset, self._scratch,
        )  # fmt: skip
        values = row[0] if plan.visible is None else row[0][plan.visible]
        texts = tuple(_text(body.get(column)) for column in self._texts)
        return Vector(values, texts, bool(flags & TRUNCATED), bool(flags & STALE))

    # ---------------------------------------------------------------- update

    def apply(self, event: Event) -> None:
        """Take in one numbered event of any kind.

        Raises
        ------
        DataError
            When its ``seq`` is not above all applied ones, or a value does not fit; nothing is changed then.
        """
        if event.seq <= self.seq:
            raise DataError(expected_got(f"a seq above {self.seq}", event.seq, f"{event.kind} {event.event_id}"))
        views = [
            view
            for view in self._by_kind.get(event.kind, ())
            if view.entity in event.body and all(condition.holds(event.body) for condition in view.conditions)
        ]
        if views:
            values = encode_event(self._plan.layouts[event.kind], event)
            items = np.array(
                [[view.start, self._slot(view, str(event.body[view.entity])), 0] for view in views], dtype=np.int64
            )
            times, seqs = np.array([event.event_time], dtype=np.int64), np.array([event.seq], dtype=np.int64)
            self._insert(items, times, seqs, values)
        self.seq = event.seq

    def warm(self, journal: Journal) -> int:
        """Take in everything the journal holds beyond ``seq``; returns the number of events passed over or taken."""
        with journal.database.reading():
            last = journal.last_seq()
            if last <= self.seq:
                return 0
            sources = {
                kind: read_source(self._plan, journal, kind, (), self.seq, last) for kind in sorted(self._by_kind)
            }
        for kind, source in sources.items():
            for view in self._by_kind[kind]:
                self._absorb(view, source)
        taken = last - self.seq
        self.seq = last
        return taken

    def follow(self, journal: Journal) -> int:
        """Take in what others have appended since; cheap when that is nothing."""
        return self.warm(journal)

    def _absorb(self, view: ViewPlan, source: Source) -> None:
        rows = source.rows(view.conditions)
        keys = source.table[view.entity].take(pa.array(rows)).combine_chunks().dictionary_encode()
        slots = np.array([self._slot(view, key) for key in keys.dictionary.to_pylist()] + [UNSEEN], dtype=np.int64)
        slots = slots[keys.indices.fill_null(len(slots) - 1).to_numpy(zero_copy_only=False)]
        named = slots != UNSEEN
        items = np.empty((int(named.sum()), 3), dtype=np.int64)
        items[:, 0], items[:, 1], items[:, 2] = view.start, slots[named], rows[named]
        self._insert(items, source.times, source.seqs, source.values)

    def _insert(self, items: Words, times: Words, seqs: Words, values: Words) -> None:
        self._memory.run(
            self._kernel.insert_many, (self._plan.programs, items, times, seqs, values), 0, len(items), (), self._widest
        )

    def _slot(self, view: ViewPlan, key: str) -> int:
        known = self._slots[view.entity]
        first = known.get(key)
        if first is None:
            first = known[key] = self._n_slots
            self._n_slots += self._plan.entities[view.entity]
            if self._n_slots > len(self._memory.meta):
                self._memory.add_slots(len(self._memory.meta))
        return first + view.ordinal


def _text(value: object) -> str | None:
    return None if value is None else str(value)
