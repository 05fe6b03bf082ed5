"""Times of a file as µs UTC; a time without a zone is read in the declared one, never guessed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.importer.columns import Columns
from data.importer.convert import Converted, number_column
from data.importer.origins import EPOCHS, TimeSource
from domain.errors import DefinitionError
from domain.time import EARLIEST, LATEST, SECOND
from stores.checks import Mask, mask

_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$"
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MISSING = np.iinfo(np.int64).min
"""What pandas and NumPy hold for "no time"."""

Micros = npt.NDArray[np.int64]


def instants(spec: TimeSource, zone: str | None, columns: Columns) -> Converted:
    """The instant of every row, int64 µs UTC; digits below a microsecond are cut off.

    Parameters
    ----------
    zone : for times that have none and whose source names none.

    Raises
    ------
    DefinitionError
        When times have no zone and none was declared.
    """
    if spec.column is None:
        found = Converted(pa.repeat(pa.scalar(spec.instant(zone), pa.int64()), columns.n_rows))
    elif spec.format in EPOCHS:
        found = _counted(spec.column, EPOCHS[spec.format], columns)
    else:
        found = _dated(spec.column, spec, spec.zone or zone, columns)
    if spec.step is not None and spec.unit is not None:
        steps = _counted(spec.step, spec.unit, columns)
        found = Converted(pc.add(found.values, steps.values), {**found.wrong, **steps.wrong})
    if spec.plus is not None:
        found.values = pc.add(found.values, spec.plus)
    return found


def _counted(name: str, unit: int, columns: Columns) -> Converted:
    """A column of counts × unit, µs; fractions of a microsecond are rounded off."""
    numbers = number_column(name, columns)
    with np.errstate(over="ignore"):
        spans = np.rint(pc.fill_null(numbers.values, 0.0).to_numpy() * unit)
    inside = np.abs(spans) <= LATEST - EARLIEST
    absent = mask(pc.is_null(numbers.values))
    values = pa.array(np.where(inside, spans, 0).astype(np.int64), mask=absent | ~inside)
    return Converted(values, {**numbers.wrong, "a time between 1901 and 2106": ~inside})


def _dated(name: str, spec: TimeSource, zone: str | None, columns: Columns) -> Converted:
    raw = columns.raw(name)
    present = mask(pc.is_valid(raw))
    if pa.types.is_timestamp(raw.type) or pa.types.is_date(raw.type):
        naive = present if pa.types.is_date(raw.type) or raw.type.tz is None else columns.none()
        micros, read = _from_timestamps(raw)
        expected = "a time between 1901 and 2106"
    else:
        texts = columns.text(name)
        present = mask(pc.is_valid(texts))
        micros, read, aware = _from_texts(texts, spec.format)
        naive = present & ~aware
        expected = "an ISO 8601 time" if spec.format == "iso" else f"a time such as {spec.format}"
    wrong = {expected: present & ~read}
    naive &= read
    if naive.any():
        if zone is None:
            raise DefinitionError(
                f"{name}: expected times with a zone or a declared `zone: Asia/Shanghai`, "
                f"got {int(naive.sum())} without one"
            )
        micros[naive] = _located(micros[naive], zone, spec.ambiguous)
        nowhere = naive & (micros == _MISSING)
        wrong[f"a local time that exists once in {zone}"] = nowhere
        read &= ~nowhere
    return Converted(pa.array(micros, mask=~read), wrong)


def _from_timestamps(raw: pa.Array) -> tuple[Micros, Mask]:
    """µs as they stand: of UTC, or of a clock on the wall where there is no zone."""
    unit = "s" if pa.types.is_date32(raw.type) else "ms"
    stamps = raw if pa.types.is_timestamp(raw.type) else raw.cast(pa.timestamp(unit))
    per_second = _PER_SECOND[stamps.type.unit]
    counts = pc.fill_null(stamps.cast(pa.int64()), 0).to_numpy()
    inside = (counts // per_second >= EARLIEST // SECOND) & (counts // per_second <= LATEST // SECOND)
    kept = np.where(inside, counts, 0)
    micros = kept * (SECOND // per_second) if per_second <= SECOND else kept // (per_second // SECOND)
    return micros.astype(np.int64), inside & mask(pc.is_valid(stamps))


def _from_texts(texts: pa.Array, pattern: str) -> tuple[Micros, Mask, Mask]:
    """µs of the texts, which of them could be read, and which of them name their zone."""
    if pattern == "iso":
        shaped = mask(pc.match_substring_regex(texts, _ISO))
        # A date alone has no time that an offset could belong to.
        timed = mask(pc.greater(pc.binary_length(texts), len("2026-03-01")))
        aware = shaped & timed & mask(pc.match_substring_regex(texts, _OFFSET))
    else:
        shaped = mask(pc.is_valid(texts))
        aware = shaped if "%z" in pattern else np.zeros(len(texts), dtype=bool)
    micros = np.full(len(texts), _MISSING, dtype=np.int64)
    for rows in (aware, shaped & ~aware):
        if rows.any():
            # Without a zone UTC stands for the clock on the wall until it is located.
            moments = pd.to_datetime(
                pd.Index(texts.filter(pa.array(rows)).to_pylist(), dtype=object),
                format="ISO8601" if pattern == "iso" else pattern,
                utc=True,
                errors="coerce",
            )
            micros[rows] = moments.as_unit("us").asi8
    return micros, (micros >= EARLIEST) & (micros <= LATEST), aware


def _located(wall: Micros, zone: str, ambiguous: str) -> Micros:
    """µs UTC of clocks on the wall; `_MISSING` where the hour was skipped, or came twice and none was chosen."""
    if zone == "UTC":
        return wall
    moments = pd.DatetimeIndex(wall.view("datetime64[us]"))
    # pandas asks whether summer time was on: it was, the first time round.
    summer = np.full(len(wall), ambiguous == "earlier")
    located = moments.tz_localize(zone, ambiguous="NaT" if ambiguous == "reject" else summer, nonexistent="NaT")
    return np.asarray(located.asi8, dtype=np.int64)
