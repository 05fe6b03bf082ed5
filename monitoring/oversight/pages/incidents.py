"""Incidents: the last drill and its steps against their targets, turns of the kill switch, degraded decisions."""

from __future__ import annotations

import json
import os

from domain.decision import Product
from domain.time import DAY, parse_instant
from monitoring.drill import DrillRecord, DrillSettings, DrillStep, read_records
from monitoring.matters.promises import Share
from monitoring.oversight.drill_words import seen_said
from monitoring.oversight.late_table import local
from monitoring.oversight.look import Look
from monitoring.oversight.plan import PagePlan
from scoring.pages.page import Block, Cell, Finding, Section, Statistics, table_of
from scoring.pages.status import Limit, Statistic, Status, not_assessed
from scoring.pages.words import Say, say
from stores.acts import Acts
from stores.keys import secret_key
from stores.settings_files import load_settings

_CAME = {"kept": Status.PASS, "late": Status.RED, "failed": Status.RED, "not assessed": Status.NOT_ASSESSED}


def build(look: Look) -> tuple[Section, ...]:
    """Drills up to the end of the period; switches and degraded decisions within it."""
    settings = load_settings(look.configs / "drills.yaml", DrillSettings)
    records = read_records(look.home, os.environ, until=look.until)
    return _drills(look, records, settings), _switches(look), _degraded(look)


def _drills(look: Look, records: tuple[DrillRecord, ...], settings: DrillSettings) -> Section:
    title = say("incidents.drills")
    if not records:
        none = not_assessed("drill_age", say("incidents.age"), say("incidents.no_drill"), n=0)
        return Section("drills", title, (Statistics((none,)),))
    last, zone = records[-1], look.platform.time_zone
    at = local(parse_instant(last.at), zone)
    days = (look.until - parse_instant(last.at)) / DAY
    limit = Limit(most=settings.every.within / DAY, firm=True, source=settings.every.source)
    age = Statistic("drill_age", say("incidents.age"), days, n=len(records), form=",.1f").held(limit)
    rows: list[tuple[Cell, ...]] = [
        (
            say(f"incidents.{step.key}"),
            step.seconds,
            step.target,
            say(f"incidents.{step.came.replace(' ', '_')}"),
            seen_said(step.note),
        )
        for step in last.steps
    ]
    heads = [say(f"incidents.{head}") for head in ("step", "seconds", "target", "came", "seen")]
    where = say("incidents.on_home") if last.where == "home" else say("incidents.on_copy")
    name = say("incidents.last", at=at, where=where, actor=last.actor)
    blocks: list[Block] = [Statistics((age,))]
    if not last.passed:
        blocks.append(
            Finding("drill_failed", Status.RED, say("incidents.not_passed", at=local(parse_instant(last.at), zone)))
        )
    statuses = tuple(_CAME[step.came] for step in last.steps)
    blocks.append(table_of("steps", name, heads, rows, statuses=statuses))
    if len(records) > 1:
        past: list[tuple[Cell, ...]] = [
            (
                local(parse_instant(each.at), zone),
                each.actor,
                say("incidents.passed") if each.passed else say("incidents.failed"),
            )
            for each in reversed(records)
        ]
        past_heads = [say("incidents.at"), say("incidents.by"), say("incidents.came")]
        blocks.append(table_of("past", say("incidents.past"), past_heads, past))
    return Section("drills", title, tuple(blocks))


def _came(step: DrillStep) -> Say:
    return say(f"incidents.{step.came.replace(' ', '_')}")


def _switches(look: Look) -> Section:
    title, zone = say("incidents.switches"), look.platform.time_zone
    acts = Acts(look.database, secret_key(look.home.keys, "chain", os.environ))
    turned = [act for act in acts.of("kill_switched", limit=1_000_000) if act.at < look.until]
    if not turned:
        none = not_assessed("switches", say("incidents.turned"), say("incidents.never"), n=0)
        return Section("switches", title, (Statistics((none,)),))
    rows: list[tuple[Cell, ...]] = [
        (
            local(act.at, zone),
            act.actor,
            say("incidents.on") if act.body.get("on") else say("incidents.off"),
        )
        for act in turned
        if act.at >= look.since
    ]
    blocks: list[Block] = []
    if turned[-1].body.get("on"):
        blocks.append(Finding("still_on", Status.RED, say("incidents.still_on", at=local(turned[-1].at, zone))))
    heads = [say("incidents.at"), say("incidents.by"), say("incidents.turned")]
    blocks.append(table_of("switches", title, heads, rows))
    return Section("switches", title, tuple(blocks))


def _degraded(look: Look) -> Section:
    statistics = []
    for product in Product:
        bodies = look.ledger.read(product.value, since=look.since, until=look.until)["body"].to_pylist()
        share = Share(sum(bool(json.loads(body).get("degraded")) for body in bodies), len(bodies))
        key, name = f"degraded_{product.value}", say(f"incidents.degraded_{product.value}")
        if share.value is None:
            statistics.append(not_assessed(key, name, say("casework.nothing"), n=0))
            continue
        low, high = share.interval
        note = say("incidents.told_elsewhere")
        statistics.append(
            Statistic(key, name, share.value, low, high, n=share.n, n_events=share.hits, form=".2%", note=note)
        )
    return Section("degraded", say("incidents.degraded"), (Statistics(tuple(statistics)),))


PAGE = PagePlan(70, "incidents", say("incidents.title"), build)
