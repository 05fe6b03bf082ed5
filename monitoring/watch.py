"""The watch: every indicator at the end of every chunk, limits, breaches, and who is told.

1. indicators       -> chunks that ended by ``as_of`` and were not read yet, oldest first
2. chunk            -> readings, kept                                          } one transaction a chunk: what was
3. readings, limits -> breaches raised, worse, cleared: notes, kept            } read once is never read again
4. notes            -> sinks, each note once

Whatever is run again for a chunk finds it read and raises nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain.decision import RiskGrade
from domain.errors import InputError, Unavailable, expected_got
from domain.time import DAY, Clock, format_instant
from monitoring.chunk import Chunk, Chunker
from monitoring.heartbeat import Heartbeat, read_heartbeat
from monitoring.hysteresis import turn_of
from monitoring.indicator import Indicator
from monitoring.limits import LimitSettings, WarningLimit
from monitoring.oversight.look import Look
from monitoring.reading import Kind, Reading
from monitoring.sight import Sight
from monitoring.sinks import Sink, body_of, levels_from
from stores.breaches import Breach, Breaches, KeptReading, Note, breach_id

LONGEST_CATCH_UP = 400 * DAY


@dataclass(frozen=True)
class Watched:
    """What a run of the watch did.

    Parameters
    ----------
    n_chunks, n_readings : chunks of indicators that were read for the first time, and readings in them.
    notes : breaches raised, worse and cleared by this run. open : all that are open now.
    undelivered : what sinks did not take, and why.
    """

    as_of: int
    n_chunks: int
    n_readings: int
    notes: tuple[Note, ...]
    open: tuple[Breach, ...]
    undelivered: tuple[str, ...]

    @property
    def alarming(self) -> bool:
        """Whether a breach of warning or high is open."""
        return is_alarming(self.open)

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "as_of": format_instant(self.as_of),
            "n_chunks": self.n_chunks,
            "n_readings": self.n_readings,
            "notes": [note_dict(note) for note in self.notes],
            "open": [breach_dict(each) for each in self.open],
            "undelivered": list(self.undelivered),
        }


def watch(
    look: Look,
    indicators: Sequence[Indicator],
    limits: LimitSettings,
    *,
    clock: Clock,
    sinks: Sequence[Sink] = (),
    since: int | None = None,
    restricted: bool = False,
) -> Watched:
    """Read what ended by ``look.until``, judge it, keep it and tell it.

    Parameters
    ----------
    look : ``until`` is the ``as_of`` of the run; ``since`` is not used.
    since : where indicators that were never read begin; by default with their newest chunk alone.
    restricted : also name breaches of the restricted class in what is returned; they are read and kept either way.

    Raises
    ------
    DefinitionError
        When a limit is on an indicator nobody declared.
    InputError
        When ``since`` lies further back than a watch catches up.
    """
    as_of = look.until
    limits.refuse_unknown(frozenset(each.key for each in indicators))
    if since is not None and as_of - since > LONGEST_CATCH_UP:
        raise InputError(expected_got("a --since at most 400 days before --as-of", format_instant(since), "watch"))
    store = Breaches(look.database)
    sight = Sight(look)
    n_chunks = n_readings = 0
    notes: list[Note] = []
    for chunk, indicator in _due(store, indicators, look.platform.time_zone, as_of, since):
        readings = list(indicator.read(sight.at(chunk)))
        kept = [_kept(indicator, chunk, reading) for reading in readings]
        with look.database.transaction():
            if not store.keep_within(indicator.key, chunk.until, kept, clock()):
                continue  # another run was faster
            found = list(_judge(store, indicator, limits, chunk, readings))
            for note in found:
                store.note_within(note)
        n_chunks += 1
        n_readings += len(kept)
        notes += [note for note in found if restricted or not note.restricted]
    undelivered = deliver(store, limits, sinks, clock())
    previous = read_heartbeat(look.home.heartbeat)
    Heartbeat(max(as_of, previous.as_of if previous else as_of), clock()).write(look.home.heartbeat)
    opened = tuple(store.open(until=as_of + 1, restricted=restricted))
    return Watched(as_of, n_chunks, n_readings, tuple(notes), opened, undelivered)


def _due(
    store: Breaches, indicators: Sequence[Indicator], zone: str, as_of: int, since: int | None
) -> Iterator[tuple[Chunk, Indicator]]:
    """Chunks to be read, oldest first; those that end together in the order of the indicators."""
    due: list[tuple[int, int, Chunk, Indicator]] = []
    for place, indicator in enumerate(indicators):
        chunker = Chunker(indicator.period, zone)
        newest = store.newest_run(indicator.key)
        first = chunker.newest(as_of).since if since is None else since
        start = max(first if newest is None else newest, as_of - LONGEST_CATCH_UP)
        due += [(chunk.until, place, chunk, indicator) for chunk in chunker.between(start, as_of)]
    due.sort(key=lambda each: each[:2])
    return iter([(chunk, indicator) for _, _, chunk, indicator in due])


def _kept(indicator: Indicator, chunk: Chunk, reading: Reading) -> KeptReading:
    return KeptReading(
        indicator.key, reading.where, chunk.since, chunk.until, reading.value, reading.n, reading.low, reading.high,
        reading.within_chance, reading.kind.value, reading.note,
    )  # fmt: skip


def _judge(
    store: Breaches, indicator: Indicator, limits: LimitSettings, chunk: Chunk, readings: Sequence[Reading]
) -> Iterator[Note]:
    """The notes that a chunk's readings bring about."""
    mine = [(key, limit) for key, limit in limits.limits.items() if limit.indicator == indicator.key]
    if not mine:
        return
    before = store.breaches(restricted=True)
    kept: dict[str, list[KeptReading]] = {}
    for each in store.readings(indicator.key, until=chunk.until):
        kept.setdefault(each.place, []).append(each)
    for reading in readings:
        for key, limit in mine:
            if limit.holds_for(reading.where):
                yield from _judge_place(indicator, key, limit, chunk, reading, before, kept.get(reading.where, ()))


