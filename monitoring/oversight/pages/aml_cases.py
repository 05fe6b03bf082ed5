"""Cases, name hits, fund flows and records (restricted): what officers have in hand."""

from __future__ import annotations

from domain.time import business_day
from monitoring.aml.anomalies import anomalies, graph_of
from monitoring.aml.cases import cases
from monitoring.aml.look import world_at
from monitoring.aml.screening import RUN, hits
from monitoring.aml.world import World
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Prose, Section, Statistics, percent_of, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import say

_MOST = 100


def build(look: Look) -> tuple[Section, ...]:
    """Three sections."""
    world = world_at(look)
    return _cases(look, world), _hits(look, world), _flows(look, world)


def _cases(look: Look, world: World) -> Section:
    found, title, zone = cases(world.records), say("aml_cases.cases"), look.platform.time_zone
    if not found:
        return Section("cases", title, (Statistics((not_assessed("cases", title, say("aml_cases.no_case"), n=0),)),))
    rows: list[tuple[Cell, ...]] = [
        (
            each.case_id, str(business_day(each.opened_at, zone)), each.opened_by, each.customer, each.reason,
            len(each.said), say(f"aml_cases.result_{each.result or 'open'}"),
        )
        for each in found[-_MOST:]
    ]  # fmt: skip
    statuses = tuple(Status.AMBER if each.result is None else Status.PASS for each in found[-_MOST:])
    names = ("case", "opened", "by", "customer", "reason", "said", "result")
    table = table_of("cases", title, [say(f"aml_cases.{name}") for name in names], rows, statuses=statuses)
    return Section("cases", title, (table,))


def _hits(look: Look, world: World) -> Section:
    title, runs, zone = say("aml_cases.hits"), world.of(RUN), look.platform.time_zone
    if not runs:
        return Section("hits", title, (Statistics((not_assessed("hits", title, say("aml_cases.no_run"), n=0),)),))
    found = hits(world.records)
    waiting = [each for each in found if each.verdict is None]
    told = Statistic("waiting", say("aml_cases.waiting"), float(len(waiting)), n=len(found), form=",.0f",
                     status=Status.AMBER if waiting else Status.PASS)  # fmt: skip
    last = runs[-1]
    said = say("aml_cases.last_run", day=str(business_day(last.made_at, zone)), by=last.made_by, runs=len(runs))
    rows: list[tuple[Cell, ...]] = [
        (each.hit_id, str(business_day(each.found_at, zone)), each.customer, (each.body or {}).get("entry_id"),
         (each.body or {}).get("score"), say(f"aml_cases.verdict_{each.verdict or 'none'}"), each.said_by, each.why)
        for each in found[-_MOST:]
    ]  # fmt: skip
    names = ("hit", "found", "customer", "entry", "score", "verdict", "by", "why")
    table = table_of("hits", title, [say(f"aml_cases.{name}") for name in names], rows)
    return Section("hits", title, (Prose(said), Statistics((told,)), table))


def _flows(look: Look, world: World) -> Section:
    title = say("aml_cases.flows")
    graph = graph_of(world.legs, world.fx, since=look.since, until=look.until)
    found = anomalies(world.legs, graph, world.settings.flows)
    n = len(graph.accounts)
    if not n:
        return Section("flows", title, (Statistics((not_assessed("flows", title, say("aml_cases.no_flow"), n=0),)),))
    share = f"{world.settings.flows.rare:.0%}"
    blocks: list[Block] = [Prose(say("aml_cases.flows_said", n=n, k=len(found), rare=share), quiet=True)]
    rows: list[tuple[Cell, ...]] = [
        (
            each.account, each.customer, _patterns(each.patterns), each.n_payers, each.n_payees,
            percent_of(each.passed_share), each.n_cycles, percent_of(each.rarity),
        )
        for each in found
    ]  # fmt: skip
    names = ("account", "customer", "patterns", "payers", "payees", "passed", "cycles", "rarity")
    blocks.append(table_of("flows", title, [say(f"aml_cases.{name}") for name in names], rows))
    return Section("flows", title, tuple(blocks))


def _patterns(patterns: tuple[str, ...]) -> Cell:
    names = [say(f"aml_cases.pattern_{pattern}") for pattern in patterns]
    told = names[0]
    for name in names[1:]:
        told = say("aml_cases.and", one=told, other=name)
    return told


PAGE = PagePlan(930, "aml_cases", say("aml_cases.title"), build, restricted=True)
