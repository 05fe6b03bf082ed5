"""An explanation as a page: the same blocks for the terminal and for HTML, words in either language."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

from domain.time import format_instant, to_micros
from features.traced import Number, Trace
from scoring.explanation import Explanation, FeaturePush, Waterfall
from scoring.pages.page import Block, Cell, Facts, Finding, Page, Picture, Prose, Section, table_of
from scoring.pages.status import Status
from scoring.pages.words import Catalogue, Say, Tongue, Words, joined, minus, say
from scoring.recourse import Change

MESSAGES = Path(__file__).parent / "pages" / "messages"

N_EVENTS = 10
"""Events listed of a feature, the newest."""

_N_CONCEPTS = 10
_N_FEATURES = 12
_WIDEST = 46
"""Characters of a line beside a bar."""

_PER_DAY = " per day"

_PASS = (Status.RED, Status.PASS)
_VERSIONS = ("model", "features", "policy", "lists", "code")


def catalogue() -> Catalogue:
    """The words of the page."""
    return Catalogue.read([MESSAGES])


def explanation_page(found: Explanation) -> Page:
    """The page of one explanation."""
    body = found.body
    sections = [_receipt(found), _reasons(found), _waterfall(found)]
    if found.traces:
        sections.append(_events(found))
    if body["product"] == "loan" and found.waterfall is not None:
        sections.append(_recourse(found))
    facts: list[tuple[Words, Cell]] = [
        (_word("action"), _word(body["action"])),
        (_word("grade"), _word(body["risk_grade"])),
        (_word("score"), body["score"]),
    ]
    if found.cuts is not None:
        names = ("attention", "warning", "high")
        cuts = {name: f"{cut:.4g}" for name, cut in zip(names, found.cuts, strict=True)}
        facts.append((_word("cuts"), say("explain.cut_list", **cuts)))
    if body.get("credit_grade"):
        facts.append((_word("credit_grade"), body["credit_grade"]))
    return Page(
        _word("title"), body["decision_id"], Facts("decision", tuple(facts)), tuple(sections), _word("internal")
    )


def _word(name: str, /, **values: Any) -> Say:
    return say(f"explain.{name}", **values)


def _known(kind: str, text: str) -> Words:
    """A unit, a role, a method in the reader's language; one that the catalogue does not have as it is."""
    whole, per_day, _ = text.partition(_PER_DAY)
    if per_day:
        return _word("per_day", unit=_known(kind, whole))
    key = f"{kind}_{re.sub('[^a-z0-9]+', '_', text.lower())}"
    return _word(key) if f"explain.{key}" in _said() else text


@lru_cache(maxsize=1)
def _said() -> frozenset[str]:
    return frozenset(catalogue().keys)


def _receipt(found: Explanation) -> Section:
    body = found.body
    rows: list[tuple[Words, Cell]] = [
        (_word("decision"), body["decision_id"]),
        (_word("product"), _word(body["product"])),
        (_word("event"), body["event_id"]),
        (_word("client"), found.client),
        (_word("event_time"), format_instant(found.event_time)),
        (_word("decided_at"), format_instant(found.decided_at)),
        (_word("degraded"), str(body["degraded"]) if body["degraded"] else _word("not_degraded")),
        (_word("flags"), ", ".join(body["flags"]) or None),
        *((_word(f"version_{name}"), str(body["versions"][name])) for name in _VERSIONS),
    ]
    link = _word("link_holds" if found.link_holds else "link_broken", n=found.n_link)
    replayed = _word("replay_same" if found.replays else "replay_different")
    checks = (
        Finding("link", _PASS[found.link_holds], _word("told", name=_word("link"), what=link)),
        Finding("replay", _PASS[found.replays], _word("told", name=_word("replay"), what=replayed)),
    )
    return Section("receipt", _word("receipt"), (*checks, Facts("receipt", tuple(rows))))


