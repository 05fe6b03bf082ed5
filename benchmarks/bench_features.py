"""Point-in-time windows: our kernel against Polars, pandas and DuckDB on the same work.

    python benchmarks/bench_features.py [--rounds 3] [--perturb]
    python benchmarks/bench_features.py --growth

The work: five statistics (count, sum, mean, minimum, maximum) over four windows (1 h, 1 d, 7 d, 30 d), 20 columns, of
each payment over the card's earlier payments with ``t - w <= event_time < t``; from a Parquet file to a table of
columns in memory. 2 M payments of which one card holds a quarter against Polars; the 425 k of the cards that are not
hot against pandas and DuckDB. Amounts are whole yen, so every answer has one right value: all 20 columns
must be equal to the last bit, or it prints ``"equal": false`` and ends with 1.

``--growth`` runs 1 M, 4 M and 16 M payments from Parquet to Parquet, each in a process of its own, and prints the time
for a million of them and the peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from peers import interleaved, table, verdict

from domain.money import FxTable
from features import offline
from features.aggregates import Count, Max, Mean, Min, Sum
from features.assembly import matrix
from features.kernel.loading import load_kernel
from features.offline import Replayed, Sizes, replay
from features.plan import Plan, compile_plan
from features.tables import ParquetEvents
from features.view import FeatureView, ring

WINDOWS = ["1h", "1d", "7d", "30d"]
STATISTICS = ["count", "sum", "mean", "min", "max"]
N = 2_000_000
N_COLD = 425_000
HOT = 0.25
SPAN = 180 * 86_400_000_000
START = 1_767_225_600_000_000
AT_LEAST = {"polars_end_to_end": 2.0, "polars_kernel_alone": 5.0, "pandas": 40.0, "duckdb": 8.0}
MOST_MEMORY = 3_000
SLOWER = 1.35
"""How much slower a million of 16 M may be than a million of 1 M, on a machine that others use as well."""


def write_events(path: Path, n: int, seed: int, hot: float = HOT, n_cards: int | None = None) -> None:
    """Payments in the order of time: one card with the share ``hot``, the rest skewed over many; streamed."""
    rng = np.random.default_rng(seed)
    cards = n_cards or n // 20
    shares = 1 / np.arange(1, cards + 1) ** 0.6
    edges = np.cumsum(shares / shares.sum())
    step = 2**20
    writer: pq.ParquetWriter | None = None
    for start in range(0, n, step):
        m = min(step, n - start)
        low, high = (START + SPAN * edge // n for edge in (start, start + m))
        who = np.searchsorted(edges, rng.random(m)) + 1
        who[rng.random(m) < hot] = 0
        columns = {
            "card_id": pa.array(np.char.add("card-", who.astype("U8"))).dictionary_encode(),
            "event_time": pa.array(np.sort(rng.integers(low, high, m)), pa.timestamp("us")),
            "amount": pa.array(np.rint(rng.lognormal(8, 1.2, m)).astype(np.int64)),
        }
        columns["card_id"] = columns["card_id"].cast(pa.string())
        made = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, made.schema)
        writer.write_table(made)
    if writer is not None:
        writer.close()


# ------------------------------------------------------------------- ours


def the_plan() -> tuple[Plan, tuple[str, ...]]:
    """One view of 20 features; the ring is as large as it may be, so that no answer is truncated."""
    features = [Count(over=WINDOWS), *(kind("amount", over=WINDOWS) for kind in (Sum, Mean, Min, Max))]
    view = FeatureView(entity="card_id", source="transaction", retain=ring(2**20), features=features, name="card")
    return compile_plan("transaction", (view,), (), (), frozenset(), FxTable.of("JPY", {}), "UTC", 0)


def replayed_of(path: Path, threads: int, sizes: Sizes) -> Any:
    """The answers to all payments of a file."""
    source = ParquetEvents(path, "transaction", "JPY")
    plan, _ = the_plan()
    return replay(
        plan, source, upto=source.last_seq(), threads=threads, told=lambda *_: None,
        chosen=lambda _, requests: requests, sizes=sizes,
    )  # fmt: skip


def ours(path: Path, threads: int) -> pa.Table:
    """From the file to columns in memory."""
    with replayed_of(path, threads, Sizes(held=2**31)) as replayed:
        columns, flags = matrix(replayed, threads)
    assert not flags.any()
    return pa.table(dict(zip(the_plan()[1], columns, strict=True)))


class KernelAlone:
    """The calls of the kernel that one run makes, to be made again by themselves."""

    def __init__(self, path: Path, threads: int) -> None:
        self._threads = threads
        self._calls: list[list[tuple[Any, ...]]] = []
        self._kernel = load_kernel()
        taking = self

        class Recorded(offline.Memory):
            """Notes what the kernel is called with, part by part."""

            def __init__(self, *sizes: int) -> None:
                super().__init__(*sizes)
                self.calls: list[tuple[Any, ...]] = []
                self.sizes = sizes
                taking._calls.append(self.calls)

            def run(self, *arguments: Any) -> None:
                super().run(*arguments)
                self.calls.append(arguments)

        plain = offline.Memory
        offline.Memory = Recorded  # type: ignore[misc]
        try:
            with replayed_of(path, threads, Sizes(held=2**31)):
                pass
        finally:
            offline.Memory = plain  # type: ignore[misc]

    def __call__(self) -> None:
        """All parts on all threads, each with fresh state."""

        def run(calls: list[tuple[Any, ...]]) -> None:
            plan, _ = the_plan()
            memory = offline.fresh_memory(plan.views[0].program)
            for arguments in calls:
                memory.run(*arguments)

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(run, sorted(self._calls, key=lambda calls: -sum(each[3] for each in calls))))


# ------------------------------------------------------------------ peers


def polars(path: Path) -> pl.DataFrame:
    """``rolling_*_by``, over the groups of a card, with all its threads."""
    made = []
    for window in WINDOWS:
        options = {"window_size": window, "closed": "left"}
        amount, one = pl.col("amount"), pl.col("one")
        made += [
            one.rolling_sum_by("event_time", **options).over("card_id").alias(f"count_{window}"),
            amount.rolling_sum_by("event_time", **options).over("card_id").alias(f"sum_{window}"),
            amount.rolling_mean_by("event_time", **options).over("card_id").alias(f"mean_{window}"),
            amount.rolling_min_by("event_time", **options).over("card_id").alias(f"min_{window}"),
            amount.rolling_max_by("event_time", **options).over("card_id").alias(f"max_{window}"),
        ]
    frame = pl.read_parquet(path).with_columns(one=pl.lit(1, pl.Int64))
    return frame.with_columns(made)


def pandas(path: Path) -> pd.DataFrame:
    """``groupby.rolling``, closed on the left; its rows come card by card and are put back."""
    frame = pd.read_parquet(path)
    by_card = frame.set_index("event_time").groupby("card_id", sort=False)["amount"]
    order = np.argsort(pd.factorize(frame["card_id"])[0], kind="stable")
    made = {}
    for window in WINDOWS:
        rolling = by_card.rolling(window.replace("d", "D"), closed="left")
        for name in STATISTICS:
            values = np.empty(len(frame))
            values[order] = getattr(rolling, name)().to_numpy()
            made[f"{name}_{window}"] = values
    return pd.DataFrame(made)


def duckdb_windows(path: Path) -> pa.Table:
    """Range windows in SQL; a range has no open end, so it ends a microsecond before."""
    units = {"h": "HOUR", "d": "DAY"}
    names, windows = [], []
    for window in WINDOWS:
        functions = {"count": "count(*)", "sum": "sum(amount)", "mean": "avg(amount)", "min": "min(amount)"}
        functions["max"] = "max(amount)"
        names += [f"{functions[name]} OVER w{window} AS {name}_{window}" for name in STATISTICS]
        windows.append(
            f"w{window} AS (PARTITION BY card_id ORDER BY event_time RANGE BETWEEN INTERVAL {window[:-1]} "
            f"{units[window[-1]]} PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING)"
        )
    sql = (
        f"SELECT row, {', '.join(names)} FROM (SELECT *, file_row_number AS row FROM read_parquet('{path}', "  # noqa: S608 - our own file
        f"file_row_number = true)) WINDOW {', '.join(windows)} ORDER BY row"
    )
    with duckdb.connect() as connection:
        return connection.sql(sql).to_arrow_table()


# ------------------------------------------------------------------ equal


def column_of(given: Any, name: str, window: str) -> np.ndarray:
    """One column as float64, NaN where the window is empty."""
    if isinstance(given, pa.Table):
        ours_too = name == "count" and f"card_count_{window}" in given.column_names
        named = f"card_count_{window}" if ours_too else f"card_amount_{name}_{window}"
        column = given[named if named in given.column_names else f"{name}_{window}"]
        return column.cast(pa.float64(), safe=False).to_numpy()
    if isinstance(given, pl.DataFrame):
        return given[f"{name}_{window}"].cast(pl.Float64).to_numpy()
    return given[f"{name}_{window}"].to_numpy(dtype=np.float64)


def differences(mine: pa.Table, others: Any) -> int:
    """Cells that are not the same to the last bit; an empty window counts 0 and has no sum, whatever a peer says."""
    n = 0
    for window in WINDOWS:
        empty = column_of(mine, "count", window) == 0
        for name in STATISTICS:
            a, b = column_of(mine, name, window), column_of(others, name, window).copy()
            b[empty] = 0.0 if name == "count" else np.nan
            n += int(np.count_nonzero(~((a == b) | (np.isnan(a) & np.isnan(b)))))
            n += int(np.count_nonzero(empty & (np.isnan(a) != (name != "count"))))
    return n


def perturbed(mine: pa.Table) -> pa.Table:
    """One answer moved by one last place."""
    name = "card_amount_mean_30d"
    values = mine[name].to_numpy().copy()
    row = int(np.flatnonzero(~np.isnan(values))[-1])
    values[row] = np.nextafter(values[row], np.inf)
    return mine.set_column(mine.column_names.index(name), name, pa.array(values))


def run(rounds: int, perturb: bool, folder: Path, *, n: int = N, n_cold: int = N_COLD) -> tuple[bool, str]:
    """The comparison; whether it holds, and what to print."""
    threads = os.cpu_count() or 1
    hot, cold = folder / "hot.parquet", folder / "cold.parquet"
    write_events(hot, n, 7)
    write_events(cold, n_cold, 8, hot=0.0)
    ours(cold, threads)  # the kernel is compiled and the files are in memory
    alone = KernelAlone(hot, threads)
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: ours(hot, threads),
        "polars": lambda: polars(hot),
        "kernel": alone,
        "ours_cold": lambda: ours(cold, threads),
        "duckdb": lambda: duckdb_windows(cold),
        "pandas": lambda: pandas(cold),
    }
    counts = dict.fromkeys(ways, rounds) | {"pandas": max(1, rounds - 2), "ours_cold": 2 * rounds}
    seconds, given = interleaved(ways, counts)
    mine = perturbed(given["ours"]) if perturb else given["ours"]
    n_different = {
        "polars": differences(mine, given["polars"]),
        "pandas": differences(given["ours_cold"], given["pandas"]),
        "duckdb": differences(given["ours_cold"], given["duckdb"]),
    }
    equal = not any(n_different.values())
    ratios = {
        "polars_end_to_end": seconds["polars"] / seconds["ours"],
        "polars_kernel_alone": seconds["polars"] / seconds["kernel"],
        "pandas": seconds["pandas"] / seconds["ours_cold"],
        "duckdb": seconds["duckdb"] / seconds["ours_cold"],
    }
    rows = [
        ("ours, Parquet to columns", seconds["ours"], None, None),
        ("Polars rolling_*_by(closed=left).over", seconds["polars"], *_of("polars_end_to_end", ratios)),
        ("our kernel alone, against all of Polars", seconds["kernel"], *_of("polars_kernel_alone", ratios)),
        (f"ours, {n_cold:,} payments without the hot card", seconds["ours_cold"], None, None),
        ("pandas groupby.rolling", seconds["pandas"], *_of("pandas", ratios)),
        ("DuckDB range windows", seconds["duckdb"], *_of("duckdb", ratios)),
    ]
    told = ", ".join(f"{name} {count:,}" for name, count in n_different.items())
    lines = [
        f"5 statistics × 4 windows, {n:,} payments, one card holds {HOT:.0%}; {threads} threads; medians of {rounds}",
        *table(rows, "seconds"),
        f"cells that differ: {told}; all equal: {str(equal).lower()}",
        verdict(
            "features",
            equal,
            {name: round(ratio, 2) for name, ratio in ratios.items()},
            {f"{name}_s": round(value, 4) for name, value in seconds.items()},
        ),
    ]
    return equal, "\n".join(lines)


def _of(name: str, ratios: dict[str, float]) -> tuple[float, float]:
    return ratios[name], AT_LEAST[name]


# ----------------------------------------------------------------- growth


def stream(source: Path, target: Path) -> dict[str, float]:
    """From Parquet to Parquet, with what that took."""
    load_kernel()
    started = time.perf_counter()
    plan, names = the_plan()
    threads = os.cpu_count() or 1
    n = 0
    with replayed_of(source, threads, Sizes()) as replayed, ThreadPoolExecutor(1) as pen:
        writer = pq.ParquetWriter(target, pa.schema([(name, pa.float64()) for name in names]), use_dictionary=False)
        written = pen.submit(int)
        for made in _tables(replayed, names):
            written.result()
            written = pen.submit(writer.write_table, made)
            n += made.num_rows
        written.result()
        writer.close()
    assert n == replayed.n
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {"n": n, "seconds": time.perf_counter() - started, "peak_mb": peak, "width": plan.n_row}


def _tables(replayed: Replayed, names: tuple[str, ...]) -> Any:
    from features.assembly import columns_between

    for start in range(0, replayed.n, replayed.sizes.block):
        stop = min(start + replayed.sizes.block, replayed.n)
        columns, _ = columns_between(replayed, start, stop)
        yield pa.table(dict(zip(names, columns, strict=True)))


def growth(folder: Path, sizes: Sequence[int]) -> tuple[bool, str]:
    """1 M, 4 M, 16 M, each in a process of its own."""
    found = []
    for n in sizes:
        path = folder / f"growth-{n}.parquet"
        write_events(path, n, 9)
        command = [sys.executable, __file__, "--stream", str(path), str(folder / f"out-{n}.parquet")]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(answer.stdout.splitlines()[-1]))
        path.unlink()
        (folder / f"out-{n}.parquet").unlink()
    per_million = [each["seconds"] / each["n"] * 1e6 for each in found]
    linear = per_million[-1] <= SLOWER * per_million[0]
    small = max(each["peak_mb"] for each in found) < MOST_MEMORY
    lines = [f"{'payments':>12}{'seconds':>10}{'s a million':>13}{'peak MB':>10}"]
    lines += [
        f"{each['n']:>12,}{each['seconds']:>10.2f}{rate:>13.3f}{each['peak_mb']:>10,.0f}"
        for each, rate in zip(found, per_million, strict=True)
    ]
    figures = {f"{each['n']}": {"s": round(each["seconds"], 3), "peak_mb": round(each["peak_mb"])} for each in found}
    lines.append(f"linear time: {str(linear).lower()}; below {MOST_MEMORY:,} MB: {str(small).lower()}")
    ratios = {"itself_a_million": round(per_million[-1] / per_million[0], 3)}
    lines.append(verdict("features", linear and small, ratios, figures))
    return linear and small, "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when an answer differs, or growth is not linear or takes too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds whose median is taken")
    parser.add_argument("--perturb", action="store_true", help="move one answer by one last place: must print false")
    parser.add_argument("--growth", action="store_true", help="1 M, 4 M and 16 M payments, Parquet to Parquet")
    parser.add_argument("--stream", nargs=2, type=Path, metavar=("FROM", "TO"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.stream:
        sys.stdout.write(json.dumps(stream(*options.stream)) + "\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
        if options.growth:
            holds, text = growth(Path(folder), [1_000_000, 4_000_000, 16_000_000])
        else:
            holds, text = run(options.rounds, options.perturb, Path(folder))
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
