"""Compile views into the programs of the kernel, with every name resolved to a position once.

views ──▶ layouts: kind → encodings kept once     ──▶ programs: int64, one slice per view, end to end
own numbers, categories, aggregates, derived      ──▶ one row of float64 in the order of the names
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from domain.errors import DefinitionError, expected_got
from domain.events import KINDS, ColumnType, Event
from domain.labels import FRAUD_POLICY
from domain.money import FxTable, exponent
from features.aggregates.operation import Operand, Operation
from features.columns import CLOCK_AXES, Encoding, Money, encode_event, encoding_of, type_of
from features.conditions import Condition
from features.derived import Compiler, Derived
from features.kernel import layout
from features.own import OwnNumber
from features.view import FeatureView
from features.zone import Zone

Words = npt.NDArray[np.int64]

_T = TypeVar("_T")
_DIRECTIONS = {layout.MIN: layout.LEAST, layout.MAX: layout.GREATEST}


@dataclass(frozen=True)
class ViewPlan:
    """One view, ready for the kernel.

    ``entity`` is the key column of the request, ``key`` that of the source; ``start`` is its place in the joined
    programs; ``ordinal`` its place among the views of its entity.
    """

    name: str
    entity: str
    key: str
    source: str
    conditions: tuple[Condition, ...]
    start: int
    program: Words
    ordinal: int
    out_at: int
    n_out: int
    ring: int


@dataclass(frozen=True)
class Plan:
    """Everything that replay and online state need, positions instead of names.

    ``first_derived`` is the place of the first derived feature in a computed row of ``n_row``; ``visible`` picks
    the given features out of it, None when all are given.
    """

    subject_kind: str
    layouts: Mapping[str, tuple[Encoding, ...]]
    views: tuple[ViewPlan, ...]
    programs: Words
    starts: Words
    entities: Mapping[str, int]
    own: tuple[tuple[int, OwnNumber], ...]
    categories: tuple[tuple[int, str], ...]
    n_row: int
    first_derived: int
    visible: npt.NDArray[np.intp] | None
    code: Words
    constants: npt.NDArray[np.float64]
    zone: Zone
    amount: Money
    scratch_words: int
    batch_rows: int

    def scratch(self) -> Words:
        """Working memory of one reader."""
        return np.empty(self.scratch_words, dtype=np.int64)

    def batch(self, n_requests: int) -> Words:
        """Where requests wait until they are answered together."""
        return np.empty((self.batch_rows, n_requests), dtype=np.int64)

    def check(self, event: Event) -> None:
        """Refuse an event whose values no state of this plan could learn or answer.

        Raises
        ------
        DataError
            When a value does not fit (no exchange rate, too large).
        """
        encode_event(self.layouts.get(event.kind, ()), event)
        if event.kind == self.subject_kind:
            for _, number in self.own:
                number.one(event)

    def columns(self, kind: str) -> list[str]:
        """Journal columns that a kind's encodings, conditions and entities read, besides seq and event_time."""
        found = {name for encoding in self.layouts.get(kind, ()) for name in encoding.needs}
        for view in self.views:
            if view.source == kind:
                found |= {view.key, *(name for condition in view.conditions for name in condition.needs)}
        return sorted(found - {"seq", "event_time"})


class _Layouts:
    """Encodings per kind, each kept once."""

    def __init__(self, fx: FxTable, zone: Zone) -> None:
        self._fx = fx
        self._zone = zone
        self.kinds: dict[str, list[Encoding]] = {}

    def place(self, kind: str, operand: Operand, view: FeatureView | None = None) -> int:
        policy = FRAUD_POLICY if view is None else view.policy
        encoding = encoding_of(kind, operand.column, operand.scale, self._fx, self._zone, policy, operand.where)
        known = self.kinds.setdefault(kind, [])
        if encoding not in known:
            known.append(encoding)
        return known.index(encoding)


