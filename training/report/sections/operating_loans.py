"""Operating point of loans: tenths of the scores, grades, bad rate over approvals, and who changes sides."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from domain.decision import RiskGrade
from scoring.interval import difference
from scoring.pages.page import Block, Cell, Finding, Prose, Statistics, Table, table_of
from scoring.pages.status import Statistic, Status, not_assessed
from scoring.pages.words import Words, say
from training.approval import SwapSet, approval_curve, swap_set
from training.cutoffs import GRADES, grade_codes
from training.deciles import Band, breaks, deciles
from training.evaluation import Scored
from training.grade_reliability import GradeLine, grade_lines
from training.intervals import LEVEL, Interval, bootstrap
from training.proportion import jeffreys
from training.report.estimates import estimate, n_draws
from training.report.evidence import Evidence
from training.report.rival import rival_of
from training.report.sections.operating_pictures import approval_picture
from training.report.settings import ReportSettings

_SHARES = np.linspace(0.05, 1.0, 96)
_ROWS_OF_LINE = {True: 3_000, False: 12_000}

Built = tuple[list[Block], list[Words]]


def loan_blocks(evidence: Evidence, settings: ReportSettings, test: Scored) -> Built:
    """Statistics, tables and the curve of approvals, and the swap set."""
    n, n_events = len(test.y), int(test.y.sum())
    cutoffs = evidence.bundle.cutoffs
    bands = deciles(test.y, test.raw)
    curve = approval_curve(test.y, test.raw, _SHARES, n_draws(settings), evidence.settings.seed)
    lines = grade_lines(
        [each.value for each in RiskGrade], grade_codes(test.probability, cutoffs), test.y, test.probability
    )
    marks = {grade: _approved(test, cutoffs[grade]) for grade in GRADES}
    blocks: list[Block] = [
        Prose(say("operating_point.intro_loan", n=n, events=n_events)),
        Statistics(_statistics(evidence, settings, test, bands)),
        _bands_table(bands),
        _grades_table(lines, n),
    ]
    if _out_of_order(lines):
        blocks.append(Finding("not_rising", Status.AMBER, say("operating_point.not_rising")))
    shown = {grade: (share, rate) for grade, (share, rate) in marks.items() if np.isfinite(rate)}
    blocks.append(approval_picture(curve, shown, n_events / n))
    swapped, not_run = _swap(evidence, settings, test)
    return [*blocks, *swapped, Prose(say("operating_point.how_loan"), quiet=True)], not_run


def _out_of_order(lines: tuple[GradeLine, ...]) -> bool:
    """Whether a milder grade has the higher bad rate, beyond what chance explains."""
    seen = [line for line in lines if line.n]
    return any(
        difference(milder.n_events, milder.n, worse.n_events, worse.n, LEVEL)[0] > 0 for milder, worse in pairwise(seen)
    )


def _approved(test: Scored, cutoff: float) -> tuple[float, float]:
    """Share below a cut-off and its bad rate, NaN where nobody is."""
    mine = test.probability < cutoff
    return float(mine.mean()), float(test.y[mine].mean()) if mine.any() else float("nan")


def _figures(sums: np.ndarray) -> dict[str, float]:
    """Ratios of the weighted sums of `_columns`; NaN where a resample has nobody to count."""
    rows, bads, top, top_bads, below, below_bads = sums.tolist()
    if not (bads and top and below):
        return {"lift": math.nan, "capture": math.nan, "cut": math.nan}
    rate = bads / rows
    return {"lift": top_bads / top / rate, "capture": top_bads / bads, "cut": 1 - below_bads / below / rate}


def _columns(test: Scored, riskiest: Band, cutoff: float) -> np.ndarray:
    """What is summed, float64[n, 6]: rows, the riskiest tenth and those below the cut-off, each with its bads."""
    y = test.y.astype(np.float64)
    top, below = (test.raw >= riskiest.least).astype(np.float64), (test.probability < cutoff).astype(np.float64)
    return np.column_stack([np.ones(len(y)), y, top, top * y, below, below * y])


def _statistics(
    evidence: Evidence, settings: ReportSettings, test: Scored, bands: tuple[Band, ...]
) -> tuple[Statistic, ...]:
    """The riskiest tenth, the order of the tenths, and approvals below the frozen cut-off of warning."""
    columns = _columns(test, bands[0], evidence.bundle.cutoffs["warning"])
    sums = columns.sum(axis=0)
    whole, (approved, bad) = _figures(sums), (int(each) for each in sums[4:])
    spread = bootstrap(
        # Without BLAS, whose threads cost more here than they save.
        lambda counts: _figures(np.einsum("i,ij->j", counts.astype(np.float64), columns)),
        len(test.y),
        None,
        n_draws(settings),
        evidence.settings.seed,
    )
    share, rate = _share_between(approved, len(test.y)), _share_between(bad, approved)
    capture = say("operating_point.capture_note", share=bands[0].rows_so_far)
    order = say("operating_point.breaks_note", n=len(bands))
    told: dict[str, tuple[float, Interval | None, str, Words]] = {
        "top_decile_lift": (whole["lift"], spread["lift"], ".2f", ""),
        "top_decile_capture": (whole["capture"], spread["capture"], ".1%", capture),
        "decile_breaks": (float(breaks(bands)), None, ".0f", order),
        "approval_rate": (approved / len(test.y), share, ".1%", say("operating_point.approval_note")),
        "approved_bad_rate": (bad / approved if approved else math.nan, rate, ".2%", ""),
        "bad_rate_cut": (whole["cut"], spread["cut"], ".1%", ""),
    }
    return tuple(
        estimate(
            key, say(f"operating_point.{key}"), value, between,
            settings.limit(evidence.product, f"operating_point.{key}"), why=say("operating_point.nobody"),
            n=approved if key == "approved_bad_rate" else len(test.y),
            n_events=bad if key == "approved_bad_rate" else int(test.y.sum()), form=form, note=note,
        )
        for key, (value, between, form, note) in told.items()
    )  # fmt: skip


def _share_between(k: int, n: int) -> Interval | None:
    if not n:
        return None
    low, high = jeffreys(np.array([k]), np.array([n]))
    return Interval(float(low[0]), float(high[0]))


def _bands_table(bands: tuple[Band, ...]) -> Table:
    heads = ("decile", "rows", "bads", "bad_rate", "low", "high", "lift", "rows_so_far", "bads_so_far", "rate_so_far")
    rows: list[tuple[Cell, ...]] = [
        (place, each.n, each.n_events, each.rate, each.low, each.high, each.lift, each.rows_so_far,
         each.events_so_far, each.rate_so_far)
        for place, each in enumerate(bands, start=1)
    ]  # fmt: skip
    return table_of("deciles", say("operating_point.deciles"), [say(f"operating_point.{name}") for name in heads], rows)


def _grades_table(lines: tuple[GradeLine, ...], n: int) -> Table:
    heads = ("grade", "rows", "share", "bads", "bad_rate", "low", "high", "mean_probability")
    rows = [
        (say(f"operating_point.grade_{line.grade}"), line.n, line.n / n, line.n_events, line.observed, line.low,
         line.high, line.stated)
        for line in lines
    ]  # fmt: skip
    return table_of("bands", say("operating_point.bands"), [say(f"operating_point.{name}") for name in heads], rows)


def _swap(evidence: Evidence, settings: ReportSettings, test: Scored) -> Built:
    """Swapped in and out against the champion, or a logistic line, both approving as many as the frozen cut-off."""
    key, name = "swap_gain", say("operating_point.swap_gain")
    rival = rival_of(evidence, test, _ROWS_OF_LINE[settings.light])
    if rival is None:
        why = say("operating_point.no_rival")
        return [Statistics((not_assessed(key, name, why),))], [why]
    below = int((test.probability < evidence.bundle.cutoffs["warning"]).sum())
    approved = below if 0 < below < len(test.y) else len(test.y) // 2
    made = swap_set(test.y, test.raw, rival.raw, approved)
    against = say("operating_point.champion" if rival.champion else "operating_point.line")
    gain = estimate(
        key, name, made.gain, Interval(made.low, made.high),
        settings.limit(evidence.product, f"operating_point.{key}"), why=say("operating_point.nobody_swapped"),
        n=made.sides[1].n + made.sides[2].n, n_events=made.sides[1].n_events + made.sides[2].n_events,
        form="+.2%", note=say("operating_point.swap_note", rival=against),
    )  # fmt: skip
    not_run: list[Words] = [] if rival.champion else [say("operating_point.no_champion")]
    return [Statistics((gain,), say("operating_point.swap")), _swap_table(made, against)], not_run


def _swap_table(made: SwapSet, against: Words) -> Table:
    heads = ("side", "rows", "bads", "bad_rate", "low", "high")
    rows = [
        (say(f"operating_point.side_{side.name}"), side.n, side.n_events, side.rate if side.n else None,
         side.low if side.n else None, side.high if side.n else None)
        for side in made.sides
    ]  # fmt: skip
    title = say("operating_point.swap_title", rival=against, n=made.n_approved)
    return table_of("swap", title, [say(f"operating_point.{name}") for name in heads], rows)
