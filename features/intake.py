"""Take in the events that the views need, in one pass over the source: encoded columns, keys as hashes, conditions.

batches of a kind, in seq order ──▶ lanes: time, seq, one per encoding, one per key ──▶ masks: one byte per event
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.errors import DataError, expected_got
from features.columns import Encoding
from features.conditions import SUBJECT_CONDITIONS, Condition
from features.hashing import KeyHasher
from features.lanes import Lane, Shelf
from features.plan import Plan
from features.sources import EventSource, ahead, all_columns

Words = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass
class Taken:
    """The events of one kind in ``seq`` order, as words.

    ``keys`` maps a key column to its hashes; ``masks`` conditions to the rows that satisfy them.
    """

    n: int
    times: Lane
    seqs: Lane
    values: tuple[Lane, ...]
    keys: dict[str, Lane]
    masks: dict[tuple[Condition, ...], Mask]
    digest: str = ""
    _end: int = field(default=0, repr=False)


@dataclass(frozen=True)
class Wanted:
    """What to take in of one kind."""

    kind: str
    encodings: tuple[Encoding, ...]
    keys: tuple[str, ...]
    conditions: tuple[tuple[Condition, ...], ...]

    @classmethod
    def of(cls, plan: Plan, kind: str) -> Wanted:
        """What a plan needs of a kind, as a source of views and as the subject."""
        mine = [view for view in plan.views if view.source == kind]
        keys = [view.key for view in mine]
        conditions = [view.conditions for view in mine]
        if kind == plan.subject_kind:
            keys += [view.entity for view in plan.views]
            conditions.append(SUBJECT_CONDITIONS.get(kind, ()))
        return cls(kind, plan.layouts.get(kind, ()), tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(conditions)))

    @property
    def n_lanes(self) -> int:
        """Words kept of each event."""
        return 2 + len(self.encodings) + len(self.keys)

    @property
    def columns(self) -> list[str]:
        """Names to read, ``seq`` and ``event_time`` first."""
        names = ["seq", "event_time", *self.keys]
        names += [name for encoding in self.encodings for name in encoding.needs]
        names += [name for group in self.conditions for condition in group for name in condition.needs]
        return list(dict.fromkeys(names))


def take_in(
    source: EventSource, wanted: Wanted, after: int, upto: int, size: int, shelf: Shelf, told: Callable[[int], None]
) -> Taken:
    """Read the events of a kind with ``after < seq <= upto``.

    Parameters
    ----------
    size : rows of a batch.
    told : hears of the rows of each batch.

    Raises
    ------
    DataError
        When the source does not hold what it counted, or a value does not fit (see `features.columns`).
    """
    n = source.count(wanted.kind, after=after, upto=upto)
    taken = Taken(
        n,
        shelf.lane(n),
        shelf.lane(n),
        tuple(shelf.lane(n) for _ in wanted.encodings),
        {key: shelf.lane(n) for key in wanted.keys},
        {conditions: np.empty(n, dtype=np.bool_) for conditions in wanted.conditions},
    )
    hashers = {key: KeyHasher() for key in wanted.keys}
    hashes = [hashlib.sha256() for _ in range(2 + len(wanted.encodings) + len(wanted.keys) + len(wanted.conditions))]
    at = 0
    tables = all_columns(source, wanted.kind, wanted.columns, after, upto, size, dictionaries=True)
    for table in ahead(tables) if n > size else tables:
        stop = at + table.num_rows
        lanes = [
            (taken.times, _words(table["event_time"])),
            (taken.seqs, _words(table["seq"])),
            *((lane, encoding.many(table)) for lane, encoding in zip(taken.values, wanted.encodings, strict=True)),
            *((taken.keys[key], hashers[key](table[key])) for key in wanted.keys),
        ]
        masks = [taken.masks[conditions] for conditions in wanted.conditions]
        for mask, conditions in zip(masks, wanted.conditions, strict=True):
            mask[at:stop] = True
            for condition in conditions:
                mask[at:stop] &= condition.mask(table)
        for lane, words in lanes:
            lane.append(words)
        for digest, content in zip(hashes, [*(w for _, w in lanes), *(m[at:stop] for m in masks)], strict=True):
            digest.update(np.ascontiguousarray(content).data)
        at = stop
        told(table.num_rows)
    if at != n:
        raise DataError(expected_got(f"{n:,} events, as counted", at, wanted.kind))
    whole = hashlib.sha256(f"{wanted.kind} {n} {wanted.columns}".encode())
    for digest in hashes:
        whole.update(digest.digest())
    taken.digest = whole.hexdigest()
    return taken


def _words(column: pa.ChunkedArray) -> Words:
    words: Words = column.to_numpy()
    return words
