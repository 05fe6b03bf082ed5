"""The evidence of a case: facts, features, reasons, timeline and the graph of funds around one customer.

Everything is drawn from records and payments known before a time; it names tokens, no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from domain.time import business_day
from monitoring.aml.anomalies import FlowAnomaly, anomalies, graph_of
from monitoring.aml.cases import Case
from monitoring.aml.diligence import Standing
from monitoring.aml.large_value import FILED, LargeValue, large_values
from monitoring.aml.legs import in_currency
from monitoring.aml.screening import OpenHit, hits
from monitoring.aml.structuring import Structuring, structuring
from monitoring.aml.world import World
from scoring.flows.cycles import cycles

MOST_EDGES: Final = 40
MOST_LINES: Final = 200


@dataclass(frozen=True)
class Reason:
    """Why the customer stands out: a kind with its numbers, said by the page."""

    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Edge:
    """Payments of one account to another in the period: how many, their sum in base, first and last time."""

    source: str
    target: str
    n: int
    amount: int
    first: int
    last: int


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Parameters
    ----------
    own : accounts of the customer. features : name → value; money in minor units of base.
    timeline : (time µs UTC, what, values), oldest first; ``n_left_out`` of them had no room.
    cycles : accounts of each cycle through the customer's accounts.
    """

    case: Case
    since: int
    until: int
    base: str
    standing: Standing | None
    own: tuple[str, ...]
    features: Mapping[str, float | int]
    reasons: tuple[Reason, ...]
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[str, ...], ...]
    timeline: tuple[tuple[int, str, Mapping[str, Any]], ...]
    n_left_out: int
    large: tuple[LargeValue, ...]
    below: tuple[Structuring, ...]
    flows: tuple[FlowAnomaly, ...]
    hits: tuple[OpenHit, ...]


def evidence_of(world: World, case: Case, *, since: int, until: int) -> Evidence:
    """Gather it from the payments of a period and all records."""
    zone = world.platform.time_zone
    legs = world.legs[(world.legs["at"] >= since) & (world.legs["at"] < until)]
    legs = legs.assign(base=in_currency(legs, world.fx.base, world.fx))
    mine = legs[legs["customer"] == case.customer]
    own = tuple(sorted(set(mine["account"].dropna().astype(str))))
    # Sums are those of whole local days: a period that begins at noon must not halve the first one.
    large = large_values(
        world.legs[world.legs["at"] < until], world.standings, world.of(FILED), world.settings.large_value, world.fx,
        since=business_day(since, zone), upto=business_day(until - 1, zone), today=business_day(world.until - 1, zone),
        zone=zone,
    )  # fmt: skip
    large = tuple(line for line in large if line.customer == case.customer)
    tested = structuring(legs, world.standings, world.settings.large_value, world.settings.structuring, world.fx)
    below = tuple(each for each in tested if each.customer == case.customer)
    # Of a customer under suspicion every pattern is told, however common it is.
    every = world.settings.flows.model_copy(update={"rare": 1.0, "shown": len(legs)})
    flows = anomalies(legs, graph_of(legs, world.fx, since=since, until=until), every)
    flows = tuple(each for each in flows if each.account in own)
    found = tuple(each for each in hits(world.records) if each.customer == case.customer)
    edges = _edges(legs, set(own))
    timeline = _timeline(mine, case, large, found)
    return Evidence(
        case, since, until, world.fx.base, world.standings.get(case.customer), own, _features(mine),
        _reasons(large, below, flows, found), edges, _rings(legs, world, set(own)),
        tuple(timeline[:MOST_LINES]), max(0, len(timeline) - MOST_LINES), large, below, flows, found,
    )  # fmt: skip


def _features(mine: pd.DataFrame) -> dict[str, float | int]:
    into, out = mine[mine["direction"] == "in"], mine[mine["direction"] == "out"]
    received, paid = int(into["base"].sum()), int(out["base"].sum())
    return {
        "n_in": len(into),
        "n_out": len(out),
        "received": received,
        "paid": paid,
        "largest": int(mine["base"].max()) if len(mine) else 0,
        "n_payers": into["counterparty"].nunique(),
        "n_payees": out["counterparty"].nunique(),
        "n_cash": int(mine["cash"].sum()),
        "n_cross": int(mine["cross"].sum()),
        "n_accounts": mine["account"].nunique(),
        "n_days": mine["day"].nunique(),
        "out_over_in": paid / received if received else float("nan"),
    }