def _judge_place(
    indicator: Indicator,
    key: str,
    limit: WarningLimit,
    chunk: Chunk,
    reading: Reading,
    before: Sequence[Breach],
    kept: Sequence[KeptReading],
) -> Iterator[Note]:
    past = [each for each in before if (each.limit, each.place) == (key, reading.where)]
    opened = next((each for each in past if each.cleared_at is None), None)
    cleared = max((each.cleared_at for each in past if each.cleared_at is not None), default=-(2**62))
    readings = [as_reading(each) for each in kept if each.until > cleared]
    turned = turn_of(limit, readings, None if opened is None else RiskGrade(opened.level))
    if turned is None:
        return
    turn, level = turned
    breach = breach_id(key, reading.where, chunk.until) if opened is None else opened.breach
    yield Note(
        breach, key, indicator.key, reading.where, turn.value, chunk.until, level.value, reading.value,
        indicator.restricted,
    )  # fmt: skip


def deliver(store: Breaches, limits: LimitSettings, sinks: Sequence[Sink], at: int) -> tuple[str, ...]:
    """Tell every sink what it was not told yet, in order; what a sink does not take stops it and is returned."""
    undelivered = []
    for sink in sinks:
        for note in store.unsent(sink.name, levels_from(sink.least)):
            try:
                sink.tell(body_of(note, limits))
            except Unavailable as error:
                undelivered.append(str(error))
                break
            store.sent(sink.name, note, at)
    return tuple(undelivered)


def is_alarming(breaches: Sequence[Breach]) -> bool:
    """Whether one of them reached warning or high."""
    return any(each.level in (RiskGrade.WARNING, RiskGrade.HIGH) for each in breaches)


def as_reading(kept: KeptReading) -> Reading:
    """A kept reading as it was read."""
    return Reading(
        kept.value, kept.n, kept.place, kept.low, kept.high, kept.within_chance, Kind(kept.kind), kept.note
    )  # fmt: skip


def note_dict(note: Note) -> dict[str, Any]:
    """A note as JSON."""
    return {
        "breach": note.breach, "turn": note.turn, "level": note.level, "limit": note.limit, "where": note.place,
        "value": note.value, "at": format_instant(note.at), "by": note.by, "said": note.said,
    }  # fmt: skip


def breach_dict(breach: Breach) -> dict[str, Any]:
    """A breach as JSON."""
    times = {
        name: None if (at := getattr(breach, name)) is None else format_instant(at)
        for name in ("raised_at", "acknowledged_at", "cleared_at")
    }
    names = ("breach", "limit", "indicator", "place", "level", "value", "acknowledged_by", "said")
    return {**{name: getattr(breach, name) for name in names}, **times}
