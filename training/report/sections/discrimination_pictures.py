"""Pictures of discrimination: curves over all cut-offs, the scores of both classes, and the AUC over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scoring.pages.drawing import CALM, FAINT, INK, RISK, canvas, percent, whiskers
from scoring.pages.page import Picture, table_of
from scoring.pages.status import Statistic
from scoring.pages.words import Say, Tongue, say
from training.curves import class_shares, precision_recall, roc
from training.delong import Auc
from training.evaluation import Scored
from training.report.evidence import TEST, TRAIN

_SHOWN = (0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50)
_LINES = {"train": (FAINT, ":"), "calibration": (CALM, "--"), "test": (RISK, "-")}


def curves_picture(scored: Mapping[str, Scored]) -> Picture:
    """ROC of the three parts beside precision and recall of the test."""
    known = {part: each for part, each in scored.items() if 0 < each.y.sum() < len(each.y)}
    traced = {part: roc(each.y, each.raw) for part, each in known.items()}
    test = scored[TEST]
    recall, precision = precision_recall(test.y, test.raw)
    prevalence = float(test.y.mean())

    def draw(tongue: Tongue) -> Any:
        figure, (left, right) = canvas(3.4, 2)
        left.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
        for part, (false, true) in traced.items():
            colour, line = _LINES[part]
            label = tongue(say(f"discrimination.part_{part}"))
            left.plot(
                false,
                true,
                color=INK if part == TRAIN else colour,
                linestyle=line,
                linewidth=1.6 if part == TEST else 1.0,
                label=label,
            )
        left.set(
            xlim=(0, 1),
            ylim=(0, 1.01),
            title=tongue(say("discrimination.roc")),
            xlabel=tongue(say("discrimination.false_share")),
            ylabel=tongue(say("discrimination.recall")),
        )
        left.legend(loc="lower right", frameon=False, fontsize=8)
        right.plot(recall, precision, color=RISK, linewidth=1.6)
        right.axhline(
            prevalence,
            color=INK,
            linewidth=0.8,
            linestyle="--",
            label=tongue(say("discrimination.prevalence_line", share=prevalence)),
        )
        right.set(
            xlim=(0, 1),
            ylim=(0, 1.02),
            title=tongue(say("discrimination.pr")),
            xlabel=tongue(say("discrimination.recall")),
            ylabel=tongue(say("discrimination.precision")),
        )
        right.legend(loc="upper right", frameon=False, fontsize=8)
        for axis in (left.xaxis, left.yaxis, right.xaxis, right.yaxis):
            percent(axis)
        return figure

    rows = [(share, *_at(test, share)) for share in _SHOWN]
    columns = [say(f"discrimination.{name}") for name in ("top_share", "rows", "precision", "recall", "false_share")]
    table = table_of("curves", say("discrimination.curves_table"), columns, rows, folded=True)
    said = say("discrimination.curves_said", prevalence=prevalence)
    return Picture("curves", say("discrimination.curves"), said, draw, table)


def _at(test: Scored, share: float) -> tuple[int, float, float, float]:
    """Rows, precision, recall and false share among the highest scores."""
    k = max(1, round(share * len(test.y)))
    hits = int(test.y[np.argsort(-test.raw, kind="stable")[:k]].sum())
    events = int(test.y.sum())
    return k, hits / k, hits / events, (k - hits) / (len(test.y) - events)


def scores_picture(test: Scored) -> Picture:
    """Share of each class over the raw score."""
    edges, negative, positive = class_shares(test.y, test.raw)

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(2.8)
        axes.stairs(negative, edges, color=CALM, linewidth=1.4, fill=True, alpha=0.25)
        axes.stairs(negative, edges, color=CALM, linewidth=1.4, label=tongue(say("discrimination.negatives")))
        axes.stairs(
            positive, edges, color=RISK, linewidth=1.6, linestyle="--", label=tongue(say("discrimination.positives"))
        )
        axes.set(xlabel=tongue(say("discrimination.raw_score")), ylabel=tongue(say("discrimination.class_share")))
        percent(axes.yaxis)
        axes.legend(frameon=False, fontsize=8)
        return figure

    columns = [say(f"discrimination.{name}") for name in ("from", "upto", "negatives", "positives")]
    rows = zip(edges[:-1].tolist(), edges[1:].tolist(), negative.tolist(), positive.tolist(), strict=True)
    table = table_of("scores", say("discrimination.scores_table"), columns, rows, folded=True)
    return Picture("scores", say("discrimination.scores"), say("discrimination.scores_said"), draw, table)


def periods_picture(names: Sequence[str], periods: Sequence[Auc | None], whole: Statistic, unit: Say) -> Picture:
    """AUC of each period of the test; None where it has too few of a class."""
    value, low, high = (
        np.array([np.nan if each is None else getattr(each, name) for each in periods])
        for name in ("value", "low", "high")
    )

    def draw(tongue: Tongue) -> Any:
        figure, axes = canvas(2.6)
        place = np.arange(len(names), dtype=np.float64)
        if whole.low is not None and whole.high is not None:
            axes.axhspan(whole.low, whole.high, color=FAINT, alpha=0.35, linewidth=0)
        axes.axhline(whole.value, color=CALM, linewidth=1.0, linestyle="--", label=tongue(say("discrimination.whole")))
        whiskers(axes, place, low, high, color=INK, linewidth=1.2)
        axes.plot(place, value, "o", color=RISK, markersize=5, zorder=3)
        axes.set_xticks(place, names)
        axes.tick_params(axis="x", labelrotation=30 if len(names) > 7 else 0, labelsize=8)
        axes.set(ylabel=tongue(say("discrimination.auc")), xlabel=tongue(unit))
        axes.legend(frameon=False, fontsize=8, loc="lower right")
        return figure

    columns = [unit, *(say(f"discrimination.{name}") for name in ("rows", "events", "auc", "low", "high"))]
    rows = [
        (name, *((None,) * 5 if each is None else (each.n, each.n_events, each.value, each.low, each.high)))
        for name, each in zip(names, periods, strict=True)
    ]
    table = table_of("auc_periods", say("discrimination.periods"), columns, rows, folded=True)
    return Picture("auc_periods", say("discrimination.periods"), say("discrimination.periods_said"), draw, table)
