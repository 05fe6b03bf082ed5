"""Four numbers at a time, as one vector instruction each.

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


@intrinsic
def pass_down(typing, product, up, here, tables, factor, below, value):  # type: ignore[no-untyped-def]
    """``product[here:] = product[up:] · tables[factor:]``, and ``below[here:]`` that times ``value``."""

    def write(builder, product, up, here, tables, factor, below, value):  # type: ignore[no-untyped-def]
        made = builder.fmul(product.load(up), tables.load(factor))
        product.store(here, made)
        below.store(here, builder.fmul(made, _spread(builder, value)))

    return types.void(product, up, here, tables, factor, below, value), _without_result(write)


@intrinsic
def weigh(typing, below, here, tables, weight, sums, feature):  # type: ignore[no-untyped-def]
    """``sums[feature:] += below[here:] · tables[weight:]``."""

    def write(builder, below, here, tables, weight, sums, feature):  # type: ignore[no-untyped-def]
        part = builder.fmul(below.load(here), tables.load(weight))
        sums.store(feature, builder.fadd(sums.load(feature), part))

    return types.void(below, here, tables, weight, sums, feature), _without_result(write)


@intrinsic
def pass_up(typing, below, here, up):  # type: ignore[no-untyped-def]
    """``below[up:] += below[here:]``."""

    def write(builder, below, here, up):  # type: ignore[no-untyped-def]
        below.store(up, builder.fadd(below.load(up), below.load(here)))

    return types.void(below, here, up), _without_result(write)
