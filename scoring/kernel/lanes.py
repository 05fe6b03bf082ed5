"""Four numbers at a time, as one vector instruction each, or two where the processor is older.

Numba's loops over array elements become vectors only where it can prove that no two arrays overlap, which it cannot
here; these say so. Multiplications and additions stay apart (no fused rounding), so every machine gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # carries no types
from numba import types
from numba.extending import intrinsic

from scoring.kernel import LANES

_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_ONE = ir.Constant(ir.DoubleType(), 1.0)
_ALIGNED = 8  # numbers lie anywhere within an array


class _Memory:
    """Vectors of a float64 array, from a place on."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, array).data

    def _at(self, place: Any) -> Any:
        return self._builder.bitcast(self._builder.gep(self._data, [place]), _VECTOR.as_pointer())

    def load(self, place: Any) -> Any:
        return self._builder.load(self._at(place), align=_ALIGNED)

    def store(self, place: Any, vector: Any) -> None:
        self._builder.store(vector, self._at(place), align=_ALIGNED)


def _spread(builder: Any, number: Any) -> Any:
    lanes = ir.Constant(_VECTOR, ir.Undefined)
    for lane in range(LANES):
        lanes = builder.insert_element(lanes, number, ir.Constant(ir.IntType(32), lane))
    return lanes


def _memories(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    return [
        _Memory(context, builder, kind, value) if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, values, strict=True)
    ]


def _without_result(write: Callable[..., None]) -> Callable[[Any, Any, Any, Any], Any]:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        write(builder, *_memories(context, builder, signature, values))
        return context.get_dummy_value()

    return generate


def _factor(builder: Any, side: Any, apart: Any, bent: Any) -> Any:
    return builder.fsub(_spread(builder, side), builder.fmul(_spread(builder, apart), bent))


def _turn(builder: Any, c: Any, share: Any, passed: Any) -> tuple[Any, Any]:
    """c·z/f and z/f², f = 1 − (1 − z)·c, of such a share z; 1 and 0 for lanes of a row that did not pass."""
    z, one, zero = _spread(builder, share), _spread(builder, _ONE), ir.Constant(_VECTOR, None)
    upright = builder.fdiv(one, builder.fsub(one, builder.fmul(builder.fsub(one, z), c)))
    scaled = builder.fmul(z, upright)
    # A mask, not a jump: whether a row passes is what nothing can guess.
    mask = builder.fcmp_ordered(">", _spread(builder, passed), zero)
    turned = builder.select(mask, builder.fmul(c, scaled), one)
    return turned, builder.select(mask, builder.fmul(scaled, upright), zero)


@intrinsic
def at_most(typing, x, threshold):  # type: ignore[no-untyped-def]
    """1.0 where x is at most a threshold, else 0.0, by a mask.

    Compared as numbers alone this becomes a jump, which half of the time goes where the processor did not guess: that
    took as long as all the rest.
    """

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        x, threshold = (_spread(builder, value) for value in values)
        mask = builder.fcmp_ordered("<=", x, threshold)
        lanes = builder.select(mask, _spread(builder, _ONE), ir.Constant(_VECTOR, None))
        return builder.extract_element(lanes, ir.Constant(ir.IntType(32), 0))

    return types.float64(x, threshold), generate


