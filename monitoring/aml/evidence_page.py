"""The evidence of a case as a page in Chinese and English and as JSON: a draft for a person to judge and to file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from domain.errors import DataError, expected_got
from domain.money import Money, exponent
from domain.time import from_micros, zone_of
from monitoring.aml.access import Office
from monitoring.aml.cases import EXPORT, PACK, Case
from monitoring.aml.evidence import Evidence, evidence_of
from monitoring.aml.funds_graph import funds_picture
from monitoring.aml.world import World
from scoring.pages.font import MESSAGES
from scoring.pages.page import Block, Cell, Facts, Finding, Page, Prose, Section, table_of
from scoring.pages.render import render, to_json
from scoring.pages.status import Status
from scoring.pages.words import LANGS, Catalogue, Say, Words, say
from stores.private_files import write_private

_SHORT: Final = 8
_MONEY: Final = ("received", "paid", "largest")


def draft_pack(world: World, case: Case, *, since: int, until: int, made_at: int, by: str) -> dict[str, str]:
    """File name → text of ``CASE.zh.html``, ``CASE.en.html`` and ``CASE.json``; nothing is written."""
    page = page_of(evidence_of(world, case, since=since, until=until), world.platform.time_zone, made_at=made_at, by=by)
    words = Catalogue.read(MESSAGES)
    drafted = {f"{case.case_id}.{lang}.html": render(page, words, lang) for lang in LANGS}
    told = {**to_json(page, words, "en"), "zh": to_json(page, words, "zh")}
    drafted[f"{case.case_id}.json"] = json.dumps(told, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return drafted


def keep_pack(office: Office, case: Case, drafted: Mapping[str, str]) -> str:
    """Keep a draft sealed among the restricted records, with the hash of its JSON; returns its id.

    It is under the key of its customer: what ends his records ends the draft.
    """
    digest = hashlib.sha256(drafted[f"{case.case_id}.json"].encode()).hexdigest()
    return office.note(PACK, case.customer, {"case": case.case_id, "sha256": digest, "files": dict(drafted)})


def export_pack(office: Office, pack: str, folder: Path) -> tuple[Path, ...]:
    """Write a kept draft in clear, for its owner's eyes alone; that, where to and by whom is written down first.

    Raises
    ------
    DataError
        When there is no such draft, or its key was destroyed.
    """
    found = next((each for each in office.store.read(PACK) if each.record_id == pack), None)
    if found is None or found.body is None:
        lost = "none" if found is None else "one whose key was destroyed"
        raise DataError(expected_got("a draft that `assay aml pack` kept", lost, pack))
    body = found.body
    told = {"case": body["case"], "pack": pack, "sha256": body["sha256"], "folder": str(folder.resolve())}
    office.note(EXPORT, found.subject, told)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = [*(f"{body['case']}.{lang}.html" for lang in LANGS), f"{body['case']}.json"]
    for name in names:
        write_private(folder / name, body["files"][name])
    return tuple(folder / name for name in names)


def page_of(evidence: Evidence, zone: str, *, made_at: int, by: str) -> Page:
    """The page."""
    case = evidence.case
    facts = Facts(
        "case",
        (
            (say("aml_pack.case"), case.case_id),
            (say("aml_pack.customer"), case.customer),
            (say("aml_pack.period"), f"{_at(evidence.since, zone)} – {_at(evidence.until, zone)} {zone}"),
            (say("aml_pack.opened"), f"{_at(case.opened_at, zone)}, {case.opened_by}"),
            (say("aml_pack.drafted"), f"{_at(made_at, zone)}, {by}"),
        ),
    )
    sections = (
        _reasons(evidence),
        _known(evidence),
        _features(evidence),
        _graph(evidence, zone),
        _reported(evidence),
        _timeline(evidence, zone),
        _to_fill(),
    )
    kind, notice = say("aml_pack.kind"), say("aml_pack.notice")
    return Page(kind, case.case_id, facts, sections, notice)


def _reasons(evidence: Evidence) -> Section:
    blocks: list[Block] = [Prose(say("aml_pack.suspected", reason=evidence.case.reason or "—"))]
    blocks += [
        Finding(f"reason_{place}", Status.AMBER, _reason(reason.kind, dict(reason.values)))
        for place, reason in enumerate(evidence.reasons, 1)
    ]
    if not evidence.reasons:
        blocks.append(Prose(say("aml_pack.no_reason")))
    return Section("reasons", say("aml_pack.reasons"), tuple(blocks))


def _reason(kind: str, values: dict[str, Any]) -> Say:
    for name in ("level", "rule"):
        if name in values:
            values[name] = say(f"aml_pack.{name}_{values[name]}")
    return say(f"aml_pack.reason_{kind}", **values)


def _known(evidence: Evidence) -> Section:
    standing = evidence.standing
    if standing is None:
        return Section("known", say("aml_pack.known"), (Prose(say("aml_pack.no_record")),))
    rows: list[tuple[Words, Cell]] = [
        (say("aml_pack.party"), say(f"aml_pack.party_{standing.record.party}")),
        (say("aml_pack.grade"), say(f"aml_pack.grade_{standing.record.grade}")),
        (say("aml_pack.grade_reasons"), "; ".join(standing.record.reasons)),
        (say("aml_pack.review"), "—" if standing.review_on is None else str(standing.review_on)),
        (say("aml_pack.accounts"), ", ".join(each[:_SHORT] for each in evidence.own) or "—"),
    ]
    papers = [
        (each.kind, f"{each.sha256[:12]}…", each.verified_by, str(each.verified_on), str(each.expires_on or "—"))
        for each in standing.record.evidence
    ]
    heads = [say(f"aml_pack.{name}") for name in ("paper", "hash", "verified_by", "verified_on", "expires_on")]
    blocks = (Facts("standing", tuple(rows)), table_of("papers", say("aml_pack.papers"), heads, papers))
    return Section("known", say("aml_pack.known"), blocks)


def _features(evidence: Evidence) -> Section:
    scale = 10 ** exponent(evidence.base)
    rows = [
        (say(f"aml_pack.feature_{name}", base=evidence.base) if name in _MONEY else say(f"aml_pack.feature_{name}"),
         value / scale if name in _MONEY else value)
        for name, value in evidence.features.items()
    ]  # fmt: skip
    heads = [say("aml_pack.feature"), say("aml_pack.value")]
    return Section("features", say("aml_pack.features"), (table_of("features", say("aml_pack.features"), heads, rows),))


def _graph(evidence: Evidence, zone: str) -> Section:
    blocks: list[Block] = []
    if evidence.edges:
        blocks.append(funds_picture(evidence, zone))
    else:
        blocks.append(Prose(say("aml_pack.no_edges")))
    if evidence.cycles:
        rows = [
            (number, " → ".join(each[:_SHORT] for each in (*ring, ring[0])))
            for number, ring in enumerate(evidence.cycles, 1)
        ]
        heads = [say("aml_pack.number"), say("aml_pack.way")]
        blocks.append(table_of("cycles", say("aml_pack.cycles"), heads, rows))
    return Section("graph", say("aml_pack.graph"), tuple(blocks))


def _reported(evidence: Evidence) -> Section:
    large = [
        (str(each.day), say(f"aml_pack.way_{each.direction}"), say(f"aml_pack.rule_{each.rule}"),
         Money(each.total, each.currency).grouped(), Money(each.limit, each.currency).grouped(), each.n_payments,
         str(each.due_on or "—"), say(f"aml_pack.state_{each.state}"))
        for each in evidence.large
    ]  # fmt: skip
    names = ("day", "direction", "rule", "total", "limit", "n", "file_by", "state")
    below = [
        (say(f"aml_pack.rule_{each.rule}"), say(f"aml_pack.way_{each.direction}"), say(f"aml_pack.level_{each.level}"),
         each.n_below, each.n, each.share, each.low, each.high, each.expected, each.p)
        for each in evidence.below
    ]  # fmt: skip
    names_below = ("rule", "direction", "level", "n_below", "n", "share", "from", "to", "expected", "p")
    blocks: list[Block] = []
    if large:
        blocks.append(table_of("large", say("aml_pack.large"), [say(f"aml_pack.{name}") for name in names], large))
    if below:
        heads = [say(f"aml_pack.{name}") for name in names_below]
        blocks.append(table_of("below", say("aml_pack.below"), heads, below))
    if not blocks:
        blocks.append(Prose(say("aml_pack.nothing_reported")))
    return Section("reported", say("aml_pack.reported"), tuple(blocks))


def _timeline(evidence: Evidence, zone: str) -> Section:
    shown = sorted(evidence.timeline, key=lambda each: each[0])
    rows = []
    for at, kind, values in shown:
        told = dict(values)
        if "minor" in told:
            told["money"] = Money(told.pop("minor"), told.pop("currency")).grouped()
        rows.append((_at(at, zone), say(f"aml_pack.event_{kind}", **told)))
    heads = [say("aml_pack.at"), say("aml_pack.what")]
    blocks: list[Block] = [table_of("timeline", say("aml_pack.timeline"), heads, rows)]
    if evidence.n_left_out:
        blocks.append(Prose(say("aml_pack.left_out", n=evidence.n_left_out), quiet=True))
    return Section("timeline", say("aml_pack.timeline"), tuple(blocks))


def _to_fill() -> Section:
    rows = tuple((say(f"aml_pack.fill_{name}"), "") for name in ("judged", "by", "on", "reference"))
    return Section("to_fill", say("aml_pack.to_fill"), (Prose(say("aml_pack.fill_intro")), Facts("fill", rows)))


def _at(micros: int, zone: str) -> str:
    return f"{from_micros(micros).astimezone(zone_of(zone)):%Y-%m-%d %H:%M}"
