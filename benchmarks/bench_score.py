"""One row's score: `scoring.scorer.Scorer` against the scikit-learn API on a DataFrame and ``Booster.predict``.

    python benchmarks/bench_score.py [--seconds 40] [--perturb]

All three score the same rows with the same 400 trees of 63 leaves, one row at a time, on one
thread, in interleaved rounds; a figure is the median over rounds of the mean time a row. The scores
must be equal to the last bit, or it prints ``"equal": false`` and ends with 1.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from models import N_LEAVES, fit, make_rows

from scoring.scorer import WALK, Scorer

N_TRAIN = 20_000
N_ROWS = 256
N_TREES = 400
AT_LEAST = {"sklearn": 20.0, "booster_predict": 1.0}


def measure(ways: dict[str, Callable[[int], float]], seconds: float) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Median µs a row of each way in interleaved rounds, and the scores each gave."""
    scores = {name: [way(place) for place in range(N_ROWS)] for name, way in ways.items()}
    share = seconds / 15 / len(ways)
    count = {}
    for name, way in ways.items():
        started = time.perf_counter()
        for place in range(32):
            way(place)
        count[name] = max(16, int(share / ((time.perf_counter() - started) / 32)))
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(15):
        for name, way in ways.items():
            started = time.perf_counter()
            for place in range(count[name]):
                way(place % N_ROWS)
            rounds[name].append((time.perf_counter() - started) / count[name] * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}, scores


def run(
    seconds: float, perturb: bool, *, n_trees: int = N_TREES, n_train: int = N_TRAIN, seed: int = 7
) -> tuple[bool, str]:
    """The comparison; whether it holds, and what to print."""
    train, asked = make_rows(n_train, seed), make_rows(N_ROWS, seed + 1)
    model = fit(train, n_trees, seed)
    booster = model.booster_
    scorer = Scorer(booster.model_to_string(num_iteration=-1))
    matrix = np.ascontiguousarray(asked.to_numpy())
    frames = [asked.iloc[place : place + 1] for place in range(N_ROWS)]
    ways: dict[str, Callable[[int], float]] = {
        "scorer": lambda place: scorer.raw(matrix[place]),
        "booster_predict": lambda place: float(
            booster.predict(matrix[place : place + 1], raw_score=True, num_iteration=n_trees, num_threads=1)[0]
        ),
        "sklearn": lambda place: float(model.predict(frames[place], raw_score=True, num_iteration=n_trees)[0]),
    }
    micros, scores = measure(ways, seconds)
    if perturb:
        scores["scorer"][N_ROWS // 2] = math.nextafter(scores["scorer"][N_ROWS // 2], math.inf)
    bits = {name: np.array(values).tobytes() for name, values in scores.items()}
    equal = len(set(bits.values())) == 1
    ratios = {name: round(micros[name] / micros["scorer"], 2) for name in AT_LEAST}
    fast = scorer.engine == WALK
    lines = [
        f"one row through {n_trees} trees of {N_LEAVES} leaves, {len(train.columns)} features, one thread",
        f"{'':<34}{'µs a row':>10}{'ratio':>8}{'at least':>10}",
        f"{'Scorer (' + scorer.engine + ')':<34}{micros['scorer']:>10.1f}",
        f"{'Booster.predict, one row':<34}{micros['booster_predict']:>10.1f}{ratios['booster_predict']:>8.1f}"
        f"{AT_LEAST['booster_predict']:>10.1f}",
        f"{'LGBMClassifier, one-row DataFrame':<34}{micros['sklearn']:>10.1f}{ratios['sklearn']:>8.1f}"
        f"{AT_LEAST['sklearn']:>10.1f}",
        f"scores of {N_ROWS} rows equal to the last bit: {str(equal).lower()}",
        json.dumps(
            {
                "bench": "score",
                "equal": equal,
                "ratios": ratios,
                "figures": {
                    "engine": scorer.engine,
                    **{f"{name}_us": round(value, 2) for name, value in micros.items()},
                },
            }
        ),
    ]
    return equal and fast, "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and the line of JSON; 1 when scores differ or the fast engine could not be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0, help="time spent measuring")
    parser.add_argument("--perturb", action="store_true", help="move one score by one last place: must print false")
    options = parser.parse_args(arguments)
    with warnings.catch_warnings():
        # scikit-learn and pandas warn of each other's future; it is not what is measured.
        warnings.simplefilter("ignore", FutureWarning)
        holds, text = run(options.seconds, options.perturb)
    sys.stdout.write(text + "\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
