"""The offline clock: every request answered from the events that arrived before it, entity by entity.

1. take in the kinds that the views need             lanes of int64: times, seqs, encoded columns, hashes of keys
2. requests: the subject's rows                      mask of the subject's events
3. per view: partition its rows by entity            parts, whole entities each
4. per part, on all cores: arrange, run the kernel   float64[requests of the part, outputs], in pieces
5. answers go to memory, or to runs in files         `answers`
What comes after is `assembly`: blocks of requests, own numbers, derived features, columns.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from features.answers import Answers, FiledAnswers, HeldAnswers, Part
from features.conditions import SUBJECT_CONDITIONS
from features.grouping import Actions, arrange, arrange_same, partition
from features.intake import Taken, Wanted, take_in
from features.kernel import layout
from features.kernel.loading import Kernel, load_kernel, source_hash
from features.lanes import HeldLane, Lane, Shelf
from features.memory import Memory
from features.plan import Plan, ViewPlan
from features.sources import EventSource

Words = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

Told = Callable[[int, str], None]
"""Hears of rows done, and of what."""

Chosen = Callable[[Taken, Mask], Mask]
"""Of a subject's events that are requests, those to answer."""


@dataclass(frozen=True)
class Sizes:
    """How much is done at once. None of it changes an answer.

    Parameters
    ----------
    batch : events read at once. block : requests put together at once. piece : actions of one call of the kernel.
    part : actions a part should have; more parts than ``most`` are only made where memory asks for them.
    held : bytes of events, and of answers, that stay in memory; beyond them they go to files.
    crowd : actions that a part must not exceed, but for one entity alone.
    """

    batch: int = 2**18
    block: int = 2**16
    piece: int = 2**17
    part: int = 2**16
    most: int = 64
    held: int = 2**29
    crowd: int = 2**21

    def n_parts(self, n_actions: int) -> int:
        """Parts to share so many actions over.

        Examples
        --------
        >>> Sizes().n_parts(1_000), Sizes().n_parts(2_000_000), Sizes().n_parts(200_000_000)
        (1, 30, 96)
        """
        return max(1, min(self.most, n_actions // self.part), -(-n_actions // self.crowd))


SIZES = Sizes()


@dataclass(frozen=True)
class Replayed:
    """Answers of all views to ``n`` requests, not yet put together.

    ``requests`` marks them among the subject's events; ``digest`` is of everything that was read.
    """

    plan: Plan
    n: int
    requests: Mask
    subject: Taken
    answers: tuple[Answers, ...]
    digest: str
    sizes: Sizes

    @cached_property
    def rows(self) -> Words:
        """Positions of the requests among the subject's events."""
        return np.flatnonzero(self.requests)


@contextmanager
def replay(
    plan: Plan,
    source: EventSource,
    *,
    upto: int,
    threads: int,
    told: Told,
    chosen: Chosen,
    sizes: Sizes = SIZES,
    work: Path | None = None,
    identity: str = "",
) -> Iterator[Replayed]:
    """Answer all views for the chosen requests, from the events with ``seq <= upto``.

    Parameters
    ----------
    work : folder for what does not fit into memory; complete parts found in it are not computed again. By default
        a temporary one.
    identity : what the answers depend on besides plan, kernel and events, for finding complete parts again.
    """
    kernel = load_kernel()
    counts = {kind: source.count(kind, upto=upto) for kind in _kinds(plan)}
    with _folders(work) as made:
        wanted = {kind: Wanted.of(plan, kind) for kind in counts}
        n_words = sum(counts[kind] * wanted[kind].n_lanes for kind in counts)
        shelf = Shelf(made("lanes") if 8 * n_words > sizes.held else None)
        taken = {
            kind: take_in(source, wanted[kind], 0, upto, sizes.batch, shelf, lambda n: told(n, "read"))
            for kind in counts
        }
        subject = taken[plan.subject_kind]
        requests = chosen(subject, subject.masks[SUBJECT_CONDITIONS.get(plan.subject_kind, ())])
        n = int(np.count_nonzero(requests))
        digest = hashlib.sha256("".join(taken[kind].digest for kind in sorted(taken)).encode()).hexdigest()
        n_out = sum(view.n_out for view in plan.views)
        folder = None
        if 8 * n * n_out > sizes.held:
            folder = made(_key(plan, digest, requests, sizes, identity))
        runner = Runner(kernel, plan, subject, requests, n, shelf.folder is not None, sizes, threads)
        answers = []
        for ordinal, view in enumerate(plan.views):
            answers.append(runner.run(view, taken[view.source], folder and folder / f"view-{ordinal:03d}", told))
        yield Replayed(plan, n, requests, subject, tuple(answers), digest, sizes)


def _kinds(plan: Plan) -> list[str]:
    return list(dict.fromkeys([plan.subject_kind, *(view.source for view in plan.views)]))


@contextmanager
def _folders(work: Path | None) -> Iterator[Callable[[str], Path]]:
    """Makes folders for what does not fit into memory, when asked to."""
    opened: list[TemporaryDirectory[str]] = []

    def made(name: str) -> Path:
        root = work
        if root is None:
            if not opened:
                opened.append(TemporaryDirectory(prefix="assay-features-"))
            root = Path(opened[0].name)
        for other in root.iterdir() if root.exists() and name != "lanes" else ():
            if other.name not in (name, "lanes"):
                shutil.rmtree(other)  # parts of another definition, or of other events
        (root / name).mkdir(parents=True, exist_ok=True)
        return root / name

    try:
        yield made
    finally:
        for folder in opened:
            folder.cleanup()


def _key(plan: Plan, digest: str, requests: Mask, sizes: Sizes, identity: str) -> str:
    """Names the folder of complete parts by everything that they depend on."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    parts = {
        "identity": identity,
        "programs": hashlib.sha256(plan.programs.data).hexdigest(),
        "events": digest,
        "requests": hashlib.sha256(requests.data).hexdigest(),
        "sizes": repr(sizes),
        "kernel": source_hash(),
        # Parts are not synced: after a crash of the machine, what they hold is not certain.
        "boot": boot.read_text() if boot.exists() else os.getpid(),
    }
    return "parts-" + hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


_ROWS = 4096
"""Rows that the state of an entity begins with: requests wait together as long as rows need not move."""


def reads_request(program: Words) -> bool:
    """Whether an operation of the program reads columns of the request."""
    at = int(program[layout.OPERATIONS_AT])
    for _ in range(int(program[layout.N_OPERATIONS])):
        if int(program[at + layout.KIND]) in layout.READ_THE_REQUEST:
            return True
        at += layout.OPERATION + 2 * int(program[at + layout.N_PAIRS])
    return False


class Runner:
    """Runs views over the events of one replay."""

    def __init__(
        self, kernel: Kernel, plan: Plan, subject: Taken, requests: Mask, n: int, filed: bool, sizes: Sizes,
        threads: int,
    ) -> None:  # fmt: skip
        self._kernel = kernel
        self._plan = plan
        self._subject = subject
        self._requests = requests
        self._n = n
        self._filed = filed
        self._sizes = sizes
        self._threads = threads
        # Position of each request among the requests; none needed where every event is one.
        self._ordinals: Words | None = None if n == len(requests) else np.cumsum(requests) - 1

    def run(self, view: ViewPlan, source: Taken, folder: Path | None, told: Told) -> Answers:
        """All parts of a view, the largest first."""
        inserts = source.masks[view.conditions]
        same = source is self._subject and view.key == view.entity and np.array_equal(inserts, self._requests)
        expected = self._subject.n + (0 if same else source.n)
        n_parts = self._sizes.n_parts(self._n + (0 if same else int(np.count_nonzero(inserts))))
        requested = partition(self._kernel, self._subject.keys[view.entity], self._requests, n_parts)
        inserted = requested if same else partition(self._kernel, source.keys[view.key], inserts, n_parts)
        answers: Answers
        if folder is None:
            answers = HeldAnswers(self._n, [len(rows) for rows in requested], view.n_out)
        else:
            folder.mkdir(exist_ok=True)
            answers = FiledAnswers(folder, self._n, view.n_out, self._sizes.block)
        waiting = [part for part in range(n_parts) if len(requested[part]) and answers.missing(part)]
        waiting.sort(key=lambda part: -len(requested[part]) - len(inserted[part]))
        one = _View(self._kernel, self._plan, view, self._subject, source, self._ordinals, self._filed, self._sizes)
        done = 0

        def run(part: int) -> int:
            one.run(requested[part], None if same else inserted[part], answers.begin(part, len(requested[part])))
            return len(requested[part]) + (0 if same else len(inserted[part]))

        if self._threads == 1 or len(waiting) == 1:
            for part in waiting:
                done += (n := run(part))
                told(n, view.name)
        else:
            with ThreadPoolExecutor(self._threads) as pool:
                futures = [pool.submit(run, part) for part in waiting]
                try:
                    for future in as_completed(futures):
                        done += (n := future.result())
                        told(n, view.name)
                finally:
                    for future in futures:
                        future.cancel()
        told(expected - done, f"view {view.name}")
        return answers


@dataclass(frozen=True)
class _View:
    """One view over one pair of kinds; its parts share nothing that is written."""

    kernel: Kernel
    plan: Plan
    view: ViewPlan
    subject: Taken
    source: Taken
    ordinals: Words | None
    filed: bool
    sizes: Sizes

    def run(self, requested: Words, inserted: Words | None, part: Part) -> None:
        """Arrange a part and run the kernel over it, piece by piece; an entity may reach over several."""
        program = self._program()
        subject, requested_at = self._near(self.subject, requested, self._asked(program))
        request_keys = self.subject.keys[self.view.entity].take(requested)
        if inserted is None:
            source, inserted_at, inserted = subject, requested_at, requested
            actions = arrange_same(self.kernel, request_keys)
            if self.filed:
                source, inserted_at = self._near(self.source, inserted, self._kept())
        else:
            source, inserted_at = self._near(self.source, inserted, self._kept())
            actions = arrange(
                self.kernel, request_keys, subject.seqs.take(requested_at),
                self.source.keys[self.view.key].take(inserted), source.seqs.take(inserted_at),
            )  # fmt: skip
        memory = fresh_memory(program)
        scratch, batch = self.plan.scratch(), self.plan.batch(layout.BATCH)
        for start in range(0, len(actions.owners), self.sizes.piece):
            owners, acts, reading, inserting = _piece(actions, start, start + self.sizes.piece)
            times, values = self._gather(source, inserted_at[inserting], self._kept())
            if inserted is requested and not self.filed:
                request_times = times
            else:
                request_times = subject.times.take(requested_at[reading])
            asked = self._requests(subject, requested_at[reading], self._asked(program))
            out, flags = part.room(len(reading))
            memory.run(
                self.kernel.replay,
                (program, owners, acts),
                0,
                len(owners),
                (len(owners), times, values, request_times, asked, out, flags, scratch, batch),
                len(memory.pool),
            )
            if len(reading):
                rows = requested[reading]
                part.put(rows if self.ordinals is None else self.ordinals[rows], out, flags)
        part.end()

    def _program(self) -> Words:
        """The view's program with outputs from 0 and its columns one after another."""
        program = self.view.program.copy()
        program[layout.OUT_AT] = 0
        columns = int(program[layout.COLUMNS_AT])
        program[columns : columns + int(program[layout.N_COLUMNS])] = np.arange(int(program[layout.N_COLUMNS]))
        return program

    def _kept(self) -> list[int]:
        """Positions, in the encoded event, of the columns that the view keeps."""
        columns = int(self.view.program[layout.COLUMNS_AT])
        kept: list[int] = self.view.program[columns : columns + int(self.view.program[layout.N_COLUMNS])].tolist()
        return kept

    def _asked(self, program: Words) -> list[int]:
        """Positions, in the encoded request, of the columns that the view reads from it."""
        return list(range(len(self.subject.values))) if reads_request(program) else []

    def _near(self, taken: Taken, rows: Words, columns: list[int]) -> tuple[Taken, Words]:
        """Lanes in memory and where the rows are in them: of files, only the rows of the part are read."""
        if not self.filed:
            return taken, rows
        near = {position: _held(taken.values[position], rows) for position in columns}
        values = tuple(near.get(position, lane) for position, lane in enumerate(taken.values))
        times, seqs = _held(taken.times, rows), _held(taken.seqs, rows)
        return replace(taken, times=times, seqs=seqs, values=values), np.arange(len(rows))

    def _gather(self, source: Taken, rows: Words, columns: list[int]) -> tuple[Words, Words]:
        values = np.empty((len(rows), len(columns)), dtype=np.int64)
        for index, position in enumerate(columns):
            values[:, index] = source.values[position].take(rows)
        return source.times.take(rows), values

    def _requests(self, subject: Taken, rows: Words, columns: list[int]) -> Words:
        # Columns that no operation reads stay unwritten: untouched memory costs nothing.
        result = np.empty((len(rows), len(self.subject.values)), dtype=np.int64)
        for position in columns:
            result[:, position] = subject.values[position].take(rows)
        return result


def fresh_memory(program: Words) -> Memory:
    """State of one entity at a time, for the parts of one view."""
    memory = Memory(1, 0)
    memory.reserve(0, int(program[layout.WIDTH]), _ROWS)
    return memory


def _held(lane: Lane, rows: Words) -> Lane:
    held = HeldLane(len(rows))
    held.append(lane.take(rows))
    return held


def _piece(actions: Actions, start: int, stop: int) -> tuple[Words, Words, Words, Words]:
    """Owners and actions for the kernel, and the rows read for and inserted, numbered within the piece."""
    owners, rows = actions.owners[start:stop], actions.rows[start:stop]
    if actions.reads is None:
        return np.repeat(owners, 2), np.arange(2 * len(rows)), rows, rows
    reads = actions.reads[start:stop]
    acts = np.empty(len(rows), dtype=np.int64)
    n_reads = int(np.count_nonzero(reads))
    acts[reads] = 2 * np.arange(n_reads)
    acts[~reads] = 2 * np.arange(len(rows) - n_reads) + 1
    return np.ascontiguousarray(owners), acts, rows[reads], rows[~reads]
