"""Performance chunk by chunk: realised where labels are mature, estimated for every chunk, never in one column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from domain.bilingual import Both, in_english
from domain.decision import Product
from monitoring.calculators.calculator import Calculator, Terms
from monitoring.calculators.estimated import Estimated
from monitoring.calculators.realised import Realised
from monitoring.chunk import Chunk, Chunker, Period
from monitoring.labelled import labelled
from monitoring.oversight.look import Look
from monitoring.reading import Kind
from monitoring.result import Result
from monitoring.traffic import Traffic
from scoring.bundle import Bundle

TERMS = Terms(least_rows=100)
ALONE = Both("没有可与之比较的其他行", "no other rows to compare with")


@dataclass(frozen=True)
class Measured:
    """Results of a chunk, realised and estimated."""

    chunk: Chunk
    realised: tuple[Result, ...]
    estimated: tuple[Result, ...]


def course(look: Look, product: Product, bundle: Bundle, period: Period = "week") -> Iterator[Measured]:
    """Each whole chunk of the look's period against the rest of the period."""
    rows = labelled(look, product, bundle)
    times = rows.frame["time"].to_numpy()
    for chunk in Chunker(period, look.platform.time_zone).between(look.since, look.until):
        inside = (times >= chunk.since) & (times < chunk.until)
        mine, rest = rows.take(inside), rows.take(~inside)
        yield Measured(chunk, against(Realised, mine, rest), against(Estimated, mine, rest))


def against(calculator: type[Calculator], chunk: Traffic, rest: Traffic) -> tuple[Result, ...]:
    """Figures of a chunk compared with rows that it is no part of: beside itself a chunk would never stand out.

    Where the rest does not suffice a figure stands uncompared: with its interval, without anything expected.
    """
    found = calculator(TERMS).fit(rest).calculate(chunk)
    if all(each.assessed for each in found):
        return found
    alone = {each.name: each for each in calculator(TERMS).fit(chunk).calculate(chunk)}
    return tuple(
        replace(alone[each.name], n_reference=each.n_reference, measure=None, expected=None, by_chance=None, note=ALONE)
        if not each.assessed and alone[each.name].assessed
        else each
        for each in found
    )


def is_compared(result: Result) -> bool:
    """Whether a figure was held against anything."""
    return result.assessed and result.expected is not None


def whole(look: Look, product: Product, bundle: Bundle) -> dict[str, list[dict[str, Any]]]:
    """The figures of the whole period as plain values, by kind."""
    rows = labelled(look, product, bundle)
    found = {}
    for calculator in (Realised, Estimated):
        results = calculator(TERMS).fit(rows).calculate(rows)
        found[calculator.kind.value] = [
            {"name": each.name, "value": each.value, "low": each.low, "high": each.high, "n": each.n_current,
             "note": in_english(each.note)} for each in results
        ]  # fmt: skip
    return {Kind.REALISED.value: found["realised"], Kind.ESTIMATED.value: found["estimated"]}
