"""Fairness: how groups fare, along the cut-off too, and how well features tell them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from scoring.pages.drawing import CALM, FAINT, INK, RISK
from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.values import value_named
from scoring.pages.words import Tongue, Words, joined, say
from training.fairness import ARTIFACT, GroupCounts, disparities, judged
from training.group_measures import (
    Beside,
    Cut,
    auc_interval,
    calibration_gap,
    frontier,
    observed_to_expected,
    predictive_equality,
    standardised_difference,
)
from training.groups import FEWEST, NOT_KNOWN
from training.proxies import ARTIFACT as PROXIES
from training.proxies import Proxy
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings

GRADE = "high"
"""From this grade on an answer is unfavourable: `configs/policy` declines there."""

LEAST_ROWS = 100
"""A smaller group is not held against another, as in `configs/gates.yaml`."""

_LEAST_EVENTS = 10
_MEASURES = ("impact_ratio", "smd", "equal_opportunity", "predictive_equality", "calibration_gap", "calibration")
_KNOWN = ("sex", "age_years", "marital_status")
_SHOWN = 12


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section on fairness, from counts of groups alone."""
    told = evidence.json(ARTIFACT)
    counts = [GroupCounts(**each) for each in told or ()]
    blocks: list[Block] = [
        Prose(say("fairness.intro", grade=say(f"robustness.grade_{GRADE}"))),
        Prose(say("fairness.not_law")),
    ]
    if not counts:
        why = say("fairness.no_artifact" if told is None else "fairness.no_attribute")
        missing = tuple(not_assessed(key, say(f"fairness.any_{key}"), why) for key in (*_MEASURES, "proxy_auc"))
        return Section("fairness", say("fairness.title"), (*blocks, Statistics(missing)))
    drawn: dict[str, tuple[Cut, ...]] = {}
    for attribute, members in groupby(counts, key=lambda each: each.attribute):
        groups = tuple(members)
        held = tuple(_held(each, evidence, settings) for each in _measured(attribute, groups))
        blocks.append(Statistics(held, say("fairness.attribute", attribute=_attribute(attribute))))
        large = judged(groups, GRADE, LEAST_ROWS)
        if large and large[0].edges:
            drawn[attribute] = frontier(large)
    blocks += [Prose(say("fairness.terms"), quiet=True), _groups(counts)]
    blocks.append(Prose(say("fairness.hidden", least=FEWEST), quiet=True))
    if drawn:
        blocks.append(_picture(drawn))
    blocks += _proxies(evidence, settings)
    return Section("fairness", say("fairness.title"), tuple(blocks))


def _held(statistic: Statistic, evidence: Evidence, settings: ReportSettings) -> Statistic:
    return statistic.held(settings.limit(evidence.product, f"fairness.{statistic.key.partition('.')[0]}"))


def _measured(attribute: str, groups: tuple[GroupCounts, ...]) -> Iterator[Statistic]:
    """Every measure of every group of an attribute beside the best one."""
    large = judged(groups, GRADE, LEAST_ROWS)
    if not large:
        known = joined(
            say("fairness.counted", group=_group(attribute, each.group, coded=True), n=each.n) for each in groups
        )
        why = say("fairness.too_small", least=LEAST_ROWS, known=known)
        for key in _MEASURES:
            yield not_assessed(f"{key}.{attribute}", say(f"fairness.any_{key}"), why)
        return
    best = large[0]
    for found in disparities(groups, GRADE, LEAST_ROWS):
        each = next(one for one in large if one.group == found.group)
        yield _statistic("impact_ratio", each, Beside(found.ratio, *found.ratio_interval), best)
        if each.sum_raw is None:
            yield _lacking("smd", each, say("fairness.old_artifact"))
        else:
            yield _statistic("smd", each, standardised_difference(each, best), best)
        few = say("fairness.too_few_events", least=_LEAST_EVENTS)
        if min(each.n_good, best.n_good) < _LEAST_EVENTS:
            yield _lacking("equal_opportunity", each, few)
        else:
            yield _statistic("equal_opportunity", each, Beside(found.gap, *found.gap_interval), best)
        if min(each.n_bad, best.n_bad) < _LEAST_EVENTS:
            yield _lacking("predictive_equality", each, few)
        else:
            yield _statistic("predictive_equality", each, predictive_equality(each, best, GRADE), best)
        if each.sum_probability is None:
            yield _lacking("calibration_gap", each, say("fairness.old_artifact"))
        elif min(each.n_bad, best.n_bad) < _LEAST_EVENTS:
            yield _lacking("calibration_gap", each, few)
        else:
            yield _statistic("calibration_gap", each, calibration_gap(each, best), best)
    for each in large:
        if each.sum_probability is None:
            yield _lacking("calibration", each, say("fairness.old_artifact"))
        else:
            yield _statistic("calibration", each, observed_to_expected(each.n_bad, each.n, each.sum_probability))


