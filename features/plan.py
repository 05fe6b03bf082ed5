"""Compile views into the programs of the kernel, with every name resolved to a position once.

views ──▶ layouts: kind → encodings kept once     ──▶ programs: int64, one slice per view, end to end
own numbers, categories, aggregates, derived      ──▶ one row of float64 in the order of the names
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.errors import DefinitionError, expected_got
from domain.events import KINDS, ColumnType
from domain.labels import FRAUD_POLICY
from domain.money import FxTable, exponent
from features.columns import Encoding, Money, encoding_of, type_of
from features.conditions import Condition
from features.derived import Compiler, Derived
from features.kernel import layout
from features.own import OwnNumber
from features.view import FeatureView
from features.zone import Zone

Words = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ViewPlan:
    """One view, ready for the kernel.

    ``start`` is its place in the joined programs; ``ordinal`` its place among the views of its entity.
    """

    name: str
    entity: str
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

    def scratch(self) -> Words:
        """Working memory of one reader."""
        return np.empty(self.scratch_words, dtype=np.int64)

    def columns(self, kind: str) -> list[str]:
        """Journal columns that a kind's encodings, conditions and entities read, besides seq and event_time."""
        found = {name for encoding in self.layouts.get(kind, ()) for name in encoding.needs}
        for view in self.views:
            if view.source == kind:
                found |= {view.entity, *(condition.column for condition in view.conditions)}
        return sorted(found - {"seq", "event_time"})


class _Layouts:
    """Encodings per kind, each kept once."""

    def __init__(self, fx: FxTable, zone: Zone) -> None:
        self._fx = fx
        self._zone = zone
        self.kinds: dict[str, list[Encoding]] = {}

    def place(self, kind: str, column: str, scale: int | None = None, view: FeatureView | None = None) -> int:
        policy = FRAUD_POLICY if view is None else view.policy
        encoding = encoding_of(kind, column, scale, self._fx, self._zone, policy)
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
                view.name, view.entity, view.source, view.conditions, start, program, entities.get(view.entity, 0),
                len(names), len(view.feature_names()), view.retain.size,
            )
        )  # fmt: skip
        entities[view.entity] = entities.get(view.entity, 0) + 1
        start += len(program)
        names += view.feature_names()
    # 3. Derived features, whose inputs stand before them.
    first_derived = len(names)
    names += [feature.name for feature in derived]
    positions = {name: position for position, name in enumerate(names)}
    compiler = Compiler(positions, lambda column: layouts.place(subject_kind, column))
    for feature in derived:
        for column in feature.expression.columns():
            if type_of(subject_kind, column) is ColumnType.NUMBER:
                raise DefinitionError(expected_got("a column that holds no floats", column, feature.name))
        late = [name for name in feature.expression.inputs() if positions[name] >= positions[feature.name]]
        if late:
            raise DefinitionError(expected_got("inputs declared before it", late, feature.name))
        compiler.add(feature)
    visible = np.array([i for i, name in enumerate(names) if name not in excluded], dtype=np.intp)
    widest = max((plan.ring for plan in plans), default=1)
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
        # A set of at most half-full cells over the widest ring, in powers of two.
        scratch_words=layout.MAX_WINDOWS + max(8, 2 << (widest - 1).bit_length()),
    )
    return plan, tuple(names)


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
    sums: list[int] = []
    operations: list[int] = []
    out = 0
    layouts.kinds.setdefault(view.source, [])
    for aggregate in view.features:
        column, argument, scale = 0, 0, 1
        operation = aggregate.OPERATION
        if aggregate.column is not None:
            place = layouts.place(view.source, aggregate.column, aggregate.scale, view)
            if place not in columns:
                columns.append(place)
            column = columns.index(place)
            is_money = type_of(view.source, aggregate.column) is ColumnType.MONEY
            scale = aggregate.scale or (10**base_places if is_money else 1)
            if aggregate.PREFIXED:
                if column not in sums:
                    sums.append(column)
                argument = sums.index(column)
            if not aggregate.WINDOWED:
                operation = layout.SINCE_SAME
                argument = layouts.place(subject_kind, aggregate.column, aggregate.scale)
        reach = aggregate.windows if aggregate.WINDOWED else (windows[-1],)
        pairs = sorted((windows.index(window), out + index) for index, window in enumerate(reach))
        out += len(reach)
        operations += [operation, column, scale, argument, len(pairs), *(word for pair in pairs for word in pair)]
    columns_at = layout.HEADER
    sums_at = columns_at + len(columns)
    windows_at = sums_at + len(sums)
    operations_at = windows_at + len(windows)
    header = {
        layout.WIDTH: layout.VALUES + len(columns) + layout.SUM_WORDS * len(sums),
        layout.N_COLUMNS: len(columns),
        layout.N_SUMS: len(sums),
        layout.RING: view.retain.size,
        layout.LONGEST: windows[-1],
        layout.LATENESS: max_lateness,
        layout.N_WINDOWS: len(windows),
        layout.N_OPERATIONS: len(view.features),
        layout.COLUMNS_AT: columns_at,
        layout.SUMS_AT: sums_at,
        layout.WINDOWS_AT: windows_at,
        layout.OPERATIONS_AT: operations_at,
        layout.OUT_AT: out_at,
        layout.N_OUT: out,
    }
    words = [header[index] for index in range(layout.HEADER)]
    return np.array([*words, *columns, *sums, *windows, *operations], dtype=np.int64)
