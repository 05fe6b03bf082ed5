from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ModelError
from scoring.calibrator import Beta, Calibrator, Identity, Isotonic, Platt
from scoring.logistic import logistic, logistic_many, softplus, softplus_many

margins = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


def exact(margin: float) -> float:
    with localcontext() as context:
        context.prec = 60
        return float(1 / (1 + (-Decimal(margin)).exp()))


@given(st.floats(min_value=-690, max_value=690))
def test_logistic_is_right(margin: float) -> None:
    # The grid of 2^-40 moves the odds by less than 2^-41, relatively; the rest is a few last places.
    assert math.isclose(logistic(margin), exact(margin), rel_tol=2.0**-41 + 2.0**-50)


@given(st.integers(min_value=-(2**49), max_value=2**49), st.integers(min_value=0, max_value=3))
def test_logistic_never_falls_between_neighbours_of_its_grid(step: int, further: int) -> None:
    low, high = step / 2.0**40, (step + further) / 2.0**40
    assert logistic(low) <= logistic(high)


@given(margins, st.integers(min_value=1, max_value=64))
def test_logistic_never_falls_between_neighbouring_floats(margin: float, n: int) -> None:
    above = margin
    for _ in range(n):
        above = math.nextafter(above, math.inf)
    assert logistic(margin) <= logistic(above)


def test_logistic_is_flat_within_its_grid_and_rises_from_step_to_step() -> None:
    assert logistic(2.0**-42) == logistic(-(2.0**-42)) == 0.5
    assert logistic(-(2.0**-40)) < 0.5 < logistic(2.0**-40)


def test_logistic_at_its_ends() -> None:
    assert logistic(1e300) == 1.0
    assert 0.0 < logistic(-1e300) < 1e-300
    assert logistic(math.inf) == 1.0
    with pytest.raises(ModelError, match="raw score"):
        logistic(math.nan)


def exact_softplus(margin: float) -> float:
    with localcontext() as context:
        context.prec = 60
        return float((1 + Decimal(margin).exp()).ln()) if margin > -60 else float(Decimal(margin).exp())


@given(st.floats(min_value=-690, max_value=690))
def test_softplus_is_right(margin: float) -> None:
    assert math.isclose(softplus(margin), exact_softplus(margin), rel_tol=2.0**-41 + 2.0**-50)


@given(st.integers(min_value=-(2**49), max_value=2**49), st.integers(min_value=0, max_value=3))
def test_softplus_never_falls_between_neighbours_of_its_grid(step: int, further: int) -> None:
    assert softplus(step / 2.0**40) <= softplus((step + further) / 2.0**40)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_tables_have_the_bits_of_single_rows(values: list[float]) -> None:
    table = np.array(values)
    assert logistic_many(table).tolist() == [logistic(value) for value in values]
    assert softplus_many(table).tolist() == [softplus(value) for value in values]


@pytest.mark.parametrize("made", [Identity(), Platt(1.0, 0.0), Beta(1.0, 1.0, 0.0), Isotonic((0.0, 1.0), (0.1, 0.2))])
def test_nan_is_refused_in_a_row_and_in_a_table(made: Calibrator) -> None:
    with pytest.raises(ModelError, match="raw score"):
        made.probability(math.nan)
    with pytest.raises(ModelError, match="raw score"):
        made.probability(np.array([0.0, math.nan]))


@given(st.floats(-30, 30))
def test_beta_is_its_formula(raw: float) -> None:
    p = logistic(raw)
    margin = 0.7 * math.log(p) - 1.9 * math.log1p(-p) - 0.4
    # The formula itself loses digits of 1 - p where p is near 1.
    assert math.isclose(Beta(0.7, 1.9, -0.4).probability(raw), exact(margin), rel_tol=1e-2 if raw > 15 else 1e-8)
    assert math.isclose(Beta(1.0, 1.0, 0.0).probability(raw), p, rel_tol=1e-11)


@given(st.floats(0, 5), st.floats(1e-3, 5), st.floats(-20, 20), st.floats(-60, 60), st.integers(1, 64))
def test_beta_never_falls_between_neighbouring_floats(a: float, b: float, c: float, raw: float, n: int) -> None:
    above = raw
    for _ in range(n):
        above = math.nextafter(above, math.inf)
    for made in (Beta(a, b, c), Beta(b, a, c)):
        assert made.probability(raw) <= made.probability(above)