def _statistic(key: str, each: GroupCounts, made: Beside, best: GroupCounts | None = None) -> Statistic:
    name = say(f"fairness.{key}", group=_group(each.attribute, each.group))
    note = "" if best is None else say("fairness.beside", best=_group(best.attribute, best.group))
    return Statistic(
        f"{key}.{each.attribute}.{each.group}", name, made.value, made.low, made.high, each.n, each.n_bad, note=note
    )


def _lacking(key: str, each: GroupCounts, why: Words) -> Statistic:
    name = say(f"fairness.{key}", group=_group(each.attribute, each.group))
    return not_assessed(f"{key}.{each.attribute}.{each.group}", name, why, n=each.n, n_events=each.n_bad)


def _groups(counts: list[GroupCounts]) -> Table:
    columns = ("of_attribute", "of_group", "rows", "bad", "rate", "probability", "not_refused", "not_held")
    rows = [
        (
            _attribute(each.attribute), _group(each.attribute, each.group, coded=True), each.n, each.n_bad,
            each.n_bad / each.n if each.below else None,
            None if each.sum_probability is None else each.sum_probability / each.n,
            each.below["high"] / each.n if each.below else None,
            each.below["attention"] / each.n if "attention" in each.below else None,
        )
        for each in counts
    ]  # fmt: skip
    return table_of("groups", say("fairness.groups"), [say(f"fairness.{each}") for each in columns], rows)


def _picture(drawn: Mapping[str, tuple[Cut, ...]]) -> Picture:
    columns = ("of_attribute", "cut", "approved", "bad_rate", "least_air", "low", "high", "of_group")
    rows = [
        (
            _attribute(attribute), cut.probability, cut.approved, cut.bad_rate, cut.ratio, cut.low, cut.high,
            _group(attribute, cut.group),
        )
        for attribute, cuts in drawn.items()
        for cut in cuts
    ]  # fmt: skip
    title = say("fairness.frontier")
    table = table_of("frontier", title, [say(f"fairness.{each}") for each in columns], rows, folded=True)
    return Picture("frontier", title, say("fairness.frontier_seen"), lambda tongue: _draw(tongue, drawn), table)


