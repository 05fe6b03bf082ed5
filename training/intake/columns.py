"""From the columns of a data frame to numbers: what each holds, and how it was stored."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd

from scoring.pages.words import say
from training.intake.table import Column

_EPOCHS = {"s": 1e6, "ms": 1e3, "µs": 1.0, "ns": 1e-3}
_FIRST, _LAST = 6.3e14, 2.2e15  # 1989-12 … 2039-09 in µs
_SAYS_TIME = re.compile(r"(?:^|_)(?:time|date|at|on|ts|timestamp|datetime|day)$|date|timestamp", re.IGNORECASE)
_NUMBER = re.compile(r"^\s*[-+]?[¥$€£]?\s*(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?\s*%?\s*$")
_ISO = re.compile(r"^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}")


def column_of(name: str, held: pd.Series, *, raw: bool = True) -> Column:
    """The column as numbers, codes or times.

    Examples
    --------
    >>> column_of("fee", pd.Series(["1,200", "7", None])).values.tolist()
    [1200.0, 7.0, nan]
    >>> column_of("fee", pd.Series(["1,200", "7", None])).stored
    Say(key='intake.as_text', values={})
    >>> column_of("channel", pd.Series(["qr", "app", "qr"])).texts
    ('qr', 'app')
    """
    if pd.api.types.is_bool_dtype(held):
        return Column(name, "number", held.to_numpy(np.float64, na_value=np.nan), raw=raw)
    if pd.api.types.is_datetime64_any_dtype(held):
        return Column(name, "time", _micros(held), raw=raw)
    if pd.api.types.is_numeric_dtype(held):
        values = held.to_numpy(np.float64, na_value=np.nan)
        values = np.where(np.isinf(values), np.nan, values)
        micros = epoch(name, values) if raw else None
        return Column(name, "number", values, raw=raw) if micros is None else Column(name, "time", micros, raw=raw)
    return _of_text(name, held, raw)


def epoch(name: str, values: np.ndarray) -> np.ndarray | None:
    """µs UTC where the numbers are seconds, milli-, micro- or nanoseconds since 1970, else None.

    Examples
    --------
    >>> epoch("created_at", np.array([1.5e9, 1.6e9])).tolist()
    [1500000000000000.0, 1600000000000000.0]
    """
    known = values[~np.isnan(values)]
    if not len(known) or not _SAYS_TIME.search(name):
        return None
    for scale in _EPOCHS.values():
        if ((known * scale > _FIRST) & (known * scale < _LAST)).mean() > 0.99:
            return values * scale
    return None


def category_of(name: str, texts: pd.Series, *, raw: bool = True) -> Column:
    """Texts as codes, the most frequent first.

    Examples
    --------
    >>> category_of("mcc", pd.Series(["5411", "4829", "5411", None])).values.tolist()
    [0.0, 1.0, 0.0, nan]
    """
    known = texts.dropna()
    ranked = known.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable").index
    codes = pd.Categorical(texts, categories=ranked).codes.astype(np.float64)
    return Column(name, "category", np.where(codes < 0, np.nan, codes), tuple(map(str, ranked)), raw=raw)


def _of_text(name: str, held: pd.Series, raw: bool) -> Column:
    texts = held.astype("string").str.strip()
    texts = texts.mask(texts == "")
    known = texts.dropna()
    if known.empty:
        return Column(name, "number", np.full(len(held), np.nan), raw=raw)
    distinct = known.unique()
    n_numbers = known.isin([each for each in distinct if _NUMBER.match(each) and re.search(r"\d", each)]).mean()
    if n_numbers == 1.0 and not _codes(distinct):
        return Column(name, "number", _numbers(texts), stored=say("intake.as_text"), raw=raw)
    if n_numbers >= 0.5:
        odd = [each for each in distinct if not _NUMBER.match(each)][:5]
        if odd:
            shown = say("intake.mixed", share=float(1 - n_numbers), shown=", ".join(map(repr, odd[:3])))
            return Column(name, "number", _numbers(texts), stored=shown, raw=raw)
    if known.iloc[:50].map(lambda each: bool(_ISO.match(each))).all():
        micros = _parsed(texts)
        if np.isnan(micros[texts.notna().to_numpy()]).mean() < 0.05:
            return Column(name, "time", micros, raw=raw)
    return category_of(name, texts, raw=raw)


def _codes(distinct: np.ndarray) -> bool:
    """Digits that name something, as postcodes and merchant classes do: all of one length, or with leading zeros."""
    lengths = {len(each) for each in distinct}
    digits = all(each.isdigit() for each in distinct)
    return digits and (
        (len(lengths) == 1 and lengths != {1}) or any(each[0] == "0" and each != "0" for each in distinct)
    )


def _numbers(texts: pd.Series) -> np.ndarray:
    bare = texts.str.replace(r"[,¥$€£%\s]", "", regex=True)
    return pd.to_numeric(bare, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def _parsed(texts: pd.Series) -> np.ndarray:
    with warnings.catch_warnings():
        # pandas warns that it guesses; what it cannot read becomes missing and is counted.
        warnings.simplefilter("ignore")
        return _micros(pd.to_datetime(texts, errors="coerce", utc=True, format="mixed"))


def _micros(moments: pd.Series) -> np.ndarray:
    utc = moments.dt.tz_localize("UTC") if moments.dt.tz is None else moments.dt.tz_convert("UTC")
    missing = utc.isna().to_numpy()
    micros = utc.dt.as_unit("us").astype("int64").to_numpy().astype(np.float64)
    return np.where(missing, np.nan, micros)


def clock_of(name: str, held: pd.Series) -> tuple[np.ndarray, str]:
    """Times float64[n] of a declared time column and their unit: µs UTC, or steps where it only counts.

    Examples
    --------
    >>> clock_of("step", pd.Series([1, 2]))
    (array([1., 2.]), 'steps')
    >>> clock_of("when", pd.Series(["1970-01-02"]))
    (array([8.64e+10]), 'µs')
    """
    column = column_of(name, held)
    if column.form == "time":
        return column.values, "µs"
    if column.form == "number" and pd.api.types.is_numeric_dtype(held):
        micros = epoch(f"{name}_time", column.values)
        return (column.values, "steps") if micros is None else (micros, "µs")
    return _parsed(held.astype("string")), "µs"