def compile_plan(
    subject_kind: str,
    views: Sequence[FeatureView],
    own: Sequence[tuple[str, ColumnType]],
    derived: Sequence[Derived],
    excluded: frozenset[str],
    fx: FxTable,
    time_zone: str,
    max_lateness: int,
) -> tuple[Plan, tuple[str, ...]]:
    """The plan and the names of a computed row: own numbers, categories, aggregates, derived.

    Raises
    ------
    DefinitionError
        When a view's entity, or a column that a derived feature compares, is not in the subject.
    """
    zone = Zone(time_zone)
    layouts = _Layouts(fx, zone)
    layouts.kinds[subject_kind] = []
    # 1. Own numbers, then categories.
    numbers = [column for column, kind in own if kind is not ColumnType.CATEGORY]
    texts = [column for column, kind in own if kind is ColumnType.CATEGORY]
    names = [*numbers, *texts]
    own_numbers = tuple(
        (position, _own_number(subject_kind, column, fx, zone)) for position, column in enumerate(numbers)
    )
    categories = tuple((len(numbers) + index, column) for index, column in enumerate(texts))
    # 2. Views, one after another.
    plans: list[ViewPlan] = []
    entities: dict[str, int] = {}
    start = 0
    for view in views:
        if view.entity not in KINDS[subject_kind]:
            raise DefinitionError(expected_got(f"an entity of {subject_kind}", view.entity, view.where_declared))
        program = _program(view, subject_kind, layouts, len(names), max_lateness, exponent(fx.base))
        plans.append(
            ViewPlan(
                view.name, view.entity, view.source_key, view.source, view.conditions, start, program,
                entities.get(view.entity, 0), len(names), len(view.feature_names()), view.retain.size,
            )
        )  # fmt: skip
        entities[view.entity] = entities.get(view.entity, 0) + 1
        start += len(program)
        names += view.feature_names()
    # 3. Derived features, whose inputs stand before them.
    first_derived = len(names)
    names += [feature.name for feature in derived]
    positions = {name: position for position, name in enumerate(names)}
    compiler = Compiler(positions, lambda column: layouts.place(subject_kind, Operand(column)))
    for feature in derived:
        for column in feature.expression.columns():
            if type_of(subject_kind, column) is ColumnType.NUMBER:
                raise DefinitionError(expected_got("a column that holds no floats", column, feature.name))
        late = [name for name in feature.expression.inputs() if positions[name] >= positions[feature.name]]
        if late:
            raise DefinitionError(expected_got("inputs declared before it", late, feature.name))
        compiler.add(feature)
    visible = np.array([i for i, name in enumerate(names) if name not in excluded], dtype=np.intp)
    plan = Plan(
        subject_kind=subject_kind,
        layouts={kind: tuple(encodings) for kind, encodings in layouts.kinds.items()},
        views=tuple(plans),
        programs=np.concatenate([np.empty(0, np.int64), *(plan.program for plan in plans)]),
        starts=np.array([plan.start for plan in plans], dtype=np.int64),
        entities=entities,
        own=own_numbers,
        categories=categories,
        n_row=len(names),
        first_derived=first_derived,
        visible=None if len(visible) == len(names) else visible,
        code=np.array(compiler.code, dtype=np.int64),
        constants=np.array(compiler.constants, dtype=np.float64),
        zone=zone,
        amount=Money("amount", fx),
        scratch_words=_scratch_words(views),
        batch_rows=max((_batch_rows(plan.program) for plan in plans), default=0),
    )
    return plan, tuple(names)


def _batch_rows(program: Words) -> int:
    n_windows, n_sums = int(program[layout.N_WINDOWS]), int(program[layout.N_SUMS])
    return layout.LOWS + n_windows + n_sums * n_windows * layout.SUM_WORDS


def _own_number(kind: str, column: str, fx: FxTable, zone: Zone) -> OwnNumber:
    declared = KINDS[kind].get(column)
    if declared is None or declared.type is ColumnType.NUMBER:
        return OwnNumber(column, None, 1)
    encoding = encoding_of(kind, column, None, fx, zone, FRAUD_POLICY)
    return OwnNumber(column, encoding, 10 ** exponent(fx.base) if declared.type is ColumnType.MONEY else 1)


