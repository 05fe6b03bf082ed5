"""Features offline: replay the journal, entity by entity in arrival order, through the kernel.

1. read the kinds that the views need          table, times, seqs, encoded columns
2. requests: the subject's rows                int64[n] positions
3. per view: arrange reads and inserts         entity, action
4. per view: run the kernel over entities      matrix float64[n, width], flags uint8[n]
5. own numbers, then derived features          the same matrix, in place
6. columns                                     Arrow table in seq order
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from domain.errors import DataError, expected_got
from domain.events import KINDS, ColumnType
from domain.settings import PlatformSettings
from domain.time import Clock, format_instant, system_clock
from features.catalogue import FeatureSet
from features.conditions import SUBJECT_CONDITIONS
from features.grouping import Actions, arrange
from features.kernel.layout import NULL, OUT_AT, STALE, TRUNCATED, WIDTH
from features.kernel.loading import Kernel, load_kernel
from features.memory import Memory
from features.plan import Plan, ViewPlan
from features.snapshot import Snapshot
from features.sources import Source, read_source
from stores.journal import Journal

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and what was just done."""

Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.uint8]

_BLOCK = 1024
"""Rows turned into columns at once: a block of some hundred columns stays in the processor's cache."""


def subject_keys(subject_kind: str) -> tuple[str, ...]:
    """Entity keys of a kind of subject, as they stand in a snapshot.

    Examples
    --------
    >>> subject_keys("application")
    ('borrower_id', 'customer_id', 'device_id', 'ip_id')
    """
    columns = KINDS[subject_kind].values()
    return tuple(column.name for column in columns if column.type is ColumnType.KEY and column.name != "links_to")


def build_snapshot(
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    *,
    after: int = 0,
    upto: int | None = None,
    subjects: pa.Array | None = None,
    progress: Progress | None = None,
    threads: int = 2,
    clock: Clock = system_clock,
) -> Snapshot:
    """Features of every request with ``after < seq <= upto``, from all events that arrived before each.

    Parameters
    ----------
    subjects : ``seq`` of the requests to compute; all of them by default.
    threads : entities are shared out over this many.

    Raises
    ------
    DataError
        When ``subjects`` names an event that is no request, or a value does not fit (see `features.columns`).
    """
    kernel = load_kernel()
    plan = feature_set.plan
    with journal.database.reading():
        last = journal.last_seq() if upto is None else upto
        kinds = dict.fromkeys([feature_set.subject_kind, *(view.source for view in plan.views)])
        head = _head(feature_set.subject_kind, plan)
        sources = {
            kind: read_source(plan, journal, kind, head if kind == feature_set.subject_kind else (), 0, last)
            for kind in kinds
        }
    report = _Steps(progress, len(plan.views) + 2)
    report(f"read {sum(len(source.seqs) for source in sources.values()):,} events")
    subject = sources[feature_set.subject_kind]
    rows = _requests(feature_set.subject_kind, subject, after, subjects)
    columns = np.full((plan.n_row, len(rows)), np.nan)
    flags = np.zeros(len(rows), dtype=np.uint8)
    requests = subject.table.take(pa.array(rows))
    request_times, request_values = subject.times[rows], subject.values[rows]
    for view in plan.views:
        source = sources[view.source]
        actions = arrange(
            kernel, source.table[view.entity], source.rows(view.conditions), source.seqs, requests[view.entity],
            subject.seqs[rows],
        )  # fmt: skip
        answers = run_view(kernel, plan, view, actions, source, request_times, request_values, flags, threads)
        _transpose(answers, columns[view.out_at : view.out_at + view.n_out])
        report(f"view {view.name}")
    for position, number in plan.own:
        columns[position] = number.many(requests)
    _derive(kernel, plan, columns, request_times, request_values)
    table = _table(feature_set, plan, requests, columns, flags)
    report("derived features and columns")
    return Snapshot(table, _manifest(feature_set, platform, table, after, last, flags, clock))


def run_view(
    kernel: Kernel,
    plan: Plan,
    view: ViewPlan,
    actions: Actions,
    source: Source,
    request_times: npt.NDArray[np.int64],
    request_values: npt.NDArray[np.int64],
    flags: Flags,
    threads: int,
) -> Matrix:
    """The view's answers, float64[requests, outputs]; each thread takes whole entities and writes rows of its own."""
    width = int(view.program[WIDTH])
    program = view.program.copy()
    program[OUT_AT] = 0
    answers = np.full((len(request_times), view.n_out), np.nan)

    def run(part: tuple[int, int]) -> None:
        start, stop = part
        memory = Memory(1, 1024 * width)
        memory.run(
            kernel.replay,
            (program, actions.owners, actions.actions),
            start,
            stop,
            (stop, source.times, source.seqs, source.values, request_times, request_values, answers, flags,
             plan.scratch()),
            len(memory.pool),
        )  # fmt: skip

    # Entities differ in size: a few parts per thread even them out.
    parts = actions.parts(4 * threads if threads > 1 else 1)
    if threads == 1:
        for part in parts:
            run(part)
        return answers
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, parts))
    return answers


