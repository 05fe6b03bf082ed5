"""Features of a pandas frame, as of each row: the notebook's door to the same kernel that serves.

frames ──checked──▶ tables, numbered in the order of arrival ──replay──▶ float64[requests, features] ──▶ frame
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from domain.errors import DefinitionError, InputError, expected_got
from domain.events import EXTENSION, KINDS, ColumnType
from domain.settings import PlatformSettings
from domain.time import DAY, MINUTE
from features.assembly import matrix
from features.catalogue import SUBJECTS, discover
from features.intake import Taken, Wanted
from features.kernel.layout import STALE, TRUNCATED
from features.offline import Mask, replay
from features.plan import Plan, compile_plan
from features.tables import Tables
from features.view import FeatureView
from stores.schema import ARROW_TYPES

_ASSUMED = ("stage", "currency", "known_at")
"""Columns that a frame may leave out: a payment is then an authorisation in the base currency, known at once."""

Words = npt.NDArray[np.int64]


def as_of(
    frame: pd.DataFrame,
    views: Sequence[FeatureView | str],
    *,
    kind: str = "transaction",
    requests: pd.DataFrame | None = None,
    events: Mapping[str, pd.DataFrame] | None = None,
    platform: PlatformSettings | None = None,
    base_currency: str = "CNY",
    threads: int | None = None,
) -> pd.DataFrame:
    """Features of each row from the rows that arrived before it and lie before it in time.

    Rows arrive in the order of (``known_at``, ``event_time``, ``event_id``), or of ``seq`` where every frame has one.
    Rows of the same instant never see each other.

    Parameters
    ----------
    frame : events of one kind: ``event_time``, the keys and columns that the views read; each is also a request.
        Times are aware datetimes, or whole µs UTC; amounts whole minor units. ``event_id``, ``known_at`` (else
        ``event_time``), ``currency`` (else the base currency) and ``stage`` are optional.
    views : feature views, or names out of the catalogue.
    kind : of the frame's events.
    requests : rows to answer instead, with ``event_time`` and keys; they are only read for, never remembered.
    events : frames of other kinds that views read, such as ``{"outcome": frame}``.
    platform : settings; by default UTC, no other currency than the base, three days of lateness.
    base_currency : of the amounts, where ``platform`` is not given.
    threads : by default as many as there are processors.

    Returns
    -------
    pandas.DataFrame
        One row per request under its index: the views' features, then ``truncated`` and ``stale``.

    Raises
    ------
    InputError
        When a frame lacks a column, or a column has the wrong type, a missing key or the same id twice.
    DefinitionError
        When a view does not fit its kinds, or is not in the catalogue.

    Examples
    --------
    >>> from features.aggregates import Count, Mean
    >>> card = FeatureView("card_id", "transaction", [Count(over=["1h"]), Mean("amount", over=["1h"])])
    >>> payments = pd.DataFrame({
    ...     "event_time": pd.to_datetime(["2026-03-01 10:00", "2026-03-01 10:20", "2026-03-01 11:10"], utc=True),
    ...     "card_id": ["c1", "c1", "c1"],
    ...     "amount": [1200, 800, 500],
    ... })
    >>> as_of(payments, [card])
       card_count_1h  card_amount_mean_1h  truncated  stale
    0            0.0                  NaN      False  False
    1            1.0                 12.0      False  False
    2            1.0                  8.0      False  False
    """
    chosen = platform or PlatformSettings(
        base_currency=base_currency, time_zone="UTC", max_lateness=3 * DAY, future_tolerance=5 * MINUTE, fx={}
    )
    found = _views(views, kind)
    plan, names = compile_plan(
        kind, found, (), (), frozenset(), chosen.fx_table(), chosen.time_zone, chosen.max_lateness
    )
    others = dict(events or {})
    _check_kinds(plan, kind, others)
    tables = {kind: _table(plan, kind, frame, "frame", chosen.base_currency, asks=requests is None)}
    for other, rows in others.items():
        tables[other] = _table(plan, other, rows, f"events[{other!r}]", chosen.base_currency, asks=False)
    if requests is not None:
        asked = _table(plan, kind, requests, "requests", chosen.base_currency, asks=True, remembered=False)
        tables[kind] = _joined(tables[kind], asked)
    numbered, places = _numbered(tables, kind)
    mine = places >= (0 if requests is None else len(frame))

    def requested(taken: Taken, _: Mask) -> Mask:
        if requests is not None:
            for conditions in taken.masks:
                taken.masks[conditions] &= ~mine
        return mine

    source = Tables(numbered)
    with replay(
        plan, source, upto=source.last_seq(), threads=threads or os.cpu_count() or 1, told=lambda *_: None,
        chosen=requested,
    ) as replayed:  # fmt: skip
        columns, flags = matrix(replayed, threads or os.cpu_count() or 1)
    back = np.argsort(places[mine])
    made = {name: columns[position, back] for position, name in enumerate(names)}
    made |= {"truncated": (flags & TRUNCATED).astype(np.bool_)[back], "stale": (flags & STALE).astype(np.bool_)[back]}
    return pd.DataFrame(made, index=(frame if requests is None else requests).index)


def _views(views: Sequence[FeatureView | str], kind: str) -> tuple[FeatureView, ...]:
    if kind not in KINDS:
        raise InputError(expected_got(f"a kind out of {', '.join(KINDS)}", kind, "as_of: kind"))
    product = next((product for product, subject in SUBJECTS.items() if subject == kind), None)
    known = {} if product is None else {view.name: view for view in discover(product).views}
    found = []
    for view in views:
        if isinstance(view, str) and view not in known:
            raise DefinitionError(expected_got(f"views of {kind} out of {', '.join(known)}", view, "as_of: views"))
        found.append(known[view] if isinstance(view, str) else view)
    if not found:
        raise DefinitionError(expected_got("one view at least", list(views), "as_of: views"))
    return tuple(found)


def _check_kinds(plan: Plan, kind: str, events: Mapping[str, pd.DataFrame]) -> None:
    needed = {view.source for view in plan.views} - {kind}
    missing, extra = sorted(needed - set(events)), sorted(set(events) - needed)
    if missing or extra:
        raise InputError(expected_got(f"frames of {sorted(needed) or 'no other kind'}", sorted(events), "events"))


def _table(
    plan: Plan, kind: str, frame: pd.DataFrame, where: str, currency: str, *, asks: bool, remembered: bool = True
) -> pa.Table:
    """The columns that the plan reads of a kind, checked and typed."""
    wanted = Wanted.of(plan, kind)
    names = [name for name in wanted.columns if name != "seq"]
    keys = {view.entity for view in plan.views} if asks else set()
    if remembered:
        keys |= {view.key for view in plan.views if view.source == kind}
    optional = {*_ASSUMED} if remembered else {*names} - keys - {"event_time"}
    missing = [name for name in names if name not in frame and name not in optional]
    if missing:
        raise InputError(expected_got(f"the columns {', '.join(names)}", f"none named {', '.join(missing)}", where))
    made = {"event_time": _times(frame["event_time"], f"{where}.event_time")}
    known = "known_at" in frame
    made["known_at"] = _times(frame["known_at"], f"{where}.known_at") if known else made["event_time"]
    for name in names:
        if name not in made:
            made[name] = _column(frame, name, kind, where, currency, name in keys)
    if "event_id" in frame:
        made["event_id"] = _ids(frame["event_id"], f"{where}.event_id")
    if "seq" in frame:
        made["seq"] = _whole(frame["seq"], f"{where}.seq")
    return pa.table(made)


def _times(series: pd.Series, where: str) -> Words:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        _refuse_missing(series, where, "a time")
        times: Words = series.dt.tz_convert("UTC").dt.as_unit("us").astype("int64").to_numpy()
        return times
    if pd.api.types.is_datetime64_dtype(series.dtype):
        raise InputError(
            expected_got("datetimes with a time zone (.dt.tz_localize) or whole µs", "naive datetimes", where)
        )
    return _whole(series, where)


def _whole(series: pd.Series, where: str) -> Words:
    if not pd.api.types.is_integer_dtype(series.dtype):
        raise InputError(expected_got("whole numbers", f"values of {series.dtype}", where))
    _refuse_missing(series, where, "a number")
    return series.to_numpy(dtype=np.int64)


def _ids(series: pd.Series, where: str) -> pa.Array:
    _refuse_missing(series, where, "an id")
    twice = series[series.duplicated()]
    if len(twice):
        raise InputError(expected_got("ids that occur once", f"{len(twice):,} again, such as {twice.iloc[0]!r}", where))
    return _text(series, where)


def _column(frame: pd.DataFrame, name: str, kind: str, where: str, currency: str, is_key: bool) -> pa.Array:
    n, at = len(frame), f"{where}.{name}"
    declared = KINDS[kind].get(name)
    wanted = None if declared is None else ARROW_TYPES[declared.type]
    if name not in frame:
        return pa.repeat(pa.scalar(currency), n) if name == "currency" else pa.nulls(n, wanted or pa.string())
    series = frame[name]
    if is_key:
        _refuse_missing(series, at, "a key")
    if wanted is None and not EXTENSION.fullmatch(name):
        raise InputError(expected_got(f"a column of {kind}", name, where))
    if wanted is None:
        numeric = pd.api.types.is_numeric_dtype(series.dtype)
        return pa.array(series, pa.float64(), from_pandas=True) if numeric else _text(series, at)
    if pa.types.is_string(wanted):
        return _text(series, at)
    assert declared is not None  # noqa: S101 - its type was found
    if declared.type in (ColumnType.MONEY, ColumnType.INTEGER, ColumnType.TIME):
        fits = pd.api.types.is_integer_dtype(series.dtype)
        expected = "whole minor units" if declared.type is ColumnType.MONEY else "whole numbers"
    elif declared.type is ColumnType.FLAG:
        fits, expected = pd.api.types.is_bool_dtype(series.dtype), "true or false"
    else:
        fits, expected = pd.api.types.is_numeric_dtype(series.dtype), "numbers"
    if not fits:
        raise InputError(expected_got(expected, f"values of {series.dtype}", at))
    return pa.array(series, wanted, from_pandas=True)


def _text(series: pd.Series, where: str) -> pa.Array:
    try:
        made = pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError) as error:
        raise InputError(expected_got("text", f"values of {series.dtype}", where)) from error
    plain = made.type.value_type if pa.types.is_dictionary(made.type) else made.type
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_null(plain)):
        # 17, 17.0 and "17" would be three different keys.
        raise InputError(expected_got("text (.astype(str))", f"values of {series.dtype}", where))
    return made.cast(pa.string())


def _refuse_missing(series: pd.Series, where: str, what: str) -> None:
    n = int(series.isna().sum())
    if n:
        raise InputError(expected_got(f"{what} in each of {len(series):,} rows", f"none in {n:,}", where))


def _joined(remembered: pa.Table, asked: pa.Table) -> pa.Table:
    """Events, then requests; ids, where only one side has them, break no tie."""
    shared = [name for name in remembered.column_names if name in asked.column_names]
    if {"event_id", "seq"} & set(remembered.column_names) ^ {"event_id", "seq"} & set(asked.column_names):
        shared = [name for name in shared if name != "event_id"]
    return pa.concat_tables([remembered.select(shared), asked.select(shared)], promote_options="permissive")


def _numbered(tables: Mapping[str, pa.Table], kind: str) -> tuple[dict[str, pa.Table], Words]:
    """The tables in order of arrival with ``seq`` over all kinds, and where each row of ``kind`` came from."""
    given = [name for name, table in tables.items() if "seq" in table.column_names]
    if given and len(given) < len(tables):
        raise InputError(expected_got("seq in every frame or in none", f"seq in {', '.join(given)} only", "as_of"))
    ordered, places = {}, np.empty(0, dtype=np.int64)
    if given:
        for name, table in tables.items():
            rows = np.argsort(table["seq"].to_numpy(), kind="stable")
            ordered[name] = table.take(pa.array(rows))
            places = rows if name == kind else places
        every = np.concatenate([table["seq"].to_numpy() for table in tables.values()])
        if len(np.unique(every)) < len(every) or every.min(initial=1) < 1:
            raise InputError(expected_got("positive seqs that occur once over all frames", "others", "as_of"))
        return ordered, places
    columns = ["known_at", "event_time", *(["event_id"] if _all_have(tables, "event_id") else []), "kind", "row"]
    index = pa.concat_tables(
        table.select([name for name in columns if name in table.column_names])
        .append_column("kind", pa.array(np.full(table.num_rows, code)))
        .append_column("row", pa.array(np.arange(table.num_rows)))
        for code, table in enumerate(tables.values())
    )
    if not _in_order(index):
        index = index.sort_by([(name, "ascending") for name in columns])
    codes, rows = index["kind"].to_numpy(), index["row"].to_numpy()
    for code, (name, table) in enumerate(tables.items()):
        mine = np.flatnonzero(codes == code)
        ordered[name] = table.take(pa.array(rows[mine])).append_column("seq", pa.array(mine + 1))
        places = rows[mine] if name == kind else places
    return ordered, places


def _all_have(tables: Mapping[str, pa.Table], name: str) -> bool:
    return all(name in table.column_names for table in tables.values())


def _in_order(index: pa.Table) -> bool:
    """Whether the rows stand in strictly rising order of arrival already."""
    known = index["known_at"].to_numpy()
    return bool((known[1:] > known[:-1]).all())


__all__ = ["as_of"]