@intrinsic
def as_bit(typing, side):  # type: ignore[no-untyped-def]
    """1 for 1.0 and 0 for 0.0, again without a jump."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bits = ir.IntType(64)
        return builder.lshr(builder.shl(builder.bitcast(values[0], bits), bits(2)), bits(63))

    return types.uint64(side), generate


@intrinsic
def fork(typing, above, u, left, right, bent, at, side, apart):  # type: ignore[no-untyped-def]
    """What lies above the two sides of a split: ``above[left:] = above[u:] · F``, the rest of it is right's.

    F = ``side − apart · bent[at:]`` is the factor of the left side.
    """

    def write(builder, above, u, left, right, bent, at, side, apart):  # type: ignore[no-untyped-def]
        here = above.load(u)
        part = builder.fmul(here, _factor(builder, side, apart, bent.load(at)))
        above.store(left, part)
        above.store(right, builder.fsub(here, part))

    return types.void(above, u, left, right, bent, at, side, apart), _without_result(write)


@intrinsic
def fork_again(typing, above, u, left, right, bent, at, nodes, side, apart, share, passed):  # type: ignore[no-untyped-def]
    """The same where the path has met the feature: ``bent[at:]`` and the weight of ``above[u:]`` are set on the way.

    `nodes` is where the numbers of a feature that is new begin, see `_turn` for the rest.
    """

    def write(builder, above, u, left, right, bent, at, nodes, side, apart, share, passed):  # type: ignore[no-untyped-def]
        here = above.load(u)
        turned, weight = _turn(builder, bent.load(nodes), share, passed)
        bent.store(at, turned)
        part = builder.fmul(here, _factor(builder, side, apart, turned))
        above.store(left, part)
        above.store(right, builder.fsub(here, part))
        above.store(u, builder.fmul(here, weight))

    return types.void(above, u, left, right, bent, at, nodes, side, apart, share, passed), _without_result(write)


@intrinsic
def join(typing, above, below, u, left, right, bent, at, side, apart, sums, feature):  # type: ignore[no-untyped-def]
    """What lies below a split, and what that adds for its feature.

    With Δ = ``below[left:] − below[right:]``: ``below[u:] = below[right:] + Δ · F`` (see `fork`) and
    ``sums[feature:] += above[u:] · Δ · apart``.
    """

    def write(builder, above, below, u, left, right, bent, at, side, apart, sums, feature):  # type: ignore[no-untyped-def]
        far = below.load(right)
        moved = builder.fsub(below.load(left), far)
        below.store(u, builder.fadd(far, builder.fmul(moved, _factor(builder, side, apart, bent.load(at)))))
        gained = builder.fmul(builder.fmul(above.load(u), moved), _spread(builder, apart))
        sums.store(feature, builder.fadd(sums.load(feature), gained))

    return types.void(above, below, u, left, right, bent, at, side, apart, sums, feature), _without_result(write)


@intrinsic
def close(typing, above, below, u, bent, at, value, apart, sums, feature):  # type: ignore[no-untyped-def]
    """The same above two leaves: ``below[u:] = value − apart · bent[at:]``, ``sums[feature:] += above[u:] · apart``."""

    def write(builder, above, below, u, bent, at, value, apart, sums, feature):  # type: ignore[no-untyped-def]
        below.store(u, _factor(builder, value, apart, bent.load(at)))
        gained = builder.fmul(above.load(u), _spread(builder, apart))
        sums.store(feature, builder.fadd(sums.load(feature), gained))

    return types.void(above, below, u, bent, at, value, apart, sums, feature), _without_result(write)


@intrinsic
def close_again(typing, above, below, u, bent, nodes, value, apart, share, passed, sums, feature):  # type: ignore[no-untyped-def]
    """`close` where the path has met the feature (see `_turn`)."""

    def write(builder, above, below, u, bent, nodes, value, apart, share, passed, sums, feature):  # type: ignore[no-untyped-def]
        turned, weight = _turn(builder, bent.load(nodes), share, passed)
        below.store(u, _factor(builder, value, apart, turned))
        gained = builder.fmul(builder.fmul(above.load(u), weight), _spread(builder, apart))
        sums.store(feature, builder.fadd(sums.load(feature), gained))

    return types.void(above, below, u, bent, nodes, value, apart, share, passed, sums, feature), _without_result(write)


@intrinsic
def fill(typing, array, place, value):  # type: ignore[no-untyped-def]
    """``array[place:] = value``."""

    def write(builder, array, place, value):  # type: ignore[no-untyped-def]
        array.store(place, _spread(builder, value))

    return types.void(array, place, value), _without_result(write)