def _reasons(found: Explanation) -> Section:
    columns = [_word(name) for name in ("code", "said", "analyst", "disclosable")]
    blocks: list[Block] = []
    if found.rules:
        rows = [(rule.code, _of(rule), _of(rule, "analyst_"), _yes(rule.disclosable)) for rule in found.rules]
        blocks.append(table_of("rules", _word("rules"), columns, rows))
    else:
        blocks.append(Prose(_word("no_rules")))
    concepts = () if found.waterfall is None else found.waterfall.concepts
    given = [each for each in concepts if each.given]
    if given:
        barred = given[0].concept.barred
        blocks.append(Finding("top", _PASS[not barred], _word("top_barred" if barred else "top_sound")))
        rows = [
            (each.concept.code, _of(each.concept), _of(each.concept, "analyst_"), _yes(each.concept.disclosable))
            for each in given
        ]
        blocks.append(table_of("reasons", _word("reasons"), columns, rows))
    else:
        blocks.append(Prose(_word("no_reasons")))
    return Section("reasons", _word("why"), tuple(blocks))


def _of(entry: Any, prefix: str = "") -> Say:
    """A text that the reason book has in both languages."""
    return _word("either", zh=getattr(entry, f"{prefix}zh"), en=getattr(entry, f"{prefix}en"))


def _yes(value: bool) -> Say:
    return _word("yes" if value else "no")


def _waterfall(found: Explanation) -> Section:
    fall = found.waterfall
    if fall is None:
        return Section("waterfall", _word("waterfall"), (Prose(_word("no_model")),))
    away = abs(fall.reference + sum(each.push for each in fall.concepts) - fall.raw)
    columns = [_word(name) for name in ("code", "analyst", "push", "given")]
    rows: list[tuple[Cell, ...]] = [
        (each.concept.code, _of(each.concept, "analyst_"), each.push, _yes(each.given)) for each in _by_size(fall)
    ]
    numbers = table_of(
        "concepts",
        _word("concept"),
        columns,
        [("", _word("from_reference"), fall.reference, None), *rows, ("", _word("to_raw"), fall.raw, None)],
    )
    note = _word(
        "waterfall_note", units=_known("units", fall.units), method=_known("method", fall.method), engine=fall.engine,
        base=minus(f"{fall.base:.3f}"),
    )  # fmt: skip
    picture = Picture("waterfall", _word("waterfall"), note, lambda tongue: _draw(fall, tongue), numbers)
    names = ("feature", "value", "unit", "code", "contribution", "reference", "push")
    features = [_feature(each) for each in fall.features()[:_N_FEATURES]]
    return Section(
        "waterfall",
        _word("waterfall"),
        (
            picture,
            Finding("additive", _PASS[away <= 1e-9], _word("additive", away=f"{away:.1e}")),
            table_of("features", _word("features"), [_word(name) for name in names], features),
        ),
    )


def _by_size(fall: Waterfall) -> list[Any]:
    return sorted((each for each in fall.concepts if each.push), key=lambda each: (-abs(each.push), each.concept.code))


def _feature(each: FeaturePush) -> tuple[Cell, ...]:
    value = _word("missing") if each.value is None else each.value
    return (each.name, value, _known("unit", each.unit), each.code, each.contribution, each.reference, each.push)


def _events(found: Explanation) -> Section:
    blocks = tuple(block for one in found.traces for block in _traced(one, one.feature))
    return Section("events", _word("events"), blocks)


def _traced(one: Trace, key: str) -> list[Block]:
    """What a number was computed from, and then the same of what it was derived from."""
    verdict = _word("proven") if one.same else _word("unproven", value=repr(one.value))
    told = _word("told", name=_value(one.feature, one.expected), what=verdict)
    blocks: list[Block] = [Finding(key, _PASS[one.same], told)]
    if one.form in ("own", "category", "column"):
        blocks.append(Prose(_word("own"), quiet=True))
    if one.expression:
        blocks.append(Prose(_word("formula", formula=one.expression), quiet=True))
    if one.window is not None and one.key is None:
        blocks.append(Prose(_word("nobody"), quiet=True))
    elif one.window is not None:
        seen = one.seen
        edges = {"low": format_instant(one.window.low), "high": format_instant(one.window.high)}
        title: Words = _word("seen", n=f"{seen.num_rows:,}", **edges)
        if seen.num_rows > N_EVENTS:
            title = _word("joined", first=title, second=_word("newest", n=N_EVENTS))
        rows = [
            (
                row["event_id"],
                format_instant(to_micros(row["event_time"])),
                row["value"],
                _known("role", row["role"]),
                row["without"],
            )
            for row in seen.slice(max(0, seen.num_rows - N_EVENTS)).to_pylist()
        ]
        columns = [_word(name) for name in ("event_id", "time", "value", "role", "without")]
        blocks.append(table_of(f"{key}-events", title, columns, rows) if rows else Prose(title, quiet=True))
    for number, part in enumerate(one.inputs):
        blocks += _traced(part, f"{key}-{number}")
    return blocks