def _draw(tongue: Tongue, drawn: Mapping[str, tuple[Cut, ...]]) -> Any:
    """The least ratio, and the bad rate, over the share that is answered favourably."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.1), layout="constrained")
    ratio, bad = figure.subplots(1, 2)
    looks = [(RISK, "-", "o"), (CALM, "--", "s"), (INK, "-.", "^"), (INK, ":", "v")]
    for (attribute, cuts), (colour, line, mark) in zip(drawn.items(), looks * len(drawn), strict=False):
        share = [cut.approved for cut in cuts]
        ratio.fill_between(share, [cut.low for cut in cuts], [cut.high for cut in cuts], color=FAINT, alpha=0.35)
        ratio.plot(
            share, [cut.ratio for cut in cuts], color=colour, linestyle=line, marker=mark, markersize=3, linewidth=1.2,
            label=tongue(_attribute(attribute)),
        )  # fmt: skip
        bad.plot(share, [cut.bad_rate for cut in cuts], color=colour, linestyle=line, linewidth=1.2)
    ratio.axhline(0.8, color=INK, linewidth=0.8, linestyle="--")
    ratio.set(xlabel=tongue(say("fairness.approved")), ylabel=tongue(say("fairness.least_air")), ylim=(0, 1.25))
    ratio.legend(frameon=False, fontsize=8, loc="lower right")
    bad.set(xlabel=tongue(say("fairness.approved")), ylabel=tongue(say("fairness.bad_rate")))
    for axis in (ratio.xaxis, bad.xaxis, bad.yaxis):
        axis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    return figure


def _proxies(evidence: Evidence, settings: ReportSettings) -> list[Block]:
    told = [Proxy(**each) for each in evidence.json(PROXIES) or ()]
    if not told:
        missing = not_assessed("proxy_auc", say("fairness.any_proxy_auc"), say("fairness.no_proxies"))
        return [Statistics((missing,), say("fairness.proxies"))]
    statistics = [
        Statistic(
            f"proxy_auc.{each.attribute}.{each.group}",
            say("fairness.proxy_auc", group=say("fairness.attribute_group", **_named(each))),
            each.auc, each.low, each.high, each.n, each.n_group,
        )
        for each in told
    ]  # fmt: skip
    entries = {each.name: each for each in evidence.bundle.feature_set.features}
    best: dict[str, Proxy] = {}
    for name in entries:
        best[name] = max(told, key=lambda each: each.features.get(name, 0.0))
    shares = _shares(evidence)
    bare = [name for name in entries if not entries[name].proxy and shares.get(name, 0.0) > 0]
    if bare:
        top = max(bare, key=lambda name: best[name].features[name])
        whom, auc = best[top], best[top].features[top]
        note = say("fairness.unflagged_note", feature=top, group=say("fairness.attribute_group", **_named(whom)))
        low, high = auc_interval(auc, whom.n_group, whom.n)
        statistics.append(
            Statistic("unflagged", say("fairness.unflagged"), auc, low, high, whom.n, whom.n_group, note=note)
        )
    flagged = [name for name in entries if entries[name].proxy]
    strongest = sorted(entries, key=lambda name: -best[name].features[name])[:_SHOWN]
    rows = [
        (
            name, shares.get(name), say("fairness.attribute_group", **_named(best[name])), best[name].features[name],
            meaning(entries[name].proxy) if entries[name].proxy else say("fairness.none"),
        )
        for name in sorted(dict.fromkeys([*flagged, *strongest]), key=lambda name: -best[name].features[name])
    ]  # fmt: skip
    columns = [say(f"fairness.{each}") for each in ("feature", "share", "tells", "auc", "flagged")]
    return [
        Prose(say("fairness.proxies_seen")),
        Statistics(tuple(_held(each, evidence, settings) for each in statistics), say("fairness.proxies")),
        table_of("proxies", say("fairness.proxy_table"), columns, rows),
    ]


def _shares(evidence: Evidence) -> dict[str, float]:
    """Share of each feature in the model's contributions, as training sampled them."""
    table = evidence.frame("shap.csv")
    if table is None:
        return {}
    shares = zip(table["feature"].astype(str), table["share"].astype(float), strict=True)
    return {name: share for name, share in shares if math.isfinite(share)}


def _named(each: Proxy) -> dict[str, Words]:
    return {"attribute": _attribute(each.attribute), "group": _group(each.attribute, each.group)}


def _attribute(name: str) -> Words:
    return say(f"fairness.{name}") if name in _KNOWN else name


def _group(attribute: str, name: str, *, coded: bool = False) -> Words:
    return say("fairness.not_known") if name == NOT_KNOWN else value_named(attribute, name, coded=coded)


SECTION = Plan(180, "fairness", build)
