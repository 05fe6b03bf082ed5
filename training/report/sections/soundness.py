"""Why this algorithm, how its parameters were found, what it was made to obey, and what was rejected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scoring.pages.drawing import CALM, INK
from scoring.pages.meanings import meaning
from scoring.pages.page import Block, Cell, Facts, Picture, Prose, Section, Statistics, Table, table_of
from scoring.pages.status import Statistic, not_assessed
from scoring.pages.words import Tongue, Words, joined, say
from training.gates.monotone import declared_signs
from training.report.evidence import Evidence
from training.report.plan import Plan
from training.report.settings import ReportSettings
from training.search_table import chosen_trial, parameters

_ALTERNATIVES = 8
_CALIBRATORS = ("platt", "beta", "isotonic")


def build(evidence: Evidence, settings: ReportSettings) -> Section:
    """Algorithm, search, signs, imbalance, calibration, alternatives."""
    trials, course = evidence.frame("trials.csv"), evidence.frame("course.csv")
    optimism = _optimism(evidence, trials).held(settings.limit(evidence.product, "soundness.optimism"))
    blocks: list[Block] = [
        Prose(say("soundness.why")),
        Facts("algorithm", _algorithm(evidence), say("soundness.algorithm")),
        Facts("search", _search(evidence, trials), say("soundness.search")),
        Statistics((optimism,), say("soundness.statistics")),
        Prose(say("soundness.optimism_read"), quiet=True),
    ]
    if course is not None and course["value"].notna().any():
        blocks.append(_history(course, evidence.settings.objective))
    if trials is not None:
        blocks += [_parameters(evidence, trials), _alternatives(evidence, trials)]
    blocks.append(_signs(evidence))
    blocks += _calibrators(evidence)
    return Section("soundness", say("soundness.title"), tuple(blocks))


def _algorithm(evidence: Evidence) -> tuple[tuple[Words, Cell], ...]:
    about, settings, scorer = evidence.about, evidence.settings, evidence.bundle.scorer
    correction: Mapping[str, Any] = about.get("prior_correction") or {}
    imbalance = str(about.get("imbalance", "none"))
    rows: list[tuple[Words, Cell]] = [
        (say("soundness.family"), str(about.get("family", settings.family))),
        (say("soundness.trees"), scorer.n_trees),
        (say("soundness.features"), len(scorer.names)),
        (say("soundness.loss"), say(f"soundness.loss_{settings.loss}")),
        (say("soundness.bins"), settings.max_bin),
        (say("soundness.imbalance"), say(f"soundness.imbalance_{imbalance}")),
    ]
    if "beta" in correction:
        rows.append((say("soundness.beta"), f"{float(correction['beta']):.4g}"))
    constraints = settings.constraints
    interactions = constraints.interactions if isinstance(constraints.interactions, str) else "lists"
    return (
        *rows,
        (say("soundness.signs_asked"), len(declared_signs(evidence.bundle))),
        (say("soundness.method"), say(f"soundness.method_{constraints.method}")),
        (say("soundness.interactions"), say(f"soundness.interactions_{interactions}")),
        (say("soundness.calibration"), _calibrator(str(about.get("calibration", "")))),
    )


def _search(evidence: Evidence, trials: pd.DataFrame | None) -> tuple[tuple[Words, Cell], ...]:
    asked, objective = evidence.settings.search, say(f"discrimination.{evidence.settings.objective}")
    rows: list[tuple[Words, Cell]] = [
        (say("soundness.objective"), objective),
        (say("soundness.sampler"), say(f"soundness.sampler_{asked.method}")),
        (say("soundness.pruning"), say(f"soundness.pruning_{asked.pruning}")),
        (say("soundness.budget"), asked.trials),
        (say("soundness.seconds"), asked.seconds),
        (say("soundness.rounds"), int(evidence.about.get("rounds", 0))),
        (say("soundness.choice"), say("soundness.choice_is")),
    ]
    if trials is not None:
        counts = trials["state"].value_counts()
        states = joined(
            say("soundness.counted", state=meaning(str(state)), n=int(n)) for state, n in sorted(counts.items())
        )
        rows += [(say("soundness.states"), states), (say("soundness.spent"), float(trials["seconds"].sum()))]
    return tuple(row for row in rows if row[1] is not None)


def _figure(evidence: Evidence, name: str) -> Mapping[str, Any] | None:
    figures = (evidence.json("evaluation.json") or {}).get("figures", [])
    return next((each for each in figures if each["name"] == name and each["value"] is not None), None)


def _optimism(evidence: Evidence, trials: pd.DataFrame | None) -> Statistic:
    """The chosen trial's mean over folds less the same figure on the test."""
    objective = evidence.settings.objective
    name = say("soundness.optimism", objective=say(f"discrimination.{objective}"))
    chosen = None if trials is None else chosen_trial(trials, evidence.about.get("params") or {})
    test = _figure(evidence, objective)
    if trials is None or chosen is None:
        return not_assessed("optimism", name, say("soundness.no_trials"))
    if test is None:
        return not_assessed("optimism", name, say("soundness.no_figure"))
    searched = float(trials["value"].iloc[chosen])
    low, high = (None if test[side] is None else searched - float(test[side]) for side in ("high", "low"))
    note = say("soundness.optimism_of", searched=searched, test=float(test["value"]))
    return Statistic(
        "optimism", name, searched - float(test["value"]), low, high, n=test["n"], n_events=test["n_events"], note=note
    )


