"""Values and times of a file against Decimal, zoneinfo and plain Python: exact, or a reason."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.importer.columns import Columns
from data.importer.convert import converted
from data.importer.instants import instants
from data.importer.mapping import Source
from data.importer.origins import TimeSource, ValueSource
from data.importer.source import SourceTable
from data.importer.templates import Text
from domain.errors import DefinitionError, InputError
from domain.events import ColumnType
from domain.money import MAX_MINOR
from domain.time import DAY, EARLIEST, LATEST, SECOND, parse_instant, to_micros

PLACES = {"JPY": 0, "CNY": 2, "KWD": 3}


def columns(values: Any, dtype: pa.DataType | None = None, **source: Any) -> Columns:
    """A file of one column, V."""
    settings = Source.model_validate({"format": "csv" if isinstance(values, bytes) else "parquet", **source})
    table = pa.table({"V": pa.array(values, dtype)})
    return Columns(SourceTable(table, np.arange(1, table.num_rows + 1), [], ""), settings)


def read(kind: ColumnType, values: Any, dtype: pa.DataType | None = None, *, places: int = 2, **spec: Any) -> list[Any]:
    """Each value read, or "bad"; None where there was none."""
    source = {name: spec.pop(name) for name in ("nan", "nulls_of_file", "thousands", "decimal_point") if name in spec}
    if "nulls_of_file" in source:
        source["nulls"] = source.pop("nulls_of_file")
    file = columns(values, dtype, **source)
    found = converted(ValueSource(column="V", **spec), kind, file, np.full(file.n_rows, places))
    wrong = np.zeros(file.n_rows, dtype=bool)
    for rows in found.wrong.values():
        wrong |= rows
    return ["bad" if bad else value for value, bad in zip(found.values.to_pylist(), wrong.tolist(), strict=True)]


# ---------------------------------------------------------------------- money


def exact(amount: Fraction, places: int) -> int | str:
    scaled = amount * 10**places
    return int(scaled) if scaled.denominator == 1 and abs(scaled) <= MAX_MINOR else "bad"


amount_texts = (
    st.decimals(-(10**15), 10**15, places=2).map(str)
    | st.from_regex(re.compile(r"[+-]?[0-9]{0,17}\.?[0-9]{0,5}", re.ASCII), fullmatch=True)
    | st.text("0123456789.,+-eE ", max_size=8)
)


@given(st.lists(amount_texts, max_size=12), st.sampled_from(sorted(PLACES.values())))
@example(["90071992547409.92", "90071992547409.93", "-90071992547409.92"], 2)
@example([".5", "5.", ".", "-", "+1.50", "1.500", "0"], 2)
@example(["1e2", "1E-2", "NaN", "inf", "1 000", "１２", "0x10", "1_000"], 2)
def test_amounts_of_text_are_exact_or_bad(texts: list[str], places: int) -> None:
    def oracle(text: str) -> int | str | None:
        if text == "":
            return None
        # No exponents in an amount: 1e2 is a slip.
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text, re.ASCII):
            return "bad"
        # Seventeen digits before the point are more than any amount has, zeros in front included.
        return exact(Fraction(text), places) if len(text.lstrip("+-").split(".")[0]) <= 16 else "bad"

    assert read(ColumnType.MONEY, texts, pa.string(), unit="decimal", places=places) == [oracle(text) for text in texts]


@given(st.lists(st.integers(-MAX_MINOR, MAX_MINOR), max_size=12), st.sampled_from(sorted(PLACES.values())))
def test_amounts_of_floats_are_the_decimals_they_stand_for(minors: list[int], places: int) -> None:
    # 15 digits are what a float keeps of a decimal.
    minors = [minor for minor in minors if abs(minor) < 10**15]
    floats = [float(Decimal(minor).scaleb(-places)) for minor in minors]
    assert read(ColumnType.MONEY, floats, pa.float64(), unit="decimal", places=places) == minors


@given(st.lists(st.floats(), max_size=12), st.sampled_from(sorted(PLACES.values())))
@example([57.16, 0.1 + 0.2, 1.005, -0.0, 2.0**53 / 100, 1e300, 1234.5678], 2)
def test_a_float_that_is_no_decimal_of_the_currency_is_bad(floats: list[float], places: int) -> None:
    found = read(ColumnType.MONEY, floats, pa.float64(), unit="decimal", places=places)
    for value, minor in zip(floats, found, strict=True):
        if minor != "bad":
            assert float(Fraction(minor) / 10**places) == value
        elif np.isfinite(value) and abs(value) < 10**12:
            nearest = round(Fraction(value) * 10**places)
            assert float(Fraction(nearest) / 10**places) != value


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=12), st.sampled_from(sorted(PLACES.values())))
def test_amounts_of_whole_numbers(wholes: list[int], places: int) -> None:
    assert read(ColumnType.MONEY, wholes, pa.int64(), unit="decimal", places=places) == [
        exact(Fraction(whole), places) for whole in wholes
    ]
    assert read(ColumnType.MONEY, wholes, pa.int64(), unit="minor", places=places) == [
        exact(Fraction(whole), 0) for whole in wholes
    ]


@pytest.mark.parametrize("dtype", [pa.int8(), pa.uint8(), pa.int32(), pa.uint64(), pa.float32(), pa.decimal128(9, 2)])
def test_every_width_of_number_is_a_number(dtype: pa.DataType) -> None:
    values = [Decimal(7), None] if pa.types.is_decimal(dtype) else [7, None]
    assert read(ColumnType.MONEY, values, dtype, unit="decimal") == [700, None]
    assert read(ColumnType.INTEGER, values, dtype) == [7, None]
    assert read(ColumnType.NUMBER, values, dtype) == [7.0, None]


def test_rounding_is_asked_for_and_half_to_even() -> None:
    texts = ["1.005", "1.015", "-1.005", "2.5", "1e20", "x", "0.005"]
    assert read(ColumnType.MONEY, texts, unit="decimal") == ["bad", "bad", "bad", 250, "bad", "bad", "bad"]
    assert read(ColumnType.MONEY, texts, unit="decimal", round=True) == [100, 102, -100, 250, "bad", "bad", 0]
    # 85.65 times five in floating point, as the handbook has it.
    assert read(ColumnType.MONEY, [428.25000000000006, 17.13 * 5], unit="decimal", round=True) == [42825, 8565]


def test_rows_of_several_currencies_have_their_own_decimals() -> None:
    file = columns(["1.5", "1.50", "15", "1.505"])
    found = converted(ValueSource(column="V", unit="decimal"), ColumnType.MONEY, file, np.array([2, 3, 0, 3]))
    assert found.values.to_pylist() == [150, 1500, 15, 1505]
    found = converted(ValueSource(column="V", unit="decimal"), ColumnType.MONEY, file, np.array([0, 0, 0, 2]))
    assert found.values.to_pylist() == [None, None, 15, None]


@pytest.mark.parametrize(
    ("value", "unit", "minor"),
    [("12.50", "decimal", 1250), (12.5, "decimal", 1250), (7, "decimal", 700), (7, "minor", 7)],
)
def test_constant_amounts(value: Any, unit: Any, minor: int) -> None:
    spec = ValueSource(constant=value, unit=unit)
    assert converted(spec, ColumnType.MONEY, columns(["a"]), np.array([2])).values.to_pylist() == [minor]


@pytest.mark.parametrize("value", ["much", "1.005", 1e30, True])
def test_a_constant_that_is_no_amount_stops_the_import(value: Any) -> None:
    with pytest.raises(DefinitionError, match="constant: expected an amount"):
        converted(ValueSource(constant=value, unit="decimal"), ColumnType.MONEY, columns(["a"]), np.array([2]))


def test_limits_are_in_the_units_of_the_file() -> None:
    limits = {"at_least": 0.07, "at_most": 100}
    texts = ["0.06", "0.07", "100", "100.01", ""]
    assert read(ColumnType.MONEY, texts, unit="decimal", **limits) == ["bad", 7, 10000, "bad", None]
    assert read(ColumnType.NUMBER, texts, **limits) == ["bad", 0.07, 100.0, "bad", None]
    assert read(ColumnType.MONEY, ["6", "7", "101"], unit="minor", at_least=7, at_most=100) == ["bad", 7, "bad"]


def test_numerals_of_other_countries() -> None:
    texts = ["1.234,50", "1234,5", "-1.234.567,00", "1,5,0"]
    german = {"thousands": ".", "decimal_point": ","}
    assert read(ColumnType.MONEY, texts, unit="decimal", **german) == [123450, 123450, -123456700, "bad"]
    assert read(ColumnType.NUMBER, ["1'000.5"], thousands="'") == [1000.5]


# ------------------------------------------------------------- numbers, flags


@given(st.lists(st.floats() | st.just(None), max_size=12))
def test_numbers_are_finite_or_bad(floats: list[float | None]) -> None:
    wanted = [v if v is None else (v if np.isfinite(v) else "bad") for v in floats]
    assert read(ColumnType.NUMBER, floats, pa.float64()) == wanted
    nulls = [None if v is None or np.isnan(v) else (v if np.isfinite(v) else "bad") for v in floats]
    assert read(ColumnType.NUMBER, floats, pa.float64(), nan="null") == nulls


@given(st.lists(st.text("0123456789.eE+-x ", min_size=1, max_size=7), max_size=12))
@example(["1e999", "-1e999", "1e-999", "٣", "1_0", "nan", "inf", "Infinity", "0x1p3", "1e5", "007"])
def test_numbers_of_text_are_what_python_reads(texts: list[str]) -> None:
    def oracle(text: str) -> float | str:
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", text, re.ASCII):
            return "bad"
        return float(text) if np.isfinite(float(text)) else "bad"

    assert read(ColumnType.NUMBER, texts, pa.string()) == [oracle(text) for text in texts]


def test_whole_numbers_may_have_been_floats() -> None:
    assert read(ColumnType.INTEGER, ["3", "3.0", "-3.", "3.5", "3e2", "x", str(2**53), str(2**53 + 1), ""]) == [
        3, 3, -3, "bad", "bad", "bad", 2**53, "bad", None]  # fmt: skip
    assert read(ColumnType.INTEGER, [3.0, 3.5, float("nan"), 1e300, None]) == [3, "bad", "bad", "bad", None]


def test_flags() -> None:
    assert read(ColumnType.FLAG, [True, False, None]) == [True, False, None]
    assert read(ColumnType.FLAG, ["true", "FALSE", "1", "0", "yes", ""]) == [True, False, True, False, "bad", None]
    assert read(ColumnType.FLAG, [1, 0, 2]) == [True, False, "bad"]
    assert read(ColumnType.FLAG, ["Y", "N", "?"], map={"Y": True, "N": False}) == [True, False, "bad"]


# ------------------------------------------------------------------- texts, maps


def test_identifiers_are_the_texts_they_were() -> None:
    assert read(ColumnType.KEY, [596, -1, None]) == ["596", "-1", None]
    # pandas makes floats of whole numbers beside a missing one.
    assert read(ColumnType.KEY, [596.0, 1e15, None, 0.5]) == ["596", "1000000000000000", None, "0.5"]
    assert read(ColumnType.KEY, [True, False]) == ["true", "false"]
    assert read(ColumnType.KEY, ["007", " 7 ", "客户"]) == ["007", " 7 ", "客户"]
    assert read(ColumnType.KEY, pa.array(["a", "b", "a"]).dictionary_encode()) == ["a", "b", "a"]
    assert read(ColumnType.KEY, [b"a", b"\xff", None], pa.binary()) == ["a", "bad", None]
    assert read(ColumnType.CATEGORY, [date(2026, 3, 1)]) == ["2026-03-01"]


def test_a_column_of_lists_is_refused() -> None:
    with pytest.raises(InputError, match="expected a column of plain values"):
        read(ColumnType.KEY, [[1, 2]])


def test_nulls_of_the_file_and_of_a_column() -> None:
    assert read(ColumnType.CATEGORY, ["NA", "", "x"], nulls_of_file=("", "NA")) == [None, None, "x"]
    assert read(ColumnType.INTEGER, [-999, 5], nulls=(-999,)) == [None, 5]
    assert read(ColumnType.INTEGER, ["?", "5"], nulls=("?",)) == [None, 5]
    assert read(ColumnType.NUMBER, [-1.0, 5.0], nulls=(-1,), at_least=0) == [None, 5.0]


def test_maps_go_by_text_and_name_what_they_lack() -> None:
    codes = {1: "male", 2: "female", None: "unknown"}
    assert read(ColumnType.CATEGORY, [1, 2, None, 3], map=codes) == ["male", "female", "unknown", "bad"]
    assert read(ColumnType.CATEGORY, [1.0, 2.0, float("nan")], map=codes, nan="null") == ["male", "female", "unknown"]
    assert read(ColumnType.CATEGORY, ["1", "x", ""], map={"1": "male"}, otherwise="other") == ["male", "other", None]
    assert read(ColumnType.INTEGER, ["one", "two"], map={"one": 1, "two": 2}) == [1, 2]
    assert read(ColumnType.NUMBER, ["half", "n/a"], map={"half": 0.5, "n/a": None}) == [0.5, None]
    found = converted(ValueSource(column="V", map={1: "a", 2: "b"}), ColumnType.CATEGORY, columns([3]))
    assert [expected for expected, rows in found.faults() if rows.any()] == ["one of 1, 2"]


named_rows = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(1, 9)), min_size=1, max_size=8)


@given(named_rows, st.integers(0, 4))
def test_texts_made_of_columns(rows: list[tuple[str | None, int]], width: int) -> None:
    text = Text.parse(f"h{{NAME}}-{{row:{width}}}-{{NAME}}!")
    assert text.columns == ("NAME",)
    rendered = text.render({"NAME": pa.array([name for name, _ in rows], pa.string())}, pa.array([n for _, n in rows]))
    assert rendered.to_pylist() == [
        None if name is None else f"h{name}-{str(n).zfill(width)}-{name}!" for name, n in rows
    ]


@pytest.mark.parametrize("template", ["{", "}", "{}", "{a}}", "{{a}}"])
def test_a_brace_too_many_is_told(template: str) -> None:
    with pytest.raises(ValueError, match="between the braces"):
        Text.parse(template)


# ---------------------------------------------------------------------- times


def moments(values: Any, dtype: pa.DataType | None = None, mapping_zone: str | None = None, **spec: Any) -> list[Any]:
    """Each instant read, or "bad"; None where there was none."""
    file = columns(values, dtype)
    found = instants(TimeSource.model_validate({"column": "V", **spec}), mapping_zone, file)
    wrong = np.zeros(file.n_rows, dtype=bool)
    for rows in found.wrong.values():
        wrong |= rows
    return ["bad" if bad else value for value, bad in zip(found.values.to_pylist(), wrong.tolist(), strict=True)]


zones = st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Brussels", "America/New_York", "Australia/Lord_Howe"])
walls = st.datetimes(datetime(1930, 1, 1), datetime(2090, 1, 1))


def located(wall: datetime, zone: str, ambiguous: str) -> int | str:
    """What zoneinfo says of a clock on the wall: by trying both readings of it."""
    readings = [wall.replace(tzinfo=ZoneInfo(zone), fold=fold) for fold in (0, 1)]
    exists = [r.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall for r in readings]
    if not any(exists):
        return "bad"
    if readings[0].utcoffset() == readings[1].utcoffset():
        return to_micros(readings[0])
    return "bad" if ambiguous == "reject" else to_micros(readings[0 if ambiguous == "earlier" else 1])


@given(
    st.lists(walls | st.datetimes(datetime(2026, 10, 24, 20), datetime(2026, 10, 25, 4)), min_size=1, max_size=8),
    zones,
    st.sampled_from(["reject", "earlier", "later"]),
)
@example([datetime(2026, 3, 29, 2, 30), datetime(2026, 10, 25, 2, 30)], "Europe/Brussels", "reject")
@example([datetime(2026, 10, 25, 3)], "Europe/Brussels", "reject")
@example([datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)], "Europe/Brussels", "earlier")
@example([datetime(2026, 10, 25, 2, 30)], "Europe/Brussels", "later")
def test_clocks_on_the_wall_are_placed_as_zoneinfo_places_them(
    given_walls: list[datetime], zone: str, ambiguous: str
) -> None:
    wanted = [located(wall, zone, ambiguous) for wall in given_walls]
    texts = [wall.isoformat(sep=" ") for wall in given_walls]
    assert moments(texts, zone=zone, ambiguous=ambiguous) == wanted
    assert moments(texts, mapping_zone=zone, ambiguous=ambiguous) == wanted
    assert moments(given_walls, pa.timestamp("us"), zone=zone, ambiguous=ambiguous) == wanted


seconds_of_range = st.lists(st.integers(EARLIEST // SECOND, LATEST // SECOND), max_size=8)


@given(seconds_of_range, st.sampled_from(["s", "ms", "us", "ns"]))
def test_timestamps_of_every_resolution(seconds: list[int], unit: Any) -> None:
    wanted = [second * SECOND for second in seconds]
    inside = [abs(second) < 2**62 // 10**9 for second in seconds]
    seconds = [second for second, fits in zip(seconds, inside, strict=True) if fits]
    wanted = [second for second, fits in zip(wanted, inside, strict=True) if fits]
    stamps = pa.array(seconds, pa.int64()).cast(pa.timestamp("s", "UTC")).cast(pa.timestamp(unit, "Asia/Shanghai"))
    assert moments(stamps) == wanted


@given(st.lists(st.integers(EARLIEST, LATEST), max_size=8))
def test_counts_since_1970(micros: list[int]) -> None:
    assert moments(micros, pa.int64(), format="epoch_us") == micros
    assert moments([str(m) for m in micros], pa.string(), format="epoch_us") == micros
    assert moments([m // 1000 for m in micros], pa.int64(), format="epoch_ms") == [m // 1000 * 1000 for m in micros]
    # Seconds with a fraction: a float of this century still tells microseconds.
    assert moments([m / SECOND for m in micros], pa.float64(), format="epoch_s") == micros


@given(st.lists(st.integers(EARLIEST, LATEST), min_size=1, max_size=8), st.integers(-14 * 60, 14 * 60))
def test_a_zone_in_the_text_wins(micros: list[int], minutes: int) -> None:
    shift = timedelta(minutes=minutes)
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    offset = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
    epoch = datetime(1970, 1, 1)
    texts = [(epoch + timedelta(microseconds=m) + shift).isoformat() + offset for m in micros]
    assert moments(texts, mapping_zone="Asia/Shanghai") == micros
    assert [parse_instant(text) for text in texts] == micros


def test_texts_that_are_times_and_texts_that_are_not() -> None:
    good = ["2026-03-01", "2026-03-01T08", "2026-03-01 08:00", "2026-03-01T08:00:00Z", "2026-03-01T08:00:00.5Z",
            "2026-03-01 16:00:00+08:00", "2026-03-01T16:00:00+0800"]  # fmt: skip
    at = parse_instant("2026-03-01T08:00:00Z")
    assert moments(good, zone="UTC") == [at - 8 * 3600 * SECOND, "bad", at, at, at + SECOND // 2, at, at]
    bad = ["2026-02-30", "2026-13-01", "20260301", "2026", "01.03.2026", "now", "2026-03-01T25:00:00", "1e9"]
    assert moments(bad, zone="UTC") == ["bad"] * len(bad)
    assert moments(["", None], pa.string(), zone="UTC") == [None, None]


def test_patterns() -> None:
    at = parse_instant("2026-03-01T08:05:00Z")
    assert moments(["01/03/2026 08:05", "31/02/2026 08:05"], format="%d/%m/%Y %H:%M", zone="UTC") == [at, "bad"]
    assert moments(["01/03/2026 16:05 +0800"], format="%d/%m/%Y %H:%M %z") == [at]
    assert moments([20260301], format="%Y%m%d", zone="UTC") == [parse_instant("2026-03-01", "UTC")]


def test_dates_are_midnight_of_the_zone() -> None:
    at = parse_instant("2026-03-01", "Asia/Shanghai")
    assert moments([date(2026, 3, 1), None], pa.date32(), zone="Asia/Shanghai") == [at, None]
    assert moments([date(2026, 3, 1)], pa.date64(), zone="Asia/Shanghai") == [at]


def test_times_out_of_range_are_unit_errors() -> None:
    assert moments([2**62], pa.timestamp("s", "UTC")) == ["bad"]
    assert moments([1_772_000_000], pa.int64(), format="epoch_us") == [1_772_000_000]
    assert moments([1_772_000_000_000], pa.int64(), format="epoch_s") == ["bad"]
    assert moments([float("nan"), float("inf"), 1e300], format="epoch_s") == ["bad"] * 3


def test_nothing_is_guessed_about_zones() -> None:
    for values, dtype in ((["2026-03-01 08:00", "2026-03-01T08:00:00Z"], None), ([0], pa.timestamp("us"))):
        with pytest.raises(DefinitionError, match=r"V: expected times with a zone or a declared .*, got 1 without one"):
            moments(values, dtype)
    assert moments(["2026-03-01T08:00:00Z"]) == [parse_instant("2026-03-01T08:00:00Z")]


def test_steps_and_offsets() -> None:
    base = parse_instant("2017-01-01T00:00:00Z")
    steps = {"column": None, "constant": "2017-01-01", "zone": "UTC", "step": "V", "unit": "1d"}
    assert moments([0, 1, 719], **steps) == [base, base + DAY, base + 719 * DAY]
    assert moments(["2", "x", "0.5", ""], **steps) == [base + 2 * DAY, "bad", base + DAY // 2, None]
    assert moments([10**9], **steps) == ["bad"]
    assert moments(["2017-01-01"], zone="UTC", plus="7d") == [base + 7 * DAY]


def test_decimal_and_float_agree_about_the_handbooks_amounts() -> None:
    """An amount printed with two decimals, read as text or as float, is the same count."""
    texts = [f"{n / 100:.2f}" for n in range(0, 300_000, 37)]
    floats = [float(text) for text in texts]
    wanted = [int(Decimal(text) * 100) for text in texts]
    assert read(ColumnType.MONEY, texts, unit="decimal") == wanted
    assert read(ColumnType.MONEY, floats, unit="decimal") == wanted
