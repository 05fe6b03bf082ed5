"""Golden rows: the exact scores and reasons a bundle must give, here and on every machine.

They are scored first in a process of their own (``python -m scoring.golden FOLDER``): a damaged
model can take its process with it, and that must not be the one that serves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.errors import AssayError, ModelError, Unavailable, expected_got
from scoring.calibrator import Calibrator
from scoring.explainer import Explainer
from scoring.model import GOLDEN, Model, read_model
from scoring.reasons import Selector
from scoring.scorer import Scorer
from stores.bundles import Manifest, verify_files

CHILD_SECONDS = 120.0

# As ``python -m scoring.golden``, without what LightGBM imports only for those who train.
_CHILD = (
    "import sys; from scoring.lean import import_lightgbm_alone; import_lightgbm_alone(); "
    "from scoring.golden import main; sys.exit(main(sys.argv[1:]))"
)

_EXPECTED = ("raw_score", "score", "reasons")


def golden_table(
    rows: NDArray[np.float64], scorer: Scorer, calibrator: Calibrator, explainer: Explainer, selector: Selector
) -> pa.Table:
    """Encoded rows, float64[n, m], with what they must give: raw score, calibrated score, reason codes."""
    columns: dict[str, pa.Array] = {
        name: pa.array(rows[:, place], pa.float64(), from_pandas=False) for place, name in enumerate(scorer.names)
    }
    clash = sorted(set(columns) & set(_EXPECTED))
    if clash:
        raise ModelError(expected_got(f"features not named {', '.join(_EXPECTED)}", clash, "golden rows"))
    found = [_give(row, scorer, calibrator, explainer, selector) for row in rows]
    columns["raw_score"] = pa.array([raw for raw, _, _ in found], pa.float64())
    columns["score"] = pa.array([score for _, score, _ in found], pa.float64())
    columns["reasons"] = pa.array([codes for _, _, codes in found], pa.list_(pa.string()))
    return pa.table(columns)


def check_golden(
    table: pa.Table, scorer: Scorer, calibrator: Calibrator, explainer: Explainer, selector: Selector
) -> int:
    """Score every golden row again; returns how many there are.

    Raises
    ------
    ModelError
        When there are none, they do not fit the model, or one gives another score or other reasons.
    """
    if table.column_names != [*scorer.names, *_EXPECTED] or not table.num_rows:
        got = f"{table.num_rows} rows of {table.column_names}"
        raise ModelError(
            expected_got("golden rows of the model's features with raw_score, score, reasons", got, GOLDEN)
        )
    try:
        features = [table[name].cast(pa.float64()).to_numpy() for name in scorer.names]
        expected = list(zip(*(table[name].to_pylist() for name in _EXPECTED), strict=True))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ModelError(expected_got("numbers", error, GOLDEN)) from error
    for place, (row, (raw, score, codes)) in enumerate(zip(np.column_stack(features), expected, strict=True)):
        given = _give(row, scorer, calibrator, explainer, selector)
        if given != (raw, score, codes):
            raise ModelError(
                f"{GOLDEN} row {place}: expected raw score {raw!r}, score {score!r}, reasons {codes}, "
                f"got {given[0]!r}, {given[1]!r}, {given[2]}; the model does not score here as where it was trained: "
                "keep the old one and train again"
            )
    return len(expected)


def check_golden_of(manifest: Manifest, model: Model) -> int:
    """`check_golden` on the golden rows of a verified bundle."""
    try:
        table = pq.read_table(pa.BufferReader(manifest.read(GOLDEN)))
    except pa.ArrowException as error:
        raise ModelError(expected_got("a Parquet table", error, f"{manifest.folder}/{GOLDEN}")) from error
    return check_golden(table, model.scorer, model.calibrator, model.explainer, model.selector)


def check_in_child(folder: Path, seconds: float = CHILD_SECONDS) -> None:
    """Verify a bundle and score its golden rows in a process of its own.

    Raises
    ------
    ModelError
        When the process refuses the bundle or dies.
    Unavailable
        When it takes longer than ``seconds``: that is the machine's fault and not the bundle's.
    """
    done = _run_child(folder, seconds)
    if done.returncode not in (0, _REFUSED):
        # A process can also be ended by a machine short of memory; a model that ends it does so again.
        done = _run_child(folder, seconds)
    if done.returncode == _REFUSED:
        raise ModelError(done.stderr.strip().removeprefix(_PREFIX))
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise ModelError(
            f"{folder}: expected golden rows scored in a process of their own, it ended with {done.returncode} "
            f"({said or 'no words'}), twice; keep the old model and train again"
        )


def _run_child(folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[1])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        return subprocess.run(
            [sys.executable, "-P", "-c", _CHILD, str(folder.resolve())],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(
            f"{folder}: expected golden rows scored within {seconds:g} s, got none; keep the old model and try again"
        ) from error


_REFUSED = 3
_PREFIX = "refused: "


def _give(
    row: NDArray[np.float64], scorer: Scorer, calibrator: Calibrator, explainer: Explainer, selector: Selector
) -> tuple[float, float, list[str]]:
    raw = scorer.raw(row)
    reasons = selector.select(explainer.contributions(row), row)
    return raw, calibrator.probability(raw), [reason.code for reason in reasons]


def main(arguments: Sequence[str]) -> int:
    """Check one bundle folder; 0 when its golden rows agree, 3 with a message when it is refused."""
    (folder,) = arguments
    try:
        manifest = verify_files(Path(folder))
        model, _ = read_model(manifest)
        n_rows = check_golden_of(manifest, model)
    except AssayError as error:
        sys.stderr.write(f"{_PREFIX}{error}\n")
        return _REFUSED
    sys.stdout.write(f"{n_rows} golden rows agree\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
