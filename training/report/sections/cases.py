"""Four single rows, chosen by a rule: what the score is made of, and how it went with rows that it takes for alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.time import format_instant
from scoring.pages.drawing import CALM, FAINT, INK, RISK
from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Facts, Picture, Prose, Section, Statistics, table_of
from scoring.pages.status import Statistic
from scoring.pages.words import Tongue, Words, minus, say
from scoring.reasons import Concept
from training.comparables import KINDS, choose_cases, nearest
from training.cutoffs import GRADES
from training.report.evidence import Evidence, Rows
from training.report.plan import Plan
from training.report.settings import ReportSettings

_NEAREST = 5
_REFERENCE = {False: 5_000, True: 800}
_BARS = 8


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """The section."""
    bundle, test = evidence.bundle, evidence.test
    cut = _cut(evidence)
    chosen = choose_cases(test.y, test.raw, cut)
    left_out: list[Words] = [say(f"cases.no_{kind}") for kind in KINDS if kind not in chosen]
    blocks: list[Block] = [
        Prose(say("cases.intro")), Prose(say("cases.rule", cutoff=bundle.cutoffs[GRADES[0]], cut=cut), quiet=True)
    ]  # fmt: skip
    if chosen:
        reference = _reference(evidence, _REFERENCE[settings.light])
        behind = _contributions(evidence, reference.X)[:, :-1]
        values = _contributions(evidence, test.X[list(chosen.values())])
        blocks.append(Statistics((_additivity(evidence, chosen, values, settings),)))
        for (kind, row), value in zip(chosen.items(), values, strict=True):
            blocks += _case(evidence, kind, row, value, reference, behind)
        blocks.append(Prose(say("cases.alike", n=len(reference.y)), quiet=True))
    return Section("cases", say("cases.title"), tuple(blocks), tuple(left_out))


SECTION = Plan(150, "cases", build)


def _cut(evidence: Evidence) -> float:
    """The raw score of the first cut-off, halfway between the flagged and the others."""
    test, cutoff = evidence.test, evidence.bundle.cutoffs[GRADES[0]]
    flagged = test.probability >= cutoff
    above = float(test.raw[flagged].min()) if flagged.any() else float(test.raw.max()) + 1
    below = float(test.raw[~flagged].max()) if not flagged.all() else float(test.raw.min()) - 1
    return (above + below) / 2 if flagged.any() and not flagged.all() else (above if flagged.any() else below + 1)


def _contributions(evidence: Evidence, X: np.ndarray) -> np.ndarray:
    return evidence.bundle.explainer.contributions_many(np.ascontiguousarray(X), threads=evidence.settings.threads)


def _reference(evidence: Evidence, n: int) -> Rows:
    """Labelled rows of the calibration period, which the bundle's reference is of."""
    rows = evidence.calibration.only(evidence.calibration.labelled)
    kept = np.zeros(len(rows.y), bool)
    kept[np.random.default_rng(evidence.settings.seed).permutation(len(rows.y))[:n]] = True
    return rows.only(kept)


def _additivity(evidence: Evidence, chosen: dict[str, int], values: np.ndarray, settings: ReportSettings) -> Statistic:
    raw = evidence.test.raw[list(chosen.values())]
    apart = float(np.abs(values.sum(axis=1) - raw).max())
    units = meaning(evidence.bundle.explainer.units)
    told = Statistic("additivity", say("cases.additivity"), apart, n=len(raw), form=".1e", unit=units)
    return told.held(settings.limit(evidence.product, "cases.additivity"))


