"""Performance chunk by chunk: realised where labels are mature, estimated for every chunk, never in one column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.bilingual import in_english
from domain.decision import Product
from monitoring.calculators.calculator import Terms
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


@dataclass(frozen=True)
class Measured:
    """Results of a chunk, realised and estimated."""

    chunk: Chunk
    realised: tuple[Result, ...]
    estimated: tuple[Result, ...]


def course(look: Look, product: Product, bundle: Bundle, period: Period = "week") -> Iterator[Measured]:
    """Each whole chunk of the look's period against the period as a whole."""
    rows = labelled(look, product, bundle)
    realised, estimated = Realised(TERMS).fit(rows), Estimated(TERMS).fit(rows)
    times = rows.frame["time"].to_numpy()
    for chunk in Chunker(period, look.platform.time_zone).between(look.since, look.until):
        mine: Traffic = rows.take((times >= chunk.since) & (times < chunk.until))
        yield Measured(chunk, realised.calculate(mine), estimated.calculate(mine))


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
