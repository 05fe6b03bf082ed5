"""Gates: a hand-made bad model fails at the gate that is there for it, and a good one passes the same gate."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.optimize import brentq

from domain.bilingual import InBothLanguages
from training.fairness import GroupCounts
from training.gates.bundle import intact, quick
from training.gates.calibrated import calibrated, calibration_in_the_large, expected_error
from training.gates.data import audited, timely
from training.gates.fair import fair
from training.gates.gate import Gate, Verdict
from training.gates.later_data import not_worse
from training.gates.monotone import monotone
from training.gates.people import four_eyes
from training.gates.settings import GateSettings, Latency
from training.gates.stable import stable
from training.stability import stability


def record(version: int, value: float, low: float, **tags: str) -> SimpleNamespace:
    facts = {"metric": "auc", "value": repr(value), "low": repr(low), "clustered": "row", **tags}
    return SimpleNamespace(version=str(version), tags=facts)


def both(folder: Path, lift: float) -> Path:
    """Rows scored by the champion and by a challenger that ranks ``lift`` better (or worse)."""
    rng = np.random.default_rng(3)
    y = (rng.random(3_000) < 0.1).astype(np.int8)
    champion = rng.normal(y * 1.0, 1.0)
    challenger = champion + lift * (y - 0.5)
    path = folder / "test_scores.parquet"
    table = {"y": y, "raw_score": challenger, "champion_raw_score": champion, "day": np.arange(3_000) // 300}
    pq.write_table(pa.table(table), path)
    return path


def test_the_first_champion_has_nobody_to_be_worse_than(tmp_path: Path) -> None:
    gate = not_worse(record(1, 0.7, 0.6), None, tmp_path)
    assert gate.passed
    assert "no champion yet" in gate.value


@pytest.mark.parametrize(("lift", "passed"), [(0.5, True), (0.0, True), (-0.5, False)])
@pytest.mark.parametrize("clustered", ["row", "day"])
def test_on_the_same_rows_a_clear_loss_fails(tmp_path: Path, lift: float, clustered: str, passed: bool) -> None:
    challenger = record(2, 0.7, 0.6, paired_with="1", clustered=clustered)
    gate = not_worse(challenger, record(1, 0.7, 0.6), both(tmp_path, lift))
    assert gate.passed is passed
    assert not gate.firm
    assert "on the same rows" in gate.value


@pytest.mark.parametrize(("value", "passed"), [(0.66, True), (0.65, True), (0.64, False)])
def test_on_other_rows_the_lower_limit_of_the_champion_counts(tmp_path: Path, value: float, passed: bool) -> None:
    gate = not_worse(record(2, value, 0.5, paired_with="7"), record(1, 0.7, 0.65), tmp_path)
    assert gate.passed is passed
    assert "on other rows" in gate.value


def test_another_metric_cannot_be_compared(tmp_path: Path) -> None:
    assert not not_worse(record(2, 0.9, 0.8), record(1, 0.7, 0.6, metric="average_precision"), tmp_path).passed


def test_four_eyes_and_a_missing_bundle_are_firm(tmp_path: Path) -> None:
    for gate in (four_eyes("lin", "lin"), intact(tmp_path / "gone", "0" * 64)[0]):
        assert not gate.passed
        assert gate.firm


# ------------------------------------------------------------- calibration


def outcomes(n: int = 6_000, rate: float = -3.0) -> tuple[np.ndarray, np.ndarray]:
    """True log-odds and what happened."""
    rng = np.random.default_rng(5)
    logit = rng.normal(rate, 1.2, n)
    return logit, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(np.int8)


def said(folder: Path, y: np.ndarray, logit: np.ndarray) -> Path:
    path = folder / "test_scores.parquet"
    day = np.arange(len(y)) * 20 // len(y)
    pq.write_table(pa.table({"y": y, "score": 1 / (1 + np.exp(-logit)), "day": day}), path)
    return path


@pytest.mark.parametrize(
    ("tell", "fault"),
    [
        (lambda true: true, ""),
        (lambda true: 2.0 * true + 3.0, "slope"),
        (lambda true: 0.5 * true - 1.5, "slope"),
        (lambda true: true + 0.6, "intercept"),
        (lambda true: true + 0.9 * np.sin(1.5 * true), "ECE"),
    ],
    ids=["true", "overconfident", "underconfident", "too high", "wavy"],
)
@pytest.mark.parametrize("by_day", [True, False])
def test_probabilities_that_are_wrong_fail_by_the_figure_that_shows_it(
    tmp_path: Path, limits: GateSettings, tell: Any, fault: str, by_day: bool
) -> None:
    logit, y = outcomes()
    gate = calibrated(said(tmp_path, y, tell(logit)), by_day, limits.calibration)
    assert gate.passed is not bool(fault), str(gate)
    faults = gate.value.partition("beyond its limit: ")[2].split(", ")
    assert fault in faults if fault != "ECE" else faults == ["ECE"]
    assert not gate.firm


def test_few_events_prove_nothing_about_calibration(tmp_path: Path, limits: GateSettings) -> None:
    logit, y = outcomes(400)
    wrong = said(tmp_path, y, 3 * logit)
    assert calibrated(wrong, True, limits.calibration).verdict is Verdict.NOT_ASSESSED
    # Just enough events: far off, but chance would do as much.
    few = limits.calibration.model_copy(update={"least_events": 5})
    assert calibrated(said(tmp_path, y, logit + 0.3), True, few).passed
    required = limits.calibration.model_copy(update={"unassessed": "refuse"})
    assert not calibrated(wrong, True, required).holds


def test_the_shift_is_the_root_of_its_equation() -> None:
    logit, y = outcomes(2_000)
    p = 1 / (1 + np.exp(-(logit + 0.7)))
    shift, (low, high) = calibration_in_the_large(y, p, None)
    root = brentq(lambda a: float((y - 1 / (1 + np.exp(-(logit + 0.7 + a)))).sum()), -5, 5, xtol=1e-12)
    assert shift == pytest.approx(root, abs=1e-9)
    assert low < -0.7 < high < 0


def test_the_interval_of_the_shift_covers_the_truth() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        logit = rng.normal(-2, 1, 500)
        y = (rng.random(500) < 1 / (1 + np.exp(-logit))).astype(np.int8)
        _, (low, high) = calibration_in_the_large(y, 1 / (1 + np.exp(-logit)), None)
        covered += low <= 0 <= high
    assert 180 <= covered <= 199  # 95 % of 200, and four standard errors on the lower side


def test_the_expected_error_is_that_of_its_definition() -> None:
    logit, y = outcomes(1_000)
    p = 1 / (1 + np.exp(-logit))
    ranked = sorted(zip(p.tolist(), y.tolist(), strict=True))
    naive = 0.0
    for start in range(0, 1_000, 100):
        part = ranked[start : start + 100]
        naive += len(part) / 1_000 * abs(sum(b for _, b in part) / 100 - sum(a for a, _ in part) / 100)
    assert expected_error(y, p) == pytest.approx(naive)


# --------------------------------------------------------------- stability


def moved(folder: Path, shift: dict[int, float], n: int = 2_000, score_shift: float = 0.0) -> Path:
    """Three features, the first of which carries the model; some of them shifted in the later rows."""
    rng = np.random.default_rng(9)
    then, now = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    for place, by in shift.items():
        now[:, place] += by
    shares = {"amount": 0.8, "hour": 0.15, "age": 0.05}
    found = stability(then, now, then[:, 0], now[:, 0] + score_shift, tuple(shares), (), shares)
    path = folder / "stability.json"
    path.write_text(json.dumps([each.as_dict() for each in found]))
    return path


@pytest.mark.parametrize(
    ("shift", "score_shift", "passed"),
    [({}, 0.0, True), ({2: 2.0}, 0.0, True), ({0: 2.0}, -2.0, False), ({1: 2.0, 2: 2.0}, 0.0, True), ({}, 1.0, False)],
    ids=["nothing", "a small one", "the one that carries it", "both small ones", "the score alone"],
)
def test_what_moved_fails_when_the_model_rests_on_it(
    tmp_path: Path, limits: GateSettings, shift: dict[int, float], score_shift: float, passed: bool
) -> None:
    gate = stable(moved(tmp_path, shift, score_shift=score_shift), limits.stability)
    assert gate.passed is passed, str(gate)
    assert f"{len(shift)} of 3 features moved" in gate.value


def test_chance_alone_does_not_move_a_small_sample(tmp_path: Path, limits: GateSettings) -> None:
    """Twenty rows a side: the index is far above .25 and says nothing."""
    small = limits.stability.model_copy(update={"least_rows": 10})
    gate = stable(moved(tmp_path, {}, n=20), small)
    assert gate.passed
    assert float(gate.value.split()[1]) > limits.stability.score
    assert stable(moved(tmp_path, {}, n=20), limits.stability).verdict is Verdict.NOT_ASSESSED


# ---------------------------------------------------------------- fairness


def groups(folder: Path, *counts: tuple[str, int, int, int, int]) -> Path:
    """Of each group: name, rows, good ones, rows below the high cut-off, good ones below it."""
    path = folder / "fairness.json"
    made = [
        GroupCounts(
            "sex", group, n, n_good, {"high": below} if n >= 30 else {}, {"high": good_below} if n >= 30 else {}
        )
        for group, n, n_good, below, good_below in counts
    ]
    path.write_text(json.dumps([each.as_dict() for each in made]))
    return path


def judged(path: Path, limits: GateSettings) -> Gate:
    (gate,) = fair(path, limits.fairness)
    return gate


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ([("f", 400, 360, 376, 345), ("m", 600, 540, 570, 520)], Verdict.PASSED),
        ([("f", 400, 360, 260, 250), ("m", 600, 540, 570, 520)], Verdict.FAILED),
        # Four fifths are kept, but of the good ones one in six more is refused.
        ([("f", 400, 200, 330, 155), ("m", 600, 540, 570, 520)], Verdict.FAILED),
        # 40 of 50 beside 60 of 60 is just .8, and a group of 50 is not judged.
        ([("f", 50, 45, 30, 28), ("m", 600, 540, 570, 520)], Verdict.NOT_ASSESSED),
        ([("f", 20, 18, 0, 0), ("not known", 600, 540, 570, 520)], Verdict.NOT_ASSESSED),
    ],
    ids=["alike", "fewer", "fewer of the good", "small", "not known"],
)
def test_a_group_that_fares_worse_fails(
    tmp_path: Path, limits: GateSettings, counts: list[tuple[str, int, int, int, int]], verdict: Verdict
) -> None:
    gate = judged(groups(tmp_path, *counts), limits)
    assert gate.verdict is verdict, str(gate)
    assert gate.name == "fairness_sex"
    assert gate.holds is (verdict is not Verdict.FAILED)


def test_a_difference_that_chance_explains_does_not_fail(tmp_path: Path, limits: GateSettings) -> None:
    """.78 of the best share, but an interval that reaches 1."""
    wide = limits.fairness.model_copy(update={"least_rows": 10})
    path = groups(tmp_path, ("f", 30, 20, 14, 11), ("m", 30, 20, 18, 13))
    (gate,) = fair(path, wide)
    assert gate.passed, str(gate)
    assert "impact ratio 0.78" in gate.value


def test_without_a_protected_attribute_fairness_is_not_assessed(tmp_path: Path, limits: GateSettings) -> None:
    gate = judged(groups(tmp_path), limits)
    assert (gate.name, gate.verdict, gate.holds) == ("fairness", Verdict.NOT_ASSESSED, True)


# ----------------------------------------------------- monotonicity, latency


def humped(constrained: bool, declared: object) -> Any:
    """What the gate reads of a bundle whose model learnt from a hump, held to a rising sign or not."""
    import lightgbm

    from scoring.encode import Encoder
    from scoring.scorer import Scorer

    rng = np.random.default_rng(2)
    X = rng.normal(size=(800, 2))
    y = (rng.random(800) < 1 / (1 + np.exp(X[:, 0] ** 2 - X[:, 1]))).astype(int)
    data = lightgbm.Dataset(X, y, feature_name=["amount", "hour"])
    held = {"monotone_constraints": [1, 1]} if constrained else {}
    chosen = {"objective": "binary", "verbosity": -1, "num_threads": 1, **held}
    text = lightgbm.train(chosen, data, 20).model_to_string(num_iteration=-1)
    features = [SimpleNamespace(name="amount", sign=1), SimpleNamespace(name="hour", sign=None)]
    return SimpleNamespace(
        encoder=Encoder(["amount", "hour"], {}),
        reference=lambda: pa.table({"amount": X[:, 0], "hour": X[:, 1]}),
        scorer=Scorer(text),
        manifest=SimpleNamespace(
            read=lambda name: {"model.txt": text}[name].encode(),
            about={"settings": yaml.safe_dump({"constraints": {"monotone": declared}})},
        ),
        feature_set=SimpleNamespace(features=features, categorical=()),
    )


@pytest.mark.parametrize("declared", ["catalogue", {"amount": 1, "hour": 1}])
def test_a_broken_sign_fails_and_a_kept_one_passes(limits: GateSettings, declared: object) -> None:
    broken = monotone(humped(False, declared), limits.monotonicity)
    assert broken.verdict is Verdict.FAILED
    assert "amount from " in broken.value
    assert monotone(humped(True, declared), limits.monotonicity).passed
    assert monotone(humped(False, "none"), limits.monotonicity).verdict is Verdict.NOT_ASSESSED


def test_a_slow_model_fails_and_a_busy_machine_does_not(limits: GateSettings) -> None:
    rows = np.zeros((4, 2))
    assert quick(lambda row: float(row[0]), rows, limits.latency).passed
    tight = Latency(score_us=50, source="a test")
    assert not quick(lambda _: _spin(0.000_2), rows, tight).passed
    # Most of the time something else takes the processor away; in between it is seen how fast the model is.
    turn = iter(range(10**9))
    assert quick(lambda _: _spin(0.000_2) if next(turn) < 1_400 else 0.0, rows, tight).passed


def _spin(seconds: float) -> float:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return 0.0


def test_red_data_and_an_unverified_split_fail(limits: GateSettings) -> None:
    assert audited({"intake": "amber"}, limits.intake).passed
    assert not audited({"intake": "red"}, limits.intake).holds
    assert not audited({}, limits.intake).holds
    assert not timely({"warning": "random split of timed events, unverified"}).holds


def test_sources_are_told_in_both_languages_and_kept_so(limits: GateSettings) -> None:
    sources = {name: getattr(limits, name).source for name in type(limits).model_fields}
    assert all(isinstance(each, InBothLanguages) for each in sources.values()), sources
    told = Gate("latency", Verdict.PASSED, False, "52 µs", "at most 1,000 µs", sources["latency"])
    assert told.as_dict()["source"] == {"zh": sources["latency"].zh, "en": sources["latency"].en}
    assert Gate("latency", Verdict.PASSED, False, "52 µs", "at most 1,000 µs", "a test").as_dict()["source"] == "a test"