def _transpose(answers: Matrix, columns: Matrix) -> None:
    """Rows into columns, in blocks."""
    for start in range(0, len(answers), _BLOCK):
        columns[:, start : start + _BLOCK] = answers[start : start + _BLOCK].T


def _derive(
    kernel: Kernel, plan: Plan, columns: Matrix, times: npt.NDArray[np.int64], values: npt.NDArray[np.int64]
) -> None:
    """Fill the derived features, block by block, as rows: the form in which a request is answered."""
    for start in range(0, len(times), _BLOCK):
        span = slice(start, start + _BLOCK)
        rows = np.ascontiguousarray(columns[:, span].T)
        kernel.derive(rows, times[span], values[span], plan.code, plan.constants, plan.zone.at, plan.zone.offset)
        columns[plan.first_derived :, span] = rows[:, plan.first_derived :].T


def _head(subject_kind: str, plan: Plan) -> tuple[str, ...]:
    own = (name for _, number in plan.own for name in number.needs)
    texts = (column for _, column in plan.categories)
    stage = (condition.column for condition in SUBJECT_CONDITIONS[subject_kind])
    names = ("client", "event_id", "known_at", *subject_keys(subject_kind), "amount", "currency", *own, *texts, *stage)
    return tuple(dict.fromkeys(names))


def _requests(kind: str, subject: Source, after: int, wanted: pa.Array | None) -> npt.NDArray[np.int64]:
    rows = subject.rows(SUBJECT_CONDITIONS[kind])
    rows = rows[subject.seqs[rows] > after]
    if wanted is None:
        return rows
    chosen = np.unique(np.asarray(wanted.to_numpy(zero_copy_only=False), dtype=np.int64))
    strangers = np.setdiff1d(chosen, subject.seqs[rows])
    if strangers.size:
        raise DataError(
            expected_got(f"the seq of a {kind} that asks for a decision", strangers[:5].tolist(), "subjects")
        )
    return rows[np.isin(subject.seqs[rows], chosen)]


def _table(feature_set: FeatureSet, plan: Plan, requests: pa.Table, columns: Matrix, flags: Flags) -> pa.Table:
    names = ["seq", "client", "event_id", "event_time", "known_at", *subject_keys(feature_set.subject_kind)]
    arrays: list[Any] = [requests[name] for name in names]
    names.append("amount_base")
    base = plan.amount.many(requests)
    arrays.append(pa.array(base, mask=base == NULL))
    given = np.arange(plan.n_row) if plan.visible is None else plan.visible
    texts = dict(plan.categories)
    for name, position in zip(feature_set.names, given.tolist(), strict=True):
        names.append(name)
        arrays.append(requests[texts[position]] if position in texts else pa.array(columns[position]))
    for name, bit in (("truncated", TRUNCATED), ("stale", STALE)):
        names.append(name)
        arrays.append(pa.array((flags & bit).astype(np.bool_)))
    return pa.table(arrays, names=names)


def _manifest(
    feature_set: FeatureSet, platform: PlatformSettings, table: pa.Table, after: int, upto: int, flags: Flags,
    clock: Clock,
) -> dict[str, Any]:  # fmt: skip
    n = max(table.num_rows, 1)
    shares = {}
    for name in feature_set.names:
        column = table[name]
        missing = column.null_count if pa.types.is_string(column.type) else int(np.isnan(column.to_numpy()).sum())
        shares[name] = missing / n
    return {
        "product": feature_set.product,
        "definition": feature_set.hash,
        "features": list(feature_set.names),
        "categorical": list(feature_set.categorical),
        "after_seq": after,
        "upto_seq": upto,
        "n_rows": table.num_rows,
        "null_shares": shares,
        "n_truncated": int(np.count_nonzero(flags & TRUNCATED)),
        "n_stale": int(np.count_nonzero(flags & STALE)),
        "label_policy": feature_set.label_policy,
        "base_currency": platform.base_currency,
        "time_zone": platform.time_zone,
        "arrival_order": "seq of the journal; imported tables are numbered by known_at, event_time, event_id",
        "created_at": format_instant(clock()),
    }


class _Steps:
    """Counts what is done."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def __call__(self, what: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total, what)