@st.composite
def calibrators(draw: st.DrawFn) -> Calibrator:
    kind = draw(st.sampled_from(["identity", "platt", "beta", "isotonic"]))
    if kind == "identity":
        return Identity()
    if kind == "platt":
        return Platt(draw(st.floats(1e-6, 100)), draw(st.floats(-100, 100)))
    if kind == "beta":
        a, b = draw(st.sampled_from([(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)]))
        return Beta(a * draw(st.floats(1e-6, 100)), b * draw(st.floats(1e-6, 100)), draw(st.floats(-100, 100)))
    finite = st.floats(-1e9, 1e9, allow_nan=False)
    x = sorted(set(draw(st.lists(finite, min_size=1, max_size=12))))
    y = sorted(draw(st.lists(st.floats(0, 1), min_size=len(x), max_size=len(x))))
    return Isotonic(tuple(x), tuple(y))


@settings(max_examples=300)
@given(calibrators(), st.lists(margins, min_size=2, max_size=20))
def test_every_calibrator_is_monotone_bounded_and_the_same_on_a_table(
    calibrator: Calibrator, raws: list[float]
) -> None:
    table = calibrator.probability(np.array(sorted(raws)))
    assert (np.diff(table) >= 0).all()
    assert ((table >= 0) & (table <= 1)).all()
    assert table.tolist() == [calibrator.probability(raw) for raw in sorted(raws)]


@given(calibrators(), st.lists(margins, min_size=1, max_size=5))
def test_json_keeps_every_bit(calibrator: Calibrator, raws: list[float]) -> None:
    again = Calibrator.from_json(calibrator.to_json())
    assert again == calibrator
    assert again.probability(np.array(raws)).tobytes() == calibrator.probability(np.array(raws)).tobytes()
    assert again.to_json() == calibrator.to_json()


@given(st.floats(-10, 10), st.floats(-10, 10))
def test_isotonic_is_monotone_across_its_knots_to_the_last_place(x: float, y: float) -> None:
    calibrator = Isotonic((-3.3, -1.1, 0.1, 0.3, 7.7), (0.0, 0.1, 0.1, 0.3, 0.9))
    for knot in calibrator.x:
        below, above = math.nextafter(knot, -math.inf), math.nextafter(knot, math.inf)
        assert calibrator.probability(below) <= calibrator.probability(knot) <= calibrator.probability(above)
    assert (x <= y) <= (calibrator.probability(x) <= calibrator.probability(y))


def test_isotonic_does_not_pass_a_knot_by_rounding() -> None:
    # Here the plain formula gives 0.29000000000000004 one float before the knot.
    calibrator = Isotonic((-1000.0, 0.001), (0.03, 0.29))
    assert calibrator.probability(math.nextafter(0.001, 0.0)) <= calibrator.probability(0.001) == 0.29


def test_isotonic_agrees_with_interpolation() -> None:
    x, y = (-3.0, -1.0, 0.5, 4.0), (0.0, 0.2, 0.2, 0.8)
    raws = np.linspace(-5, 6, 200)
    assert np.allclose(Isotonic(x, y).probability(raws), np.interp(raws, x, y), rtol=0, atol=1e-15)


def test_a_table_keeps_its_shape() -> None:
    assert Identity().probability(np.zeros((2, 3))).shape == (2, 3)
    assert Identity().probability(np.zeros(0)).shape == (0,)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Platt, (0.0, 1.0)),
        (Platt, (-1.0, 1.0)),
        (Platt, (math.inf, 1.0)),
        (Platt, (1.0, math.nan)),
        (Beta, (-0.1, 1.0, 0.0)),
        (Beta, (1.0, -0.1, 0.0)),
        (Beta, (0.0, 0.0, 1.0)),
        (Beta, (1.0, 1.0, math.inf)),
        (Isotonic, ((), ())),
        (Isotonic, ((1.0, 1.0), (0.1, 0.2))),
        (Isotonic, ((1.0, 2.0), (0.3, 0.2))),
        (Isotonic, ((1.0, 2.0), (0.3, 1.2))),
        (Isotonic, ((1.0, 2.0), (-0.3, 0.2))),
        (Isotonic, ((1.0, 2.0), (0.3,))),
        (Isotonic, ((1.0, math.nan), (0.3, 0.4))),
    ],
)
def test_what_is_not_monotone_is_refused(kind: type[Calibrator], values: tuple[object, ...]) -> None:
    with pytest.raises(ModelError):
        kind(*values)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "3",
        "{}",
        {"kind": "beta"},
        {"kind": []},
        {"kind": "platt"},
        {"kind": "platt", "a": 1, "b": 0, "c": 1},
        {"kind": "platt", "a": "1", "b": 0},
        {"kind": "platt", "a": True, "b": 0.0},
        {"kind": "isotonic", "x": 1, "y": 2},
    ],
)
def test_what_is_no_calibrator_is_refused(content: object) -> None:
    with pytest.raises(ModelError):
        Calibrator.from_json(content if isinstance(content, str) else json.dumps(content))