def _case(
    evidence: Evidence, kind: str, row: int, value: np.ndarray, reference: Rows, behind: np.ndarray
) -> list[Block]:
    bundle, test = evidence.bundle, evidence.test
    title = say(f"cases.{kind}")
    outcomes = [say(f"cases.{each}_{evidence.product.value}") for each in ("negative", "positive")]
    spoken = bundle.selector.spoken(test.X[row])
    concepts = bundle.selector.concepts
    sums = np.bincount(spoken, weights=value[:-1], minlength=len(concepts))
    facts = Facts(
        f"{kind}_facts",
        (
            (say("cases.seq"), int(test.seq[row])),
            (say("cases.time"), format_instant(int(test.event_time[row]))),
            (say("cases.base"), float(value[-1])),
            (say("cases.raw"), float(test.raw[row])),
            (say("cases.probability"), f"{test.probability[row]:.2%}"),
            (say("cases.outcome"), outcomes[int(test.y[row])]),
        ),
        title,
    )
    found = nearest(value[:-1], behind, _NEAREST)
    rows = [
        (
            int(reference.seq[place]), format_instant(int(reference.event_time[place])), float(distance),
            float(reference.raw[place]), f"{reference.probability[place]:.2%}", outcomes[int(reference.y[place])],
        )
        for place, distance in zip(found.rows, found.distance, strict=True)
    ]  # fmt: skip
    columns = [say(f"cases.{head}") for head in ("seq", "time", "distance", "raw", "probability", "outcome")]
    alike = table_of(f"{kind}_alike", say("cases.alike_title", kind=title), columns, rows)
    return [facts, _waterfall(kind, title, sums, concepts, float(value[-1])), alike]


def _waterfall(kind: str, title: Words, sums: np.ndarray, concepts: tuple[Concept, ...], base: float) -> Picture:
    """From the base value to the raw score, concept by concept, the greatest first and the small ones together."""
    order = np.argsort(-np.abs(sums), kind="stable")
    moved = [int(place) for place in order if sums[place] != 0]
    big, small = moved[:_BARS], moved[_BARS:]
    parts: list[tuple[Words, float]] = [(concept_name(concepts[place]), float(sums[place])) for place in big]
    if small:
        parts.append((say("cases.others", n=len(small)), float(sums[small].sum())))
    ends = base + np.cumsum([value for _, value in parts]) if parts else np.array([base])
    starts = np.concatenate([[base], ends[:-1]])

    def draw(tongue: Tongue) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 0.3 * len(parts) + 1.1), layout="constrained")
        axes = figure.add_subplot()
        for line, (_, value) in enumerate(parts):
            colour, hatch = (RISK, "//") if value > 0 else (CALM, "")
            axes.barh(
                line, value, left=starts[line], color=colour, height=0.6, hatch=hatch, edgecolor="white", linewidth=0
            )
            axes.annotate(
                minus(f"{value:+.3f}"), (max(starts[line], ends[line]), line), xytext=(3, 0),
                textcoords="offset points", va="center", fontsize=7, color=INK, zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
        axes.axvline(base, color=FAINT, linewidth=1, linestyle="--")
        axes.axvline(float(ends[-1]), color=INK, linewidth=1)
        axes.set_yticks(range(len(parts)), [tongue(name) for name, _ in parts], fontsize=7)
        axes.invert_yaxis()
        span = max(float(np.ptp([base, *starts, *ends])), 1e-6)
        axes.set_xlim(min(base, *starts, *ends) - 0.05 * span, max(base, *starts, *ends) + 0.15 * span)
        axes.set_xlabel(tongue(say("cases.axis", base=base, raw=float(ends[-1]))))
        return figure

    rows: list[tuple[Words | float, ...]] = [(say("cases.base"), base)]
    rows += [(name, value) for name, value in parts]
    rows.append((say("cases.raw"), float(base + sums.sum())))
    columns = [say("cases.concept"), say("cases.contribution")]
    name = say("cases.waterfall", kind=title)
    table = table_of(f"{kind}_waterfall", name, columns, rows, folded=True)
    return Picture(f"{kind}_waterfall", name, say("cases.waterfall_says"), draw, table)


def concept_name(concept: Concept) -> Words:
    """Code and the analyst's words of a concept, in the language of the page."""
    return say("cases.named", code=concept.code, zh=concept.analyst_zh, en=concept.analyst_en)
