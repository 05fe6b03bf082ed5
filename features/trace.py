"""Trace one number of one decision back to the very events behind it.

own         the column of the request
aggregate   1. every event of the request's entity that the journal holds by now
            2. which of them the request sees, and why not the others          (`features.visible`)
            3. the aggregate again, through the kernel, from exactly the seen  == the logged number, bit for bit
            4. and once without each of them: what the number owes to it
derived     its inputs, traced; then the expression again, through the kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from domain.errors import DataError, InputError, expected_got
from domain.events import KINDS, ColumnType, Event
from domain.money import exponent
from domain.settings import PlatformSettings
from features.aggregates import Aggregate
from features.catalogue import FeatureSet
from features.columns import encode_event, encode_table, encoding_of, type_of
from features.conditions import SUBJECT_CONDITIONS
from features.kernel.layout import BATCH, NULL, OUT_AT
from features.kernel.loading import load_kernel
from features.offline import fresh_memory
from features.plan import ViewPlan
from features.replay import build_snapshot
from features.sources import Source, read_columns
from features.traced import Number, Trace, empty_events, same_number
from features.view import FeatureView
from features.visible import SEEN, why_unseen, window_of
from stores.journal import Journal

MOST_WITHOUT = 500
"""Events up to which the number is also computed without each of them: n² inserts."""

_COLUMN_WORDS = ("column_is_null", "equals")


def trace(
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    seq: int,
    feature: str,
    logged: Mapping[str, Number] | None = None,
) -> Trace:
    """The events behind a feature of the request at ``seq``.

    Parameters
    ----------
    logged : feature → the number that was used; by default what a replay of the journal gives.

    Raises
    ------
    InputError
        When the set has no such feature.
    DataError
        When the journal holds no request of the set's kind at ``seq``.
    """
    return trace_many(feature_set, journal, platform, seq, [feature], logged)[0]


def trace_many(
    feature_set: FeatureSet,
    journal: Journal,
    platform: PlatformSettings,
    seq: int,
    features: Sequence[str],
    logged: Mapping[str, Number] | None = None,
) -> tuple[Trace, ...]:
    """As `trace`, of several features of one request; what they share is read once."""
    with journal.database.reading():
        tracer = _Tracer(feature_set, journal, _request(feature_set, journal, seq))
        for feature in features:
            if feature not in tracer.positions:
                close = get_close_matches(feature, tracer.positions, n=5)
                near = f"such as {', '.join(close)}" if close else "(`assay features list` names them)"
                raise InputError(expected_got(f"a feature of the set {near}", feature, "--feature"))
        if logged is None:
            table = build_snapshot(
                feature_set, journal, platform, upto=seq, subjects=pa.array([seq], pa.int64()), threads=1
            ).table
            logged = {name: table[name][0].as_py() for name in feature_set.names}
        return tuple(tracer.traced(feature, logged) for feature in features)


def _request(feature_set: FeatureSet, journal: Journal, seq: int) -> Event:
    event = journal.get(seq)
    conditions = SUBJECT_CONDITIONS[feature_set.subject_kind]
    if event.kind != feature_set.subject_kind or not all(one.holds(event.body) for one in conditions):
        wanted = f"a {feature_set.subject_kind} that asks for a decision"
        raise DataError(expected_got(wanted, event.kind, f"seq {seq}"))
    return event


class _Tracer:
    """Traces features of one request; what an entity's events are is read once."""

    def __init__(self, feature_set: FeatureSet, journal: Journal, request: Event) -> None:
        self._set = feature_set
        self._plan = feature_set.plan
        self._journal = journal
        self._request = request
        self._kernel = load_kernel()
        self._events = lru_cache(maxsize=8)(self._events_of)
        own = [(name, ColumnType(kind)) for name, kind in feature_set.definition["own"]]
        self._own = {
            **{name: kind for name, kind in own if kind is not ColumnType.CATEGORY},
            **{name: kind for name, kind in own if kind is ColumnType.CATEGORY},
        }
        self._views: dict[str, tuple[FeatureView, ViewPlan]] = {
            name: (view, plan)
            for view, plan in zip(feature_set.views, self._plan.views, strict=True)
            for name in view.feature_names()
        }
        self._derived: dict[str, list[Any]] = dict(feature_set.definition["derived"])
        names = [*self._own, *self._views, *self._derived]
        self.positions = {name: position for position, name in enumerate(names)}

    def traced(self, feature: str, logged: Mapping[str, Number]) -> Trace:
        if feature in self._views:
            found = self._aggregate(feature)
        elif feature in self._derived:
            found = self._derive(feature, logged)
        else:
            found = self._column(feature)
        # A feature that the settings exclude is computed for others but never logged.
        expected = logged.get(feature, found.value)
        return replace(found, expected=expected, same=same_number(found.value, expected))

    # ------------------------------------------------------------------- own

    def _trace(self, feature: str, form: str, value: Number, **more: Any) -> Trace:
        at = (self._request.seq, self._request.event_id, self._request.event_time)
        return Trace(feature, form, value, value, True, *at, **more)

    def _column(self, name: str) -> Trace:
        """A column of the request as it stands there."""
        for position, number in self._plan.own:
            if self.positions.get(name) == position:
                return self._trace(name, "own", number.one(self._request))
        value = self._request.body.get(name)
        return self._trace(name, "category" if name in self._own else "column", None if value is None else str(value))

    # ------------------------------------------------------------- aggregate

    def _aggregate(self, feature: str) -> Trace:
        view, plan = self._views[feature]
        aggregate, reach = _output(view, feature)
        time, lateness = self._request.event_time, int(self._set.definition["max_lateness"])
        key = self._request.body.get(view.entity)
        about: dict[str, Any] = {"view": view.name, "entity": view.entity}
        if key is None:
            window = window_of(view, reach, time, None, lateness)
            return self._trace(feature, "aggregate", float("nan"), events=empty_events(), window=window, **about)
        source = self._events(view.source, plan.key, str(key))
        of_view = np.ones(len(source.seqs), dtype=np.bool_)
        for condition in view.conditions:
            of_view &= condition.mask(source.table)
        arrived = source.times[of_view & (source.seqs < self._request.seq)]
        window = window_of(view, reach, time, int(arrived.max()) if len(arrived) else None, lateness)
        why = why_unseen(view, window, time, self._request.seq, lateness, of_view, source.times, source.seqs)
        seen = np.flatnonzero(why == SEEN)
        value, without = self._recomputed(plan, view.feature_names().index(feature), source, seen)
        events = self._listed(view, aggregate, source, why, seen, without)
        return self._trace(feature, "aggregate", value, key=str(key), events=events, window=window, **about)

    def _events_of(self, kind: str, column: str, key: str) -> Source:
        """Every event of an entity, also those that arrived after the request, in ``seq`` order."""
        names = dict.fromkeys(["seq", "event_id", "event_time", "known_at", column, *self._plan.columns(kind)])
        table = read_columns(self._journal, kind, list(names), 0, self._journal.last_seq())
        table = table.filter(pc.equal(table[column], key)).combine_chunks()
        times, seqs = (np.array(table[name].to_numpy(), dtype=np.int64) for name in ("event_time", "seq"))
        return Source(table, times, seqs, encode_table(self._plan.layouts.get(kind, ()), table))

    def _recomputed(
        self, plan: ViewPlan, output: int, source: Source, seen: npt.NDArray[np.int64]
    ) -> tuple[float, npt.NDArray[np.float64]]:
        """The number from exactly the seen events, and without each of them: float64[n seen], NaN where too many."""
        n_without = len(seen) if len(seen) <= MOST_WITHOUT else 0
        owners, actions = [], []
        for run in range(n_without + 1):
            kept = seen if run == 0 else np.delete(seen, run - 1)
            # As replay does: the inserts in the order of seq, then the read.
            owners.append(np.full(len(kept) + 1, run, dtype=np.int64))
            actions.append(np.append(kept * 2 + 1, run * 2))
        n = n_without + 1
        program = plan.program.copy()
        program[OUT_AT] = 0
        answers = np.full((n, plan.n_out), np.nan)
        asked = encode_event(self._plan.layouts[self._set.subject_kind], self._request)
        memory = fresh_memory(program)
        n_actions = len(seen) + 1 + n_without * len(seen)
        memory.run(
            self._kernel.replay,
            (program, np.concatenate(owners), np.concatenate(actions)),
            0,
            n_actions,
            (n_actions, source.times, source.values, np.full(n, self._request.event_time, dtype=np.int64),
             np.repeat(asked, n, axis=0), answers, np.zeros(n, dtype=np.uint8), self._plan.scratch(),
             self._plan.batch(BATCH)),
            len(memory.pool),
        )  # fmt: skip
        numbers = answers[:, output]
        return float(numbers[0]), numbers[1:] if n_without else np.full(len(seen), np.nan)

    def _listed(
        self,
        view: FeatureView,
        aggregate: Aggregate,
        source: Source,
        why: npt.NDArray[np.object_],
        seen: npt.NDArray[np.int64],
        without: npt.NDArray[np.float64],
    ) -> pa.Table:
        effect = np.full(len(why), np.nan)
        effect[seen] = without
        order = np.lexsort((source.seqs, source.times))
        values = self._values(view, aggregate, source)
        held = np.ones(len(why), dtype=np.bool_)
        for condition in getattr(aggregate, "conditions", ()):
            held &= condition.mask(source.table)
        is_null = np.zeros(len(why), dtype=np.bool_) if values is None else values.is_null().to_numpy()
        role = np.where(why != SEEN, "not seen", np.where(~held, "condition not met", np.where(
            is_null, "no value", "counted")))  # fmt: skip
        columns = {
            "seq": source.table["seq"],
            "event_id": source.table["event_id"],
            "event_time": source.table["event_time"].cast(pa.timestamp("us", "UTC")),
            "value": pa.nulls(len(why), pa.float64()) if values is None else values,
            "role": pa.array(role.astype(str)),
            "why": pa.array([None if one == SEEN else one for one in why], pa.string()),
            "without": pa.array(effect, from_pandas=True),
        }
        return pa.table(columns).take(pa.array(order))

    def _values(self, view: FeatureView, aggregate: Aggregate, source: Source) -> pa.ChunkedArray | None:
        """The aggregated column: text as it is, numbers in the unit of the feature."""
        if aggregate.column is None:
            return None
        found = type_of(view.source, aggregate.column, aggregate.scale)
        if found in (ColumnType.KEY, ColumnType.CATEGORY):
            return source.table[aggregate.column]
        fx, zone = self._plan.amount.fx, self._plan.zone
        words = encoding_of(view.source, aggregate.column, aggregate.scale, fx, zone, view.policy).many(source.table)
        scale = aggregate.scale or (10 ** exponent(fx.base) if found is ColumnType.MONEY else 1)
        return pa.chunked_array([pa.array(words / scale, mask=words == NULL)])

    # --------------------------------------------------------------- derived

    def _derive(self, feature: str, logged: Mapping[str, Number]) -> Trace:
        inputs = tuple(self.traced(name, logged) for name in self._inputs(self._derived[feature]))
        row = np.full((1, self._plan.n_row), np.nan)
        self._fill(row, inputs)
        plan, request = self._plan, self._request
        self._kernel.derive(
            row, np.array([request.event_time], dtype=np.int64), encode_event(plan.layouts[plan.subject_kind], request),
            plan.code, plan.constants, plan.zone.at, plan.zone.offset,
        )  # fmt: skip
        value = float(row[0, self.positions[feature]])
        return self._trace(feature, "derived", value, expression=told(self._derived[feature]), inputs=inputs)

    def _fill(self, row: npt.NDArray[np.float64], inputs: tuple[Trace, ...]) -> None:
        """All that the expression reads; what was derived itself is derived anew from what it reads."""
        for one in inputs:
            if one.feature in self.positions and isinstance(one.value, float):
                row[0, self.positions[one.feature]] = one.value
            self._fill(row, one.inputs)

    def _inputs(self, expression: list[Any]) -> list[str]:
        """Features and columns that an expression reads, each once."""
        found: dict[str, None] = {}
        word, *operands = expression
        for operand in operands[:1] if word in _COLUMN_WORDS else operands:
            if isinstance(operand, list):
                found |= dict.fromkeys(self._inputs(operand))
            elif isinstance(operand, str) and (operand in self.positions or operand in KINDS[self._set.subject_kind]):
                found[operand] = None
        return list(found)


def told(expression: Any) -> str:
    """A canonical expression as a formula.

    Examples
    --------
    >>> told(["ratio", "amount", ["log1p", "card_amount_mean_30d"]])
    'ratio(amount, log1p(card_amount_mean_30d))'
    """
    if not isinstance(expression, list):
        return str(expression)
    word, *operands = expression
    return f"{word}({', '.join(map(told, operands))})"


def _output(view: FeatureView, feature: str) -> tuple[Aggregate, int | None]:
    """The aggregate that gives a feature, and the length of its window in µs; None is the view's longest."""
    for aggregate in view.features:
        names = aggregate.names(view.stem)
        if feature in names:
            reach = getattr(aggregate, "reach", aggregate.windows if aggregate.WINDOWED else (None,))
            return aggregate, reach[names.index(feature)]
    raise InputError(expected_got(f"a feature of view {view.name}", feature, "trace"))
