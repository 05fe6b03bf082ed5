"""Put the answers of all views together: blocks of requests, own numbers, derived features, columns.

1. block: the next requests, with the columns of the event that the table shows    rows of the subject, in seq order
2. views: their answers, as columns                                                 float64[n_row, block]
3. own numbers; then derived features, in rows of some hundred                      the same matrix, in place
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.kernel.loading import load_kernel
from features.lanes import Lane
from features.offline import Replayed
from features.sources import EventSource, all_columns

Words = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]

_CACHED = 2**16
"""Numbers turned from rows into columns at once: half a megabyte."""


@dataclass(frozen=True)
class Block:
    """Requests ``start … start + n`` with all features: ``columns`` float64[n_row, n], ``flags`` uint8[n]."""

    start: int
    head: pa.Table
    columns: Matrix
    flags: Flags


def blocks(replayed: Replayed, source: EventSource, names: tuple[str, ...], upto: int) -> Iterator[Block]:
    """Block after block in ``seq`` order, each with the named columns of its events."""
    start = 0
    for head in _heads(replayed, source, names, upto):
        stop = start + head.num_rows
        columns = np.empty((replayed.plan.n_row, head.num_rows))
        flags = np.zeros(head.num_rows, dtype=np.uint8)
        for position, number in replayed.plan.own:
            columns[position] = number.many(head)
        for position, _ in replayed.plan.categories:
            columns[position] = np.nan
        _fill(replayed, start, stop, columns, flags)
        yield Block(start, head, columns, flags)
        start = stop


def matrix(replayed: Replayed, threads: int) -> tuple[Matrix, Flags]:
    """All features of all requests in memory, for plans that use no column of the event as it is."""
    columns = np.empty((replayed.plan.n_row, replayed.n))
    flags = np.zeros(replayed.n, dtype=np.uint8)
    block = replayed.sizes.block

    def fill(start: int) -> None:
        stop = min(start + block, replayed.n)
        _fill(replayed, start, stop, columns[:, start:stop], flags[start:stop])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, replayed.n, block)))
    return columns, flags


def columns_between(replayed: Replayed, start: int, stop: int) -> tuple[Matrix, Flags]:
    """All features of requests ``start … stop``, at most a block from one of its edges."""
    columns = np.empty((replayed.plan.n_row, stop - start))
    flags = np.zeros(stop - start, dtype=np.uint8)
    _fill(replayed, start, stop, columns, flags)
    return columns, flags


def _fill(replayed: Replayed, start: int, stop: int, columns: Matrix, flags: Flags) -> None:
    """Answers and derived features of requests ``start … stop``, made as rows and laid down as columns."""
    plan = replayed.plan
    own = [position for position, _ in plan.own]
    step = replayed.sizes.block if any(answers.aligned for answers in replayed.answers) else _step(plan.n_row)
    for at in range(start, stop, step):
        end = min(at + step, stop)
        span = slice(at - start, end - start)
        rows = np.empty((end - at, plan.n_row))
        for view, answers in zip(plan.views, replayed.answers, strict=True):
            answers.fill(at, end, rows[:, view.out_at : view.out_at + view.n_out], flags[span])
        for position in own:
            rows[:, position] = columns[position, span]
        if len(plan.code):
            times, values = _requests(replayed, at, end)
            load_kernel().derive(rows, times, values, plan.code, plan.constants, plan.zone.at, plan.zone.offset)
        first = plan.views[0].out_at if plan.views else plan.first_derived
        for place in range(0, len(rows), _step(plan.n_row)):
            some = rows[place : place + _step(plan.n_row), first:]
            columns[first:, at - start + place : at - start + place + len(some)] = some.T


def _step(n_row: int) -> int:
    """Rows that stay in the processor's cache while they are turned into columns."""
    return max(256, _CACHED // max(n_row, 1))


def _requests(replayed: Replayed, start: int, stop: int) -> tuple[Words, Words]:
    """Times and encoded columns of requests."""
    subject = replayed.subject
    first, last, rows = _reach(replayed, start, stop)

    def of(lane: Lane) -> Words:
        return np.ascontiguousarray(lane.span(first, last)[rows])

    values = np.empty((stop - start, len(subject.values)), dtype=np.int64)
    for position, lane in enumerate(subject.values):
        values[:, position] = of(lane)
    return of(subject.times), values


def _reach(replayed: Replayed, start: int, stop: int) -> tuple[int, int, Words | slice]:
    """The span of the subject's events that requests ``start … stop`` lie in, and which of it they are."""
    if replayed.n == replayed.subject.n:
        return start, stop, slice(None)
    rows = replayed.rows[start:stop]
    first = int(rows[0])
    return first, int(rows[-1]) + 1, rows - first


def _heads(replayed: Replayed, source: EventSource, names: tuple[str, ...], upto: int) -> Iterator[pa.Table]:
    """The named columns of the requests, in tables of a block, but for the last."""
    size = replayed.sizes.block
    kind = replayed.plan.subject_kind
    waiting: list[pa.Table] = []
    n = at = 0
    for table in all_columns(source, kind, names, 0, upto, size, dictionaries=False):
        mask = replayed.requests[at : at + table.num_rows]
        at += table.num_rows
        asked = table if mask.all() else table.take(pa.array(np.flatnonzero(mask)))
        waiting.append(asked)
        n += asked.num_rows
        while n >= size:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, size).combine_chunks()
            waiting, n = [whole.slice(size)], n - size
    if n:
        yield pa.concat_tables(waiting).combine_chunks()
