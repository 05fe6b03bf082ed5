"""Eight numbers at a time, as one vector instruction each, or two where the processor is older.

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
def fork(typing, above, u, hot, cold, tables, a, q):  # type: ignore[no-untyped-def]
    """What lies above the two sides of a split: ``above[cold:] = above[u:] · q · tables[a:]``, the rest is hot."""

    def write(builder, above, u, hot, cold, tables, a, q):  # type: ignore[no-untyped-def]
        here = above.load(u)
        part = builder.fmul(here, builder.fmul(tables.load(a), _spread(builder, q)))
        above.store(cold, part)
        above.store(hot, builder.fsub(here, part))

    return types.void(above, u, hot, cold, tables, a, q), _without_result(write)


@intrinsic
def join(typing, above, below, u, hot, cold, tables, a, b, q, sums, feature):  # type: ignore[no-untyped-def]
    """What lies below a split, and what that adds for its feature.

    With Δ = ``below[hot:] − below[cold:]``: ``below[u:] = below[hot:] − q · tables[a:] · Δ`` and
    ``sums[feature:] += above[u:] · Δ · q · tables[b:]``.
    """

    def write(builder, above, below, u, hot, cold, tables, a, b, q, sums, feature):  # type: ignore[no-untyped-def]
        near, share = below.load(hot), _spread(builder, q)
        apart = builder.fsub(near, below.load(cold))
        moved = builder.fmul(apart, builder.fmul(tables.load(a), share))
        below.store(u, builder.fsub(near, moved))
        gained = builder.fmul(builder.fmul(above.load(u), apart), builder.fmul(tables.load(b), share))
        sums.store(feature, builder.fadd(sums.load(feature), gained))

    return types.void(above, below, u, hot, cold, tables, a, b, q, sums, feature), _without_result(write)


@intrinsic
def fill(typing, below, place, value):  # type: ignore[no-untyped-def]
    """``below[place:] = value``."""

    def write(builder, below, place, value):  # type: ignore[no-untyped-def]
        below.store(place, _spread(builder, value))

    return types.void(below, place, value), _without_result(write)
