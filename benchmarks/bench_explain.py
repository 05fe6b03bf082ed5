"""Exact Shapley values: `scoring.explainer.Explainer` against LightGBM's ``pred_contrib`` and ``shap.TreeExplainer``.

    python benchmarks/bench_explain.py [--seconds 60] [--perturb]

All explain the same rows of the same 400 trees of 63 leaves: one row at a time on one thread, and 10,000 rows on all
cores (where ``pred_contrib`` uses all cores too). Interleaved rounds; a figure is the median over rounds. The values
must agree within 1e-9, or it prints ``"equal": false`` and ends with 1.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from models import N_LEAVES, fit, make_rows
from peers import interleaved, table, verdict

from scoring.explainer import QUADRATURE, Explainer
from scoring.scorer import Scorer

N_TREES = 400
N_TRAIN = 20_000
N_ROWS = 10_000
N_SINGLE = 8
CLOSE = 1e-9
AT_LEAST = {"pred_contrib": 10.0, "shap": 10.0, "pred_contrib_10000_rows": 5.0}


def each_row(explain: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> Callable[[], tuple[float, np.ndarray]]:
    """Seconds a row, the median over a few rows explained one by one, and their values."""

    def run() -> tuple[float, np.ndarray]:
        took, values = [], []
        for row in rows:
            one = row.reshape(1, -1)
            started = time.perf_counter()
            values.append(explain(one)[0])
            took.append(time.perf_counter() - started)
        return statistics.median(took), np.stack(values)

    return run


def run(
    seconds: float,
    perturb: bool,
    *,
    n_trees: int = N_TREES,
    n_train: int = N_TRAIN,
    n_rows: int = N_ROWS,
    seed: int = 7,
) -> tuple[bool, str]:
    """The comparison; whether it holds, and what to print."""
    import shap

    model = fit(make_rows(n_train, seed), n_trees, seed)
    booster = model.booster_
    scorer = Scorer(booster.model_to_string(num_iteration=-1))
    explainer = Explainer(scorer)
    tree_explainer = shap.TreeExplainer(booster)
    rows = np.ascontiguousarray(make_rows(n_rows, seed + 1).to_numpy())
    n_cores = os.cpu_count() or 1
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "ours": lambda one: explainer.contributions(one[0])[None, :-1],
        "pred_contrib": lambda one: scorer.contributions_many(one)[:, :-1],
        "shap": lambda one: np.asarray(tree_explainer.shap_values(one)),
    }
    few = rows[:: max(1, n_rows // N_SINGLE)][:N_SINGLE]
    singles = {name: each_row(way, few) for name, way in ways.items()}
    micros: dict[str, list[float]] = {name: [] for name in ways}
    single: dict[str, np.ndarray] = {}
    until = time.perf_counter() + seconds / 2
    while not micros["shap"] or time.perf_counter() < until:
        for name, way in singles.items():
            took, single[name] = way()
            micros[name].append(took * 1e6)
    one_row = {name: statistics.median(times) for name, times in micros.items()}
    many, given = interleaved(
        {
            "ours": lambda: explainer.contributions_many(rows, threads=n_cores),
            "pred_contrib": lambda: scorer.contributions_many(rows, threads=n_cores),
        },
        {"ours": 3, "pred_contrib": 1 if seconds < 120 else 3},
    )
    if perturb:
        given["ours"][n_rows // 2, 0] += 1e-6
    apart = max(
        np.abs(single["ours"] - single["pred_contrib"]).max(),
        np.abs(single["ours"] - single["shap"]).max(),
        np.abs(given["ours"] - given["pred_contrib"]).max(),
    )
    equal = bool(apart < CLOSE)
    ratios = {
        "pred_contrib": round(one_row["pred_contrib"] / one_row["ours"], 2),
        "shap": round(one_row["shap"] / one_row["ours"], 2),
        "pred_contrib_10000_rows": round(many["pred_contrib"] / many["ours"], 2),
    }
    figures = {"engine": explainer.engine, "largest_difference": float(apart), "n_rows": n_rows, "n_cores": n_cores}
    figures |= {f"{name}_us": round(value, 1) for name, value in one_row.items()}
    figures |= {f"{name}_many_s": round(value, 3) for name, value in many.items()}
    lines = [
        f"exact Shapley values through {n_trees} trees of {N_LEAVES} leaves, {rows.shape[1]} features",
        *table(
            [
                (f"Explainer ({explainer.engine}), one row", one_row["ours"], None, None),
                ("pred_contrib, one row", one_row["pred_contrib"], ratios["pred_contrib"], AT_LEAST["pred_contrib"]),
                ("shap.TreeExplainer, one row", one_row["shap"], ratios["shap"], AT_LEAST["shap"]),
            ],
            "µs",
        ),
        *table(
            [
                (f"Explainer, {n_rows:,} rows on {n_cores} cores", many["ours"], None, None),
                (
                    f"pred_contrib, {n_rows:,} rows on {n_cores} cores", many["pred_contrib"],
                    ratios["pred_contrib_10000_rows"], AT_LEAST["pred_contrib_10000_rows"],
                ),
            ],
            "s",
        ),
        f"largest difference {apart:.1e}, equal within {CLOSE:g}: {str(equal).lower()}",
        verdict("explain", equal, ratios, figures),
    ]  # fmt: skip
    return equal and explainer.engine == QUADRATURE, "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when values differ or the kernel could not be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="time spent measuring")
    parser.add_argument("--perturb", action="store_true", help="move one value by 1e-6: must print false")
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        # scikit-learn, pandas and shap warn of each other's future; it is not what is measured.
        warnings.simplefilter("ignore")
        holds, text = run(options.seconds, options.perturb)
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