def _program(
    view: FeatureView, subject_kind: str, layouts: _Layouts, out_at: int, max_lateness: int, base_places: int
) -> Words:
    """The view's program, as laid out in `features.kernel.layout`."""
    windows = list(view.windows)
    columns: list[int] = []
    extremes: list[tuple[int, int]] = []
    links: dict[int, int] = {}
    sums: list[int] = []
    words: list[int] = []
    n_operations = out = 0
    layouts.kinds.setdefault(view.source, [])
    for aggregate in view.features:
        for operation in aggregate.operations():
            kept = [_once(columns, layouts.place(view.source, operand, view)) for operand in operation.operands]
            arguments = [_once(sums, column) for column in kept] if operation.prefixed else []
            if operation.kind in _DIRECTIONS:
                if view.retain.hop:
                    # A merged row holds the least of its events in one column and the greatest in another.
                    columns.append(columns[kept[0]])
                    kept = [len(columns) - 1]
                arguments = [_once(extremes, (kept[0], _DIRECTIONS[operation.kind]))]
            reach = [(windows[-1] if window is None else window, index) for window, index in operation.outputs]
            if operation.kind in layout.LINKED:
                links[kept[0]] = max(links.get(kept[0], 0), *(window for window, _ in reach))
                arguments = [list(links).index(kept[0])]
            asked = [layouts.place(subject_kind, operand) for operand in operation.asked]
            header = [0] * layout.OPERATION
            header[layout.KIND] = operation.kind
            header[layout.SCALE] = _scale(view.source, operation, base_places)
            for places, found in (
                ((layout.COLUMN, layout.SECOND_COLUMN), kept),
                ((layout.ARGUMENT, layout.SECOND_ARGUMENT), arguments),
                ((layout.ASKED, layout.SECOND_ASKED), asked),
                ((layout.PARAMETER, layout.SECOND_PARAMETER), operation.parameters),
            ):
                for place, word in zip(places, found, strict=False):
                    header[place] = word
            header[layout.N_PAIRS] = len(operation.outputs)
            pairs = sorted((windows.index(window), out + index) for window, index in reach)
            words += [*header, *(word for pair in pairs for word in pair)]
            n_operations += 1
        out += len(aggregate.reach)
    columns_at = layout.HEADER
    links_at = columns_at + len(columns)
    extremes_at = links_at + 2 * len(links)
    sums_at = extremes_at + 2 * len(extremes)
    windows_at = sums_at + len(sums)
    operations_at = windows_at + len(windows)
    links_offset = layout.VALUES + len(columns)
    extremes_offset = links_offset + len(links)
    sums_offset = extremes_offset + len(extremes)
    events_offset = sums_offset + layout.SUM_WORDS * len(sums)
    head = {
        layout.WIDTH: events_offset + (1 if view.retain.hop else 0),
        layout.N_COLUMNS: len(columns),
        layout.N_SUMS: len(sums),
        layout.RING: view.retain.size,
        layout.LONGEST: windows[-1],
        layout.LATENESS: max_lateness,
        layout.N_WINDOWS: len(windows),
        layout.N_OPERATIONS: n_operations,
        layout.COLUMNS_AT: columns_at,
        layout.SUMS_AT: sums_at,
        layout.WINDOWS_AT: windows_at,
        layout.OPERATIONS_AT: operations_at,
        layout.OUT_AT: out_at,
        layout.N_OUT: out,
        layout.N_EXTREMES: len(extremes),
        layout.EXTREMES_AT: extremes_at,
        layout.EXTREMES_OFFSET: extremes_offset,
        layout.SUMS_OFFSET: sums_offset,
        layout.EVENTS_OFFSET: events_offset if view.retain.hop else 0,
        layout.HOP: view.retain.hop,
        layout.N_LINKS: len(links),
        layout.LINKS_AT: links_at,
        layout.LINKS_OFFSET: links_offset,
    }
    start = [head[index] for index in range(layout.HEADER)]
    flat = [word for pair in (*links.items(), *extremes) for word in pair]
    return np.array([*start, *columns, *flat, *sums, *windows, *words], dtype=np.int64)


def _once(known: list[_T], wanted: _T) -> int:
    """Position in a list, appended where it is missing."""
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)


def _scale(source: str, operation: Operation, base_places: int) -> int:
    """By what the operation's integers are divided: minor units of money, the scale of floats."""
    first = operation.operands[0] if operation.operands else None
    if first is None or first.column is None or first.column in CLOCK_AXES:
        return 1
    is_money = type_of(source, first.column, first.scale) is ColumnType.MONEY
    return first.scale or (10**base_places if is_money else 1)


def _scratch_words(views: Sequence[FeatureView]) -> int:
    """Room for the windows and, where occurrences are counted, for a count beside each row of the widest ring."""
    most = 0
    for view in views:
        kinds = {operation.kind for aggregate in view.features for operation in aggregate.operations()}
        if not kinds.isdisjoint(layout.COUNTED):
            most = max(most, 1 + view.retain.size)
    return layout.MAX_WINDOWS + most
