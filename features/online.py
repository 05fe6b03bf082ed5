"""Features online: the state of every entity in memory, read and updated by the functions that replay uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.errors import DataError, expected_got
from domain.events import NAMESPACES, Event
from domain.settings import PlatformSettings
from features.catalogue import FeatureSet
from features.checkpoint import Head, check_witness, in_batches, witness_in, witness_of, write_checkpoint
from features.columns import encode_event
from features.holdings import Holdings
from features.kernel.layout import ABSENT, NEVER, STALE, TRUNCATED, UNSEEN, WIDTH
from features.kernel.loading import load_kernel
from features.plan import ViewPlan
from features.sources import Source, read_source
from features.state_packing import unpack
from stores.journal import Journal
from stores.states import Mark, Overtaken, StateStore

Words = npt.NDArray[np.int64]

_BATCH = 4096

_WAITING = 1024
"""Events whose encoded columns are kept until they are learnt: more than a transaction of the service takes."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event tells: ``named`` are the entities, each with the column of the event that holds its key.

    ``views`` int64[n, 3] are (program, which of the entities, ordinal) of the views that learn.
    """

    named: tuple[tuple[str, str], ...]
    views: Words


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
        self.saved: Mark | None = None
        self.holdings = Holdings(feature_set)
        self.clock = NEVER
        self._kernel = load_kernel(cache)
        self._plan = plan = feature_set.plan
        self._witness = bytes(16)
        self._restored: Head | None = None
        self._known: Words | None = None
        self._last: Event | None = None
        self._by_kind: dict[str, tuple[ViewPlan, ...]] = {
            kind: tuple(view for view in plan.views if view.source == kind)
            for kind in {view.source for view in plan.views}
        }
        self._conditions = {
            kind: tuple(dict.fromkeys(condition for view in views for condition in view.conditions))
            for kind, views in self._by_kind.items()
        }
        self._told: dict[tuple[object, ...], _Told] = {}
        entities = list(plan.entities)
        readers = [(view.start, entities.index(view.entity), view.ordinal) for view in plan.views]
        self._readers = np.array(readers, dtype=np.int64).reshape(-1, 3)
        self._encoded: dict[int, tuple[Event, Words]] = {}
        encodings = plan.layouts[feature_set.subject_kind]
        self._own = tuple(
            (position, number, encodings.index(number.encoding) if number.encoding in encodings else -1)
            for position, number in plan.own
        )
        self._blank = np.full((1, plan.n_row), np.nan)
        self._time = np.zeros(1, dtype=np.int64)
        self._texts = tuple(column for _, column in plan.categories if column in feature_set.categorical)
        self._scratch = plan.scratch()
        self._batch = plan.batch(1)
        self._widest = max((int(view.program[WIDTH]) * 4 * min(view.ring, 4096) for view in plan.views), default=0)

    # ------------------------------------------------------------------ read

    def check(self, event: Event) -> None:
        """Refuse what `apply`, or `vector` of a request, would refuse for its values; what is worked out is kept.

        Raises
        ------
        DataError
            When a value does not fit (no exchange rate, too large).
        """
        self._columns(event)
        if event.kind == self._plan.subject_kind:
            for _, number, place in self._own:
                if place < 0:
                    number.one(event)

    def _columns(self, event: Event) -> Words:
        """Its columns as the kernel sees them, int64[1, n]: encoded once for its check, its features and its learning.

        The three get three objects, for an event is numbered on the way; their columns are the same object.
        """
        known = self._encoded.get(id(event.body))
        if known is not None:
            first, values = known
            if first is event or (
                first.body is event.body
                and first.kind == event.kind
                and first.event_time == event.event_time
                and first.known_at == event.known_at
            ):
                return values
        values = encode_event(self._plan.layouts.get(event.kind, ()), event)
        if len(self._encoded) >= _WAITING:
            self._encoded.clear()
        self._encoded[id(event.body)] = (event, values)
        return values

    def vector(self, event: Event) -> Vector:
        """Features of a request at ``event.event_time`` that arrives after everything applied; changes nothing.

        Raises
        ------
        DataError
            When the event is no subject of this set, a value does not fit (no exchange rate, too large), or the
            state was restored and has not followed the journal yet.
        """
        plan = self._plan
        if event.kind != plan.subject_kind:
            raise DataError(expected_got(plan.subject_kind, event.kind, "features of a request"))
        if self._restored is not None:
            raise _not_followed()
        body = event.body
        row = self._blank.copy()
        values = self._columns(event)
        for position, number, place in self._own:
            row[0, position] = number.one(event) if place < 0 else number.of(int(values[0, place]))
        firsts = [
            ABSENT if (key := body.get(entity)) is None else known.get(str(key), UNSEEN)
            for entity, known in self.holdings.first.items()
        ]
        self._time[0] = event.event_time
        memory = self.holdings.memory
        flags = self._kernel.answer(
            memory.pool, memory.meta, plan.programs, self._readers, np.array(firsts, dtype=np.int64), self._time,
            values, row, plan.code, plan.constants, plan.zone.at, plan.zone.offset, self._scratch,
            self._batch,
        )  # fmt: skip
        texts = tuple([_text(body.get(column)) for column in self._texts])
        stale = bool(flags & STALE) or event.event_time <= self.holdings.answers_after
        given = row[0] if plan.visible is None else row[0][plan.visible]
        return Vector(given, texts, bool(flags & TRUNCATED), stale)

    # ---------------------------------------------------------------- update

    def apply(self, event: Event) -> None:
        """Take in one numbered event of any kind.

        Raises
        ------
        DataError
            When its ``seq`` is not above all applied ones, a value does not fit, or the state was restored and has
            not followed the journal yet; nothing is changed then.
        """
        if event.seq <= self.seq:
            raise DataError(expected_got(f"a seq above {self.seq}", event.seq, f"{event.kind} {event.event_id}"))
        if self._restored is not None:
            raise _not_followed()
        told = self._tells(event)
        keys = [event.body.get(column) for _, column in told.named]
        if keys.count(None) < len(keys):
            values, made = self._columns(event), self.holdings.made
            firsts = [
                UNSEEN if key is None else made(entity, str(key))
                for (entity, _), key in zip(told.named, keys, strict=True)
            ]
            self._time[0] = event.event_time
            others = (np.array(firsts, dtype=np.int64), self._time, values)
            self.holdings.memory.insert(self._kernel.learn, self._plan.programs, told.views, others)
        self._encoded.pop(id(event.body), None)
        if event.kind == self._plan.subject_kind and event.event_time > self.clock:
            self.clock = event.event_time
        self.seq = event.seq
        self._last = event

    def _tells(self, event: Event) -> _Told:
        """What the event tells of which entity, by the conditions that it meets."""
        conditions = self._conditions.get(event.kind, ())
        holds = [condition.holds(event.body) for condition in conditions]
        case = (event.kind, *holds)
        told = self._told.get(case)
        if told is None:
            met = {condition for condition, held in zip(conditions, holds, strict=True) if held}
            views = [view for view in self._by_kind.get(event.kind, ()) if met.issuperset(view.conditions)]
            named = list(dict.fromkeys((view.entity, view.key) for view in views))
            lines = [(view.start, named.index((view.entity, view.key)), view.ordinal) for view in views]
            told = self._told[case] = _Told(tuple(named), np.array(lines, dtype=np.int64).reshape(-1, 3))
        return told

    def warm(self, journal: Journal) -> int:
        """Take in everything the journal holds beyond ``seq``; returns the number of events passed over or taken.

        Raises
        ------
        DataError
            When the journal ends before the state, or holds another event where the state was saved: it was restored
            from a backup, and the state must be built anew.
        """
        starting = self.seq == 0 or self._restored is not None
        with journal.database.reading():
            if self._restored is not None:
                check_witness(journal, self._restored.newest, self._restored.witness)
            last = journal.last_seq()
            if last < self.seq:
                raise DataError(
                    expected_got(f"a journal up to seq {self.seq}, as the state is", last, "state")
                    + "; the journal was restored from a backup: the state must be rebuilt from it"
                )
            sources = {}
            if last > self.seq:
                sources = {
                    kind: read_source(self._plan, journal, kind, (), self.seq, last) for kind in sorted(self._by_kind)
                }
                self._witness, self._last = witness_in(journal, last), None
        for kind, source in sources.items():
            for view in self._by_kind[kind]:
                self._absorb(view, source, starting)
            if kind == self._plan.subject_kind and len(source.times):
                self.clock = max(self.clock, int(source.times.max()))
        taken, self.seq = last - self.seq, last
        self._restored = self._known = None
        if starting:
            self.holdings.compact()
        return taken

    def follow(self, journal: Journal) -> int:
        """Take in what others have appended since; cheap when that is nothing."""
        return self.warm(journal)

    def _absorb(self, view: ViewPlan, source: Source, starting: bool) -> None:
        rows = source.rows(view.conditions)
        if not len(rows):
            return
        keys = source.table[view.key].take(pa.array(rows)).combine_chunks().dictionary_encode()
        firsts = [self.holdings.made(view.entity, key) for key in keys.dictionary.to_pylist()]
        slots = np.array([*firsts, UNSEEN], dtype=np.int64)
        slots = slots[keys.indices.fill_null(len(slots) - 1).to_numpy(zero_copy_only=False)]
        named = slots != UNSEEN
        if self._known is not None:
            # A record may be newer than the checkpoint it lies in: it holds these rows already.
            known = np.zeros(max(int(slots.max()) + 1, len(self._known)), dtype=np.int64)
            known[: len(self._known)] = self._known
            named[named] = source.seqs[rows[named]] > known[slots[named]]
        items = np.empty((int(named.sum()), 3), dtype=np.int64)
        items[:, 0], items[:, 1], items[:, 2] = view.start, slots[named] + view.ordinal, rows[named]
        self._insert(items, source.times, source.values, starting)

    def _insert(self, items: Words, times: Words, values: Words, starting: bool = False) -> None:
        """Insert, into room that was given up where there is some; a start takes new room and is moved together."""
        memory, programs, rows = self.holdings.memory, self._plan.programs, (times, values)
        if starting:
            memory.run(self._kernel.insert_many, (programs, items, *rows), 0, len(items), (), self._widest)
        else:
            memory.insert(self._kernel.insert_many, programs, items, rows)

    # ------------------------------------------------------------ let things go

    def evict(self, now: int, n_slots: int = 2**62, limit: int = 2**62) -> int:
        """Let go of entities that no request in time can see any more; returns how many.

        The clock is that of the newest request, at most ``now``, so that one event from the future empties nothing. A
        request that is so late that it might have seen what is gone is answered as stale.

        Parameters
        ----------
        n_slots, limit : how many slots to look at, going on where the last look stopped, and entities to let go at
            most; ``holdings.cursor`` is 0 when all have been looked at.
        """
        return self.holdings.evict(min(self.clock, now), n_slots, limit)

    def erase(self, column: str, token: str) -> bool:
        """Forget a person, card, account, device or address under every column that names it so.

        Parameters
        ----------
        token : as it stands in the journal; the vault forgets the way to it (`stores.vault.Vault.erase`).
        """
        namespace = NAMESPACES.get(column, column)
        gone = [
            self.holdings.forget(entity, token)
            for entity in self.holdings.first
            if NAMESPACES.get(entity, entity) == namespace
        ]
        return any(gone)

    # ------------------------------------------------------------- checkpoints

    def head(self) -> Head:
        """What has to be known of the state beside its records."""
        if self._last is not None:
            self._witness, self._last = witness_of(self._last), None
        return Head(self.seq, self.clock, self.holdings.answers_after, self._witness)

    def checkpoint(self, store: StateStore) -> int:
        """Write what changed since the last checkpoint, under the hash of the feature set; returns the bytes written.

        Raises
        ------
        Overtaken
            When somebody else has saved since: nothing is lost, and the next checkpoint writes everything.
        """
        return write_checkpoint(self, store)

    def start_over(self) -> None:
        """Have the next checkpoint write everything."""
        self.saved = None
        self.holdings.take_changed()
        self.holdings.note_changed(self.holdings.first)

    def restore(self, store: StateStore) -> bool:
        """Become what the store holds for this feature set; False when it holds nothing. `follow` must come next.

        Raises
        ------
        DataError
            When a record is damaged, or of another definition or kernel; the state is as it was.
        Overtaken
            When somebody saved meanwhile.
        """
        name = self.feature_set.hash
        where = f"checkpoint {name[:12]}…"
        mark = store.mark(name)
        if mark is None:
            return False
        head = Head.of(mark.head)
        holdings = Holdings(self.feature_set)
        known: list[tuple[Words, Words]] = []
        for batch in in_batches(store.items(name), _BATCH):
            for entity, packed in batch.items():
                form = holdings.forms.get(entity)
                if form is None:
                    raise DataError(expected_got("entities of the feature set", entity, where))
                records = unpack(form, packed)
                if int(records.seqs.max()) > head.newest:
                    raise DataError(expected_got(f"records up to seq {head.newest}", int(records.seqs.max()), where))
                known.append((holdings.put(entity, records), records.seqs))
        if store.mark(name) != mark:
            raise Overtaken(expected_got(f"version {mark.version} throughout", "another", where))
        holdings.take_changed()
        holdings.answers_after = head.answers_after
        self.holdings, self.seq, self.saved, self.clock = holdings, mark.seq, mark, head.clock
        self._restored, self._witness, self._last = head, head.witness, None
        self._known = np.zeros(len(holdings.memory.meta), dtype=np.int64)
        for firsts, seqs in known:
            self._known[firsts] = seqs
        return True


def _not_followed() -> DataError:
    return DataError("state: expected to follow the journal after it was restored; call `follow` first")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