def _value(feature: str, value: Number) -> Words:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return _word("told", name=feature, what=_word("missing"))
    return f"{feature} = {value:.6g}" if isinstance(value, float) else f"{feature} = {value}"


def _recourse(found: Explanation) -> Section:
    if found.recourse is None or found.approved_below is None:
        return Section("recourse", _word("recourse"), (Prose(_word("recourse_none")),))
    note = _word("recourse_note", cutoff=f"{found.approved_below:.4g}")
    if not found.recourse:
        needed = found.body["score"] is not None and found.body["score"] >= found.approved_below
        return Section(
            "recourse",
            _word("recourse"),
            (Prose(_word("recourse_none" if needed else "recourse_unneeded")), Prose(note, quiet=True)),
        )
    rows = [
        (
            joined(_change(each) for each in one.changes),
            one.before,
            one.probability,
        )
        for one in found.recourse
    ]
    columns = [_word(name) for name in ("changes", "score", "then")]
    table = table_of("recourse", _word("recourse"), columns, rows)
    return Section("recourse", _word("recourse"), (table, Prose(note, quiet=True)))


def _change(each: Change) -> Words:
    return _word(
        "change", feature=each.feature, before=f"{each.before:,.6g}", after=f"{each.after:,.6g}",
        unit=_known("unit", each.unit),
    )  # fmt: skip


def _draw(fall: Waterfall, tongue: Tongue) -> Any:
    """Bars from the score of the reference to that of the request; a push up is filled, one down is open."""
    from matplotlib.figure import Figure

    shown, rest = _by_size(fall)[:_N_CONCEPTS], _by_size(fall)[_N_CONCEPTS:]
    steps = [(_folded(f"{each.concept.code} {tongue(_of(each.concept))}"), each.push) for each in shown]
    if rest:
        steps.append((tongue(_word("other_concepts", n=len(rest))), sum(each.push for each in rest)))
    figure = Figure(figsize=(7.2, 0.9 + 0.29 * (len(steps) + 2)), layout="constrained")
    axes = figure.add_subplot()
    ends = [tongue(_word("from_reference")), *(name for name, _ in steps), tongue(_word("to_raw"))]
    at = fall.reference
    ends_at = at + np.cumsum([0.0, *(push for _, push in steps)])
    reach = float(np.ptp(ends_at)) or 1.0
    axes.plot([at], [0], marker="|", markersize=14, color="#1f2933")
    for place, (_, push) in enumerate(steps, 1):
        fill = "#b4442f" if push > 0 else "#ffffff"
        axes.barh(place, push, left=at, height=0.6, color=fill, edgecolor="#b4442f" if push > 0 else "#2f6690")
        axes.annotate(
            minus(f"{push:+.2f}"), (max(at, at + push), place), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
        at += push
        axes.plot([at, at], [place - 0.3, place + 1.3], color="#8a94a0", linewidth=0.7)
    axes.plot([fall.raw], [len(steps) + 1], marker="|", markersize=14, color="#1f2933")
    for place, score in ((0, fall.reference), (len(steps) + 1, fall.raw)):
        axes.annotate(
            minus(f"{score:.2f}"), (score, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.set_yticks(range(len(ends)), ends, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(float(ends_at.min()) - 0.05 * reach, float(ends_at.max()) + 0.14 * reach)
    axes.set_xlabel(tongue(_known("units", fall.units)))
    return figure


def _folded(text: str) -> str:
    """Two lines at most, which is what a bar has room for."""
    return "\n".join(wrap(text, _WIDEST, max_lines=2, placeholder=" …"))