def _reasons(
    large: tuple[LargeValue, ...],
    below: tuple[Structuring, ...],
    flows: tuple[FlowAnomaly, ...],
    found: tuple[OpenHit, ...],
) -> tuple[Reason, ...]:
    told = []
    if large:
        told.append(Reason("large", {"n": len(large), "days": len({line.day for line in large})}))
    for each in below:
        if each.found:
            share = {"k": each.n_below, "n": each.n, "expected": f"{each.expected:.0%}", "p": f"{each.p:.1g}"}
            told.append(Reason("below", {"level": each.level, "rule": each.rule, **share}))
    for each_flow in flows:
        numbers = {
            "payers": each_flow.n_payers, "payees": each_flow.n_payees, "cycles": each_flow.n_cycles,
            "share": f"{each_flow.passed_share:.0%}", "passed": each_flow.n_passed,
            "account": each_flow.account[:8],
        }  # fmt: skip
        told += [Reason(pattern, numbers) for pattern in each_flow.patterns]
    for hit in found:
        if hit.verdict != "cleared" and hit.body is not None:
            said = {"score": f"{hit.body['score']:.2f}", "entry": hit.body["entry_id"], "hit": hit.hit_id}
            told.append(Reason("confirmed" if hit.verdict else "hit", said))
    return tuple(told)


def _edges(legs: pd.DataFrame, own: set[str]) -> tuple[Edge, ...]:
    """The largest sums on the first and second step away from the customer's accounts."""
    out = legs[(legs["direction"] == "out") & legs["account"].notna() & legs["counterparty"].notna()]
    near = out[out["account"].isin(own) | out["counterparty"].isin(own)]
    ring = {*near["account"], *near["counterparty"]}
    wider = out[out["account"].isin(ring) & out["counterparty"].isin(ring)]
    sums = wider.groupby(["account", "counterparty"]).agg(
        n=("base", "size"), amount=("base", "sum"), first=("at", "min"), last=("at", "max")
    )
    made = [
        Edge(str(source), str(target), *(int(number) for number in numbers))
        for (source, target), numbers in zip(sums.index.tolist(), sums.to_numpy().tolist(), strict=True)
    ]
    # His own payments come first; what lies between the others only where there is room.
    made.sort(key=lambda edge: (not (edge.source in own or edge.target in own), -edge.amount, edge.source, edge.target))
    return tuple(made[:MOST_EDGES])


def _rings(legs: pd.DataFrame, world: World, own: set[str]) -> tuple[tuple[str, ...], ...]:
    graph = graph_of(legs, world.fx, since=-(2**62), until=world.until)
    flows, settings = graph.flows, world.settings.flows
    if not len(flows.source):
        return ()
    found = cycles(flows, settings.window, longest=settings.longest, kept=settings.kept).found
    rings = [tuple(graph.accounts[flows.source[row]] for row in cycle) for cycle in found]
    return tuple(dict.fromkeys(ring for ring in rings if own & set(ring)))[:20]


def _timeline(
    mine: pd.DataFrame, case: Case, large: tuple[LargeValue, ...], found: tuple[OpenHit, ...]
) -> list[tuple[int, str, Mapping[str, Any]]]:
    told: list[tuple[int, str, Mapping[str, Any]]] = []
    in_large = {event for line in large for event in line.events}
    for row in mine.to_dict("records"):
        other = str(row["counterparty"])[:8] if isinstance(row["counterparty"], str) else "—"
        values = {"minor": int(row["minor"]), "currency": row["currency"], "other": other, "event": row["event_id"]}
        kind = ("large_" if row["event_id"] in in_large else "") + str(row["direction"])
        told.append((int(row["at"]), kind, values))
    told += [
        (hit.found_at, "hit", {"hit": hit.hit_id, "entry": (hit.body or {}).get("entry_id", "—")}) for hit in found
    ]
    told.append((case.opened_at, "opened", {"by": case.opened_by}))
    told += [(at, kind, {"by": by, "text": text}) for at, by, kind, text in case.said]
    told.sort(key=lambda each: each[0])
    # Where there is no room for all, what was said and what is large stays, then the largest sums.
    if len(told) > MOST_LINES:
        size = np.array([2**62 if each[1] not in ("in", "out") else int(each[2]["minor"]) for each in told])
        stay = set(np.argsort(-size, kind="stable")[:MOST_LINES].tolist())
        told = [each for place, each in enumerate(told) if place in stay] + [
            each for place, each in enumerate(told) if place not in stay
        ]
    return told