def _parameters(evidence: Evidence, trials: pd.DataFrame) -> Table:
    mattered = evidence.frame("importance.csv")
    shares = {} if mattered is None else dict(zip(mattered["param"], mattered["importance"], strict=True))
    rows: list[list[Cell]] = []
    for name, value in sorted((evidence.about.get("params") or {}).items()):
        tried = trials[name].dropna() if name in trials.columns else pd.Series(dtype=float)
        numeric = len(tried) and pd.api.types.is_numeric_dtype(tried)
        spread = f"{tried.min():.4g} … {tried.max():.4g}" if numeric else ", ".join(sorted({str(v) for v in tried}))
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        rows.append([name, shown, spread, f"{shares[name]:.0%}" if name in shares else None])
    heads = [say(f"soundness.{name}") for name in ("parameter", "chosen", "tried", "mattered")]
    return table_of("parameters", say("soundness.parameters"), heads, rows)


def _alternatives(evidence: Evidence, trials: pd.DataFrame) -> Table:
    """The best trials that were not chosen, and what they were short of."""
    place = chosen_trial(trials, evidence.about.get("params") or {})
    chosen = float("nan") if place is None else float(trials["value"].iloc[place])
    others = trials.drop(trials.index[[] if place is None else [place]]).sort_values("value", ascending=False)
    rows: list[list[Cell]] = []
    for _, trial in others.head(_ALTERNATIVES).iterrows():
        value = float(trial["value"])
        known = [f"{name} {trial[name]:.3g}" for name in parameters(trials) if isinstance(trial[name], (int, float))]
        rows.append(
            [
                int(trial["number"]), meaning(str(trial["state"])), None if np.isnan(value) else value,
                None if np.isnan(value - chosen) else f"{value - chosen:+.4f}", ", ".join(known),
            ]
        )  # fmt: skip
    heads = [say(f"soundness.{name}") for name in ("trial", "state", "value", "difference", "parameters")]
    return table_of("alternatives", say("soundness.alternatives"), heads, rows, folded=True)


def _signs(evidence: Evidence) -> Block:
    signs = declared_signs(evidence.bundle)
    if not signs:
        return Prose(say("soundness.no_signs"))
    rows = [
        [name, "+" if sign > 0 else "−", meaning(evidence.bundle.feature_set.feature(name).doc)]
        for name, sign in signs.items()
    ]
    heads = [say(f"soundness.{name}") for name in ("feature", "sign", "doc")]
    return table_of("signs", say("soundness.signs"), heads, rows, folded=True)


def _calibrators(evidence: Evidence) -> list[Block]:
    tried = evidence.frame("calibrators.csv")
    if tried is None or not len(tried):
        return [Prose(say("soundness.one_calibrator", kind=_calibrator(str(evidence.about.get("calibration", "")))))]
    heads = [say(f"soundness.{name}") for name in ("kind", "log_loss", "gain", "gain_error", "is_chosen", "note")]
    rows: list[list[Cell]] = [
        [
            _calibrator(str(line["kind"])),
            *(_number(line[name]) for name in ("log_loss", "gain", "gain_error")),
            say("soundness.yes") if line["chosen"] else "",
            "" if pd.isna(line["note"]) else meaning(str(line["note"])),
        ]
        for _, line in tried.iterrows()
    ]
    return [table_of("calibrators", say("soundness.calibrators"), heads, rows)]


def _calibrator(kind: str) -> Words:
    return say(f"calibration.{kind}") if kind in _CALIBRATORS else kind


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _history(course: pd.DataFrame, objective: str) -> Picture:
    number, value, best = (course[name].to_numpy(np.float64) for name in ("number", "value", "best"))
    rows: list[list[Cell]] = [
        [
            int(line["number"]),
            meaning(str(line["state"])),
            *(_number(line[each]) for each in ("value", "best")),
        ]
        for _, line in course.iterrows()
    ]
    heads = [say(f"soundness.{name}") for name in ("trial", "state", "value", "best")]
    table = table_of("history", say("soundness.history"), heads, rows, folded=True)

    def draw(tongue: Tongue) -> Any:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        figure = Figure(figsize=(7.0, 2.4), layout="constrained")
        axes = figure.subplots()
        axes.plot(number, value, "o", color=CALM, markersize=4, label=tongue(say("soundness.value")))
        axes.step(number, best, where="post", color=INK, linewidth=1.2, label=tongue(say("soundness.best")))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_xlim(float(number.min()) - 0.5, float(number.max()) + 0.5)
        axes.margins(y=0.12)
        axes.set_xlabel(tongue(say("soundness.trial")))
        axes.set_ylabel(tongue(say(f"discrimination.{objective}")))
        axes.legend(frameon=False, loc="lower right")
        return figure

    return Picture("history", say("soundness.history"), say("soundness.history_described"), draw, table)


SECTION = Plan(80, "soundness", build)
